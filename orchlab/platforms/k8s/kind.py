"""The kind cluster: made, found again, mended after a restart, or made anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from docker.errors import APIError
from docker.models.containers import Container

from orchlab import console, labels, shell
from orchlab.errors import CommandFailed, WaitTimeout
from orchlab.images.store import Image, ImageStore
from orchlab.parallel import in_parallel
from orchlab.platforms import partition
from orchlab.platforms.k8s import api as k8s_api
from orchlab.platforms.k8s import kind_config
from orchlab.platforms.k8s import nodes as k8s_nodes
from orchlab.platforms.k8s import readiness as k8s_readiness
from orchlab.platforms.k8s.creation import Creation
from orchlab.platforms.k8s.kind_config import Size
from orchlab.wait import wait_until

UNFINISHED_S = 3.0
"""Patience with running nodes of a cluster that kind perhaps never finished."""
RESTART_S = 120.0
"""Patience with a finished cluster: the engine may have just restarted its nodes."""
READY_S = 240.0


class Cluster:
    """This lab's cluster, driven with these two programs.

    ``keep``: what kind could not finish is left, to be looked at.
    """

    def __init__(
        self, kind: Path, kubectl: Path, images: ImageStore, *, keep: bool = False
    ) -> None:
        self.creation = Creation(kind, kubectl, images, keep)

    def ensure(self, node_image: Image, registry: str, size: Size | None = None) -> None:
        """Make sure that a healthy cluster runs whose nodes pull from ``registry``.

        One that is healthy is kept; stopped nodes are started; what a killed run left
        half-made, or what broke, is removed and made anew. ``size`` None takes what there
        is, or was. Three control planes seldom survive that all of them were stopped: etcd's
        members know each other by address, and the engine deals addresses out anew.
        Raises ``UsageError`` for a cluster of another size or network, ``OrchlabError``
        when kind fails and ``WaitTimeout`` when the cluster does not become ready.
        """
        if k8s_nodes.containers() and not self._revive():
            console.warn("the cluster is unfinished or broken: making it anew, without its data")
            k8s_nodes.remove()
        if not (found := k8s_nodes.nodes()):
            self._make(node_image, size or kind_config.asked(k8s_api.kubeconfig().parent))
        elif size:
            kind_config.require(found, size, node_image)
        k8s_nodes.trust(registry)
        _await_system()

    def _revive(self) -> bool:
        found = k8s_nodes.nodes()
        if not found:  # the balancer may be left
            return False
        path = k8s_api.kubeconfig()
        finished = path.exists() and path.stat().st_size > 0  # the last thing that kind writes
        try:
            for each in k8s_nodes.containers():
                if each.status != "running":
                    console.note(f"starting {each.name}")
                    each.start()
            in_parallel(partition.mend, k8s_nodes.running())  # an interrupted experiment's cut
            self._export_kubeconfig()
            with console.step("find the cluster's nodes again"):
                await_nodes(RESTART_S if finished else UNFINISHED_S)
            if lost := _lost(found):
                console.warn(f"the cluster has nodes without a container: {', '.join(lost)}")
                return False
        except APIError as error:  # such as a port that somebody took meanwhile
            console.warn(f"the engine refused: {error.explanation or error}")
            return False
        except (CommandFailed, WaitTimeout) as error:
            console.warn(error.message)
            return False
        return True

    def _make(self, node_image: Image, size: Size) -> None:
        self.creation.run(node_image, size)
        with console.step("wait until the nodes are ready"):
            await_nodes(READY_S)
        if size.control_planes > 1:
            _spread_dns(self.creation.kubectl)

    def _export_kubeconfig(self) -> None:
        """Write where the API is, unless that is known: a restart gives it another port."""
        path = k8s_api.kubeconfig()
        if path.exists() and f":{k8s_nodes.api_port()}\n" in path.read_text():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        flags = [f"--name={labels.LAB}", f"--kubeconfig={path}"]
        shell.run([self.creation.kind, "export", "kubeconfig", *flags])


def _spread_dns(kubectl: Path) -> None:
    """Move the cluster's DNS, all of which was started on the first node there was.

    Its loss would else be that of all names until the pods are given up, six minutes
    later: kubeadm's guide to several control planes asks for this.
    """
    with console.step("spread the cluster's DNS over nodes") as detail:
        for words in (("restart",), ("status", f"--timeout={READY_S:g}s")):
            command = [kubectl, "-n", "kube-system", "rollout", *words, "deployment/coredns"]
            shell.run(command, env={"KUBECONFIG": str(k8s_api.kubeconfig())}, on_line=detail)


def _lost(found: Iterable[Container]) -> list[str]:
    """Nodes that the cluster counts on and the engine does not have."""
    here = {node.name for node in found}
    names = (str(node.metadata.name) for node in k8s_api.Api().nodes())
    return [name for name in names if name not in here]


def await_nodes(timeout: float, only: Collection[str] = ()) -> None:
    """Return when the cluster counts on its nodes, or ``only`` on these.

    Raises ``WaitTimeout`` after ``timeout`` seconds.
    """
    started = k8s_nodes.started()
    if only:
        started = {name: since for name, since in started.items() if name in only}
    api = k8s_api.Api()
    check = k8s_api.tolerant(lambda: k8s_readiness.unready_nodes(api, started))
    wait_until(
        f"{len(started)} nodes ready",
        lambda: check() == [],
        timeout=timeout,
        pause=0.5,
        state=lambda: f"not ready: {check()}",
    )


def _await_system() -> None:
    """Wait until the cluster's own pods are ready, on nodes that are."""
    with console.step("wait until the cluster's own pods are ready"):
        started = k8s_nodes.started()
        api = k8s_api.Api()
        check = k8s_api.tolerant(lambda: k8s_readiness.unready_system(api, started))
        wait_until(
            "the cluster's own pods ready",
            lambda: check() == [],
            timeout=READY_S,
            pause=0.5,
            state=lambda: f"not ready: {check()}",
            hint="`invoke k8s-down`, then run the command again",
        )
