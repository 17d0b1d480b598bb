"""Somebody's stack file on a Swarm of three nodes."""

import time
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("stack.yaml")


@pytest.fixture(scope="module")
def stack(swarm_cluster, orchlab_images):
    """The stack, for all tests of this file."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WEB_IMAGE", orchlab_images.ensure("python").reference)
        with swarm_cluster.deploy(FILE) as stack:
            yield stack


def test_each_node_runs_one_task(swarm_cluster, stack):
    """A global service; each node's own engine is asked."""
    for node in swarm_cluster.nodes():
        with swarm_cluster.client(node.name) as client:
            wanted = {"label": f"com.docker.stack.namespace={stack.name}"}
            assert len(client.containers.list(filters=wanted)) == 1


def test_a_lost_worker_is_missed_by_its_own_clients_alone(swarm_cluster, stack, prober, fault):
    """A port in host mode is served by the task on that node."""
    lost = next(each.name for each in swarm_cluster.nodes() if not each.control)
    with prober(stack.endpoints(), rate=10) as seen:
        fault.stop(swarm_cluster, lost)
        since = time.monotonic_ns()
        time.sleep(3)
    late = [each for each in seen.samples if each.sent_ns > since]
    others = {each.entry for each in late} - {lost}
    assert {each.entry for each in late if each.outcome == "ok"} == others, str(seen)
