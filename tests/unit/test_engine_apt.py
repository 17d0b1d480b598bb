"""What the host's package configuration is understood to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchlab.engine import apt

MIRROR = "http://mirror.example/debian/"
LISTING = """\
'http://mirror.example/debian/dists/bookworm/InRelease' a 0
'http://mirror.example/debian/dists/bookworm-updates/InRelease' b 0
'http://mirror.example/security/dists/bookworm-security/InRelease' c 0
'https://vendor.example/apt/dists/cloud-bookworm/InRelease' d 0
'http://mirror.example/debian/dists/bookworm/main/binary-arm64/Packages.xz' e 0
'http://mirror.example/debian/dists/bookworm/contrib/binary-arm64/Packages.xz' e 0
'http://mirror.example/debian/dists/bookworm-updates/main/binary-all/Packages.xz' f 0
'http://mirror.example/security/dists/bookworm-security/main/binary-arm64/Packages.xz' g 0
'https://vendor.example/apt/dists/cloud-bookworm/main/binary-arm64/Packages.xz' h 0
"""


def test_sources_are_read_from_what_apt_would_fetch() -> None:
    """Address, suite and components come from apt's own list, on any architecture."""
    first = apt.parse_sources(LISTING)[0]
    assert first == apt.Source(MIRROR, "bookworm", ("main", "contrib"))


def test_debian_suite_is_taken_from_the_hosts_own_mirrors() -> None:
    """Another release comes from the same mirrors, with its updates and security fixes."""
    found = apt.debian_sources("trixie", tuple(apt.parse_sources(LISTING)))
    assert [(source.uri, source.suite) for source in found] == [
        (MIRROR, "trixie"),
        (MIRROR, "trixie-updates"),
        ("http://mirror.example/security/", "trixie-security"),
    ]


@pytest.mark.parametrize("suite", ["stable", "oldstable", "testing", "sid", "trixie"])
def test_debian_is_known_under_every_name_of_a_release(suite: str) -> None:
    """A host may call its release by codename or by role."""
    own = (apt.Source(MIRROR, suite, ("main",)),)
    assert apt.debian_sources("trixie", own) == [apt.Source(MIRROR, "trixie", ("main",))]


def test_ubuntu_keeps_its_own_release() -> None:
    """An Ubuntu host uses its own suites and components and nothing of other vendors."""
    own = apt.Source("http://mirror.example/ubuntu/", "noble-updates", ("main", "universe"))
    other = apt.Source("https://vendor.example/", "noble-extras", ("main",))
    assert apt.ubuntu_sources("noble", (own, other)) == [own]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID=debian\nVERSION_CODENAME=bookworm\n", apt.Distribution("debian", "bookworm")),
        (
            'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME="noble"',
            apt.Distribution("ubuntu", "noble"),
        ),
        (
            'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble',
            apt.Distribution("ubuntu", "noble"),
        ),
        ("ID=fedora\n", apt.Distribution("", "")),
        ("", apt.Distribution("", "")),
    ],
)
def test_distribution_and_its_relatives(text: str, expected: apt.Distribution) -> None:
    """Derivatives count as the distribution whose packages they take."""
    assert apt.distribution(text) == expected


def test_private_apt_touches_no_system_file(tmp_path: Path) -> None:
    """Sources, lists and cache all lie below its own directory."""
    source = apt.Source(MIRROR, "trixie", ("main",))
    private = apt.PrivateApt(tmp_path, [source], Path("/keys/archive.gpg"))
    written = private.config.read_text()
    assert f'Dir::State::lists "{tmp_path}/lists/"' in written
    assert f'Dir::Cache "{tmp_path}/"' in written
    line = f"deb [signed-by=/keys/archive.gpg] {MIRROR} trixie main\n"
    assert (tmp_path / "sources.list").read_text() == line
