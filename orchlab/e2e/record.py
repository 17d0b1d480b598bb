"""What Kubernetes' own tests found, for people: a table, and a page in ``docs/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.markup import escape

from orchlab import console, paths
from orchlab.e2e import suite
from orchlab.e2e.suite import Result
from orchlab.errors import PromiseBroken
from orchlab.images.store import ImageStore
from orchlab.platforms.k8s import cluster_facts
from orchlab.platforms.k8s.adapter import Kubernetes
from orchlab.platforms.k8s.cluster_facts import CONTAINERD, KERNEL, NETWORK, NODES, PROXY

PAGE = paths.ROOT / "docs" / "e2e.md"


def check(platform: Kubernetes, images: ImageStore, only: str) -> None:
    """Run the tests on the lab's cluster, making it if there is none; print and record.

    Raises what ``suite.run`` raises, and ``PromiseBroken`` unless every test passed. The
    page is written only when all the usual subjects were run.
    """
    platform.prepare()
    platform.create()
    found = suite.run(platform, images, only)
    show(found)
    if not only:
        PAGE.write_text(page(found, versions(platform), datetime.now(UTC)), encoding="utf-8")
        console.note(f"recorded in {PAGE.relative_to(paths.ROOT)}")
    failed = [each.name for each in found if not each.passed]
    if failed or not found:
        reason = f"{len(failed)} failed: {'; '.join(failed)}" if found else "no test was run"
        raise PromiseBroken(reason, "`invoke k8s-status` shows the cluster's state")


def show(found: Sequence[Result]) -> None:
    """Print one row for each test."""
    console.table(
        f"Kubernetes' own tests: {summary(found)}",
        ("test", "result", "s", "reason"),
        (
            (escape(each.name), each.state, f"{each.seconds:.0f}", escape(_brief(each.reason)))
            for each in found
        ),
    )


def summary(found: Sequence[Result]) -> str:
    """Such as ``41 of 42 passed``."""
    return f"{sum(each.passed for each in found)} of {len(found)} passed"


def versions(platform: Kubernetes) -> dict[str, str]:
    """What was tested."""
    api = platform.control.api
    facts = cluster_facts.gather(api, api.nodes()[0].metadata.name)
    asked = (NODES, NETWORK, PROXY, CONTAINERD, KERNEL)
    return {"Kubernetes": api.release(), **{name: facts[name] for name in asked}}


def page(found: Sequence[Result], tested: Mapping[str, str], when: datetime) -> str:
    """The page of one run, as Markdown."""
    rows = [f"| {_cell(each.name)} | {each.state} | {each.seconds:.0f} |" for each in found]
    reasons = [f"- {each.name}: {_brief(each.reason)}" for each in found if each.reason]
    chosen = [f"- {name}: `{suite.SUBJECTS[name]}`" for name in suite.USUAL]
    lines = [
        "# Kubernetes' own tests on the lab's cluster",
        "",
        "Written by `invoke k8s-e2e`: a part of `test/e2e` of the module `k8s.io/kubernetes`, in",
        "the cluster's version, with the helper agnhost from the same module. Nodes pull the",
        "tests' images from the lab's registry only.",
        "",
        f"{when:%Y-%m-%d}: **{summary(found)}**; "
        + ", ".join(f"{name} {value}" for name, value in tested.items()),
        "",
        *(["Why not:", "", *reasons, ""] if reasons else []),
        f"Chosen are, without `{suite.LEFT_OUT}`:",
        "",
        *chosen,
        "",
        "| test | result | s |",
        "|---|---|---|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _brief(reason: str) -> str:
    return " ".join(reason.split())[:300]
