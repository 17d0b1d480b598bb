"""The app that is measured: the lab's own, or one that somebody describes in a file.

Both are described in the same terms, so that stacks, manifests and experiments are the same
for both; docs/own-app.md explains the file. All that is special about a foreign app is here:

===============  ============================================================
``App``          the file: what platforms have to be told, and how it is asked
``variables``    the same for ``stacks/``
``patch``        the same for ``k8s/``
``Feature``      what an experiment may need of the app, and no other app has to have
===============  ============================================================
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    DirectoryPath,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from orchlab import paths
from orchlab.errors import UsageError
from orchlab.images.fingerprint import of_text, of_tree

EXPLAINED = "docs/own-app.md explains the file, tests/own/app.yaml is one"
RESERVED = {
    *("API_KEY_FILE", "APP_VERSION", "CONFIG_FILE", "FAULTS_ENABLED"),
    *("NODE_NAME", "REDIS_URL", "TMPDIR"),
}
"""Variables that the lab gives to every app."""

Route = Annotated[str, Field(pattern=r"^/[\w./~%-]*$")]
Place = Annotated[str, Field(pattern=r"^(/[\w.-]+)+$")]


class Feature(StrEnum):
    """What an experiment needs of the app, beyond an answer on the health path."""

    IDENTITY = "an identity path"
    COUNTER = "the counter (/count)"
    WORK = "work on demand (/work)"
    TOOLS = "Python and a shell in its image"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Identity(_Strict):
    """Where a replica says which one it is: the host name of its container.

    ``field`` is that of a JSON object; without one the whole answer counts.
    """

    path: Route
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


class App(_Strict):
    """An app that answers HTTP. Either ``image`` or ``build``, a build context, is given.

    ``health`` answers 200 when the app can serve; ``volume`` is where a volume is mounted.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    image: str = Field(default="", pattern=r"^[\w./:@-]*$")
    build: DirectoryPath | None = None
    port: int = Field(ge=1, le=65535)
    health: Route
    identity: Identity | None = None
    environment: dict[str, str] = {}
    volume: Place = "/data"

    @field_validator("identity", mode="before")
    @classmethod
    def _bare_path(cls, given: object) -> object:
        return {"path": given} if isinstance(given, str) else given

    @field_validator("environment")
    @classmethod
    def _not_the_labs(cls, given: dict[str, str]) -> dict[str, str]:
        if taken := sorted(RESERVED & given.keys()):
            raise ValueError(f"{', '.join(taken)}: the lab gives every app its own")
        return given

    @model_validator(mode="after")
    def _from_somewhere(self) -> App:
        if bool(self.image) == bool(self.build):
            raise ValueError("give either image or build")
        return self

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
        return of_text(self.model_dump_json(), of_tree(self.build) if self.build else "")

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


LABS_OWN = App.model_construct(  # unchecked: nobody needs the directory to measure another one
    name="orchlab",
    build=paths.APP,
    port=8000,
    health="/ready",
    identity=Identity(path="/whoami", field="replica"),
)


def read(path: str) -> App:
    """The app that a file describes; the lab's own for no path.

    Raises ``UsageError`` that names the field which is wrong.
    """
    if not path:
        return LABS_OWN
    file = Path(path)
    try:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} cannot be read: {reason}", EXPLAINED) from None
    if isinstance(given, dict) and isinstance(given.get("build"), str):
        given = given | {"build": file.resolve().parent / given["build"]}
    try:
        return App.model_validate(given)
    except ValidationError as error:
        raise UsageError(f"{path}: {_first(error)}", EXPLAINED) from None


def planned(app: App) -> dict[str, Any]:
    """What a run's plan says of a foreign app; nothing of the lab's own."""
    if not app.foreign:
        return {}
    return {"app": {**app.model_dump(mode="json"), "fingerprint": app.fingerprint()}}


def of_plan(plan: dict[str, Any]) -> App:
    """The app of a run that goes on; raises ``UsageError`` if it has changed since."""
    if "app" not in plan:
        return LABS_OWN
    described = {key: value for key, value in plan["app"].items() if key != "fingerprint"}
    try:
        app = App.model_validate(described)
        if app.fingerprint() == plan["app"]["fingerprint"]:
            return app
    except ValidationError:
        pass
    hint = "start a new run with `invoke compare --app`"
    raise UsageError(f"the app {described['name']} has changed since the run began", hint)


def _first(error: ValidationError) -> str:
    """The first mistake, on one line: the field, what is wrong with it, and what was given."""
    found = error.errors(include_url=False)[0]
    field = ".".join(map(str, found["loc"]))
    given = f" (given: {found['input']})" if found["type"] not in ("missing", "value_error") else ""
    message = found["msg"].removeprefix("Value error, ")
    return f"{field}: {message}{given}" if field else message
