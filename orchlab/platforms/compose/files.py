"""Files of this machine that containers mount: the API key and two configurations.

Compose hands files over as mounts, and the engine looks for them on its own host. For
an engine elsewhere they travel into a labelled volume, whose directory there is then
named as their place: so they are found, and removed, like everything else.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import NotFound

from orchlab import credentials, labels, shell
from orchlab.errors import OrchlabError
from orchlab.paths import STACKS
from orchlab.platforms.compose.stack import PLATFORM

if TYPE_CHECKING:
    from docker import DockerClient

EDGE_CONFIG = STACKS / "edge" / "haproxy.cfg"
APP_CONFIG = STACKS / "config" / "app.json"
INSIDE = "/files"
HASH_DIGITS = 12


def sources() -> dict[str, Path]:
    """Variable of the stack file -> file of this machine; makes the key if there is none."""
    return {
        "API_KEY_FILE": credentials.api_key_file(),
        "APP_CONFIG": APP_CONFIG,
        "EDGE_CONFIG": EDGE_CONFIG,
    }


def config_hash() -> str:
    """A short hash of the configurations: a mounted file that changed goes unnoticed else."""
    content = b"".join(path.read_bytes() for path in (APP_CONFIG, EDGE_CONFIG))
    return hashlib.sha256(content).hexdigest()[:HASH_DIGITS]


def volume() -> str:
    """Name of the volume with the files, on an engine elsewhere."""
    return f"{labels.LAB}_files"


def places(client: DockerClient) -> dict[str, str]:
    """Variable -> path on the engine's host; raises ``OrchlabError`` before ``ship``."""
    try:
        root = Path(client.volumes.get(volume()).attrs["Mountpoint"])
    except NotFound:
        hint = "`invoke compose-up` with the same --context brings them there"
        raise OrchlabError(f"the engine has no volume {volume()}", hint) from None
    return {variable: str(root / path.name) for variable, path in sources().items()}


def ship(image: str) -> None:
    """Copy the files to the engine's host, through a container of ``image`` that never runs."""
    carrier = f"{labels.LAB}-files"
    flags = labels.flags(PLATFORM)
    shell.run(["docker", "volume", "create", *flags, volume()])
    mount = f"--volume={volume()}:{INSIDE}"
    shell.run(["docker", "create", *flags, f"--name={carrier}", mount, image])
    try:
        for path in sources().values():
            shell.run(["docker", "cp", str(path), f"{carrier}:{INSIDE}/{path.name}"])
    finally:
        shell.run(["docker", "rm", carrier])


def remove(client: DockerClient) -> None:
    """Remove the files from the engine's host; idempotent."""
    try:
        client.volumes.get(volume()).remove()
    except NotFound:
        return
