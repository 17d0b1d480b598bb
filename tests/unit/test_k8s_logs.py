"""What is left of a cluster as files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from orchlab.errors import CommandFailed
from orchlab.platforms.k8s import logs as k8s_logs


def pod(name: str, restarts: int) -> SimpleNamespace:
    """A pod of one container."""
    status = SimpleNamespace(container_statuses=[SimpleNamespace(restart_count=restarts)])
    return SimpleNamespace(metadata=SimpleNamespace(name=name), status=status)


def test_a_restarted_pod_leaves_both_logs(tmp_path: Path) -> None:
    """The log from before the restart is asked for only where there was one."""
    k8s_logs.collect(tmp_path, [pod("a", 0), pod("b", 2)], lambda *argv: " ".join(argv), "there")
    assert (tmp_path / "events.txt").read_text().startswith("-n there get events")
    assert not (tmp_path / "a.previous.log").exists()
    assert (tmp_path / "b.previous.log").read_text().endswith("b --timestamps --previous")


def test_a_refusal_is_kept_and_stops_nothing(tmp_path: Path) -> None:
    """A question that fails leaves its error in the file; the others are asked."""

    def kubectl(*argv: str) -> str:
        if "events" in argv:
            raise CommandFailed(argv, 1, "no access")
        return "fine"

    k8s_logs.collect(tmp_path, [], kubectl, "there")
    assert "no access" in (tmp_path / "events.txt").read_text()
    assert (tmp_path / "describe.txt").read_text() == "fine"
