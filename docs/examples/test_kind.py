"""Somebody's manifests on a cluster of three nodes that kind makes."""

from pathlib import Path

import pytest

FILE = Path(__file__).with_name("manifests.yaml")
ASK = "import urllib.request as r; print(r.urlopen('http://web', timeout=10).status)"


@pytest.fixture(scope="module")
def stack(kind_cluster_lab, orchlab_images, tmp_path_factory):
    """The manifests, applied in a namespace of their own."""
    image = orchlab_images.ensure("python").reference
    file = tmp_path_factory.mktemp("manifests") / FILE.name
    file.write_text(FILE.read_text().replace("WEB_IMAGE", image))
    with kind_cluster_lab.deploy(file) as stack:
        yield stack


def test_pods_find_the_service_by_its_name(stack):
    """Asked from inside a pod."""
    assert stack.exec(stack.replicas()[0], "python3", "-c", ASK).strip() == "200"


def test_a_crashed_container_is_started_again(stack, fault):
    """The pod stays, the container in it is another one."""
    victim = stack.replicas("app=web")[0]
    fault.crash(stack, victim)
    fault.restore()  # returns when as many are ready as before
    now = {each.name: each.id for each in stack.replicas("app=web")}
    assert now[victim.name] != victim.id
