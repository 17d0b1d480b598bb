"""Up, down and clean: what the deployment tasks do, the same for every platform."""

from __future__ import annotations

import shutil
import time
from typing import cast, get_args

import docker

from orchlab import console, engine, labels, paths, sweep
from orchlab.errors import UsageError
from orchlab.images.catalogue import CATALOGUE
from orchlab.images.store import ImageStore, Policy
from orchlab.names import pick
from orchlab.platforms.base import Platform, Release
from orchlab.platforms.registry import PLATFORMS

POLICIES = get_args(Policy)


def image_store(policy: str) -> ImageStore:
    """A store with that policy; raises ``UnknownName`` for one that does not exist."""
    pick("image policy", policy, POLICIES)
    return ImageStore(cast("Policy", policy))


def provide_images(policy: str, only: str = "") -> None:
    """Bring the catalogue's images, or one of them, and the app's into the engine."""
    images = image_store(policy)
    names = pick("image", only, CATALOGUE)
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


def up(name: str, replicas: int, policy: str, **options: int) -> None:
    """From nothing, or from any earlier state, to a serving release.

    ``options`` are those of the platform's adapter. Raises ``UsageError`` for
    less than one replica.
    """
    if replicas < 1:
        raise UsageError(f"{replicas} replicas cannot serve", "ask for at least 1")
    images = image_store(policy)
    engine.ensure()
    platform = PLATFORMS[name](images, **options)
    platform.prepare()
    image = images.app()
    platform.create()
    platform.publish(image)
    platform.deploy(Release(image, replicas))
    show(platform)


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


def down(name: str) -> None:
    """Remove one platform with its data; the images stay."""
    if engine.revive() is None:
        console.note("no Docker engine answers: nothing is up")
        return
    platform = PLATFORMS[name](ImageStore())
    with console.step(f"{name}: remove"):
        platform.delete()
        sweep.leftover(labels.LAB)


def clean(*, keep_images: bool) -> None:
    """Remove every object of this lab and of those beside it.

    A private engine that then runs nothing is stopped.
    """
    if engine.revive() is None:
        console.note("no Docker engine answers: nothing to remove")
        return
    for lab in labels.family():
        with console.step(f"remove what is labelled {labels.KEY}={lab}"):
            sweep.sweep(lab)
            if not keep_images:
                sweep.remove_images(lab)
            shutil.rmtree(paths.state_dir() / "labs" / lab, ignore_errors=True)
    if not docker.from_env().containers.list():
        engine.stop()
