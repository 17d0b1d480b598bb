"""Rollout: experiments 6 to 9, updates under load to images that are good, missing and bad."""

from __future__ import annotations

from typing import cast

from orchlab.apps import Feature
from orchlab.errors import OrchlabError
from orchlab.experiments.base import (
    BOTH,
    RECOMMENDED,
    RECOVERY,
    Bench,
    Needs,
    finding,
    measured,
    start_of,
)
from orchlab.experiments.evidence import (
    asked,
    asked_between,
    broken_promise,
    lost,
    seconds_between,
)
from orchlab.images.derived import derived
from orchlab.images.store import Image, version_of
from orchlab.platforms.base import Updatable
from orchlab.records import Finding, History

CHANGED_VERSION = "2"
MISSING = Image("orchlab/app:missing", "")
"""A tag that no engine and no registry has."""
SERVES_404 = 'CMD ["python3", "-m", "http.server", "8000"]'
"""Of an image that boots, and answers every request with 404: health checks too."""
UNDONE = "rolled-back"
GIVEN_UP = "given up"


class Update:
    """6 and 7: to another version under load, and back."""

    name = "update"
    row = "6/7"
    question = "Does an update, and the way back, lose requests?"
    needs: Needs = (Updatable,)
    variants = BOTH

    def run(self, bench: Bench) -> None:
        """Baseline, update, a while of the other version, and back."""
        updatable = cast("Updatable", bench.platform)
        changed = bench.platform.images.app(CHANGED_VERSION)
        bench.platform.publish(changed)
        try:
            with bench.probing():
                bench.baseline()
                bench.mark("fault", f"update to version {CHANGED_VERSION}")
                outcome = updatable.update(changed).outcome
                bench.mark("ready", outcome, versions=_versions(bench))
                bench.window("updated", RECOVERY)
                bench.mark("rollback", "the way back")
                bench.mark("restored", updatable.rollback().outcome)
                bench.window("recovery", RECOVERY)
        finally:
            bench.restore()

    def judge(self, history: History) -> Finding:
        """Pass when no request failed in either direction; void unless the other version ran."""
        metrics = measured(history, start_of(history, "fault"))
        values = metrics.values() | {
            "update_s": seconds_between(history, "fault", "ready"),
            "rollback_s": seconds_between(history, "rollback", "restored"),
            "failed_update": str(asked_between(history, "fault", "rollback")),
            "failed_rollback": str(asked_between(history, "rollback")),
        }
        ran = history.all("ready")[-1].detail["versions"]
        if ran != [CHANGED_VERSION]:
            seen = ", ".join(ran) or "none"
            return finding(history, "void", f"after the update ran version: {seen}", **values)
        return _kept(history, values, "updated and taken back")


class MissingImage:
    """8: an update to a tag that does not exist."""

    name = "missing-image"
    row = "8"
    question = "What does an update to an image that does not exist do?"
    needs: Needs = (Updatable,)
    variants = RECOMMENDED

    def run(self, bench: Bench) -> None:
        """Baseline, the update; whatever it did is mended at the end."""
        _try(bench, MISSING)

    def judge(self, history: History) -> Finding:
        """Pass when the update was undone and no request failed."""
        return _judge_undone(history)


class FailingImage:
    """9: an update to an image that boots and fails its health checks."""

    name = "failing-image"
    row = "9"
    question = "What does an update to an image that fails its health checks do?"
    needs: Needs = (Updatable, Feature.TOOLS)
    variants = BOTH

    def run(self, bench: Bench) -> None:
        """Baseline, the update; whatever it did is mended at the end."""
        images, app = bench.platform.images, bench.release.image
        kind = f"failing-{bench.platform.name}"  # another one may be measured at the same time
        with derived(images, app, kind, changes=SERVES_404) as image:
            bench.platform.publish(image)
            _try(bench, image)

    def judge(self, history: History) -> Finding:
        """Pass when the update was undone and no request failed."""
        return _judge_undone(history)


def _versions(bench: Bench) -> list[str]:
    """What the replicas run, as the platform reports each.

    Clients would not do: one that is about to end still answers them for a while.
    """
    return sorted({version_of(each.image) for each in bench.ready()})


def _try(bench: Bench, image: Image) -> None:
    """Update to an image that must not come through; what nobody undoes is deployed anew."""
    updatable = cast("Updatable", bench.platform)
    before = {each.id for each in bench.ready()}
    try:
        with bench.probing():
            bench.baseline()
            bench.mark("fault", f"update to {image.reference}")
            try:
                rollout = updatable.update(image)
            except OrchlabError as error:
                bench.mark("settled", GIVEN_UP, reason=error.message)
                bench.restore()
            else:
                bench.mark("settled", rollout.outcome, reason=rollout.reason)
            after = {each.id for each in bench.ready()}
            bench.mark("ready", kept=len(before & after), of=len(before))
            bench.window("recovery", RECOVERY)
    finally:
        bench.restore()


def _judge_undone(history: History) -> Finding:
    metrics = measured(history, start_of(history, "fault"))
    settled, ready = history.all("settled")[-1], history.all("ready")[-1]
    values = metrics.values() | {
        "outcome": settled.subject,
        "reason": str(settled.detail["reason"]),
        "settled_s": seconds_between(history, "fault", "settled"),
        "replicas_kept": "{kept} of {of}".format(**ready.detail),
    }
    if settled.subject == GIVEN_UP:
        summary = f"nobody undid it; {lost(metrics)} requests failed until a new deployment"
        return finding(history, broken_promise(history), summary, **values)
    if settled.subject != UNDONE:
        return finding(history, "fail", "it was taken for a good one", **values)
    return _kept(history, values, "undone")


def _kept(history: History, values: dict[str, float | int | str], what: str) -> Finding:
    metrics = measured(history, start_of(history, "fault"))
    if lost(metrics) or not asked(metrics):
        summary = f"{what}; {lost(metrics)} of {asked(metrics)} requests failed"
        return finding(history, broken_promise(history), summary, **values)
    return finding(history, "pass", f"{what}; none of {asked(metrics)} requests failed", **values)
