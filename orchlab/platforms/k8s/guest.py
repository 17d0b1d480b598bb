"""Being a guest: what of the namespace's is not the lab's is neither taken over nor removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchlab import labels
from orchlab.errors import UsageError
from orchlab.platforms.k8s.control import Control
from orchlab.platforms.k8s.release import VARIANT_KEY
from orchlab.platforms.k8s.store import POD

CLAIM = f"data-{POD}"
"""Of the StatefulSet's own making, so it carries no label of the lab."""
LABEL = labels.KEY.replace(".", r"\.")
COLUMNS = f"custom-columns=KIND:.kind,NAME:.metadata.name,LAB:.metadata.labels.{LABEL}"


def require_room(control: Control, directory: Path) -> None:
    """Raise ``UsageError`` unless the release in ``directory`` would meet only the lab's own.

    Objects of its names that somebody else made would be taken over; pods that carry the
    app's labels without being of it would get its requests.
    """
    question = ("get", "-k", directory, "--ignore-not-found", "--no-headers", "-o", COLUMNS)
    found = strangers(control.run(*question, echo=False))
    pods = control.api.pods(control.namespace, "app in (web, redis)")
    found += [f"Pod {pod.metadata.name}" for pod in pods if not of_app(pod)]
    if found:
        raise UsageError(
            f"namespace {control.namespace} has what is not this lab's: {', '.join(found)}",
            "name another with --namespace; ORCHLAB_LAB names another lab",
        )


def strangers(listing: str) -> list[str]:
    """Kind and name of those that are not labelled as this lab's."""
    rows = (line.split() for line in listing.splitlines())
    return [f"{kind} {name}" for kind, name, lab in rows if lab != labels.LAB]


def of_app(pod: Any) -> bool:  # noqa: ANN401 - the client's objects
    """Whether a pod with the app's labels is of its Deployment or is its Redis."""
    return VARIANT_KEY in pod.metadata.labels or pod.metadata.name == POD


def holds_data(control: Control) -> bool:
    """Whether the Redis in the namespace, and so its claim, is the lab's."""
    mine = ("-n", control.namespace, "-l", f"{labels.KEY}={labels.LAB}")
    return bool(control.run("get", "statefulsets", *mine, "-o", "name", echo=False).strip())
