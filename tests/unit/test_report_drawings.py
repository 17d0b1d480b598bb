"""What becomes of samples, values and files before the page prints them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from orchlab import results
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.outages import NS_PER_MS, NS_PER_S
from orchlab.platforms.compose import facts as compose
from orchlab.platforms.k8s import cluster_facts as cluster
from orchlab.platforms.k8s import facts as k8s
from orchlab.platforms.swarm import knobs as swarm
from orchlab.prober.rows import append
from orchlab.records import Cell, Event, Finding, History, Outcome, Sample, Verdict
from orchlab.report import digests, latency, matrix, numbers, strips, subjects, why
from orchlab.report.digest import Digest, digest, milliseconds
from orchlab.report.excerpts import excerpt
from orchlab.report.numbers import Point
from orchlab.report.promises import PROMISES, Promise
from orchlab.report.timeline import timeline

CELL = Cell("swarm", "hardened", "crash")
FAULT = 2 * NS_PER_S


def probe(at_ms: int, outcome: Outcome = "ok", entry: str = "lab-m1") -> Sample:
    at = at_ms * NS_PER_MS
    return Sample(
        "new", entry, at, at, at + 2 * NS_PER_MS, outcome, error="" if outcome == "ok" else "Cut"
    )


def crashed(entry: str = "lab-m1") -> Digest:
    """Ten requests a second; none is answered in the half second after the fault."""
    bad = range(2000, 2500)
    samples = [probe(ms, "fail" if ms in bad else "ok", entry) for ms in range(0, 8000, 100)]
    events = [
        Event(FAULT, "fault", "web.1"),
        Event(FAULT + NS_PER_S, "platform", "web.1: task running", {"source": "swarm"}),
        Event(FAULT, "pressure", "cpu", {"avg10": 12.5}),
    ]
    return digest(History("crash", "swarm", "hardened", samples, events))


def found(verdict: Verdict = "pass", **values: float | str) -> Finding:
    return Finding("crash", "swarm", "hardened", verdict, "healed", dict(values))


def test_digest_keeps_outages_with_their_bounds() -> None:
    """An outage lies between its failures, and within the successes around them."""
    lane = crashed().lanes[0]
    assert (lane.failed, lane.total, lane.causes) == (5, 80, {"Cut": 5})
    assert lane.outages == [(0.0, 0.4, -0.1, 0.5)]
    assert lane.spans == [(-2.0, 0.0, 0), (0.0, 0.5, 3), (0.5, 6.0, 0)]


def test_digest_counts_from_the_fault_and_hides_pressure() -> None:
    """Events have seconds after the fault; pressure is a number of its own."""
    made = crashed()
    assert [(each.at_s, each.kind, each.source) for each in made.moments] == [
        (0.0, "fault", ""),
        (1.0, "platform", "swarm"),
    ]
    assert made.pressure == pytest.approx(12.5)


def test_digest_is_kept_until_the_rows_change(tmp_path: Path) -> None:
    """A digest is read again as it was made; other rows make another one."""
    directory = results.open_run(tmp_path, {})
    append(directory.history(CELL), probe(0))
    run = results.load(directory.path)
    first = list(digests.digests(run))
    before = directory.history(CELL).with_suffix(digests.SUFFIX).stat()
    assert list(digests.digests(run)) == first
    assert directory.history(CELL).with_suffix(digests.SUFFIX).stat() == before
    append(directory.history(CELL), probe(20))
    assert [each.lanes[0].total for each in digests.digests(run)] == [2]


def test_timeline_draws_the_outage_at_the_fault() -> None:
    """The failed bar begins at the fault's mark, and the brackets end where the values say."""
    drawing = timeline(crashed(), found(recovered_s=0.5, capacity_s="> 120"), (-2.0, 8.0))
    paths = dict(drawing.tracks[0].paths)
    assert re.match(r"M0 \d+h500v14", paths["fail"])
    assert paths["bounds"].startswith("M-100 ")
    assert drawing.zero_x == pytest.approx(20)
    back, capacity = drawing.stretches
    assert (back.width, back.open) == (5, False)
    assert (capacity.text, capacity.open) == ("capacity back not within 120 s", True)
    assert drawing.tracks[0].outages == "at 0.00 s: 0.40 s to 0.60 s"


def test_lanes_leave_out_what_all_node_names_share() -> None:
    """The lab's name is not repeated in every lane."""
    samples = [probe(0), probe(20, entry="lab-w1"), probe(40, entry="lab-w2")]
    drawing = timeline(digest(History("control", "swarm", "hardened", samples, [])), None, (0, 1))
    assert [track.label for track in drawing.tracks] == ["new · m1", "new · w1", "new · w2"]


def test_values_of_repetitions_are_never_averaged() -> None:
    """Several values give a median that occurred, with the extremes; censored ones stand apart."""
    assert numbers.spread([Point(1), Point(9), Point(2)], "s") == "2 s (1 to 9)"
    assert numbers.spread([Point(3), Point(120, censored=True)], "s") == "3 s, > 120 s in 1 of 2"
    assert numbers.spread([Point(120, censored=True)], "s") == "> 120 s"
    lines = numbers.lines([found(capacity_s="> 120"), found(capacity_s=4.5)])
    assert lines == ["capacity back 4.5 s, > 120 s in 1 of 2"]


