import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from docker.errors import APIError, ImageNotFound

from orchlab import labels, paths
from orchlab.engine import host
from orchlab.errors import CommandFailed, UnknownName, UsageError
from orchlab.images import buildx, catalogue, store
from orchlab.images.catalogue import Entry
from orchlab.images.store import ImageStore, Policy

BUILT = "orchlab/redis:f00d"
PULLED = "orchlab/redis:8"


@dataclass
class FakeImages:
    """An engine's images by reference; ``asked`` counts the questions."""

    tags: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    asked: int = 0

    def get(self, reference: str) -> SimpleNamespace:
        """The image, as the Docker SDK returns it."""
        self.asked += 1
        if reference not in self.tags and not reference.startswith("sha256:"):
            raise ImageNotFound(reference)
        return SimpleNamespace(id=f"sha256:{reference}", tag=self.tag)

    def tag(self, repository: str, tag: str) -> None:
        """Give an image one more reference."""
        self.tags.add(f"{repository}:{tag}")

    def list(self, filters: dict[str, list[str]]) -> list[SimpleNamespace]:
        """All images, if asked by this lab's label."""
        assert filters == labels.selector()
        return [SimpleNamespace(id="sha256:1", tags=sorted(self.tags))]

    def remove(self, reference: str) -> None:
        """Remove a reference unless a container uses it."""
        if reference in self.used:
            raise APIError("conflict", explanation="in use")
        self.tags.discard(reference)


@dataclass
class Bench:
    """A store on a fake engine, with a fake recipe and a fake registry."""

    images: FakeImages = field(default_factory=FakeImages)
    done: list[str] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)
    pull_fails: bool = False

    def store(self, policy: Policy) -> ImageStore:
        """A store with that policy."""
        store = ImageStore(policy)
        store.__dict__["client"] = SimpleNamespace(images=self.images)
        return store

    def build(self, reference: str, images: ImageStore) -> None:
        """The recipe's build."""
        assert isinstance(images, ImageStore)
        self.done.append("build")
        self.images.tags.add(reference)

    def fingerprint(self) -> str:
        """The recipe's fingerprint."""
        return "f00d"

    def buildx(
        self, context: Path, reference: str, arguments: dict[str, str], verb: str = "build"
    ) -> None:
        """Stand in for a build with BuildKit."""
        assert (context / "Dockerfile").is_file()
        self.done.append(verb)
        self.arguments = arguments
        if self.pull_fails and "PUBLIC" in arguments:
            raise CommandFailed(["docker"], 1, "denied")
        self.images.tags.add(reference)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    """A bench whose catalogue has redis and python, and no reachable registry."""
    bench = Bench()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(catalogue.CATALOGUE, "redis", Entry("redis:8", bench))
    monkeypatch.setitem(catalogue.CATALOGUE, "python", Entry("python:3", bench))
    monkeypatch.setattr(buildx, "build", bench.buildx)
    monkeypatch.setattr(host, "registry_answers", lambda: False)
    return bench


def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on a registry answers."""
    monkeypatch.setattr(host, "registry_answers", lambda: True)


@pytest.mark.parametrize("policy", ["auto", "build", "pull"])
def test_a_present_image_costs_at_most_two_questions(bench: Bench, policy: Policy) -> None:
    """What the engine already has is neither built nor pulled, nor is a registry asked."""
    bench.images.tags = {BUILT, PULLED}
    image = bench.store(policy).ensure("redis")
    assert image.reference == (PULLED if policy == "pull" else BUILT)
    assert (bench.images.asked, bench.done) == (1, [])


def test_auto_builds_where_no_registry_answers(bench: Bench) -> None:
    """Without a registry the recipe is used, under a tag with its fingerprint."""
    assert bench.store("auto").ensure("redis").reference == BUILT
    assert bench.done == ["build"]


def test_what_another_command_builds_is_awaited_and_not_built_again(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both need the image, and a build in the same places at the same time breaks both."""
    with ThreadPoolExecutor() as pool, paths.alone(store.place("redis")):
        waiting = pool.submit(bench.store("build").ensure, "redis")
        said = ""
        while "another command is bringing the image redis" not in said:
            said += capsys.readouterr().err
            time.sleep(0.01)
        bench.images.tags.add(BUILT)
    assert waiting.result().reference == BUILT
    assert bench.done == []


def test_auto_pulls_where_a_registry_answers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a registry the public image is used, under its public tag."""
    online(monkeypatch)
    assert bench.store("auto").ensure("redis").reference == PULLED
    assert bench.done == ["pull"]


def test_auto_builds_when_a_pull_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that answers but refuses does not stop the lab."""
    online(monkeypatch)
    bench.pull_fails = True
    assert bench.store("auto").ensure("redis").reference == BUILT


def test_build_never_pulls(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy build ignores both a registry and an image pulled earlier."""
    online(monkeypatch)
    bench.images.tags = {PULLED}
    assert bench.store("build").ensure("redis").reference == BUILT
    assert bench.done == ["build"]


def test_pull_never_builds(bench: Bench) -> None:
    """The policy pull fails with a hint where nothing can be pulled."""
    bench.pull_fails = True
    with pytest.raises(CommandFailed) as caught:
        bench.store("pull").ensure("redis")
    assert "--images build" in caught.value.hint
    assert bench.done == ["pull"]


def test_unknown_names_and_policies_are_usage_errors(bench: Bench) -> None:
    """A wrong word is refused before the engine is asked anything."""
    with pytest.raises(UnknownName):
        bench.store("auto").ensure("nginx")
    with pytest.raises(UsageError):
        ImageStore("never")  # type: ignore[arg-type]
    assert bench.images.asked == 0


def test_the_app_is_built_once_per_content_and_version(bench: Bench) -> None:
    """The same version of the same files is not built again; another version is."""
    images = bench.store("auto")
    first = images.app("1")
    assert images.app("1") == first
    assert bench.done == ["build", "build"]  # python and the app
    assert images.app("2").reference != first.reference
    assert "orchlab/app:current" in bench.images.tags


def test_a_commit_is_told_to_the_build_and_makes_no_other_image(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build learns version and commit; the same files in another commit stay one image."""
    monkeypatch.setattr(store, "revision", lambda directory: f"{directory.name}-at-1")
    first = bench.store("auto").app("7")
    assert (bench.arguments["APP_VERSION"], bench.arguments["COMMIT"]) == ("7", "app-at-1")
    monkeypatch.setattr(store, "revision", lambda _: "app-at-2")
    assert bench.store("auto").app("7") == first
    assert bench.arguments["COMMIT"] == "app-at-1"


@pytest.mark.parametrize("version", ["1", "1.2-rc-1"])
def test_a_version_is_read_back_from_its_tag(bench: Bench, version: str) -> None:
    """Also one with dashes, behind the address of a registry."""
    reference = bench.store("auto").app(version).reference
    assert store.version_of(f"registry:5000/{reference}") == version


@pytest.mark.parametrize("version", ["", "a b", "-1", "x" * 65, "1/2"])
def test_versions_that_cannot_be_tags_are_refused(bench: Bench, version: str) -> None:
    """An app version has to fit an image tag."""
    with pytest.raises(UsageError):
        bench.store("auto").app(version)
