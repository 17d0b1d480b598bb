"""The file in which somebody describes an app: read, checked, and found again in a run's plan.

Apart from ``apps``, which every task loads: pydantic takes longer to load than most of them work.
"""

from __future__ import annotations

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

from orchlab.apps import LABS_OWN, App, Identity
from orchlab.errors import UsageError

EXPLAINED = "docs/own-app.md explains the file, tests/own/app.yaml is one"
RESERVED = {
    *("API_KEY_FILE", "APP_VERSION", "CONFIG_FILE", "FAULTS_ENABLED"),
    *("NODE_NAME", "REDIS_URL", "TMPDIR"),
}
"""Variables that the lab gives to every app."""

Route = Annotated[str, Field(pattern=r"^/[\w./~%-]*$")]
Place = Annotated[str, Field(pattern=r"^(/[\w.-]+)+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Identity(_Strict):
    path: Route
    field: str = ""


class _File(_Strict):
    """The fields of an ``App``, and what may stand in them."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    image: str = Field(default="", pattern=r"^[\w./:@-]*$")
    build: DirectoryPath | None = None
    port: int = Field(ge=1, le=65535)
    health: Route
    identity: _Identity | None = None
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
    def _from_somewhere(self) -> _File:
        if bool(self.image) == bool(self.build):
            raise ValueError("give either image or build")
        return self


def checked(given: object) -> App:
    """The app with these fields; raises pydantic's ``ValidationError``, a ``ValueError``."""
    fields = _File.model_validate(given).model_dump()
    identity = fields.pop("identity")
    return App(**fields, identity=identity and Identity(**identity))


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
        return checked(given)
    except ValidationError as error:
        raise UsageError(f"{path}: {_first(error)}", EXPLAINED) from None


def of_plan(plan: dict[str, Any]) -> App:
    """The app of a run that goes on; raises ``UsageError`` if it has changed since."""
    if "app" not in plan:
        return LABS_OWN
    described = {key: value for key, value in plan["app"].items() if key != "fingerprint"}
    try:
        app = checked(described)
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
