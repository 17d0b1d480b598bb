"""The Compose tasks as a user types them, in a lab of their own, here and on another engine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests
from docker.models.containers import Container

from orchlab import labels, paths, shell, sweep
from orchlab.images.store import ImageStore
from orchlab.platforms.processes import kill_in_engine
from orchlab.wait import wait_until
from tests.live.commands import ENVIRONMENT, LAB, invoke, leftovers

pytestmark = pytest.mark.usefixtures("lab")
CONTEXT = "far"
ENGINE_SECONDS = 60.0


def urls(output: str) -> list[str]:
    """The entry points that a task printed."""
    return re.findall(r"http://127\.0\.0\.1:\d+", output)


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=5)


def containers(service: str) -> set[str]:
    wanted = [f"{labels.KEY}={LAB}", f"com.docker.compose.service={service}"]
    found = docker.from_env().containers.list(all=True, filters={"label": wanted})
    return {str(each.id) for each in found}


def test_data_outlive_a_change_of_variant_and_a_down_without_volumes() -> None:
    """Counter and file are there after each; only `--volumes` removes them."""
    (url,) = urls(invoke("compose-up"))
    requests.post(f"{url}/count", timeout=5).raise_for_status()
    requests.put(f"{url}/files/note", data=b"kept", timeout=5).raise_for_status()
    for words in ((), ("--variant", "hardened"), ("--variant", "defaults", "--replicas", "2")):
        if not words:
            invoke("compose-down")
            assert leftovers()
            assert not containers("redis")
        url = urls(invoke("compose-up", *words))[0]
        assert get(f"{url}/count").json() == {"count": 1}
        assert get(f"{url}/files/note").content == b"kept"
    invoke("compose-down", "--volumes")
    assert leftovers() == []


def test_a_deployment_without_an_edge_has_a_port_for_each_replica() -> None:
    """They follow the one that was asked for, and a replica that crashes keeps its own."""
    first = int(urls(invoke("compose-up"))[0].rpartition(":")[2])
    scaled = urls(invoke("compose-scale", "--replicas", "3"))
    assert len(set(scaled)) == 3
    assert f"http://127.0.0.1:{first}" in scaled
    chosen = urls(invoke("compose-up", f"--port={first}", "--replicas=2"))
    assert set(chosen) == {f"http://127.0.0.1:{first + number}" for number in (0, 1)}
    victim = docker.from_env().containers.get(f"{LAB}-web-1")
    kill_in_engine(victim, signal.SIGKILL)
    wait_until("it was restarted", lambda: restarts(victim), timeout=ENGINE_SECONDS)
    for url in chosen:
        wait_until(f"{url} serves", lambda url=url: answers(url), timeout=ENGINE_SECONDS)


def restarts(container: Container) -> int:
    container.reload()
    return int(container.attrs["RestartCount"])


def answers(url: str) -> bool:
    try:
        return get(f"{url}/whoami").status_code == requests.codes.ok
    except requests.RequestException:
        return False


def test_defaults_update_all_at_once_and_undo_nothing() -> None:
    """A bad image stays until somebody goes back; Redis is not touched."""
    (url,) = urls(invoke("compose-up"))
    redis = containers("redis")
    invoke("compose-update", "--app-version=2")
    assert get(f"{url}/whoami").json()["version"] == "2"
    bad = "CMD sh -c 'echo the disk is made of cheese; exit 3'"
    client = docker.from_env()
    container = client.containers.get(f"{LAB}-web-1")
    container.commit(f"{LAB}/bad", "1", changes=bad)
    try:
        output = invoke("compose-update", f"--image={LAB}/bad:1", status=1)
        assert "the disk is made of cheese" in output
        assert "compose-rollback" in output
        assert not answers(url)
        assert "exit status" in invoke("compose-status")
        invoke("compose-rollback")
        assert get(f"{url}/whoami").json()["version"] == "2"
        assert containers("redis") == redis
    finally:
        invoke("compose-down", "--volumes")
        client.images.remove(f"{LAB}/bad:1")


def test_hardened_scale_and_update_read_back_what_runs() -> None:
    """Later commands keep variant, port and number; `up` changes nothing, repeated or by hand."""
    (url,) = urls(invoke("compose-up", "--variant=hardened"))
    edge = containers("edge")
    assert "4 replicas" in invoke("compose-scale", "--replicas=4")
    invoke("compose-update", "--app-version=2")
    before = containers("web")
    assert len(before) == 4
    assert get(f"{url}/whoami").json()["version"] == "2"
    invoke("compose-scale", "--replicas=3")
    assert containers("web") < before
    assert get(f"{url}/whoami").json()["version"] == "2"
    assert containers("edge") == edge
    output = invoke("compose-up", "--variant=hardened")
    before = containers("web") | containers("edge")
    (by_hand,) = re.findall(r"^\$ (.* docker compose .* up .*)$", output, re.MULTILINE)
    shell.run(["sh", "-ec", by_hand])
    assert urls(invoke("compose-up", "--variant=hardened")) == [url]
    assert containers("web") | containers("edge") == before
    assert "build orchlab/app" in invoke("compose-up", "--variant=hardened", "--build")


def test_what_cannot_be_done_is_said() -> None:
    """Without a stack, with a wrong variant, number, image or context."""
    assert "compose-up" in invoke("compose-scale", "--replicas=2", status=1)
    assert "compose-up" in invoke("compose-rollback", status=1)
    assert "nothing is up" in invoke("compose-status")
    assert "valid names: defaults, hardened" in invoke("compose-up", "--variant=soft", status=2)
    assert "room for 19" in invoke("compose-up", "--variant=hardened", "--replicas=20", status=2)
    assert "no image" in invoke("compose-update", "--image=nobody/has:this", status=1)
    assert "docker context" in invoke("compose-status", "--context=nowhere", status=2)


def test_logs_are_followed_until_ctrl_c() -> None:
    """Lines of the past and new ones, each with its replica's name; Ctrl-C is no failure."""
    invoke("compose-up", "--replicas=2")
    assert "web-2" in invoke("compose-logs", "--tail=50")
    with subprocess.Popen(
        [sys.executable, "-m", "invoke", "compose-logs", "--follow", "--tail=1"],
        cwd=paths.ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert "web-" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 0


@pytest.fixture
def far(images: ImageStore, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Another host: an engine in a container, with a docker context that leads to its socket.

    Its ports are out of reach from here, its files are its own: images on a volume, since it
    would copy every layer of every container if they lay on another overlay. Yields the
    environment in which the context is known.
    """
    name, socket = f"{labels.LAB}-far", tmp_path / "far" / "docker.sock"
    socket.parent.mkdir(mode=0o700)
    sweep.sweep(labels.LAB, CONTEXT)
    flags = [*labels.flags(CONTEXT), "--privileged", "--tmpfs=/run"]
    flags += [f"--volume={socket.parent}:/api", "--volume=/var/lib/docker"]
    daemon = [f"--host=unix:///api/{socket.name}", f"--group={os.getgid()}"]
    node = images.ensure("swarm-node").reference
    shell.run(["docker", "run", "--detach", f"--name={name}", *flags, node, *daemon])
    config = tmp_path / "config"
    config.mkdir()
    known = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "cli-plugins"
    if known.exists():
        (config / "cli-plugins").symlink_to(known)
    environment = {"DOCKER_CONFIG": str(config)}
    address = f"unix://{socket}"
    try:
        shell.run(
            ["docker", "context", "create", CONTEXT, f"--docker=host={address}"], env=environment
        )
        wait_until(f"the engine at {address} answers", socket.exists, timeout=ENGINE_SECONDS)
        carried = [images.ensure(each).reference for each in ("python", "redis", "haproxy")]
        archive = tmp_path / "images.tar"
        shell.run(["docker", "save", f"--output={archive}", images.app().reference, *carried])
        shell.run(["docker", f"--host={address}", "load", f"--input={archive}"])
        yield environment
    finally:
        sweep.sweep(labels.LAB, CONTEXT)


def test_another_docker_host_is_worked_on_through_its_context(far: dict[str, str]) -> None:
    """Up, scale, update and back, status, logs and down happen there, and nothing here."""

    def there(*words: str, status: int = 0) -> str:
        return invoke(*words, f"--context={CONTEXT}", status=status, **far)

    output = there("compose-up", "--variant=hardened", "--replicas=2")
    port = urls(output)[0].rpartition(":")[2]
    assert f"ssh -N -L {port}:127.0.0.1:{port}" in output
    there("compose-scale", "--replicas=3")
    for task, version in (("compose-update --app-version=2", 2), ("compose-rollback", 1)):
        there(*task.split())
        web = rf"{LAB}-web-\d+ .*orchlab/app:{version}-.*running, healthy"
        assert len(re.findall(web, there("compose-status"))) == 3
    assert "web-" in there("compose-logs")
    assert leftovers() == []
    there("compose-up")
    there("compose-down", "--volumes")
    assert "nothing is up" in (gone := there("compose-status"))
    assert LAB not in gone.partition("volumes")[2]
