"""The cluster's nodes as the engine sees them: containers on a network of their own."""

from __future__ import annotations

import contextlib
from datetime import datetime

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from orchlab import labels, paths, shell, tars
from orchlab.errors import UnknownName
from orchlab.parallel import in_parallel
from orchlab.platforms.k8s import objects as k8s_objects
from orchlab.sweep import KIND_CLUSTER

HOSTS = paths.K8S / "hosts.toml"
HOSTS_REGISTRY = "orchlab-registry:5000"
ROLE = "io.x-k8s.kind.role"
CONTROL_PLANE = "control-plane"
BALANCER = "external-load-balancer"
"""What kind puts before several control planes: a container, and no node."""
NODE_PORT = "30080/tcp"
API_PORT = "6443/tcp"
CERTIFICATES = "/etc/containerd/certs.d"
IMAGES = "ctr -n k8s.io images"
MTU = "com.docker.network.driver.mtu"


def network_name() -> str:
    """The engine's network that joins the nodes and the registry."""
    return f"{labels.LAB}-kind"


def ensure_network() -> str:
    """Make the nodes' network if there is none; return its name.

    kind takes a network that exists as it is, so this one has what kind would
    set - masquerading and the default bridge's MTU - and the lab's labels.
    """
    client = docker.from_env()
    name = network_name()
    if not client.networks.list(names=[f"^{name}$"]):
        options = {"com.docker.network.bridge.enable_ip_masquerade": "true"}
        with contextlib.suppress(NotFound):
            default = client.networks.get("bridge").attrs["Options"] or {}
            options |= {key: value for key, value in default.items() if key == MTU}
        client.networks.create(name, driver="bridge", options=options, labels=labels.labels("k8s"))
    return name


def nodes() -> list[Container]:
    """The node containers, running or not, the control plane first."""
    found = (each for each in containers() if each.labels.get(ROLE) != BALANCER)
    return sorted(found, key=lambda node: (node.labels.get(ROLE) != CONTROL_PLANE, node.name))


def node(name: str) -> Container:
    """A node by its name; raises ``UnknownName``, which lists the names there are."""
    known = {str(each.name): each for each in nodes()}
    if name not in known:
        raise UnknownName("node", name, known)
    return known[name]


def running() -> list[str]:
    """Names of the nodes that are on."""
    return [str(each.name) for each in nodes() if each.status == "running"]


def peers(node: str) -> list[str]:
    """Addresses of all others that are on, kind's balancer included: it leads to the API."""
    others = (each for each in containers() if each.name != node)
    found = (each.attrs["NetworkSettings"]["Networks"][network_name()] for each in others)
    return sorted(address for each in found if (address := each["IPAddress"]))


def ports() -> dict[str, int]:
    """Node name -> port on 127.0.0.1 that leads to its NodePort, of the running nodes."""
    return {
        str(node.name): int(bound[0]["HostPort"])
        for node in nodes()
        if (bound := node.ports.get(NODE_PORT))
    }


def api_port() -> int:
    """The port on 127.0.0.1 that leads to the API, through kind's balancer if any; 0 if none."""
    found = sorted(containers(), key=lambda each: each.labels.get(ROLE) != BALANCER)
    bound = (each.ports.get(API_PORT) for each in found)
    return next((int(each[0]["HostPort"]) for each in bound if each), 0)


def remove() -> None:
    """Remove the node containers with their volumes, all at once: each takes seconds."""
    in_parallel(_remove, containers())


def containers() -> list[Container]:
    """All that kind made: the nodes, and the balancer if there is one."""
    wanted = [f"{KIND_CLUSTER}={labels.LAB}"]
    return docker.from_env().containers.list(all=True, filters={"label": wanted})


def _remove(node: Container) -> None:
    with contextlib.suppress(NotFound):
        node.remove(v=True, force=True)


def task_pids(node: str) -> dict[str, int]:
    """Container id -> process id, both as that node sees them, of what runs there."""
    listing = shell.run(["docker", "exec", node, "ctr", "-n", "k8s.io", "tasks", "ls"], echo=False)
    return k8s_objects.task_pids(listing)


def signal(node: str, pid: int, name: str) -> None:
    """Signal a process by its number on that node; raises ``CommandFailed`` if it has none."""
    shell.run(["docker", "exec", node, "kill", f"-{name}", str(pid)])


def process_state(node: str, pid: int) -> str:
    """The kernel's letter for a process' state (``T``: stopped); raises ``CommandFailed``."""
    status = shell.run(["docker", "exec", node, "cat", f"/proc/{pid}/stat"], echo=False)
    return status.rpartition(")")[2].split()[0]


def pull(reference: str, content: str) -> None:
    """Pull an image on every node that is on, at once; raises ``CommandFailed``.

    There it gets a second name, ``content``, by its digest, so that a node's status tells what
    is behind the first one.
    """
    _on_each(
        "sh",
        "-ec",
        f"{IMAGES} pull --hosts-dir {CERTIFICATES} {reference}\n"
        f"{IMAGES} tag --force {reference} {content}",
    )


def forget_attempts() -> None:
    """Remove what the nodes' connection tracking has of connections that nobody answered.

    Raises ``CommandFailed`` where it cannot.
    """
    # By its words, since its status is 1 also where there was nothing to delete.
    script = "conntrack -D -p tcp --state SYN_SENT 2>&1 | grep 'entries have been deleted'"
    _on_each("sh", "-c", script)


def _on_each(*words: str) -> None:
    """Run a command on every node that is on, at once; raises ``CommandFailed``."""
    in_parallel(lambda node: shell.run(["docker", "exec", node, *words], echo=False), running())


def hosts_toml(registry: str) -> str:
    """The content of ``k8s/hosts.toml`` for a registry of another name."""
    return HOSTS.read_text().replace(HOSTS_REGISTRY, registry)


def trust(registry: str) -> None:
    """Tell each node's containerd that the lab's registry speaks plain HTTP."""
    file = f"{CERTIFICATES}/{registry}/hosts.toml".lstrip("/")
    archive = tars.of(file, hosts_toml(registry).encode())
    in_parallel(lambda node: node.put_archive("/", archive), nodes())


def started() -> dict[str, datetime]:
    """When each node's container started, which is older than anything true of it now."""
    return {
        str(node.name): k8s_objects.moment(node.attrs["State"]["StartedAt"]) for node in nodes()
    }
