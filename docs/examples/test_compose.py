"""Somebody's Compose file: a crash is healed, a hang is not."""

import time
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("compose.yaml")


@pytest.fixture(scope="module")
def stack(compose_stack, orchlab_images):
    """The stack, for all tests of this file."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WEB_IMAGE", orchlab_images.ensure("python").reference)
        with compose_stack(FILE) as stack:
            yield stack


def test_a_crashed_server_is_started_again(stack, fault):
    """Its restart policy says so."""
    before = stack.replicas("web")
    fault.crash(stack, before[0])
    fault.restore()  # returns when as many are ready as before
    assert stack.replicas("web") != before


def test_a_hung_server_serves_nobody(stack, prober, fault):
    """Compose sees that the health check fails, and does nothing."""
    before = stack.replicas("web")
    with prober(stack.endpoints("web", 8080)) as seen:
        fault.hang(stack, before[0])
        time.sleep(3)
    assert seen.failed, str(seen)
    assert [each.id for each in stack.replicas("web")] == [each.id for each in before]
