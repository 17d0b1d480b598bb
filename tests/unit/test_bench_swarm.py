from __future__ import annotations

import pytest

from orchlab.bench import swarm_deploy
from orchlab.errors import OrchlabError

TASK = """\
... swarm: deploy orchlab/app:1 x 3
$ DOCKER_HOST=unix:///a.sock APP_IMAGE=reg:5000/orchlab/app:1 docker stack deploy --prune lab
$ docker service ls
"""


def test_the_way_by_hand_is_what_the_task_echoes_and_waits_for_its_end() -> None:
    """Without waiting it would say nothing about how the deployment ended."""
    script = swarm_deploy.by_hand(TASK)
    assert script.startswith("DOCKER_HOST=unix:///a.sock APP_IMAGE=reg:5000/orchlab/app:1 ")
    assert script.endswith("docker stack deploy --detach=false --prune lab")
    with pytest.raises(OrchlabError):
        swarm_deploy.by_hand("$ docker service ls")


def test_the_other_version_by_hand_differs_in_the_image_alone() -> None:
    """Both sides of an update change the same thing."""
    script = swarm_deploy.by_hand(TASK)
    changed = swarm_deploy.APP_IMAGE.sub("reg:5000/orchlab/app:2", script)
    assert changed == script.replace("app:1", "app:2")
