"""A User-Mode Linux machine in a container: its image, and one boot of it."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from docker.errors import APIError

from orchlab import labels, shell, sweep
from orchlab.images.recipes import Dockerfile
from orchlab.images.store import PREFIX, Image, ImageStore

GUEST = Path(__file__).resolve().parent / "guest"
RECIPE = Dockerfile(GUEST, {"DEBIAN": "debian"})
REPOSITORY = f"{PREFIX}/uml"
PLATFORM = "uml"
"""The label that tells its container from those of the lab's other platforms."""

MACHINES = ("x86_64", "AMD64")
TIME_LIMIT_SECONDS = 600
"""It takes some two minutes; so much later it is dead or as good as that."""

CONFINEMENT = (
    "--read-only",
    "--network=none",
    "--cap-drop=ALL",
    "--cap-add=DAC_OVERRIDE",  # the directories it is given belong to the user
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp:exec,size=3g",
    "--env=TMPDIR=/tmp",
)


def obstacle(machine: str = "") -> str:
    """Why this computer cannot run it; "" when it can. ``machine`` as ``uname`` says it."""
    found = machine or platform.machine()
    return "" if found in MACHINES else f"User-Mode Linux needs an x86-64 processor, not {found}"


def image(images: ImageStore) -> Image:
    """The guest's image, built where the engine lacks it; older ones of this lab go.

    Raises ``CommandFailed`` when the build fails.
    """
    reference = f"{REPOSITORY}:{RECIPE.fingerprint()}"
    if images.present(reference) is None:
        RECIPE.build(reference, images)
        _prune(images, reference)
    return images.require(reference)


def _prune(images: ImageStore, newest: str) -> None:
    for old in images.client.images.list(name=REPOSITORY, filters=labels.selector()):
        for tag in old.tags:
            if tag != newest:
                with suppress(APIError):  # another run uses it: the next change takes it along
                    images.client.images.remove(tag)


def boot(
    reference: str,
    mounts: Mapping[str, Path],
    variables: Mapping[str, str],
    on_line: Callable[[str], None],
) -> None:
    """Run the guest until it powers off; ``on_line`` gets each line of its console.

    ``mounts``: directory in the guest -> directory of the host. ``variables`` are those of
    its init, without a secret or a blank. Nothing is left of it, however it ends: its own
    time limit holds even when this process is killed. Raises ``CommandFailed``.
    """
    argv = ["docker", "run", "--rm", "--pull=never", f"--name={labels.LAB}-uml"]
    argv += [*labels.flags(PLATFORM), *CONFINEMENT, f"--env=TIME_LIMIT={TIME_LIMIT_SECONDS}"]
    argv += [f"--mount=type=bind,source={path},target={at}" for at, path in mounts.items()]
    argv += [reference, *(f"{key}={value}" for key, value in variables.items())]
    sweep.sweep(labels.LAB, PLATFORM)
    try:
        shell.run(argv, on_line=on_line)
    except BaseException:
        sweep.sweep(labels.LAB, PLATFORM, sweep.INTERRUPTED_SECONDS)
        raise
