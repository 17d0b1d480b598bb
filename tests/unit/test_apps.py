"""Somebody's app: its file, and what becomes of it in stacks, manifests and images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchlab import app_file, apps, paths
from orchlab.apps import LABS_OWN, Feature, Identity
from orchlab.errors import UsageError
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.images import buildx, foreign
from orchlab.images.fingerprint import of_text
from orchlab.images.store import Image, version_of
from orchlab.platforms.compose.stack import FILES
from orchlab.platforms.k8s import release as k8s_release
from orchlab.platforms.swarm.files import Plan

EXAMPLE = paths.ROOT / "tests" / "own" / "app.yaml"
VALID = {"name": "shop", "image": "shop:1", "port": 8080, "health": "/up"}
SHOP = app_file.checked(
    VALID
    | {"identity": "/me", "environment": {"PRICE": "5$"}, "volume": "/srv/shop", "image": "shop:1"}
)


def written(tmp_path: Path, **fields: object) -> str:
    """A file with these fields instead of the valid ones; None leaves one out."""
    content = {key: value for key, value in {**VALID, **fields}.items() if value is not None}
    path = tmp_path / "app.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_the_example_is_what_its_own_files_say() -> None:
    """Port and paths are those of the program, the user and the volume those of the image."""
    app = app_file.read(str(EXAMPLE))
    source = (EXAMPLE.parent / "main.go").read_text()
    dockerfile = (EXAMPLE.parent / "Dockerfile").read_text()
    assert app.build == EXAMPLE.parent
    assert f'Addr: ":{app.port}"' in source
    assert app.identity is not None
    for route in (app.health, app.identity.path):
        assert f'HandleFunc("{route}"' in source
    assert f'"{app.identity.field}":' in source
    assert f"10001:10001 {app.volume} " in dockerfile
    assert "USER 10001" in dockerfile


def test_without_a_file_the_lab_s_own_app_is_meant() -> None:
    """It has every feature, and platforms are told nothing that is not in their files."""
    assert app_file.read("") == LABS_OWN
    assert LABS_OWN.features == set(Feature)
    assert (LABS_OWN.variables(), LABS_OWN.patch(hardened=True)) == ({}, [])
    assert apps.planned(LABS_OWN) == {}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"port": None}, "port: Field required"),
        ({"port": 0}, "port: Input should be greater than or equal to 1 (given: 0)"),
        ({"health": "up"}, "health: "),
        ({"helth": "/up"}, "helth: Extra inputs are not permitted"),
        ({"name": "My App"}, "name: "),
        ({"image": None}, "give either image or build"),
        ({"build": "."}, "give either image or build"),
        ({"image": None, "build": "nowhere"}, "build: "),
        ({"identity": {"path": "/me", "key": "x"}}, "identity.key: "),
        ({"environment": {"PORT": 80}}, "environment.PORT: Input should be a valid string"),
        ({"environment": {"REDIS_URL": "x"}}, "environment: REDIS_URL: the lab gives"),
        ({"volume": "data"}, "volume: "),
    ],
)
def test_a_mistake_is_one_line_that_names_the_field(
    tmp_path: Path, fields: dict[str, object], said: str
) -> None:
    """And the next one says where the fields are explained."""
    path = written(tmp_path, **fields)
    with pytest.raises(UsageError) as caught:
        app_file.read(path)
    assert caught.value.message.startswith(f"{path}: {said}")
    assert "\n" not in caught.value.message
    assert "docs/own-app.md" in caught.value.hint


@pytest.mark.parametrize("content", ["name: [", "- a\n- b\n", ""])
def test_what_is_no_description_is_refused_on_one_line(tmp_path: Path, content: str) -> None:
    """Not YAML, or YAML of something else."""
    path = tmp_path / "app.yaml"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        app_file.read(str(path))
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_there_is_named() -> None:
    """With the reason."""
    with pytest.raises(UsageError, match=r"nowhere\.yaml cannot be read: .*No such file"):
        app_file.read("nowhere.yaml")


@pytest.mark.parametrize(
    ("field", "body", "who"),
    [
        ("", " web-1\n", "web-1"),
        ("host", '{"host": "web-1"}', "web-1"),
        ("host", '{"name": "web-1"}', ""),
        ("host", "<html>", ""),
        ("host", "[1]", ""),
    ],
)
def test_an_answer_says_who_gave_it(field: str, body: str, who: str) -> None:
    """As a whole, or in a field of its object; any other answer says nothing."""
    assert Identity(path="/me", field=field).read(body) == who


def test_the_identity_is_what_is_probed_if_there_is_one() -> None:
    """Else the health path, and nobody knows who answered."""
    plain = app_file.checked(VALID)
    assert (SHOP.asked, plain.asked) == ("/me", "/up")
    assert (SHOP.features, plain.features) == ({Feature.IDENTITY}, frozenset())


def test_what_the_stacks_are_told_is_what_they_have_variables_for() -> None:
    """A misspelt one would silently leave the lab's own value in force."""
    files = [*FILES.values(), *paths.STACKS.glob("swarm*.yaml")]
    used = {name for file in files for name in re.findall(r"\$\{(\w+):", file.read_text())}
    given = SHOP.variables()
    assert given.keys() <= used
    assert (given["APP_PORT"], given["APP_HEALTH"]) == ("8080", "/up")
    assert given["APP_VOLUME"] == "/srv/shop"


