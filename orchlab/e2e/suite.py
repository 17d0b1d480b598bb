"""The program with Kubernetes' tests: built from its module, told what to run, and read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchlab import console, shell
from orchlab.e2e import image as e2e_image
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images import gobuild
from orchlab.images.gobuild import MODULES, GoBuild
from orchlab.images.store import ImageStore
from orchlab.names import pick
from orchlab.paths import lab_dir
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s.adapter import Kubernetes

SUITE = GoBuild(MODULES / "e2e", test=True)
PROGRAM = "e2e.test"

SUBJECTS = {
    "services": r"\[sig-network\] Services .*\[Conformance\]",
    "dns": r"\[sig-network\] DNS .*\[Conformance\]",
    "deployments": r"\[sig-apps\] Deployment .*\[Conformance\]",
    "volumes": r"\[sig-storage\] EmptyDir .*\[Conformance\]"
    r"|\[sig-apps\] StatefulSet .* should provide basic identity",  # it claims volumes
    "policies": r"\[sig-network\] Netpol NetworkPolicy between server and client should ("
    r"support a 'default-deny-(ingress|all)' policy|enforce policy based on Ports|enforce updated"
    r"|enforce policy to allow traffic only from a different namespace, based on NamespaceSelector"
    r"|allow ingress access from updated pod|deny egress from pods based on PodSelector"
    r"|stop enforcing policies after they are deleted)",
}
"""Subject -> which tests, as an expression for ginkgo."""
USUAL = tuple(each for each in SUBJECTS if each != "policies")
"""What is asked of every cluster; policies only of one whose network enforces them."""
LEFT_OUT = r"\[(Serial|Slow|Disruptive|Flaky)\]"

NS_PER_S = 1_000_000_000
CHOSEN = ("passed", "failed", "panicked", "timedout", "interrupted", "aborted")
"""States of a test that was to run; all others were not chosen, or skipped themselves."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one test ended; ``state`` is ginkgo's word for it, ``reason`` why it failed."""

    name: str
    state: str
    seconds: float
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether it found what it expects."""
        return self.state == "passed"


def run(platform: Kubernetes, images: ImageStore, only: str) -> list[Result]:
    """Run the tests of some subjects, or of the usual ones, on a cluster that is up.

    Raises ``UnknownName`` for a subject, ``CommandFailed`` when nothing can be built, and
    ``OrchlabError`` when the program ends without a report.
    """
    subjects = pick("subject", only or ",".join(USUAL), SUBJECTS)
    program = gobuild.build(SUITE) / PROGRAM
    environment = _environment(platform)
    wanted = shell.run([program, "--list-images"], env=environment, echo=False).split()
    e2e_image.publish(platform.registry, e2e_image.ensure(images), wanted)
    report = lab_dir() / "e2e" / "report.json"
    report.unlink(missing_ok=True)
    kubectl = f"--kubectl-path={platform.control.kubectl}"
    try:
        with console.step(f"Kubernetes' own tests of {', '.join(subjects)}") as detail:
            shell.run([program, *flags(subjects, report), kubectl], env=environment, on_line=detail)
    except CommandFailed as error:
        if not report.exists():
            raise OrchlabError("the tests ended without a report", "try again") from error
    return results(json.loads(report.read_text()))


def flags(subjects: Iterable[str], report: Path) -> list[str]:
    """What the program is told: which tests, and where to report."""
    return [
        f"--kubeconfig={k8s_api.kubeconfig()}",
        "--provider=skeleton",
        "--disable-log-dump",
        "--ginkgo.no-color",
        f"--ginkgo.focus={'|'.join(SUBJECTS[each] for each in subjects)}",
        f"--ginkgo.skip={LEFT_OUT}",
        f"--ginkgo.json-report={report}",
        f"--e2e-output-dir={report.parent}",
    ]


def results(report: Iterable[Mapping[str, Any]]) -> list[Result]:
    """The tests that were to run, and how the suite's own preparation failed if it did."""
    return [
        Result(
            name=" ".join([*(each["ContainerHierarchyTexts"] or ()), each["LeafNodeText"]]).strip()
            or each["LeafNodeType"],
            state=each["State"],
            seconds=each["RunTime"] / NS_PER_S,
            reason=(each.get("Failure") or {}).get("Message", ""),
        )
        for suite in report
        for each in suite["SpecReports"] or ()
        if each["State"] in CHOSEN and (each["LeafNodeType"] == "It" or each["State"] != "passed")
    ]


def _environment(platform: Kubernetes) -> dict[str, str]:
    """Lead the tests to the lab's registry: nothing is pulled from elsewhere."""
    path = lab_dir() / "e2e" / "registries.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({"promoterE2eRegistry": e2e_image.location(platform.registry)}))
    return {"KUBE_TEST_REPO_LIST": str(path)}
