"""What the lab does around a Deployment's rollouts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from orchlab.errors import OrchlabError, UnknownName
from orchlab.platforms.base import Rollout
from orchlab.platforms.k8s import progress as k8s_progress
from orchlab.platforms.k8s import rollout as k8s_rollout
from orchlab.platforms.k8s.progress import Progress, Revision
from orchlab.platforms.k8s.rollout import Rollouts, choose

FIRST = Revision(1, "web-a", "app:1", "hardened", 3, datetime(2030, 1, 1, tzinfo=UTC), "")
SECOND = replace(FIRST, number=2, replica_set="web-b", image="app:2")
DONE = Progress(done=True, stuck=False, text="")
STUCK = Progress(done=False, stuck=True, text="")


@pytest.fixture
def rollouts(monkeypatch: pytest.MonkeyPatch) -> Rollouts:
    """A Deployment at its second revision; what is done to it is recorded, not carried out."""
    monkeypatch.setattr(Rollouts, "history", lambda _self: [FIRST, SECOND])
    monkeypatch.setattr(Rollouts, "require", Mock())
    monkeypatch.setattr(Rollouts, "why", Mock(return_value="no such image"))
    control = Mock(elsewhere=False)
    control.api.annotations.return_value = {k8s_progress.REVISION: "2"}
    return Rollouts(control)


def ends(monkeypatch: pytest.MonkeyPatch, *progress: Progress) -> None:
    """The rollouts that are followed end like this, one after the other."""
    monkeypatch.setattr(Rollouts, "follow", Mock(side_effect=progress))


def commands(rollouts: Rollouts) -> list[str]:
    """The words of each ``kubectl``, without the namespace."""
    return [" ".join(each.args[2:]) for each in rollouts.control.run.call_args_list]  # type: ignore[attr-defined]


def test_an_update_that_ends_well_is_one_command(
    rollouts: Rollouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variant and replicas are left alone."""
    ends(monkeypatch, DONE)
    assert rollouts.update("app:3") == Rollout("updated", "app:3")
    assert commands(rollouts) == ["set image deployment/web web=app:3"]


def test_an_update_past_its_deadline_goes_back_to_what_ran(
    rollouts: Rollouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is returned, and noted on the revision so that no rollback chooses it."""
    ends(monkeypatch, STUCK, DONE)
    assert rollouts.update("app:3") == Rollout("rolled-back", "app:2", "no such image")
    note = f"annotate replicaset/web-b {k8s_progress.FAILED}=no such image --overwrite"
    assert note in commands(rollouts)
    assert "rollout undo deployment/web --to-revision=2" in commands(rollouts)


def test_a_way_back_that_fails_too_is_an_error(
    rollouts: Rollouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that the old image runs when it does not."""
    ends(monkeypatch, STUCK, STUCK)
    with pytest.raises(OrchlabError, match=r"revision 2 .* did not start: no such image"):
        rollouts.update("app:3")


def test_a_rollback_goes_to_the_newest_earlier_revision_that_started() -> None:
    """One that failed is passed over, however new it is."""
    failed = replace(SECOND, failed="no such image")
    current = replace(FIRST, number=3)
    older = replace(FIRST, number=1)
    assert choose([older, failed, current], 0) == older
    assert choose([older, failed, current], 2) == failed


def test_there_may_be_nothing_to_go_back_to() -> None:
    """A first revision, or none but failed ones before: said, and nothing done."""
    for history in ([FIRST], [replace(FIRST, failed="x"), SECOND]):
        with pytest.raises(OrchlabError, match="nothing to go back to"):
            choose(history, 0)


def test_an_unknown_revision_is_answered_with_those_that_are_kept() -> None:
    """As every unknown name."""
    with pytest.raises(UnknownName) as error:
        choose([FIRST, SECOND], 7)
    assert error.value.hint == "valid names: 1, 2"


def test_a_revision_of_another_variant_is_refused() -> None:
    """It may need objects that are no longer there; unasked it is never chosen."""
    other = replace(FIRST, variant="defaults")
    with pytest.raises(OrchlabError, match="of the variant defaults, hardened runs"):
        choose([other, SECOND], 1)
    with pytest.raises(OrchlabError, match="nothing to go back to"):
        choose([other, SECOND], 0)


def test_a_rollout_is_followed_until_its_conditions_are_final(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Questions that the API does not answer are asked again."""
    steps = iter([Progress(done=False, stuck=False, text="1 of 3"), DONE])
    monkeypatch.setattr(k8s_progress, "progress", lambda _deployment: next(steps))
    monkeypatch.setattr(k8s_rollout, "PAUSE_S", 0.0)
    found = SimpleNamespace(spec=SimpleNamespace(progress_deadline_seconds=60, replicas=3))
    control = Mock(elsewhere=False)
    control.api.deployment.return_value = found
    assert Rollouts(control).follow("update") == DONE


def test_a_rollout_whose_deadline_never_comes_is_stuck_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Old pods that flap count as progress for the controller, and must not for the lab."""
    flapping = Progress(done=False, stuck=False, text="1 of 3 updated")
    monkeypatch.setattr(k8s_progress, "progress", lambda _deployment: flapping)
    monkeypatch.setattr(k8s_rollout, "PAUSE_S", 0.0)
    found = SimpleNamespace(spec=SimpleNamespace(progress_deadline_seconds=0, replicas=3))
    control = Mock(elsewhere=False)
    control.api.deployment.return_value = found
    assert Rollouts(control).follow("update") == replace(flapping, stuck=True)


def deploying(monkeypatch: pytest.MonkeyPatch, store: Progress, app: Progress) -> Rollouts:
    """A release that was applied: Redis and the app end like this."""
    monkeypatch.setattr(k8s_progress, "stateful", lambda _found: store)
    monkeypatch.setattr(k8s_progress, "progress", lambda _found: app)
    monkeypatch.setattr(k8s_rollout, "PAUSE_S", 0.0)
    monkeypatch.setattr(Rollouts, "why", Mock(return_value="no such image"))
    monkeypatch.setattr(Rollouts, "failed", Mock(return_value="no such image"))
    return Rollouts(Mock(elsewhere=False))


def test_a_release_is_deployed_when_redis_and_the_app_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of the cluster but how far they are."""
    deploying(monkeypatch, DONE, DONE).await_deployed(k8s_rollout.now(), 1.0)


@pytest.mark.parametrize(
    ("store", "app", "named"),
    [
        (Progress(done=False, stuck=False, text=""), DONE, "statefulset/redis"),
        (DONE, STUCK, "deployment/web"),
        (DONE, Progress(done=False, stuck=False, text=""), "deployment/web"),
    ],
)
def test_a_release_that_does_not_get_there_says_which_part_and_why(
    monkeypatch: pytest.MonkeyPatch, store: Progress, app: Progress, named: str
) -> None:
    """Past a deadline, or out of patience."""
    found = deploying(monkeypatch, store, app)
    with pytest.raises(OrchlabError, match=f"{named} did not roll out: no such image"):
        found.await_deployed(k8s_rollout.now(), 0.0)


def test_what_is_not_deployed_cannot_be_changed() -> None:
    """The next step is named."""
    control = Mock(elsewhere=False)
    control.api.deployment.return_value = None
    with pytest.raises(OrchlabError, match="not deployed") as error:
        Rollouts(control).scale(5)
    assert "k8s-deploy" in error.value.hint
    control.api.annotations.return_value = None
    with pytest.raises(OrchlabError, match="not deployed"):
        Rollouts(control).update("app:2")
    control.run.assert_not_called()
