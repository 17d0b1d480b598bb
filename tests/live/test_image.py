"""The app's image, as the engine has it. Every search is tried on something that it must find."""

from __future__ import annotations

import gzip
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from orchlab import labels, paths, shell
from orchlab.images import buildx, hostconfig, rebuild
from orchlab.images.layers import Layer, total
from orchlab.images.store import Image, ImageStore
from orchlab.wait import wait_until

USER = "10001"
LOCKED = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
COMPILERS = ("gcc", "cc", "c++", "g++", "clang", "tcc", "as", "ld", "make", "go", "rustc")
CANARY = "canary-5d0f6b1c"
"""No secret and no part of one: a word that can only come out of the build's secrets."""

TAG = f"orchlab/test-image:{labels.LAB}"
GZIP = b"\x1f\x8b"


@pytest.fixture(scope="module")
def app(images: ImageStore) -> Image:
    """The app's image out of the checkout."""
    return images.app()


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A copy of the app's build context."""
    return Path(shutil.copytree(paths.APP, tmp_path / "app"))


def run(image: str, *argv: str, flags: tuple[str, ...] = ()) -> str:
    """What a command says in a container that goes away after it."""
    command = ["docker", "run", "--rm", *labels.flags(), *flags, "--entrypoint", argv[0], image]
    return shell.run([*command, *argv[1:]])


@contextmanager
def built(images: ImageStore, context: Path) -> Iterator[str]:
    """An image of ``context`` that is removed afterwards."""
    try:
        buildx.build(context, TAG, {"PYTHON_IMAGE": images.ensure("python").reference})
        yield TAG
    finally:
        shell.run(["docker", "image", "rm", "--force", TAG])


def test_it_never_runs_as_root(app: Image) -> None:
    """User and group are numbers other than root's, without privileges to gain."""
    assert run(app.reference, "id", "-u", flags=LOCKED).strip() == USER
    assert run(app.reference, "id", "-g", flags=LOCKED).strip() == USER
    inspect = ["docker", "image", "inspect", "--format={{.Config.User}}", app.reference]
    assert shell.run(inspect).strip() == f"{USER}:{USER}"


def test_it_holds_no_compiler_and_no_pip(app: Image) -> None:
    """No compiler is on the path, and the app's Python has no pip."""
    search = f"for each in python3 {' '.join(COMPILERS)}; do command -v $each || true; done"
    assert run(app.reference, "sh", "-c", search).split() == ["/venv/bin/python3"]
    known = "import importlib.util as u; print(bool(u.find_spec('app')), u.find_spec('pip'))"
    assert run(app.reference, "python3", "-c", known).split() == ["True", "None"]


def test_it_serves_with_everything_locked(app: Image) -> None:
    """Read-only, without capabilities and with an empty volume it serves and can write its data."""
    flags = [*labels.flags(), *LOCKED, "--detach", "--publish=127.0.0.1::8000"]
    name, volume = f"{labels.LAB}-locked", f"{labels.LAB}-locked-data"
    shell.run(["docker", "volume", "create", *labels.flags(), volume])
    try:
        shell.run(
            ["docker", "run", *flags, f"--name={name}", f"--volume={volume}:/data", app.reference]
        )
        address = shell.run(["docker", "port", name, "8000/tcp"]).split()[0]
        wait_until("/health answers", lambda: alive(f"http://{address}/health"), timeout=30)
        shell.run(["docker", "exec", name, "touch", "/data/written"])
        assert refused(name, "/srv/written")
    finally:
        shell.run(["docker", "rm", "--force", "--volumes", name])
        shell.run(["docker", "volume", "rm", volume])


def alive(url: str) -> bool:
    """Whether the app answers there."""
    try:
        return requests.get(url, timeout=2).json() == {"status": "alive"}
    except requests.RequestException:
        return False


def refused(container: str, path: str) -> bool:
    """Whether a file cannot be made there."""
    script = f"touch {path} 2>/dev/null && echo made || echo refused"
    return shell.run(["docker", "exec", container, "sh", "-c", script]).strip() == "refused"


