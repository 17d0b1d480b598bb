"""Image builds with BuildKit, and what the host's network set-up adds to them.

A ``RUN --mount=type=secret,id=...`` of any Dockerfile here may mount

===========  ====================================================================
``ca``       the host's CA bundle (a company proxy's certificate is in there)
``pip``      a ``pip.conf`` with the host's package indexes; it names the bundle
             at ``/run/secrets/ca``
``apt``      a ``sources.list`` with the host's Debian mirror for trixie
===========  ====================================================================

A secret that the host has no content for is not passed, and its mount is then
left out by BuildKit. Secrets never reach a layer, and a changed one does not
invalidate the build cache.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from orchlab import console, labels, shell
from orchlab.images import hostconfig

SUITE = "trixie"
OPTIONS = ("--builder=default", "--load", "--progress=plain", "--provenance=false")
"""The engine's own builder: any other would not see the local base images."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""Build arguments that BuildKit knows by itself: they are not kept in the image."""


def build(
    context: Path,
    reference: str,
    arguments: Mapping[str, str] | None = None,
    verb: str = "build",
) -> None:
    """Build ``context`` into ``reference`` in the local engine, labelled.

    ``arguments`` are its build arguments; ``verb`` is how the step is announced.
    Finished steps are in the engine's build cache, so a build that was
    interrupted goes on where it stopped. Raises ``CommandFailed``.
    """
    words = [f"--build-arg={key}={value}" for key, value in (arguments or {}).items()]
    argv = ["docker", "buildx", "build", *OPTIONS]
    argv += [*labels.flags(), *words, *proxy_flags(os.environ), *secret_flags()]
    argv += [f"--tag={reference}", str(context)]
    with console.step(f"{verb} {reference}") as detail:
        shell.run(argv, on_line=detail)


def proxy_flags(environ: Mapping[str, str]) -> list[str]:
    """Build arguments for the proxies in force; without values, as buildx looks them up.

    A proxy on the host's own loopback is left out: a build could not reach it.
    """
    addresses = {name: environ.get(name, "") for name in PROXIES}
    usable = (name for name, value in addresses.items() if value and not _loopback(value))
    return [f"--build-arg={name}" for name in usable]


def _loopback(address: str) -> bool:
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def secret_flags() -> list[str]:
    """``--secret`` flags for what the host has; files keep values out of argv."""
    secrets = {
        "ca": hostconfig.ca_bundle(),
        "pip": hostconfig.pip_conf(),
        "apt": hostconfig.sources_list(SUITE),
    }
    return [f"--secret=id={key},src={path}" for key, path in secrets.items() if path]
