"""How everything that the lab creates is named and found again.

Resources are found and removed by label, never by a file that remembers them:
a killed run leaves nothing that ``invoke clean`` would not see.
"""

from __future__ import annotations

import os

LAB = os.environ.get("ORCHLAB_LAB", "orchlab")
"""Name of this lab and prefix of all its names; several labs can share one engine."""

KEY = "orchlab.lab"
PLATFORM_KEY = "orchlab.platform"


def enter(purpose: str) -> None:
    """Work in a lab beside the user's own, such as ``orchlab-compare``.

    A comparison or a test run destroys and deletes what it deploys, so it must
    never do that to a stack that somebody brought up. Call it before any other
    module of the package is imported.
    """
    global LAB  # noqa: PLW0603 - one process works in one lab
    LAB = LAB.removesuffix(f"-{purpose}") + f"-{purpose}"
    os.environ["ORCHLAB_LAB"] = LAB


def family() -> list[str]:
    """This lab and those beside it, for cleaning up."""
    beside = ("", "-compare", "-bench", "-lesson", "-lesson-compare")
    found = [f"{LAB}{test}{suffix}" for test in ("", "-test") for suffix in beside]
    tests = ("-plugin-test", "-second-lesson", "-second-lesson-compare")
    return [*found, *(f"{LAB}-test{each}" for each in tests)]


def labels(platform: str = "") -> dict[str, str]:
    """Labels for one Docker object, as the Docker SDK takes them."""
    marks = {KEY: LAB}
    return marks | {PLATFORM_KEY: platform} if platform else marks


def flags(platform: str = "") -> list[str]:
    """The same labels as ``docker`` command-line flags."""
    return [f"--label={key}={value}" for key, value in labels(platform).items()]


def selector(platform: str = "") -> dict[str, list[str]]:
    """A Docker SDK ``filters=`` value that matches exactly those objects."""
    return {"label": [f"{key}={value}" for key, value in labels(platform).items()]}
