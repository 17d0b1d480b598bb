from __future__ import annotations

import pytest

from orchlab.errors import UnknownName
from orchlab.names import pick

TABLE = {"compose": 1, "swarm": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["compose", "swarm"]),
        ("swarm", ["swarm"]),
        (" swarm , compose,", ["swarm", "compose"]),
        ("swarm,swarm", ["swarm"]),
    ],
)
def test_picks_in_the_order_typed(text: str, expected: list[str]) -> None:
    """A list is taken in its order and without doubles; nothing means everything."""
    assert pick("platform", text, TABLE) == expected


def test_unknown_name_lists_the_valid_ones() -> None:
    """A typing error is answered with what could have been typed."""
    with pytest.raises(UnknownName) as caught:
        pick("platform", "swarm,nomad", TABLE)
    assert caught.value.message == "unknown platform 'nomad'"
    assert caught.value.hint == "valid names: compose, swarm"
    assert caught.value.exit_code == 2
