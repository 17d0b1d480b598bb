"""One run of the guest: what goes in, and what comes out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchlab import console, labels, paths, shell
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.store import ImageStore
from orchlab.platforms.base import HARDENED
from orchlab.platforms.swarm.files import Plan
from orchlab.prober.rows import scan
from orchlab.records import Event, History, Sample
from orchlab.uml import machine

NAME = "mesh"
STACK = Plan(HARDENED, "mesh")
REPLICAS = 3
NEXT_VERSION = "2"
NODE_ADDRESS, OUTSIDE_ADDRESS = "198.18.0.1", "198.18.0.2"
"""Of a range that is set apart for benchmarks (RFC 2544); they exist in the guest alone."""

CONSOLE = "console.log"
LAST_LINES = 20


def carry_out(images: ImageStore) -> History:
    """Boot the guest with the stack and the app's images; return what happened in it.

    Raises ``CommandFailed`` when it does not end well and ``OrchlabError``, with the end
    of its console, when it did not carry out its scenario.
    """
    guest = machine.image(images)
    old, new = images.app(), images.app(NEXT_VERSION)
    redis = images.ensure("redis")
    variables = {
        "NODE_ADDRESS": NODE_ADDRESS,
        "OUTSIDE_ADDRESS": OUTSIDE_ADDRESS,
        "STACK": labels.LAB,
        "STACK_FILES": ",".join(path.name for path in STACK.files),
        "APP_IMAGE": old.reference,
        "NEXT_IMAGE": new.reference,
        "REDIS_IMAGE": redis.reference,
        "WEB_REPLICAS": str(REPLICAS),
    }
    with _archive([each.reference for each in (old, new, redis)]) as archive:
        _boot(guest.reference, archive, variables)
    return read(report())


def report() -> Path:
    """Where the newest run of this lab left its rows, its console and its engine's log."""
    return paths.RESULTS / f"{labels.LAB}-{NAME}"


def read(directory: Path) -> History:
    """What the guest wrote. Raises ``OrchlabError`` if it did not come to its end."""
    rows = [row for path in sorted(directory.glob("*.jsonl")) for row in scan(path)]
    history = History(
        NAME,
        "swarm",
        HARDENED,
        [row for row in rows if isinstance(row, Sample)],
        [row for row in rows if isinstance(row, Event)],
    )
    if history.first("end") is None:
        raise OrchlabError(
            f"the guest did not carry out its scenario\n{_last_lines(directory / CONSOLE)}",
            f"the whole console and the engine's log are in {directory}",
        )
    return history


@contextmanager
def _archive(references: list[str]) -> Iterator[Path]:
    """A directory with one archive of these images; what they share is in it once."""
    directory = paths.lab_dir() / "uml"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    try:
        with console.step("save the images for the guest"):
            shell.run(["docker", "save", f"--output={directory / 'images.tar'}", *references])
        yield directory
    finally:
        shutil.rmtree(directory)


def _boot(reference: str, archive: Path, variables: dict[str, str]) -> None:
    into = report()
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    mounts = {"/images": archive, "/stacks": paths.STACKS, "/report": into}
    with (
        (into / CONSOLE).open("w", buffering=1, encoding="utf-8") as console_log,
        console.step("the routing mesh in User-Mode Linux") as detail,
    ):

        def on_line(line: str) -> None:
            console_log.write(line + "\n")
            detail(line)

        try:
            machine.boot(reference, mounts, variables, on_line)
        except CommandFailed as error:
            error.hint = f"the whole console and the engine's log are in {into}"
            raise


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-LAST_LINES:])
