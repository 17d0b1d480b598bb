"""What the deployment tasks do, the same for every platform."""

from __future__ import annotations

import shutil
import time
from typing import cast

import docker
from rich.markup import escape

from orchlab import console, engine, labels, paths, sweep
from orchlab.apps import LABS_OWN, App
from orchlab.errors import OrchlabError, UsageError
from orchlab.images.catalogue import CATALOGUE, usual
from orchlab.images.store import POLICIES, Image, ImageStore, Policy
from orchlab.names import pick
from orchlab.platforms.base import (
    Drainable,
    Guarded,
    Observable,
    Platform,
    Release,
    Rollout,
    Scalable,
    Table,
    Updatable,
)


def image_store(policy: str, subject: App = LABS_OWN) -> ImageStore:
    """A store with that policy and app; raises ``UnknownName`` for an unknown policy."""
    pick("image policy", policy, POLICIES)
    return ImageStore(cast("Policy", policy), subject)


def provide_images(policy: str, only: str = "") -> None:
    """Bring the catalogue's usual images and the app's, or just one, into the engine."""
    images = image_store(policy)
    names = pick("image", only, CATALOGUE) if only else usual()
    engine.ensure()
    started = time.monotonic()
    rows = [(name, images.ensure(name)) for name in names]
    if not only:
        rows.append(("app", images.app()))
    sizes = docker.from_env().images
    console.table(
        f"images, provided in {time.monotonic() - started:.1f} s",
        ("name", "reference", "MB"),
        (
            (name, image.reference, f"{sizes.get(image.id).attrs['Size'] / 1e6:.0f}")
            for name, image in rows
        ),
    )


def up(platform: Platform, images: ImageStore, replicas: int, variant: str) -> None:
    """From nothing, or from any earlier state, to a serving release.

    Raises ``UnknownName`` for a variant that the platform does not have and
    ``UsageError`` for less than one replica.
    """
    pick("variant", variant, platform.variants)
    require_replicas(replicas)
    platform.prepare()
    image = images.app()
    platform.create()
    platform.publish(image)
    platform.deploy(Release(image, replicas, variant))
    show(platform)


def scale(platform: Scalable, replicas: int) -> None:
    """Change the number of replicas of what runs."""
    require_replicas(replicas)
    platform.scale(replicas)
    if isinstance(platform, Platform):
        show(platform)


def update(platform: Updatable, image: Image) -> None:
    """Move what runs to another image; raises ``OrchlabError`` if it was rolled back."""
    if isinstance(platform, Platform):
        platform.publish(image)
    conclude(platform.update(image))


def rollback(platform: Updatable) -> None:
    """Go back to what ran before the last update."""
    conclude(platform.rollback())


def conclude(rollout: Rollout) -> None:
    """Say how a rollout ended; one that was undone is exit code 1."""
    if rollout.outcome == "rolled-back":
        raise OrchlabError(
            f"rolled back to {rollout.image}: {rollout.reason}",
            "mend the image and update again; the old one served all the while",
        )
    console.note(f"every replica runs {rollout.image}")


def drainable(platform: Platform) -> Drainable:
    """The platform, if its nodes may be emptied; raises ``UsageError`` for somebody's."""
    if isinstance(platform, Drainable):
        return platform
    why = f": {platform.refusal}" if isinstance(platform, Guarded) else ""
    raise UsageError(f"{platform.name} has no nodes to drain here{why}", "leave out --context")


def status(platform: Observable) -> None:
    """Print what runs."""
    for each in platform.status():
        print_table(each)


def print_table(table: Table) -> None:
    """Print a table of plain text on stdout."""
    rows = (tuple(escape(cell) for cell in row) for row in table.rows)
    console.table(escape(table.title), table.header, rows)


def require_replicas(replicas: int) -> None:
    """Raise ``UsageError`` for a number of replicas that cannot serve."""
    if replicas < 1:
        raise UsageError(f"{replicas} replicas cannot serve", "ask for at least 1")


def given_image(images: ImageStore, image: str, app_version: str) -> Image:
    """What an update is to run: an image of the engine, or the app built as a version.

    Raises ``UsageError`` unless exactly one of the two is given, and
    ``OrchlabError`` for an image that the engine does not have.
    """
    if bool(image) == bool(app_version):
        hint = "--app-version builds the app as that version; --image takes one that exists"
        raise UsageError("say what to update to", hint)
    if app_version:
        return images.app(app_version)
    found = images.present(image)
    if found is None:
        raise OrchlabError(f"the engine has no image {image}", "build or pull it first")
    return found


def show(platform: Platform) -> None:
    """Where the app answers and which replicas it has."""
    console.table(
        f"{platform.name}: entry points",
        ("node", "url"),
        ((each.node, each.url) for each in platform.endpoints()),
    )
    console.table(
        f"{platform.name}: replicas",
        ("replica", "node", "ready"),
        ((each.name, each.node, "yes" if each.ready else "no") for each in platform.replicas()),
    )


def engine_is_up() -> bool:
    """Whether there can be anything to remove: an engine that answers, or was killed."""
    if engine.revive() is None:
        console.note("no Docker engine answers: nothing is up")
        return False
    return True


def down(platform: Platform) -> None:
    """Remove one platform with its data; the images stay."""
    with console.step(f"{platform.name}: remove"):
        platform.delete()
        sweep.leftover(labels.LAB)


def clean(*, keep_images: bool) -> None:
    """Remove every object of this lab and of those beside it.

    A private engine that then runs nothing is stopped.
    """
    if not engine_is_up():
        return
    for lab in labels.family():
        with console.step(f"remove what is labelled {labels.KEY}={lab}"):
            sweep.sweep(lab)
            if not keep_images:
                sweep.remove_images(lab)
            shutil.rmtree(paths.state_dir() / "labs" / lab, ignore_errors=True)
    if not docker.from_env().containers.list():
        engine.stop()
