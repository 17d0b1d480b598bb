from __future__ import annotations

import hmac
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.unit.app_client import KEY, WITH_KEY, ask, settings

GUARDED = [
    ("GET", "/status"),
    ("POST", "/reset"),
    ("GET", "/config"),
    ("POST", "/fault/slow?ms=1"),
    ("POST", "/fault/leak?mib=1"),
    ("POST", "/fault/crash"),
    ("POST", "/fault/hang"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("sent", ["", "wrong", KEY[:-1], f"{KEY}x", KEY.upper()])
def test_without_the_right_key_nothing_is_done(
    method: str, path: str, sent: str, tmp_path: Path
) -> None:
    """A missing, wrong, shorter or longer key is a 401 problem that says what is asked for."""
    headers = {"X-API-Key": sent} if sent else {}
    answer = ask(settings(tmp_path, faults_enabled=True), method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "ApiKey"
    assert KEY not in answer.text


@pytest.mark.parametrize("sent", ["", KEY, "None"])
def test_where_no_key_is_configured_none_is_right(sent: str, tmp_path: Path) -> None:
    """Forgetting the key closes the guarded routes; it does not open them."""
    used = settings(tmp_path, api_key=None)
    assert ask(used, "GET", "/status", headers={"X-API-Key": sent}).status_code == 401


def test_the_key_comes_before_the_parameters(tmp_path: Path) -> None:
    """A stranger does not learn what a guarded route expects."""
    used = settings(tmp_path, faults_enabled=True)
    assert ask(used, "POST", "/fault/slow?ms=x").status_code == 401
    assert ask(used, "POST", "/fault/slow?ms=x", headers=WITH_KEY).status_code == 422


def test_a_key_may_be_any_text(tmp_path: Path) -> None:
    """The bytes on the wire are compared, so a key outside of ASCII works, too."""
    used = settings(tmp_path, api_key=SecretStr("schlüssel"))
    sent = {b"X-API-Key": "schlüssel".encode()}
    assert ask(used, "GET", "/status", headers=sent).status_code == 200


def test_the_comparison_takes_constant_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is compared by the function that is made for it, and by nothing else."""
    compared = []

    def spy(given: bytes, right: bytes) -> bool:
        compared.append((given, right))
        return hmac.compare_digest(given, right)

    monkeypatch.setattr("app.security.compare_digest", spy)
    used = settings(tmp_path)
    assert ask(used, "GET", "/status", headers={"X-API-Key": "wrong"}).status_code == 401
    assert ask(used, "GET", "/status", headers=WITH_KEY).status_code == 200
    assert compared == [(b"wrong", KEY.encode()), (KEY.encode(), KEY.encode())]
