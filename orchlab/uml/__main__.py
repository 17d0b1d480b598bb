"""The guest's scenario in a process of its own, beside which another core can do other work.

``python -m orchlab.uml [POLICY]``: where images come from, as ``--images`` has it. The rows lie
where ``mesh.report()`` says; the exit status is not 0 when the guest did not come to its end.
"""

from __future__ import annotations

import sys

from orchlab import engine
from orchlab.lifecycle import image_store
from orchlab.uml import mesh


def main(policy: str = "auto") -> None:
    """Carry the scenario out once, in the lab of the environment."""
    engine.ensure()
    mesh.carry_out(image_store(policy))


if __name__ == "__main__":
    main(*sys.argv[1:])
