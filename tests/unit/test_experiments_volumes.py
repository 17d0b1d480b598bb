"""Judges of lost data, of mounts and of the canary; what the canary's search can find."""

from __future__ import annotations

import pytest

from orchlab.experiments.canary import holds
from orchlab.records import Event
from tests.unit.histories import ask, event


def away(read: int, node: str = "w1", meanwhile: int | None = None) -> list[Event]:
    return [
        event(0, "written", value=20),
        event(1, "fault", "w1"),
        event(2, "fault-verified", "w1"),
        event(17, "meanwhile", read=meanwhile),
        event(17, "start", "w1"),
        event(25.5, "read", value=read, node=node),
    ]


def test_data_that_come_back_with_their_node_pass() -> None:
    """An outage is no loss; how long it took after the start is said."""
    finding = ask("node-data", [], away(20))
    assert finding.verdict == "pass"
    assert finding.values["readable_after_start_s"] == 8.5
    assert finding.values["read_meanwhile"] == "nothing answered"
    assert finding.values["redis_on"] == "the same node"


@pytest.mark.parametrize(("variant", "verdict"), [("hardened", "fail"), ("defaults", "limit")])
def test_an_empty_volume_elsewhere_is_lost_data(variant: str, verdict: str) -> None:
    """A Redis that answers at once on another node has none of it."""
    finding = ask("node-data", [], away(0, "w2", 0), variant)
    assert (finding.verdict, finding.values["redis_on"]) == (verdict, "another node")
    assert finding.summary == "20 acknowledged writes lost"


def test_data_that_somebody_else_changed_prove_nothing() -> None:
    """More than was written."""
    assert ask("node-data", [], away(21)).verdict == "unknown"


CONFIG, SECRET = "/etc/orchlab/app.json", "/run/secrets/api_key"


def mounted(
    files: dict[str, int], writable: list[str], changeable: list[str], *sees: tuple[str, str]
) -> list[Event]:
    mounts = {CONFIG: f"ext4 ro, on {CONFIG}", SECRET: f"tmpfs ro, on {SECRET}"}
    found = {"mounts": mounts, "files": files, "writable": writable, "changeable": changeable}
    others = [
        event(2, "sees", f"r{i}", node=node, directories=dirs)
        for i, (node, dirs) in enumerate(sees)
    ]
    return [event(1, "mounts", "r", node="w1", **found), *others]


BOTH_FILES = {CONFIG: 10, SECRET: 43}


def test_mounts_as_they_should_be_pass() -> None:
    """Which other replicas see a file in /data is counted, on the same node apart."""
    events = mounted(BOTH_FILES, ["/data", "/cache"], [], ("w1", "['/data']"), ("w2", "[]"))
    finding = ask("mounts", [], events)
    assert finding.verdict == "pass"
    assert finding.values["data_shared"] == "1 of 2 other replicas"
    assert finding.values["data_shared_on_node"] == "1 of 1 on the same node"


@pytest.mark.parametrize(
    ("files", "writable", "changeable", "summary"),
    [
        ({CONFIG: 10}, ["/data"], [], f"not injected: {SECRET}"),
        ({CONFIG: 10, SECRET: 0}, ["/data"], [], f"not injected: {SECRET}"),
        (BOTH_FILES, ["/data"], [CONFIG], f"a replica may change {CONFIG}"),
        (BOTH_FILES, ["/", "/data"], [], "the root file system takes files"),
        (BOTH_FILES, ["/cache"], [], "/data takes no files"),
    ],
)
def test_mounts_that_break_a_promise_fail(
    files: dict[str, int], writable: list[str], changeable: list[str], summary: str
) -> None:
    """Each with what is wrong."""
    finding = ask("mounts", [], mounted(files, writable, changeable))
    assert (finding.verdict, finding.summary) == ("fail", summary)


FILES = {"a": "digest-a"}


def backed_up(
    read: int,
    *held: dict[str, str],
    changed: int = 21,
    meanwhile: tuple[dict[str, str], ...] = ({"b": "digest-b"}, {}),
) -> list[Event]:
    return [
        event(0, "save"),
        event(2, "saved", value=20, files=FILES, bytes=10240),
        event(3, "lost", value=changed, files=meanwhile),
        event(4, "restore"),
        event(9.5, "restored"),
        event(10, "read", value=read),
        *(event(11, "holds", f"r{i}", node="w1", files=each) for i, each in enumerate(held)),
    ]


def test_a_backup_that_brings_all_back_passes() -> None:
    """How long both ways took stands beside it."""
    finding = ask("backup", [], backed_up(20, FILES, FILES))
    assert finding.verdict == "pass"
    assert (finding.values["backup_s"], finding.values["restore_s"]) == (2.0, 5.5)
    assert (finding.values["replicas"], finding.values["count_changed"]) == (2, 21)


@pytest.mark.parametrize(
    ("read", "held", "summary"),
    [
        (21, FILES, "the counter is 21"),
        (0, FILES, "the counter is 0"),
        (20, {}, "other files than those saved: r1"),
        (20, {"a": "another digest"}, "other files than those saved: r1"),
        (20, FILES | {"b": "digest-b"}, "other files than those saved: r1"),
    ],
)
def test_a_backup_that_brings_back_something_else_fails(
    read: int, held: dict[str, str], summary: str
) -> None:
    """Other bytes, a file too many or too few, another count."""
    finding = ask("backup", [], backed_up(read, FILES, held))
    assert (finding.verdict, finding.summary) == ("fail", summary)


@pytest.mark.parametrize(
    "events", [backed_up(20, FILES, changed=20), backed_up(20, FILES, meanwhile=(FILES,))]
)
def test_a_restore_of_what_was_never_lost_proves_nothing(events: list[Event]) -> None:
    """The data would have been there without it."""
    assert ask("backup", [], events).verdict == "unknown"


def looked(planted: bool, **found: bool) -> list[Event]:  # noqa: FBT001 - a word would not help
    searched = [event(2, "searched", place, found=there) for place, there in found.items()]
    return [event(1, "planted", "r", found=planted), *searched]


def test_a_canary_in_its_file_alone_passes() -> None:
    """The places that were searched are named."""
    finding = ask("canary", [], looked(planted=True, logs=False, image=False))
    assert (finding.verdict, finding.values["searched"]) == ("pass", "image, logs")


def test_a_canary_found_elsewhere_breaks_the_promise() -> None:
    """By the name of the place."""
    finding = ask("canary", [], looked(planted=True, logs=True, image=False))
    assert (finding.verdict, finding.summary) == ("fail", "the canary is in: logs")


def test_a_canary_that_was_not_planted_proves_nothing() -> None:
    """Nothing can be found that is nowhere."""
    assert ask("canary", [], looked(planted=False, logs=False)).verdict == "unknown"


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([b"some canary here"], True),
        ([b"some can", b"ary here"], True),
        ([b"c", b"an", b"a", b"ry"], True),
        ([b"some can", b"-ary here"], False),
        ([b"data: Y2Fu", b"YXJ5Cg=="], True),  # "canary" and a newline, in base64
        ([], False),
    ],
)
def test_a_canary_is_found_where_two_pieces_meet(pieces: list[bytes], found: bool) -> None:  # noqa: FBT001
    """A stream comes in pieces that know nothing of words."""
    assert holds(pieces, b"canary") is found
