"""Which stack files make a deployment, and the variables that they take from the lab."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from orchlab import credentials, paths
from orchlab.apps import LABS_OWN, App
from orchlab.names import pick
from orchlab.platforms.base import DEFAULTS, HARDENED

DataPath = Literal["mesh", "edge"]
"""mesh: virtual IP and routing mesh, by IPVS. edge: HAProxy on every node."""

DATA_PATHS: tuple[DataPath, ...] = ("mesh", "edge")
VARIANT_FILES = {DEFAULTS: "swarm.yaml", HARDENED: "swarm.hardened.yaml"}
VARIANT_LABEL = "orchlab.variant"
DATA_PATH_LABEL = "orchlab.data-path"
ENTRY_PORT_LABEL = "orchlab.entry-port"
"""Labels of the service: what is deployed is read back from it, never from a file."""

API_KEY = "api_key"
"""Name of the secret in the stack file, and of its file in the container."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deployment is made of; ``encrypted``: whether overlays are."""

    variant: str
    data_path: DataPath
    encrypted: bool = False
    app: App = LABS_OWN

    @property
    def files(self) -> list[Path]:
        """The stack files in the order in which they are merged."""
        names = [VARIANT_FILES[self.variant], f"swarm.{self.data_path}.yaml"]
        if self.encrypted:
            names.append("swarm.encrypted.yaml")
        return [paths.STACKS / name for name in names] + self.app.override(paths.lab_dir())

    def variables(self) -> dict[str, str]:
        """Where secrets are, and the hashes that go into the names of configs and secrets."""
        found: dict[str, str] = {}
        if self.data_path == "edge":
            found["EDGE_HASH"] = content_hash(paths.STACKS / "edge" / "haproxy.cfg")
            found["PORT_HASH"] = content_hash(paths.STACKS / "edge" / "port.cfg")
        if self.variant == HARDENED:
            key = credentials.api_key_file()
            found["API_KEY_FILE"] = str(key)
            found["API_KEY_HASH"] = content_hash(key)
            found["APP_CONFIG_HASH"] = content_hash(paths.STACKS / "config" / "app.json")
        return found


def data_path_named(name: str) -> DataPath | None:
    """The data path of that name, None for no name; raises ``UnknownName``."""
    if not name:
        return None
    pick("data path", name, DATA_PATHS)
    return cast("DataPath", name)


def content_hash(path: Path) -> str:
    """A short hash of a file, as part of an object's name: ``sha256sum FILE | cut -c1-12``."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
