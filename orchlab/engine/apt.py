"""What the host's apt says about its archives, and apt calls that change nothing else."""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchlab import shell
from orchlab.errors import CommandFailed

OS_RELEASE = Path("/etc/os-release")
KEYRINGS = Path("/usr/share/keyrings")
DEBIAN_SUITES = r"bookworm|trixie|forky|duke|sid|(old){0,2}stable|testing|unstable"

_RELEASE_FILE = re.compile(r"'(?P<uri>\S+?)/?dists/(?P<suite>\S+)/InRelease'")
_INDEX_FILE = re.compile(
    r"'(?P<uri>\S+?)/?dists/(?P<suite>\S+)/(?P<component>[^/\s]+)/binary-[^/]+/Packages\S*'"
)
_TO_INSTALL = re.compile(r"^Inst (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Distribution:
    """``family`` is "debian", "ubuntu" or "" (neither); ``codename`` its release."""

    family: str
    codename: str


@dataclass(frozen=True, slots=True)
class Source:
    """One archive of the host: its address, a suite of it and that suite's components."""

    uri: str
    suite: str
    components: tuple[str, ...]


def distribution(text: str | None = None) -> Distribution:
    """The host's distribution from os-release (or from ``text`` in that format)."""
    if text is None:
        text = OS_RELEASE.read_text(encoding="utf-8") if OS_RELEASE.exists() else ""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    values = {key: value.strip("\"'") for key, value in pairs}
    names = [values.get("ID", ""), *values.get("ID_LIKE", "").split()]
    codename = values.get("VERSION_CODENAME", "")
    if "ubuntu" in names:
        return Distribution("ubuntu", values.get("UBUNTU_CODENAME", codename))
    return Distribution("debian" if "debian" in names else "", codename)


def debian_like() -> bool:
    """Whether this is Debian, Ubuntu or a derivative, with its package tools."""
    return bool(distribution().family) and shutil.which("apt-get") is not None


def parse_sources(uris: str) -> list[Source]:
    """Sources in the order of ``apt-get update --print-uris``.

    Each ends in "/". That listing needs no package lists and no rights, so it
    also works on a machine that has never run an update.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for line in uris.splitlines():
        if match := _RELEASE_FILE.match(line):
            found.setdefault((f"{match['uri']}/", match["suite"]), [])
        elif match := _INDEX_FILE.match(line):
            components = found.setdefault((f"{match['uri']}/", match["suite"]), [])
            if match["component"] not in components:
                components.append(match["component"])
    return [Source(uri, suite, tuple(parts)) for (uri, suite), parts in found.items()]


@functools.cache
def sources() -> tuple[Source, ...]:
    """The host's own package sources; empty without apt."""
    if shutil.which("apt-get") is None:
        return ()
    try:
        listing = shell.run(["apt-get", "update", "--print-uris"], echo=False, timeout=30)
    except CommandFailed:
        return ()
    return tuple(parse_sources(listing))


def debian_sources(suite: str, available: tuple[Source, ...]) -> list[Source]:
    """``suite`` of each Debian archive that the host uses (updates and security too)."""
    pattern = re.compile(rf"(?:{DEBIAN_SUITES})(?P<pocket>-updates|-security|/updates)?")
    wanted: dict[Source, None] = {}
    for source in available:
        match = pattern.fullmatch(source.suite)
        if match and "main" in source.components:
            pocket = "-security" if match["pocket"] == "/updates" else match["pocket"] or ""
            wanted[Source(source.uri, f"{suite}{pocket}", ("main",))] = None
    return list(wanted)


def ubuntu_sources(codename: str, available: tuple[Source, ...]) -> list[Source]:
    """The host's own Ubuntu sources: its release and that release's pockets."""
    pattern = re.compile(rf"{re.escape(codename)}(-updates|-security)?")
    return [source for source in available if pattern.fullmatch(source.suite)]


def keyring(family: str) -> Path | None:
    """The archive's keyring as the host's packages installed it; None: apt's default."""
    path = KEYRINGS / f"{family}-archive-keyring.gpg"
    return path if path.exists() else None


class PrivateApt:
    """apt with its own sources, lists and cache; the host's proxy and CA settings apply."""

    def __init__(self, directory: Path, wanted: list[Source], signed_by: Path | None) -> None:
        self.directory = directory
        self.config = directory / "apt.conf"
        for part in ("lists/partial", "archives/partial"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        signed = f" [signed-by={signed_by}]" if signed_by else ""
        lines = [f"deb{signed} {s.uri} {s.suite} {' '.join(s.components)}" for s in wanted]
        (directory / "sources.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.config.write_text(self._settings(), encoding="utf-8")

    def _settings(self) -> str:
        here = self.directory
        return (
            f'Dir::Etc::sourcelist "{here}/sources.list";\n'
            'Dir::Etc::sourceparts "-";\n'
            'Dir::Etc::preferences "-";\n'
            'Dir::Etc::preferencesparts "-";\n'
            f'Dir::State::lists "{here}/lists/";\n'
            f'Dir::Cache "{here}/";\n'
            'APT::Sandbox::User "root";\n'
            'APT::Default-Release "";\n'
            'Acquire::Languages "none";\n'
            'Acquire::Retries "3";\n'
            "#clear APT::Update::Post-Invoke;\n"
            "#clear APT::Update::Post-Invoke-Success;\n"
        )

    def update(self) -> None:
        """Fetch the package lists. Raises ``CommandFailed``."""
        shell.run(["apt-get", "-c", self.config, "-q", "update"])

    def known(self) -> set[str]:
        """Names of all packages in those lists."""
        listing = shell.run(["apt-cache", "-c", self.config, "pkgnames"], echo=False)
        return set(listing.split())

    def needed(self, names: Sequence[str]) -> list[str]:
        """These packages and those that they need and the host lacks. Raises ``CommandFailed``."""
        argv = ["apt-get", "-c", str(self.config), "-s", "--no-install-recommends", "install"]
        return _TO_INSTALL.findall(shell.run([*argv, *names], echo=False))

    def download(self, names: list[str], into: Path) -> None:
        """Put these packages' files into a directory. Raises ``CommandFailed``."""
        shell.run(["apt-get", "-c", self.config, "-q", "download", *names], cwd=into)
