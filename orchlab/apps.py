"""The app that is measured: the lab's own, or one that somebody describes in a file.

Both are described in the same terms, so that stacks, manifests and experiments are the same
for both; docs/own-app.md explains the file, ``app_file`` reads it. All else that is special
about a foreign app is here:

===============  ============================================================
``App``          what platforms have to be told, and how it is asked
``variables``    the same for ``stacks/``
``patch``        the same for ``k8s/``
``Feature``      what an experiment may need of the app, and no other app has to have
===============  ============================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from orchlab import paths
from orchlab.images.fingerprint import of_text, of_tree


class Feature(StrEnum):
    """What an experiment needs of the app, beyond an answer on the health path."""

    IDENTITY = "an identity path"
    COUNTER = "the counter (/count)"
    WORK = "work on demand (/work)"
    TOOLS = "Python and a shell in its image"


@dataclass(frozen=True, slots=True)
class Identity:
    """Where a replica says which one it is: the host name of its container.

    ``field`` is that of a JSON object; without one the whole answer counts.
    """

    path: str
    field: str = ""

    def read(self, body: str) -> str:
        """Who answered; empty when the answer does not say."""
        if not self.field:
            return body.strip()
        try:
            found = json.loads(body)
        except ValueError:
            return ""
        return str(found.get(self.field, "")) if isinstance(found, dict) else ""


@dataclass(frozen=True, slots=True)
class App:
    """An app that answers HTTP. Either ``image`` or ``build``, a build context, is given.

    ``health`` answers 200 when the app can serve; ``volume`` is where a volume is mounted.
    """

    name: str
    port: int
    health: str
    image: str = ""
    build: Path | None = None
    identity: Identity | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    volume: str = "/data"

    @property
    def foreign(self) -> bool:
        """Whether it is somebody's and not the lab's own."""
        return self != LABS_OWN

    @property
    def features(self) -> frozenset[Feature]:
        """What experiments can ask of it."""
        if not self.foreign:
            return frozenset(Feature)
        return frozenset({Feature.IDENTITY} if self.identity else ())

    @property
    def asked(self) -> str:
        """The path that is probed: the identity where there is one, so that answers tell it."""
        return self.identity.path if self.identity else self.health

    def fingerprint(self) -> str:
        """A short word that changes with the description and with the build context."""
        described = json.dumps(self.described(), sort_keys=True)
        return of_text(described, of_tree(self.build) if self.build else "")

    def described(self) -> dict[str, Any]:
        """Its fields, JSON-ready."""
        return {**asdict(self), "build": str(self.build) if self.build else None}

    def variables(self) -> dict[str, str]:
        """Values for variables of ``stacks/``; none for the lab's own app: they are the defaults.

        Nothing is known of a foreign image's own health check, so no start waits for it.
        """
        if not self.foreign:
            return {}
        return {
            "APP_PORT": str(self.port),
            "APP_HEALTH": self.health,
            "APP_VOLUME": self.volume,
            "WEB_CONDITION": "service_started",
        }

    def override(self, directory: Path) -> list[Path]:
        """A stack file with the environment, written into ``directory``; none without any.

        No variable of a stack file can hold names. A dollar is written twice there.
        """
        if not self.environment:
            return []
        given = {name: value.replace("$", "$$") for name, value in self.environment.items()}
        path = directory / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump({"services": {"web": {"environment": given}}}))
        return [path]

    def patch(self, *, hardened: bool) -> list[dict[str, Any]]:
        """A JSON patch (RFC 6902) of the Deployment in ``k8s/``; empty for the lab's own app."""
        if not self.foreign:
            return []
        container = "/spec/template/spec/containers/0"
        values: dict[str, int | str] = {f"{container}/ports/0/containerPort": self.port}
        probes = ("readiness", "liveness", *(["startup"] if hardened else []))
        values |= {f"{container}/{probe}Probe/httpGet/path": self.health for probe in probes}
        given = {name: value.replace("$(", "$$(") for name, value in self.environment.items()}
        added = {"env": [{"name": name, "value": value} for name, value in given.items()]}
        if hardened and self.volume != LABS_OWN.volume:
            added["volumeMounts"] = [{"name": "data", "mountPath": self.volume}]
        return [{"op": "replace", "path": at, "value": value} for at, value in values.items()] + [
            {"op": "add", "path": f"{container}/{kind}/-", "value": each}
            for kind, found in added.items()
            for each in found
        ]


LABS_OWN = App(
    name="orchlab",
    build=paths.APP,
    port=8000,
    health="/ready",
    identity=Identity(path="/whoami", field="replica"),
)


def planned(app: App) -> dict[str, Any]:
    """What a run's plan says of a foreign app; nothing of the lab's own."""
    if not app.foreign:
        return {}
    return {"app": {**app.described(), "fingerprint": app.fingerprint()}}
