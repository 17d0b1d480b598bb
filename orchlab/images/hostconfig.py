"""The host's package mirrors as files that a build can be given as secrets.

They are written with mode 0600 below the state directory and stay there, so that
an echoed build command can be pasted.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from orchlab.engine import host
from orchlab.paths import state_dir

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""Where Debian keeps its archive keys, on the host and in every image."""

CA_IN_BUILD = "/run/secrets/ca"
PIP_KEYS = ("index-url", "extra-index-url", "trusted-host")


def ca_bundle() -> Path | None:
    """The host's CA bundle, None if it has none."""
    return host.ca_bundle()


def sources_list(suite: str) -> Path | None:
    """Sources for apt: a Debian suite on the host's mirror.

    None if the host names no mirror: the image's own sources are then in force.
    """
    mirror = host.debian_mirror()
    if not mirror:
        return None
    signed = f"[signed-by={KEYRING}]"
    lines = [f"deb {signed} {mirror} {name} main" for name in (suite, f"{suite}-updates")]
    return _secret(f"sources-{suite}.list", "\n".join(lines) + "\n")


def pip_conf() -> Path:
    """A ``pip.conf`` for builds: the host's indexes, and the CA bundle in a build."""
    settings = pip_settings(pip_files(os.environ, Path.home()), os.environ)
    if ca_bundle():
        settings = {**settings, "cert": CA_IN_BUILD}
    return _secret("pip.conf", render_pip(settings))


def pip_files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Configuration files of pip in rising order of precedence."""
    xdg = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf"]
    files.append(xdg / "pip/pip.conf")
    if environ.get("VIRTUAL_ENV"):
        files.append(Path(environ["VIRTUAL_ENV"]) / "pip.conf")
    if environ.get("PIP_CONFIG_FILE"):
        files.append(Path(environ["PIP_CONFIG_FILE"]))
    return files


def pip_settings(files: Iterable[Path], environ: Mapping[str, str]) -> dict[str, str]:
    """The index settings in force, as pip itself would merge them.

    Later files override earlier ones, ``[install]`` overrides ``[global]``, and a
    ``PIP_*`` variable overrides both. Files that do not exist count as empty.
    """
    parser = configparser.RawConfigParser()
    parser.read(files, encoding="utf-8")
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= {key: value for key, value in parser.items(section) if key in PIP_KEYS}
    variables = {key: environ.get(f"PIP_{key.upper().replace('-', '_')}", "") for key in PIP_KEYS}
    return found | {key: value for key, value in variables.items() if value}


def render_pip(settings: Mapping[str, str]) -> str:
    """The text of a ``pip.conf``; values of several lines stay one setting."""
    folded = {key: "\n    ".join(value.split()) for key, value in settings.items()}
    lines = [f"{key} = {value}" for key, value in folded.items()]
    return "\n".join(["[global]", *lines, ""])


def _secret(name: str, content: str) -> Path:
    """Write a file that only its owner can read; an unchanged one is left alone."""
    path = state_dir() / "build-secrets" / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists() or path.read_text() != content:
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(content)
        partial.replace(path)
    return path
