import configparser
import stat
from pathlib import Path

import pytest

from orchlab.engine import host
from orchlab.images import buildx, hostconfig

INDEX = "https://packages.example/simple"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any configuration, on a host without mirror and CA bundle."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(host, "ca_bundle", lambda: None)
    monkeypatch.setattr(host, "debian_mirror", lambda: "")
    return tmp_path


def write(path: Path, text: str) -> Path:
    """A file with that text."""
    path.write_text(text)
    return path


def test_without_configuration_there_are_no_settings(tmp_path: Path) -> None:
    """Pip's own defaults stay in force where the host sets nothing."""
    assert hostconfig.pip_settings([tmp_path / "missing"], {}) == {}


def test_later_files_sections_and_variables_win(tmp_path: Path) -> None:
    """Settings are merged in pip's order of precedence."""
    first = write(tmp_path / "a", "[global]\nindex-url = https://a\ntrusted-host = a\n")
    second = write(tmp_path / "b", "[global]\nindex-url = https://b\n")
    third = write(tmp_path / "c", "[install]\nindex-url = https://c\n")
    environ = {"PIP_INDEX_URL": INDEX}
    found = hostconfig.pip_settings([first, second], {})
    assert found == {"index-url": "https://b", "trusted-host": "a"}
    assert hostconfig.pip_settings([third, first], {})["index-url"] == "https://c"
    assert hostconfig.pip_settings([first, third], environ)["index-url"] == INDEX


def test_only_index_settings_are_taken(tmp_path: Path) -> None:
    """Paths and options that mean nothing inside a build stay on the host."""
    file = write(
        tmp_path / "pip.conf", "[global]\ncert = /host.pem\nfind-links = /w\ntimeout = 9\n"
    )
    assert hostconfig.pip_settings([file], {}) == {}


def test_percent_signs_are_taken_literally(tmp_path: Path) -> None:
    """A quoted password in an index address is not mistaken for a reference."""
    file = write(tmp_path / "pip.conf", "[global]\nindex-url = https://u:a%40b@host/simple\n")
    assert hostconfig.pip_settings([file], {})["index-url"] == "https://u:a%40b@host/simple"


def test_rendered_settings_read_back() -> None:
    """Several extra indexes stay one setting of several lines."""
    settings = {"index-url": INDEX, "extra-index-url": "https://a\nhttps://b"}
    parser = configparser.RawConfigParser()
    parser.read_string(hostconfig.render_pip(settings))
    assert parser["global"]["index-url"] == INDEX
    assert parser["global"]["extra-index-url"].split() == ["https://a", "https://b"]


def test_pip_conf_names_the_bundle_inside_the_build(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a CA bundle on the host, pip in a build is told where the secret is."""
    assert "cert" not in hostconfig.pip_conf().read_text()
    monkeypatch.setattr(host, "ca_bundle", lambda: home / "ca.pem")
    assert f"cert = {hostconfig.CA_IN_BUILD}" in hostconfig.pip_conf().read_text()


@pytest.mark.usefixtures("home")
def test_secrets_are_readable_by_their_owner_alone() -> None:
    """A file that may hold a password has mode 0600 in a directory of mode 0700."""
    path = hostconfig.pip_conf()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.usefixtures("home")
def test_sources_follow_the_hosts_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's mirror serves the suite and its updates; without one there is no file."""
    assert hostconfig.sources_list("trixie") is None
    monkeypatch.setattr(host, "debian_mirror", lambda: "https://mirror.example/debian/")
    path = hostconfig.sources_list("trixie")
    assert path is not None
    suites = [line.split()[3] for line in path.read_text().splitlines()]
    assert suites == ["trixie", "trixie-updates"]


def test_secret_values_stay_out_of_the_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build's arguments name files, never what is in them."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:hunter2@host/simple")
    flags = buildx.secret_flags()
    assert flags == [f"--secret=id=pip,src={home}/orchlab/build-secrets/pip.conf"]


def test_proxies_are_passed_by_name_unless_on_loopback() -> None:
    """A build gets the proxies that it can reach, and no value shows in the command."""
    environ = {"HTTP_PROXY": "http://user:pw@proxy:3128", "https_proxy": "http://127.0.0.1:8080"}
    assert buildx.proxy_flags(environ) == ["--build-arg=HTTP_PROXY"]
