from __future__ import annotations

import pytest

from app.settings import BadSettings, Settings, load


def test_defaults_need_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing set the app is the one that the manifests describe."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    settings = load()
    assert str(settings.redis_url) == "redis://redis:6379/0"
    assert (settings.port, settings.drain_seconds, settings.app_version) == (8000, 3, "dev")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """``NODE_NAME=${NODE_NAME:-}`` in a manifest leaves the default in force."""
    monkeypatch.setenv("NODE_NAME", "")
    monkeypatch.setenv("PORT", "")
    assert (load().node_name, load().port) == ("local", 8000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "http"),
        ("DRAIN_SECONDS", "-1"),
        ("DRAIN_SECONDS", "nan"),
        ("REDIS_URL", "localhost:6379"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says which variable is wrong."""
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=rf"^wrong setting: {name}: [^\n]+$"):
        load()


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to start again for each mistake."""
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("DRAIN_SECONDS", "x")
    with pytest.raises(BadSettings, match=r"DRAIN_SECONDS: .*; PORT: "):
        load()


def test_a_wrong_value_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL may hold a password, so no value reaches the log."""
    monkeypatch.setenv("REDIS_URL", "http://:hunter2@redis")
    with pytest.raises(BadSettings) as caught:
        load()
    assert "hunter2" not in str(caught.value)
