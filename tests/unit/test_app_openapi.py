from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.app_client import ask, settings

Json = dict[str, Any]
PROBLEM = "application/problem+json"
EVERYWHERE = {"X-Replica", "X-Version", "X-Request-ID"}


@pytest.fixture
def document(tmp_path: Path) -> Json:
    """The description of an app that offers everything."""
    return dict(ask(settings(tmp_path, faults_enabled=True), "GET", "/openapi.json").json())


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Each operation with a name like ``GET /count``."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_described(document: Json) -> None:
    """All that the app offers is there, with its problems, each with a text and a tag."""
    statuses = {name: set(each["responses"]) for name, each in operations(document)}
    guarded, bad, away = {"401"}, {"422"}, {"503"}
    assert statuses == {
        "GET /": {"200"},
        "GET /health": {"200"},
        "GET /ready": {"200"} | away,
        "GET /metrics": {"200"},
        "GET /whoami": {"200"},
        "GET /items/{item_id}": {"200"} | bad,
        "GET /count": {"200"} | away,
        "POST /count": {"200"} | away,
        "POST /reset": {"200"} | guarded | away,
        "GET /status": {"200"} | guarded,
        "GET /config": {"200", "404"} | guarded | away,
        "PUT /files/{name}": {"200", "201", "413"} | bad | away,
        "GET /files/{name}": {"200", "404"} | bad | away,
        "DELETE /files/{name}": {"204", "404"} | bad | away,
        "POST /work": {"200"} | bad | away,
        "POST /fault/crash": {"202"} | guarded,
        "POST /fault/hang": {"202"} | guarded,
        "POST /fault/slow": {"202"} | guarded | bad,
        "POST /fault/leak": {"202"} | guarded | bad,
    }
    assert all(each["description"] and each["tags"] for _, each in operations(document))


def test_faults_are_described_only_where_they_exist(tmp_path: Path) -> None:
    """The description says what this process offers, not what another could."""
    document = ask(settings(tmp_path), "GET", "/openapi.json").json()
    assert not [path for path in document["paths"] if path.startswith("/fault")]


def test_everything_has_an_example(document: Json) -> None:
    """Parameters, bodies and answers, problems among them, can be tried as they stand there."""
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["schema"].get("examples") or parameter.get("examples"), name
        answers = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media in (each for answer in answers for each in answer.get("content", {}).values()):
            assert "example" in media or exemplified(document, media["schema"]), name


def exemplified(document: Json, schema: Json) -> bool:
    """Whether each property has an example, or so few values that it needs none."""
    if "$ref" in schema:
        return exemplified(
            document, document["components"]["schemas"][schema["$ref"].split("/")[-1]]
        )
    if "properties" in schema:
        return all(exemplified(document, each) for each in schema["properties"].values())
    return bool(schema.get("examples")) or "const" in schema or schema.get("type") == "boolean"


def test_every_answer_says_which_headers_it_has(document: Json) -> None:
    """The headers of all answers, and those of some: when to come back, what is asked for."""
    special = {"503": {"Retry-After"}, "401": {"WWW-Authenticate"}}
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            assert set(answer["headers"]) == EVERYWHERE | special.get(status, set()), name


def test_problems_are_described_as_problems(document: Json) -> None:
    """Each error has the media type, the schema and an example of that very error."""
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "4":
                (media_type,) = answer["content"]
                assert media_type == PROBLEM, name
                assert answer["content"][PROBLEM]["example"]["status"] == int(status)
    for answer, status in (("NotFound", 404), ("MethodNotAllowed", 405)):
        described = document["components"]["responses"][answer]
        assert described["content"][PROBLEM]["example"]["status"] == status
    assert "Allow" in document["components"]["responses"]["MethodNotAllowed"]["headers"]


def test_the_key_is_described_where_it_is_needed(document: Json) -> None:
    """Exactly the guarded operations name the key's header."""
    assert document["components"]["securitySchemes"] == {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    }
    guarded = {name for name, each in operations(document) if each.get("security")}
    assert guarded == {name for name, each in operations(document) if "401" in each["responses"]}


def test_every_reference_leads_somewhere(document: Json) -> None:
    """No schema, header or answer is referred to that is not there."""

    def references(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in node if key == "$ref")
        children = (
            node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        )
        for child in children:
            yield from references(child)

    found = set(references(document))
    assert "#/components/schemas/Problem" in found
    for reference in found:
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target
