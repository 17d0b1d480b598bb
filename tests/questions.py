"""Which questions of a comparison the tests ask, by ``--profile``, and how often.

A test says with ``@pytest.mark.question("crash")`` which experiment it carries out. A profile
asks what it asks in ``invoke compare``; tests that carry out none belong to all profiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from orchlab.profiles import PROFILES


def asked(item: pytest.Item) -> str:
    """The experiment that a test carries out; empty: none."""
    mark = item.get_closest_marker("question")
    return str(mark.args[0]) if mark else ""


def left_out(profile: str, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests of questions that the profile does not ask."""
    wanted = ("", *PROFILES[profile].experiments)
    return [item for item in items if asked(item) not in wanted]


def repeat(profile: str, metafunc: pytest.Metafunc) -> None:
    """Give a test that takes ``repetition`` as many as the profile has, if more than one."""
    times = PROFILES[profile].repetitions
    if times > 1 and "repetition" in metafunc.fixturenames:
        metafunc.parametrize("repetition", range(1, times + 1))
