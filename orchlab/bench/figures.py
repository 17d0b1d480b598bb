"""All figures."""

from __future__ import annotations

from functools import partial

from orchlab import paths
from orchlab.bench import (
    compose_up,
    distribution,
    image,
    k8s_deploy,
    k8s_up,
    probing,
    report,
    serving,
    swarm_deploy,
    swarm_up,
)
from orchlab.bench.figure import Figure, Promise
from orchlab.images.image_report import RATIO
from orchlab.platforms.base import DEFAULTS, HARDENED

_ALL = (
    Figure(
        name="compose-up",
        ours="`invoke compose-up`",
        other="the same `docker compose up -d --wait` by hand",
        unit="s",
        promise=Promise("at most", 1.10),
        prepare=partial(compose_up.sides, variant=DEFAULTS),
    ),
    Figure(
        name="compose-up-hardened",
        ours="`invoke compose-up --variant hardened`",
        other="the same `docker compose up -d --wait` by hand",
        unit="s",
        promise=Promise("at most", 1.10),
        prepare=partial(compose_up.sides, variant=HARDENED),
    ),
    Figure(
        name="swarm-up",
        ours="three Swarm nodes, ready",
        other="the same steps as a bare shell script",
        unit="s",
        promise=Promise("at most", 1.25),
        prepare=swarm_up.sides,
    ),
    Figure(
        name="swarm-deploy",
        ours="`invoke swarm-deploy --variant hardened`",
        other="the same `docker stack deploy --detach=false` by hand",
        unit="s",
        promise=Promise("at most", 1.10),
        prepare=swarm_deploy.deploy,
    ),
    Figure(
        name="swarm-update",
        ours="`invoke swarm-update`, hardened",
        other="the same `docker stack deploy --detach=false` by hand",
        unit="s",
        promise=Promise("at most", 1.10),
        prepare=swarm_deploy.update,
    ),
    Figure(
        name="k8s-up",
        ours="three Kubernetes nodes and all pods ready",
        other="the same `kind create cluster` and `kubectl wait` by hand",
        unit="s",
        promise=Promise("at most", 1.10),
        prepare=k8s_up.sides,
    ),
    Figure(
        name="k8s-deploy",
        ours="`invoke k8s-deploy --variant hardened`",
        other="the same `kubectl apply -k` and `rollout status` by hand",
        unit="s",
        promise=Promise("at most", 1.10),
        prepare=k8s_deploy.deploy,
    ),
    Figure(
        name="k8s-update",
        ours="`invoke k8s-update`, hardened",
        other="the same `kubectl set image` and `rollout status` by hand",
        unit="s",
        promise=Promise("at most", 1.10),
        prepare=k8s_deploy.update,
    ),
    Figure(
        name="distribution",
        ours="a changed app to three nodes through the registry",
        other="the same image with `kind load docker-image`",
        unit="s",
        promise=Promise("at most", 0.2),
        prepare=distribution.sides,
    ),
    Figure(
        name="throughput",
        ours="app, /health",
        other="bare FastAPI route",
        unit="1/s",
        promise=Promise("at least", 0.9),
        prepare=serving.throughput,
    ),
    Figure(
        name="latency",
        ours="p99 of /count",
        other="p99 of a Redis round trip + p99 of a bare route",
        unit="ms",
        promise=Promise("at most", 3.0),
        prepare=serving.latency,
    ),
    Figure(
        name="image",
        ours="image",
        other="its base + its dependencies",
        unit="MB",
        promise=Promise("at most", RATIO),
        prepare=image.sides,
        fixed=True,
    ),
    Figure(
        name="prober-cpu",
        ours="CPU time of the prober at 100 requests/s",
        other="one core",
        unit="ms per s",
        promise=Promise("at most", 0.2),
        prepare=probing.cpu,
    ),
    Figure(
        name="prober-lag",
        ours="p99 send lag of the prober at 100 requests/s",
        other="time between two requests",
        unit="ms",
        promise=Promise("at most", 0.5),
        prepare=probing.lag,
    ),
    Figure(
        name="report",
        ours="`invoke report`: a run read, judged and drawn",
        other="what is allowed",
        unit="s",
        promise=Promise("at most", 1.0),
        prepare=report.sides,
        require=lambda: report.largest(paths.RESULTS),
    ),
)
FIGURES = {each.name: each for each in _ALL}