def test_the_lab_s_own_app_is_the_default_of_every_variable() -> None:
    """What is described and what the files say is the same."""
    own = {"APP_PORT": "8000", "APP_HEALTH": "/ready", "APP_VOLUME": "/data"}
    assert own == {
        "APP_PORT": str(LABS_OWN.port),
        "APP_HEALTH": LABS_OWN.health,
        "APP_VOLUME": LABS_OWN.volume,
    }
    for file in [*FILES.values(), *paths.STACKS.glob("swarm*.yaml")]:
        for name, default in re.findall(r"\$\{(APP_[A-Z]+):-([^}]*)\}", file.read_text()):
            assert own.get(name, default) == default, f"{file.name} {name}"
    edge = (paths.STACKS / "edge" / "haproxy.cfg").read_text()
    assert dict(re.findall(r"\$\{(APP_\w+)-([^}]+)\}", edge)).items() <= own.items()


def test_the_environment_is_a_stack_file_of_its_own(tmp_path: Path) -> None:
    """A dollar of a value is none of a variable."""
    (path,) = SHOP.override(tmp_path)
    services = yaml.safe_load(path.read_text())["services"]
    assert services == {"web": {"environment": {"PRICE": "5$$"}}}
    assert app_file.checked(VALID).override(tmp_path) == []
    assert Plan("defaults", "mesh", app=SHOP).files[-1].name == "shop.yaml"


def deployment(variant: str) -> dict[str, Any]:
    """Container and pod as the base has them, with what the variant adds to its lists."""
    base, *overlay = reversed(k8s_release.declared(variant))
    (container,) = base["spec"]["template"]["spec"]["containers"]
    for each in overlay:
        (added,) = each["spec"]["template"]["spec"]["containers"]
        container["env"] += added["env"]
        container |= {key: added[key] for key in ("startupProbe", "volumeMounts")}
    return base


