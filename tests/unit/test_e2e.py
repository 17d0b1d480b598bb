"""Kubernetes' own tests: what is asked for, and what is made of the answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from orchlab.e2e import image as e2e_image
from orchlab.e2e import record, suite
from orchlab.e2e.suite import Result
from orchlab.errors import CommandFailed, OrchlabError, PromiseBroken, UnknownName
from orchlab.images import gobuild
from orchlab.images.gobuild import MODULES, GoBuild
from orchlab.images.node import programs
from orchlab.images.store import ImageStore

NODE_PORT = Result("[sig-network] Services NodePort [Conformance]", "passed", 12.4)
DNS = Result("[sig-network] DNS a|b [Conformance]", "failed", 3.0, "no\n answer")


def spec(state: str, kind: str = "It", **more: object) -> dict[str, object]:
    """A test as ginkgo reports it."""
    names = {"ContainerHierarchyTexts": ["[sig-network] DNS"], "LeafNodeText": "works"}
    return names | {"LeafNodeType": kind, "State": state, "RunTime": 2_500_000_000, **more}


def test_the_tests_have_the_clusters_version() -> None:
    """Of the module that they are in, and of every library that it has beside it."""
    ours, theirs = ((MODULES / name / "go.mod").read_text() for name in ("e2e", "kubernetes"))
    module = programs.KUBERNETES_MODULE
    assert GoBuild(MODULES / "e2e").version(module) == programs.kubernetes().version(module)
    assert ours.partition("replace (")[2] == theirs.partition("replace (")[2]


def test_only_tests_that_were_to_run_are_results() -> None:
    """A preparation counts when it failed: then the tests say nothing."""
    failure = {"Message": "no nodes"}
    names = {"ContainerHierarchyTexts": None, "LeafNodeText": ""}
    specs = [
        spec("passed"),
        spec("skipped"),
        spec("failed", Failure={"Message": "lost"}),
        spec("passed", "SynchronizedBeforeSuite"),
        spec("failed", "SynchronizedBeforeSuite", Failure=failure, **names),
    ]
    found = suite.results([{"SpecReports": specs}, {"SpecReports": None}])
    assert found == [
        Result("[sig-network] DNS works", "passed", 2.5),
        Result("[sig-network] DNS works", "failed", 2.5, "lost"),
        Result("SynchronizedBeforeSuite", "failed", 2.5, "no nodes"),
    ]


def test_the_program_is_told_the_chosen_subjects() -> None:
    """As one expression; what disturbs others or takes long is left out."""
    told = dict(
        each.split("=", 1) for each in suite.flags(["dns", "volumes"], Path("/r")) if "=" in each
    )
    assert re.search(told["--ginkgo.focus"], "[sig-network] DNS should x [Conformance]")
    assert re.search(
        told["--ginkgo.focus"], "[sig-apps] StatefulSet a should provide basic identity"
    )
    assert not re.search(told["--ginkgo.focus"], "[sig-network] Services should x [Conformance]")
    assert re.search(told["--ginkgo.skip"], "[sig-network] DNS should x [Serial]")


def test_the_image_is_pushed_under_the_names_that_are_asked_for() -> None:
    """In the versions of the module; images that no chosen test runs are not made up."""
    wanted = [
        "lab-registry:5000/e2e-test-images/agnhost:2.63.0",
        "lab-registry:5000/e2e-test-images/agnhost:2.55",
        "lab-registry:5000/e2e-test-images/nonroot:1.5",
        "elsewhere/e2e-test-images/busybox:1",
    ]
    found = e2e_image.names("lab-registry:5000/e2e-test-images", wanted)
    assert found == ["agnhost:2.55", "agnhost:2.63.0"]


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mock:
    """A cluster; nothing is built for it."""
    monkeypatch.setattr(gobuild, "build", lambda _spec: tmp_path)
    monkeypatch.setattr(e2e_image, "ensure", Mock())
    monkeypatch.setattr(suite, "lab_dir", lambda: tmp_path)
    made = Mock()
    made.registry.host = "lab-registry:5000"
    return made


def test_an_unknown_subject_is_answered_with_the_known_ones(platform: Mock) -> None:
    """Before anything is built."""
    with pytest.raises(UnknownName) as error:
        suite.run(platform, ImageStore(), "storage")
    assert error.value.hint == "valid names: services, dns, deployments, volumes, policies"


def test_policies_are_asked_for_by_name_only(
    platform: Mock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A network that ignores them would fail every test of them."""
    told: list[str] = []

    def run(argv: list[str], **_options: object) -> str:
        told.extend(argv)
        (tmp_path / "e2e" / "report.json").write_text("[]")
        return ""

    monkeypatch.setattr(suite.shell, "run", run)
    suite.run(platform, ImageStore(), "")
    assert any("DNS" in str(word) for word in told)
    assert not any("Netpol" in str(word) for word in told)
    suite.run(platform, ImageStore(), "policies")
    assert any("Netpol" in str(word) for word in told)


def test_a_program_that_breaks_is_no_result(
    platform: Mock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The report of an earlier run does not count."""

    def run(argv: list[str], **_options: object) -> str:
        if "--list-images" in argv:
            return ""
        raise CommandFailed(["e2e.test"], 2, "panic")

    monkeypatch.setattr(suite.shell, "run", run)
    (tmp_path / "e2e").mkdir()
    (tmp_path / "e2e" / "report.json").write_text("[]")
    with pytest.raises(OrchlabError, match="without a report"):
        suite.run(platform, ImageStore(), "dns")


def test_the_page_has_every_test_with_its_result() -> None:
    """Date, versions, numbers and reasons beside it."""
    text = record.page(
        [NODE_PORT, DNS], {"Kubernetes": "v1.36.3"}, datetime(2030, 1, 2, tzinfo=UTC)
    )
    assert "2030-01-02: **1 of 2 passed**; Kubernetes v1.36.3" in text
    assert "| [sig-network] Services NodePort [Conformance] | passed | 12 |" in text
    assert r"| [sig-network] DNS a\|b [Conformance] | failed | 3 |" in text
    assert "a|b [Conformance]: no answer\n" in text


@pytest.mark.parametrize(("only", "written"), [("", True), ("dns", False)])
def test_a_failure_is_recorded_and_breaks_the_promise(
    platform: Mock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, only: str, *, written: bool
) -> None:
    """A part of the tests is no record."""
    monkeypatch.setattr(suite, "run", lambda *_: [NODE_PORT, DNS])
    monkeypatch.setattr(record, "versions", lambda _platform: {})
    monkeypatch.setattr(record.paths, "ROOT", tmp_path)
    monkeypatch.setattr(record, "PAGE", tmp_path / "e2e.md")
    with pytest.raises(PromiseBroken, match=r"1 failed: \[sig-network\] DNS"):
        record.check(platform, ImageStore(), only)
    assert (tmp_path / "e2e.md").exists() is written


def test_no_test_at_all_is_a_failure(platform: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression that fits nothing must not pass."""
    monkeypatch.setattr(suite, "run", lambda *_: [])
    with pytest.raises(PromiseBroken, match="no test was run"):
        record.check(platform, ImageStore(), "dns")
