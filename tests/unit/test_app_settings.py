from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.settings import BadSettings, Settings, load

SECRET = "hunter2"  # noqa: S105 - it opens nothing


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment in which only the data directory is set."""
    for name in (*Settings.model_fields, "database_url"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))


def test_defaults_need_no_environment() -> None:
    """With nothing set the app is the one that the manifests describe."""
    settings = load()
    assert str(settings.redis_url) == "redis://redis:6379/0"
    assert (settings.port, settings.drain_seconds, settings.app_version) == (8000, 3, "dev")
    assert (settings.file_limit_bytes, settings.faults_enabled) == (1024 * 1024, False)
    assert (settings.debug_mode, settings.config_file, settings.key) == (False, None, None)
    assert Settings.model_fields["data_dir"].default == Path("/data")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """``NODE_NAME=${NODE_NAME:-}`` in a manifest leaves the default in force."""
    for name in ("NODE_NAME", "PORT", "API_KEY", "API_KEY_FILE", "CONFIG_FILE", "REDIS_URL"):
        monkeypatch.setenv(name, "")
    settings = load()
    assert (settings.node_name, settings.port, settings.key) == ("local", 8000, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "http"),
        ("DRAIN_SECONDS", "-1"),
        ("DRAIN_SECONDS", "nan"),
        ("FILE_LIMIT_BYTES", "0"),
        ("DEBUG_MODE", "perhaps"),
        ("FAULTS_ENABLED", "2"),
        ("APP_VERSION", "1\r\nX-Evil: 1"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", f"http://:{SECRET}@redis"),
        ("REDIS_URL", f"redis://:{SECRET}@redis/zero"),
        ("REDIS_URL", f"redis://:{SECRET}@redis/0?tiemout=1"),
        ("REDIS_URL", f"redis://:{SECRET}@redis/0?socket_timeout=soon"),
        ("DATABASE_URL", f"postgres://me:{SECRET}@db/app"),
        ("DATA_DIR", "/nonexistent"),
        ("DATA_DIR", "/dev/null"),
        ("CONFIG_FILE", "/nonexistent/app.json"),
        ("API_KEY_FILE", f"/nonexistent/{SECRET}"),
        ("API_KEY_FILE", "/dev/null"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says which variable is wrong, and repeats nothing of its value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=rf"^wrong setting: {name}: [^\n;]+$") as caught:
        load()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_directory_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume that belongs to somebody else stops the start, not the first upload."""
    monkeypatch.setattr("app.settings.os.access", lambda *_: False)
    with pytest.raises(BadSettings, match=r"^wrong setting: DATA_DIR: this user cannot write"):
        load()


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to start again for each mistake."""
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("DRAIN_SECONDS", "x")
    with pytest.raises(BadSettings, match=r"DRAIN_SECONDS: .*; PORT: "):
        load()


def test_a_config_that_is_not_json_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A broken configuration file stops the start instead of the first request for it."""
    (tmp_path / "app.json").write_text("{")
    monkeypatch.setenv("CONFIG_FILE", str(tmp_path / "app.json"))
    with pytest.raises(BadSettings, match=r"^wrong setting: CONFIG_FILE: the file is not JSON$"):
        load()


def test_database_url_stands_in_for_redis_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Platforms that hand out DATABASE_URL are served; REDIS_URL has precedence."""
    monkeypatch.setenv("DATABASE_URL", "redis://first:6379/1")
    assert str(load().redis_url) == "redis://first:6379/1"
    monkeypatch.setenv("REDIS_URL", "redis://second:6379/2")
    assert str(load().redis_url) == "redis://second:6379/2"


def test_the_key_comes_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both ways give the same key; the newline at a file's end does not belong to it."""
    monkeypatch.setenv("API_KEY", SECRET)
    by_value = load().key
    monkeypatch.delenv("API_KEY")
    (tmp_path / "key").write_text(f"{SECRET}\n")
    monkeypatch.setenv("API_KEY_FILE", str(tmp_path / "key"))
    by_file = load().key
    assert by_value is not None
    assert by_file == by_value
    assert by_value.get_secret_value() == SECRET
    assert SECRET not in repr(load())


def test_two_keys_are_a_mistake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which of two keys counts is not guessed."""
    (tmp_path / "key").write_text(SECRET)
    monkeypatch.setenv("API_KEY", SECRET)
    monkeypatch.setenv("API_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(BadSettings, match=r"^wrong setting: API_KEY_FILE: .*API_KEY") as caught:
        load()
    assert SECRET not in str(caught.value)


def test_the_example_documents_every_variable_with_its_default(tmp_path: Path) -> None:
    """``.env.example`` and the settings name the same variables and the same defaults."""
    text = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    given = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    assert {name: _as_text(value) for name, value in defaults.items()} == given
    assert "DATABASE_URL" in text


def _as_text(value: object) -> str:
    """As one writes it in an environment file."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
