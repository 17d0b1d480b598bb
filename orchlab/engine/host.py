"""What the host is and can do.

Probes only. One of them may load a kernel module: see ``ipvs_available``.
"""

from __future__ import annotations

import email.message
import functools
import http.client
import os
import shutil
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import docker.auth

from orchlab import shell
from orchlab.engine import apt
from orchlab.errors import CommandFailed

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
DISTRIBUTION_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
CAP_SYS_RESOURCE = 24
REGISTRY_TIMEOUT = 5.0
REGISTRY_STATUSES = (200, 401)
"""A registry greets anybody with one of these; 401 asks for a token, which pulls get."""


def has_sys_resource() -> bool:
    """Whether processes of this machine may have ``CAP_SYS_RESOURCE``.

    Without it a privileged container of an old engine does not start, and neither
    kubelet nor containerd can lower its own OOM score.
    """
    return capability(CAP_SYS_RESOURCE, (PROC / "self/status").read_text(encoding="utf-8"))


def capability(number: int, status: str) -> bool:
    """Whether the bounding set in a ``/proc/<pid>/status`` text has a capability."""
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "CapBnd":
            return bool(int(value, 16) >> number & 1)
    return False


def cgroup_version() -> int:
    """2 for the unified hierarchy, 1 for the older one (also when both are mounted)."""
    return 2 if (CGROUPS / "cgroup.controllers").exists() else 1


def ipvs_available() -> bool:
    """Whether Swarm's virtual IPs and routing mesh can work; loads ``ip_vs`` if it must.

    dockerd would load it at the first service; inside a node's container it cannot.
    """
    return _ipvs_present() or (_modprobe("ip_vs") and _ipvs_present())


def ipvs_loadable() -> bool:
    """The same question without loading anything."""
    return _ipvs_present() or _modprobe("--dry-run", "ip_vs")


def _ipvs_present() -> bool:
    return (PROC / "net/ip_vs").exists()


def _modprobe(*words: str) -> bool:
    if not (PROC / "modules").exists():  # a kernel without loadable modules
        return False
    program = shutil.which("modprobe", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    try:
        shell.run([program or "modprobe", "--quiet", *words], echo=False)
    except CommandFailed:
        return False
    return True


def debian_mirror() -> str:
    """Address of the archive that the host takes Debian from; "" when it takes none.

    Ends in "/"; it holds all current suites, whatever the host's own release is.
    """
    found = apt.debian_sources("stable", apt.sources())
    return next((source.uri for source in found if source.suite == "stable"), "")


def ca_bundle() -> Path | None:
    """The certificates that this host trusts, as one PEM file; None when it has none.

    A bundle named by ``SSL_CERT_FILE``, ``REQUESTS_CA_BUNDLE`` or ``PIP_CERT``
    comes first: behind a company proxy it is the only one that works.
    """
    named = (os.environ.get(variable, "") for variable in BUNDLE_VARIABLES)
    candidates = [Path(value) for value in named if value]
    if default := ssl.get_default_verify_paths().cafile:
        candidates.append(Path(default))
    return next((path for path in [*candidates, DISTRIBUTION_BUNDLE] if path.is_file()), None)


@functools.cache
def registry_answers() -> bool:
    """Whether the public image registry that Docker uses by default answers within 5 s.

    Asked once per process.
    """
    index = urlsplit(docker.auth.INDEX_URL)
    return _within(REGISTRY_TIMEOUT, lambda: is_registry(f"https://{index.hostname}/v2/"))


def is_registry(address: str) -> bool:
    """Whether an image registry (distribution API version 2) answers at this address."""
    bundle = ca_bundle()
    context = ssl.create_default_context(cafile=bundle and str(bundle))
    try:
        with urllib.request.urlopen(address, timeout=REGISTRY_TIMEOUT, context=context) as answer:  # noqa: S310 - callers pass https
            return _greets(answer.status, answer.headers)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return _greets(refusal.code, refusal.headers)
    except (OSError, http.client.HTTPException):
        return False


def _greets(status: int, headers: email.message.Message) -> bool:
    version = headers.get("Docker-Distribution-Api-Version", "")
    return status in REGISTRY_STATUSES and version.startswith("registry/2")


def _within(seconds: float, question: Callable[[], bool]) -> bool:
    """The answer, or False when it takes longer (name look-ups obey no time-out)."""
    answers: list[bool] = []
    asking = threading.Thread(target=lambda: answers.append(question()), daemon=True)
    asking.start()
    asking.join(seconds)
    return bool(answers and answers[0])
