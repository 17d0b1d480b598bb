"""The JSON Schemas that the package brings, for tests of what it writes."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from orchlab import results


def schema(name: str) -> Draft202012Validator:
    """The schema of ``run``, ``findings`` or ``row``."""
    text = Path(results.__file__).with_name("schema").joinpath(f"{name}.json").read_text()
    found = json.loads(text)
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def validate(run: Path) -> None:
    """Raise ``ValidationError`` unless all files of a judged run are as their schemas say."""
    for name in ("run", "findings"):
        schema(name).validate(results.read_json(run / f"{name}.json"))
    row = schema("row")
    for file in run.glob("*/*/*-*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            row.validate(json.loads(line))
