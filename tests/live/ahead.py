"""What later tests need is built beside the first ones, on what these leave of the machine.

Without an image registry the Kubernetes node alone is minutes of compiling, while a platform
under test mostly waits for its own timers. Whoever needs an image that is not there yet waits
for it, as for any other command that builds it; what could not be built is tried again there,
and fails with the reason.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from orchlab import engine
from orchlab.bench.load import FORTIO
from orchlab.images import gobuild
from orchlab.images.catalogue import usual
from orchlab.images.gotool import engine_architecture
from orchlab.lifecycle import image_store
from orchlab.uml import machine

LEAST = 19


def main(policy: str) -> None:
    """With the least priority: the load generator, the catalogue, the guest's machine."""
    os.nice(LEAST)
    with suppress(OSError):  # a kernel that groups processes by session compares the groups first
        Path("/proc/self/autogroup").write_text(str(LEAST), encoding="ascii")
    engine.ensure()
    images = image_store(policy)
    gobuild.build(FORTIO, engine_architecture(images.client))
    for name in usual():
        images.ensure(name)
    if not machine.obstacle():
        machine.image(images)


if __name__ == "__main__":
    main(*sys.argv[1:])