def test_the_unit_of_a_value_stands_behind_its_number() -> None:
    """The end of a value's name is its unit, where it is one."""
    values = found(lag_p99_ms=1.25, same_node_gbit_per_s=21.5, lost=3, fsync="always")
    assert numbers.lines([values]) == [
        "lag p99 1.25 ms",
        "same node 21.5 Gbit/s",
        "lost 3",
        "fsync always",
    ]


def test_failures_of_repetitions_are_one_tally() -> None:
    """Requests are counted together, so that the bound is one of all of them."""
    several = [found(failed_new="0/1000 (< 0.3 %)"), found(failed_new="0/2000 (< 0.15 %)")]
    assert numbers.lines(several) == ["failed new 0/3000 (< 0.1 %)"]


def test_worst_repetition_decides_and_void_ones_do_not_count() -> None:
    """One broken promise is a broken promise; a void repetition is neither."""
    answer = matrix.Answer([found(), found("void", recovered_s=9.0), found("fail")], "")
    assert answer.verdict == "fail"
    assert answer.repetitions == "n = 2: 1 pass, 1 void, 1 fail"
    assert answer.times == ""
    assert matrix.Answer([found("void"), found()], "").verdict == "pass"


def test_clients_that_failed_again_were_not_back() -> None:
    """R is not claimed for clients that failed once more; where none failed it says nothing."""
    again = found(failed_new="9/100", recovered_s=0.01, disturbed_s=2.5, failed_after_recovery=9)
    assert "back" not in matrix.Answer([again], "").times
    assert "for 2.5 s in all" in matrix.Answer([again], "").times
    assert numbers.points([again], numbers.RECOVERED) == [Point(0.01, again=True)]
    unnoticed = found(failed_new="0/100 (< 3 %)", recovered_s=0.01, capacity_s=5.0)
    assert matrix.Answer([unnoticed], "").times == "clients noticed nothing; capacity back 5 s"


def test_strips_show_every_repetition_and_censored_ones_open(run: results.Run) -> None:
    """As many points as repetitions, inside the drawing; the open ones at their window."""
    drawn = strips.strips(matrix.matrix(run), matrix.platforms(run))
    for strip in drawn["hang"]:
        assert [len(line.dots) for line in strip.lines] == [2] * 6
        assert all(0 < dot.x < 100 for line in strip.lines for dot in line.dots)
    capacity = drawn["hang"][1].lines[0]
    assert [dot.point for dot in capacity.dots] == [Point(120, censored=True)] * 2


def test_quantile_is_a_class_that_holds_the_answer() -> None:
    """A latency is rounded up to the end of its class: by 5 % at most."""
    counts = Counter({10: 90, 40: 9, 60: 1})
    assert latency.quantile(counts, 90) == pytest.approx(milliseconds(10))
    assert latency.quantile(counts, 91) == pytest.approx(milliseconds(40))
    assert latency.quantile(counts, 100) == pytest.approx(milliseconds(60))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.title)
def test_every_promise_is_found_in_the_files(promise: Promise) -> None:
    """The lines that keep a promise still stand in stacks/ and k8s/, or a note says why not."""
    for platform in ("compose", "swarm", "k8s"):
        assert promise.excerpts(platform) or promise.notes[platform]


def test_excerpt_is_exactly_what_the_file_sets(tmp_path: Path) -> None:
    """Lines keep the comment above them and end before the next key; a lost path is an error."""
    spec = "  # why\n  probe:\n    - every: 5\n\n  # not this\n  next: 1\n"
    text = f"kind: Job\n---\nkind: Pod\nmetadata: {{name: web}}\nspec:\n{spec}"
    (tmp_path / "a.yaml").write_text(text)
    found = excerpt("a.yaml:Pod/web.spec.probe", tmp_path)
    assert (found.line, found.text) == (6, "# why\nprobe:\n  - every: 5")
    assert excerpt("a.yaml:Pod/web.spec.probe.0", tmp_path).text == "- every: 5"
    with pytest.raises(LookupError, match=r"spec\.gone"):
        excerpt("a.yaml:Pod/web.spec.gone", tmp_path)


def test_reasons_ask_only_for_knobs_that_adapters_report() -> None:
    """Every place in a sentence is a knob of that platform's facts, or a value of a finding."""
    web = {"HostConfig": {"RestartPolicy": {"Name": ""}}, "Config": {}}
    service = {"TaskTemplate": {"ContainerSpec": {}}, "Mode": {"Replicated": {"Replicas": 3}}}
    kubelet = {**k8s.knobs({}, []), **cluster.kubelet_knobs({}), **k8s.FIXED}
    known = {
        "compose": set(compose.knobs(web, "", "defaults")),
        "swarm": {*swarm.knobs(service), "heartbeat", "health check", "redis placement"},
        "k8s": {*kubelet, "toleration of unreachable"},
    }
    for sentences in why.WHY.values():
        for platform, text in sentences.items():
            assert why.places(text) <= known[platform] | {why.DATA_PATH, "fsync"}


def test_a_reason_without_its_knob_is_not_given() -> None:
    """What the facts do not hold is not made up."""
    assert why.sentence("crash", "swarm", {"restart delay": "5 s"}) == ""
    known = {"restart delay": "5 s", "health check": "none"}
    assert "restart delay of 5 s" in why.sentence("crash", "swarm", known)


def test_every_experiment_has_a_title() -> None:
    """No question stands on the page under its bare name."""
    assert EXPERIMENTS.keys() <= subjects.TITLES.keys()
    assert set(subjects.SHORT) <= subjects.TITLES.keys()
