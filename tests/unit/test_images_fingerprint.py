from pathlib import Path

import pytest

from orchlab.images.fingerprint import of_text, of_tree


def test_boundaries_of_words_count() -> None:
    """The same letters cut elsewhere are another fingerprint."""
    assert of_text("ab", "c") != of_text("a", "bc")


def test_ignored_files_do_not_count(tmp_path: Path) -> None:
    """What .dockerignore leaves out of the build does not change its fingerprint."""
    (tmp_path / ".dockerignore").write_text("# notes\n*\n!*.py\n")
    (tmp_path / "main.py").write_text("1")
    before = of_tree(tmp_path)
    (tmp_path / "notes.txt").write_text("2")
    assert of_tree(tmp_path) == before
    (tmp_path / "other.py").write_text("3")
    assert of_tree(tmp_path) != before


def test_compiled_python_does_not_count(tmp_path: Path) -> None:
    """Importing a module beside the Dockerfile does not cause a build."""
    (tmp_path / "main.py").write_text("1")
    before = of_tree(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "main.pyc").write_bytes(b"\0")
    assert of_tree(tmp_path) == before


def test_names_and_executable_bits_count(tmp_path: Path) -> None:
    """A renamed file and a file made executable are changes."""
    file = tmp_path / "run.sh"
    file.write_text("1")
    plain = of_tree(tmp_path)
    file.chmod(0o755)
    executable = of_tree(tmp_path)
    file.rename(tmp_path / "start.sh")
    assert len({plain, executable, of_tree(tmp_path)}) == 3


def test_a_missing_context_is_an_error(tmp_path: Path) -> None:
    """A build context that does not exist has no fingerprint."""
    with pytest.raises(FileNotFoundError):
        of_tree(tmp_path / "nowhere")