def patched(tree: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """The two operations of RFC 6902 that are used; raises ``KeyError`` for a path that is not."""
    for each in operations:
        *way, last = each["path"].split("/")[1:]
        place: Any = tree
        for key in way:
            place = place[int(key)] if isinstance(place, list) else place[key]
        if each["op"] == "add":
            assert last == "-"
            place.append(each["value"])
        else:
            assert last in place
            place[last] = each["value"]
    (container,) = tree["spec"]["template"]["spec"]["containers"]
    return dict(container)


@pytest.mark.parametrize("variant", ["defaults", "hardened"])
def test_a_patch_tells_the_deployment_all_that_differs(variant: str) -> None:
    """Port, every probe there is, environment, and the volume where there is one."""
    hardened = variant == "hardened"
    container = patched(deployment(variant), SHOP.patch(hardened=hardened))
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    probes = {key: value for key, value in container.items() if key.endswith("Probe")}
    assert {each["httpGet"]["path"] for each in probes.values()} == {"/up"}
    assert len(probes) == (3 if hardened else 2)
    assert {"name": "PRICE", "value": "5$"} in container["env"]
    if hardened:
        assert {"name": "data", "mountPath": "/srv/shop"} in container["volumeMounts"]


def test_a_release_of_somebody_s_app_has_its_patch(tmp_path: Path) -> None:
    """In the kustomization, for the Deployment alone; the lab's own has none."""
    images = {"orchlab/app": "r:5000/shop:1", "orchlab/redis": "r:5000/redis:8"}
    for app in (LABS_OWN, SHOP):
        k8s_release.write(tmp_path / app.name, images, 3, "defaults", app=app)
    own, shop = (
        yaml.safe_load((tmp_path / name / "kustomization.yaml").read_text())["patches"]
        for name in ("orchlab", "shop")
    )
    assert own == []
    assert shop == [{"target": {"kind": "Deployment", "name": "web"}, "path": "app.yaml"}]
    patch = yaml.safe_load((tmp_path / "shop" / "app.yaml").read_text())
    assert patch == SHOP.patch(hardened=False)


def test_every_feature_is_needed_by_some_experiment() -> None:
    """One that none needs would say nothing."""
    needed = {each for make in EXPERIMENTS.values() for each in make().needs}
    assert {each for each in needed if isinstance(each, Feature)} == set(Feature)


def test_the_experiments_that_ask_more_are_those_that_the_document_names() -> None:
    """With what they need; all others work with any app."""
    document = (paths.ROOT / "docs" / "own-app.md").read_text()
    table = document.partition("## What is not asked")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z-]+)`", table.partition("They are")[0]))
    assert named == {
        name
        for name, make in EXPERIMENTS.items()
        if any(isinstance(each, Feature) for each in make().needs)
    }


def test_a_run_goes_on_only_with_the_app_that_it_began_with(tmp_path: Path) -> None:
    """A build context that changed is another app."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    app = app_file.read(written(tmp_path, image=None, build="."))
    plan = apps.planned(app)
    assert app_file.of_plan(plan) == app
    assert app_file.of_plan({}) == LABS_OWN
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    with pytest.raises(UsageError, match="shop has changed"):
        app_file.of_plan(plan)


class FakeStore:
    """A test double of the image store; ``held`` are the engine's images."""

    def __init__(self, *held: str) -> None:
        self.held = set(held)

    def present(self, reference: str) -> Image | None:
        return Image(reference, f"sha256:{of_text(reference)}") if reference in self.held else None

    def require(self, reference: str) -> Image:
        image = self.present(reference)
        assert image, reference
        return image

    def ensure(self, name: str) -> Image:
        return Image(f"orchlab/{name}:1", "sha256:0")


def test_versions_of_an_image_differ_in_a_variable_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is built once on the same image, and its tag says which version it is."""
    store, done = FakeStore("shop:1"), []

    def build(_: Path, reference: str, arguments: dict[str, str]) -> None:
        done.append(arguments)
        store.held.add(reference)

    monkeypatch.setattr(buildx, "build", build)
    provided = [foreign.provide(SHOP, each, store) for each in ("1", "2", "1")]  # type: ignore[arg-type]
    assert [version_of(each.reference) for each in provided] == ["1", "2", "1"]
    assert done == [{"APP_IMAGE": "shop:1", "APP_VERSION": each} for each in ("1", "2")]


def test_a_build_context_is_built_on_the_lab_s_debian(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Once for both versions, and again when a file of it has changed."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    app = app_file.read(written(tmp_path, image=None, build="."))
    store, done = FakeStore(), []

    def build(context: Path, reference: str, _: dict[str, str]) -> None:
        done.append(context)
        store.held.add(reference)

    monkeypatch.setattr(buildx, "build", build)
    for version in ("1", "2"):
        foreign.provide(app, version, store)  # type: ignore[arg-type]
    assert done.count(tmp_path) == 1
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    foreign.provide(app, "1", store)  # type: ignore[arg-type]
    assert done.count(tmp_path) == 2