def test_its_labels_say_what_it_is(app: Image) -> None:
    """Title, licence, version and commit are there as the OCI names them."""
    inspect = ["docker", "image", "inspect", "--format={{json .Config.Labels}}", app.reference]
    said = dict(re.findall(r'"org\.opencontainers\.image\.(\w+)":"([^"]*)"', shell.run(inspect)))
    assert set(said) == {"title", "description", "licenses", "version", "revision"}
    assert all(said.values())
    assert said["version"] == "1"
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", said["revision"])


def test_the_context_is_only_what_the_image_needs(images: ImageStore, context: Path) -> None:
    """Of all that may lie in app/ a build sees the code and the list of dependencies."""
    for stray in (".env", "notes.txt", ".venv/x.py", "__pycache__/main.pyc", ".git/config"):
        (context / stray).parent.mkdir(exist_ok=True)
        (context / stray).write_text("x")
    (context / "Dockerfile").write_text("ARG PYTHON_IMAGE\nFROM $PYTHON_IMAGE\nCOPY . /seen\n")
    with built(images, context) as image:
        seen = run(image, "find", "/seen", "-type", "f", "-printf", "%P\n").split()
    code = {path.name for path in paths.APP.glob("*.py")}
    assert set(seen) == code | {"requirements.txt"}


def test_a_changed_line_moves_nothing_but_code(images: ImageStore) -> None:
    """After a changed line one layer of at most 1 MB is new, and it is the code."""
    measured = rebuild.ours(images)
    assert [layer.part for layer in measured.changed] == ["code"]
    assert 0 < total(measured.changed) < 1_000_000
    assert dependencies(measured.after) == dependencies(measured.before) != []


def dependencies(layers: list[Layer]) -> list[str]:
    """Digests of what was installed."""
    return [layer.digest for layer in layers if layer.part == "dependencies"]


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Builds get the host's secrets with the canary in each."""
    for name, path in (("pip_conf", hostconfig.pip_conf()), ("ca_bundle", hostconfig.ca_bundle())):
        marked = tmp_path / name
        marked.write_text(f"{path.read_text() if path else ''}\n# {CANARY}\n")
        monkeypatch.setattr(hostconfig, name, lambda marked=marked: marked)


def holds_canary(image: str, scratch: Path) -> list[str]:
    """Where the canary is: in the image's history, configuration or any of its layers."""
    archive = scratch / "image.tar"
    shell.run(["docker", "image", "save", f"--output={archive}", image])
    history = shell.run(["docker", "history", "--no-trunc", "--format=json", image])
    found = ["history"] if CANARY in history else []
    with tarfile.open(archive) as tar:
        for member in filter(tarfile.TarInfo.isfile, tar):
            stream = tar.extractfile(member)
            content = stream.read() if stream else b""
            content = gzip.decompress(content) if content.startswith(GZIP) else content
            found += [member.name] if CANARY.encode() in content else []
    return found


@pytest.mark.usefixtures("canary")
def test_no_secret_of_the_build_is_in_the_image(
    images: ImageStore, context: Path, tmp_path: Path
) -> None:
    """The dependencies are installed with both secrets, and nothing of them stays."""
    with (context / "requirements.txt").open("a") as file:
        file.write(f"# installed anew: {tmp_path.name}\n")  # a secret is no part of the cache key
    there = "".join(f"grep -q canary /run/secrets/{name} || exit 1; " for name in ("ca", "pip"))
    dockerfile, install = context / "Dockerfile", "/pip/bin/pip "
    assert dockerfile.read_text().count(install) == 1
    dockerfile.write_text(dockerfile.read_text().replace(install, there + install))
    with built(images, context) as image:
        assert holds_canary(image, tmp_path) == []


@pytest.mark.usefixtures("canary")
def test_a_leaked_secret_would_be_found(images: ImageStore, context: Path, tmp_path: Path) -> None:
    """A build that copies a secret into a layer, or says it in its history, is caught."""
    leak = f"RUN --mount=type=secret,id=pip cp /run/secrets/pip /leaked # {tmp_path.name}"
    head = "ARG PYTHON_IMAGE\nFROM $PYTHON_IMAGE\n"
    (context / "Dockerfile").write_text(f"{head}{leak}\n")
    with built(images, context) as image:
        assert len(holds_canary(image, tmp_path)) == 1
    (context / "Dockerfile").write_text(f"{head}ENV TOKEN={CANARY}\n")
    with built(images, context) as image:
        assert "history" in holds_canary(image, tmp_path)
