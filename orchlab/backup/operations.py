"""Backup and restore, the same for every platform that says where its data are."""

from __future__ import annotations

import json
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from orchlab import console, labels, paths
from orchlab.backup import archive, transfer
from orchlab.backup.archive import APP, SNAPSHOT, STORE, Manifest
from orchlab.backup.keeper import SNAPSHOT as STORE_FILE
from orchlab.errors import HostUnfit, UsageError
from orchlab.platforms import serving
from orchlab.platforms.base import Platform
from orchlab.platforms.capabilities import Place, VolumeBackup


def default_file(platform: str) -> Path:
    """A name that says from where and when, in this directory."""
    return Path(f"orchlab-{platform}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar")


def backup(platform: Platform, path: Path) -> Manifest:
    """Write the app's files and what Redis holds to ``path``, while the app serves.

    Redis' part is of one moment, after the last write that was acknowledged before the
    call; each file is whole. What is written meanwhile may be in it or not. ``path`` is
    replaced when all is there, and untouched until then. Raises ``UsageError`` for a path
    that cannot be written, and ``OrchlabError`` when nothing is deployed.
    """
    source = _with_data(platform)
    paths.require_place(path)
    places = source.file_places()
    with paths.workplace(path) as work:
        tree = work / "tree"
        _gather(places, work / "places", tree / APP)
        with console.step(f"{platform.name}: Redis saves, and a helper reads what it saved"):
            transfer.save(source.ask_store)
            with source.store_place() as place:
                transfer.fetch(place, tree / STORE, STORE_FILE)
        manifest = Manifest(
            lab=labels.LAB,
            platform=platform.name,
            app_version=_version(platform),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            files=archive.contents(tree),
        )
        archive.write(work / path.name, manifest, tree)
        (work / path.name).replace(path)
    return manifest


def restore(platform: Platform, path: Path) -> Manifest:
    """Make a backup's data those of the running app; Redis is away meanwhile.

    Raises ``UsageError`` if there is no such file and ``Unusable`` before anything is
    touched, ``OrchlabError`` when nothing is deployed.
    """
    target = _with_data(platform)
    if not path.is_file():
        raise UsageError(f"there is no file {path}", "name one that `invoke backup` wrote")
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work)
        with console.step(f"check {path}"):
            manifest = archive.read(path, tree)
            (tree / APP).mkdir(exist_ok=True)
        places = target.file_places()
        with (
            console.step(f"{platform.name}: replace what Redis holds"),
            target.store_stopped(),
            target.store_place() as place,
        ):
            transfer.replace(place, "store", tree / STORE)
        for place in places:
            with console.step(f"{platform.name}: replace the files in {place.name}"):
                transfer.replace(place, "files", tree / APP)
    if manifest.files.keys() - {SNAPSHOT} and not all(place.lasting for place in places):
        console.warn(f"{platform.name}: each replica has its files to itself, and they end with it")
    return manifest


def show(path: Path, manifest: Manifest) -> None:
    """What a backup holds."""
    rows = ((name, str(each.size), each.sha256) for name, each in manifest.files.items())
    title = f"{path}: {manifest.platform}, app version {manifest.app_version}, {manifest.made_at}"
    console.table(title, ("file", "bytes", "sha256"), rows)


def _with_data(platform: Platform) -> VolumeBackup:
    if not isinstance(platform, VolumeBackup):
        raise UsageError(f"{platform.name} has no backup", "`invoke --list` shows what it has")
    if not hasattr(tarfile, "data_filter"):
        reason = "this Python's tarfile unpacks whatever path an archive names"
        raise HostUnfit(reason, "Python 3.11.4 or newer does not")
    return platform


def _gather(places: list[Place], work: Path, into: Path) -> None:
    """The app's files from all places, as one tree."""
    work.mkdir()
    trees = [work / str(number) for number in range(len(places))]
    for place, tree in zip(places, trees, strict=True):
        with console.step(f"read the files in {place.name}"):
            transfer.fetch(place, tree)
    for name in sorted(transfer.merge(trees, into)):
        console.warn(f"replicas have different files {name}: the backup has the newest")


def _version(platform: Platform) -> str:
    """What the app says of itself; unknown if nobody answers."""
    said = (serving.get(each.url, "/whoami") for each in platform.endpoints())
    return next((str(json.loads(each)["version"]) for each in said if each), "unknown")
