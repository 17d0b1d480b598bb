"""Probes of the host, against a faked host."""

from __future__ import annotations

import time
from email.message import Message
from pathlib import Path

import pytest

from orchlab import shell
from orchlab.engine import apt, host, limits
from orchlab.errors import HostUnfit


@pytest.mark.parametrize(("bits", "expected"), [("000001fffeffffff", False), ("1ffffffffff", True)])
def test_sys_resource_is_bit_24_of_the_bounding_set(bits: str, *, expected: bool) -> None:
    """The bounding set decides, as it limits what an engine can pass on."""
    status = f"Name:\tx\nCapEff:\t0\nCapBnd:\t{bits}\n"
    assert host.capability(host.CAP_SYS_RESOURCE, status) is expected


def test_named_ca_bundle_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bundle that the user names beats the system's, one that does not exist is passed over."""
    bundle = tmp_path / "company.pem"
    bundle.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    assert host.ca_bundle() == bundle


def test_mirror_is_the_one_that_has_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """The security archive is not the mirror, wherever it stands in the list."""
    found = (
        apt.Source("http://mirror.example/security/", "bookworm-security", ("main",)),
        apt.Source("http://mirror.example/debian/", "bookworm", ("main",)),
    )
    monkeypatch.setattr(apt, "sources", lambda: found)
    assert host.debian_mirror() == "http://mirror.example/debian/"


def test_no_debian_archive_means_no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host of another distribution has none to offer."""
    monkeypatch.setattr(apt, "sources", tuple)
    assert host.debian_mirror() == ""


def _headers(version: str) -> Message:
    headers = Message()
    headers["Docker-Distribution-Api-Version"] = version
    return headers


@pytest.mark.parametrize(
    ("status", "version", "expected"),
    [(200, "registry/2.0", True), (401, "registry/2.0", True), (403, "registry/2.0", False)],
)
def test_registry_greets_or_asks_for_a_token(status: int, version: str, *, expected: bool) -> None:
    """A refusal is no registry that one can pull from."""
    assert host._greets(status, _headers(version)) is expected  # noqa: SLF001 - pure core


def test_a_web_page_is_no_registry() -> None:
    """A captive portal answers everything, but not as a registry."""
    assert not host._greets(200, Message())  # noqa: SLF001 - pure core


def test_unreachable_registry_does_not_answer() -> None:
    """A refused connection is an answer: no."""
    assert not host.is_registry("https://127.0.0.1:9/v2/")


def test_slow_registry_counts_as_absent() -> None:
    """A look-up that hangs does not hold the user up."""
    started = time.monotonic()
    assert not host._within(0.05, lambda: time.sleep(1) is None)  # noqa: SLF001 - pure core
    assert time.monotonic() - started < 0.9


def test_ipvs_needs_no_modprobe_when_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A kernel with IPVS built in has no module to load."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net/ip_vs").touch()
    monkeypatch.setattr(host, "PROC", tmp_path)
    assert host.ipvs_available()
    assert host.ipvs_loadable()


def test_kernel_without_modules_has_no_ipvs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where nothing can be loaded, modprobe is not even called."""
    monkeypatch.setattr(host, "PROC", tmp_path)
    monkeypatch.setattr(shell, "run", lambda *_, **__: pytest.fail("called"))
    assert not host.ipvs_available()
    assert not host.ipvs_loadable()


def test_ipvs_is_loaded_on_demand_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Asking whether it could be loaded is a dry run."""
    called: list[tuple[str, ...]] = []
    (tmp_path / "modules").touch()
    monkeypatch.setattr(host, "PROC", tmp_path)
    monkeypatch.setattr(shell, "run", lambda argv, **_: called.append(tuple(argv[1:])))
    assert host.ipvs_loadable()
    assert called == [("--quiet", "--dry-run", "ip_vs")]


def test_first_build_needs_more_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ten free GB carry a run with existing images, but not a first build."""
    monkeypatch.setattr(limits, "free_gb", lambda _: 10.0)
    limits.require_disk(tmp_path, built=True)
    with pytest.raises(HostUnfit, match=r"10\.0 GB free .* 15 GB needed"):
        limits.require_disk(tmp_path, built=False)


def test_free_space_of_a_directory_to_come(tmp_path: Path) -> None:
    """A directory that does not exist yet counts by the file system it will be on."""
    assert limits.free_gb(tmp_path / "not" / "yet") > 0


def test_inotify_limit_is_raised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A low limit is raised, a higher one is left alone."""
    setting = tmp_path / "max_user_instances"
    monkeypatch.setattr(limits, "INOTIFY", setting)
    for before, after in ((128, 1024), (4096, 4096)):
        setting.write_text(str(before))
        limits.raise_inotify_instances()
        assert limits.inotify_instances() == after


def test_inotify_limit_that_cannot_be_raised_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the right to set it, the user is told the command."""
    monkeypatch.setattr(limits, "INOTIFY", tmp_path)  # a directory: neither read nor written
    limits.raise_inotify_instances()
    assert "sysctl fs.inotify.max_user_instances=1024" in capsys.readouterr().err
