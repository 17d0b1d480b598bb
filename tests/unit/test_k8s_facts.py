"""The timers and knobs in force, and which of them somebody chose."""

from __future__ import annotations

from types import SimpleNamespace

from orchlab.platforms.k8s import facts as k8s_facts
from orchlab.platforms.k8s import release as k8s_release


def test_knobs_that_no_manifest_sets_are_marked_as_defaults() -> None:
    """A value from the API is a default unless the file in k8s/ has it."""
    container = {"readinessProbe": {"periodSeconds": 10, "timeoutSeconds": 1}}
    reported = {"spec": {"template": {"spec": {"containers": [container]}}}}
    written = {
        "spec": {"template": {"spec": {"containers": [{"readinessProbe": {"periodSeconds": 10}}]}}}
    }
    found = k8s_facts.knobs(reported, [{}, written])
    assert found["readiness period"] == "10 s"
    assert found["readiness time-out"] == "1 s (default)"
    assert found["preStop"] == "none (default)"


def test_the_base_leaves_every_timer_alone() -> None:
    """The defaults variant sets none of the knobs that the lab prints."""
    written = k8s_release.declared("defaults")
    assert all(value.endswith("(default)") for value in k8s_facts.knobs({}, written).values())


def test_the_hardened_variant_chooses_the_timers_of_rollouts_and_probes() -> None:
    """What the overlay or the base writes is not marked as a default."""
    written = k8s_release.declared("hardened")
    found = k8s_facts.knobs({}, written)
    chosen = {name for name, value in found.items() if not value.endswith("(default)")}
    probes = {f"{probe} period" for probe in ("startup", "readiness", "liveness")}
    rollout = {"max surge", "max unavailable", "progress deadline", "preStop", "termination grace"}
    assert probes | rollout <= chosen


def test_a_toleration_is_marked_unless_it_was_chosen() -> None:
    """Admission adds 300 s where the manifest has none."""
    lost = SimpleNamespace(key="node.kubernetes.io/unreachable", toleration_seconds=300)
    pod = SimpleNamespace(spec=SimpleNamespace(tolerations=[lost]))
    assert k8s_facts.tolerations([pod], chosen=False) == {
        "toleration of unreachable": "300 s (default)"
    }
    assert k8s_facts.tolerations([pod], chosen=True) == {"toleration of unreachable": "300 s"}
