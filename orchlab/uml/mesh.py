"""One run of the guest: what goes in, and what comes out."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchlab import console, labels, paths, shell
from orchlab.errors import CommandFailed, OrchlabError
from orchlab.images.store import ImageStore
from orchlab.platforms.base import HARDENED
from orchlab.platforms.swarm_files import Plan
from orchlab.prober.rows import scan
from orchlab.records import Event, History, Sample
from orchlab.uml import machine

NAME = "mesh"
STACK = Plan(HARDENED, "mesh")
REPLICAS = 3
NEXT_VERSION = "2"
NODE_ADDRESS, OUTSIDE_ADDRESS = "198.18.0.1", "198.18.0.2"
"""Of a range that is set apart for benchmarks (RFC 2544); they exist in the guest alone."""

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
    directory = _fresh_directory()
    _save([each.reference for each in (old, new, redis)], directory / "images")
    _boot(guest.reference, directory, variables)
    return read(directory / "report")


def read(report: Path) -> History:
    """What the guest wrote. Raises ``OrchlabError`` if it did not come to its end."""
    rows = [row for path in sorted(report.glob("*.jsonl")) for row in scan(path)]
    history = History(
        NAME,
        "swarm",
        HARDENED,
        [row for row in rows if isinstance(row, Sample)],
        [row for row in rows if isinstance(row, Event)],
    )
    if history.first("end") is None:
        raise OrchlabError(
            f"the guest did not carry out its scenario\n{_last_lines(report / 'console.log')}",
            f"the whole console and the engine's log are in {report}",
        )
    return history


def _fresh_directory() -> Path:
    directory = paths.lab_dir() / "uml"
    shutil.rmtree(directory, ignore_errors=True)
    for name in ("images", "report"):
        (directory / name).mkdir(parents=True)
    return directory


def _save(references: list[str], into: Path) -> None:
    """One archive, so that what the images share is in it once."""
    with console.step("save the images for the guest"):
        shell.run(["docker", "save", f"--output={into / 'images.tar'}", *references])


def _boot(reference: str, directory: Path, variables: dict[str, str]) -> None:
    mounts = {f"/{name}": directory / name for name in ("images", "report")}
    mounts["/stacks"] = paths.STACKS
    log = directory / "report" / "console.log"
    try:
        with (
            log.open("w", encoding="utf-8") as console_log,
            console.step("the routing mesh in User-Mode Linux") as detail,
        ):

            def on_line(line: str) -> None:
                console_log.write(line + "\n")
                detail(line)

            machine.boot(reference, mounts, variables, on_line)
    except CommandFailed as error:
        error.hint = f"the whole console and the engine's log are in {log.parent}"
        raise
    finally:
        shutil.rmtree(directory / "images")


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-LAST_LINES:])
