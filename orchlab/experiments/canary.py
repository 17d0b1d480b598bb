"""Secrets: S1, whether a planted secret is anywhere that it should not be.

The canary is the lab's API key, which nothing else holds. It is looked for and never
recorded: of each place only its name and whether the canary was there.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from orchlab import credentials
from orchlab.apps import Feature
from orchlab.experiments.base import RECOMMENDED, Bench, Needs, finding
from orchlab.images.store import Image, ImageStore
from orchlab.platforms.capabilities import Describable
from orchlab.records import Finding, History

SECRET_FILE = "/run/secrets/api_key"  # noqa: S105 - a path


class Canary:
    """S1: descriptions, environments, logs and the image are searched for the API key."""

    name = "canary"
    row = "S1"
    question = "Is a planted secret anywhere that it should not be?"
    variants = RECOMMENDED
    needs: Needs = (Describable, Feature.TOOLS)

    def run(self, bench: Bench) -> None:
        """Make sure that it can be found where it belongs, then look everywhere else."""
        canary = credentials.api_key_file().read_bytes().strip()
        for replica in bench.ready():
            planted = bench.platform.exec(replica, "cat", SECRET_FILE)
            bench.mark("planted", replica.name, found=holds([planted.encode()], canary))
            environment = bench.platform.exec(replica, "cat", "/proc/1/environ")
            bench.mark("searched", "environment", found=holds([environment.encode()], canary))
        shown = cast("Describable", bench.platform).describe()
        bench.mark("searched", "descriptions", found=holds([shown.encode()], canary))
        images, image = bench.platform.images, bench.release.image
        bench.mark("searched", "image history", found=holds([_history(images, image)], canary))
        bench.mark("searched", "image", found=holds(_tar(images, image), canary))
        with tempfile.TemporaryDirectory() as folder:
            bench.platform.collect_logs(Path(folder))
            bench.mark("searched", "logs", found=holds(_files(Path(folder)), canary))

    def judge(self, history: History) -> Finding:
        """Pass when it is in its file and nowhere else."""
        planted = [each.detail["found"] for each in history.all("planted")]
        searched = history.all("searched")
        places = sorted({each.subject for each in searched})
        found = sorted({each.subject for each in searched if each.detail["found"]})
        values = {"searched": ", ".join(places), "found_in": ", ".join(found) or "none"}
        if not planted or not all(planted):
            return finding(history, "unknown", "the canary is not where it belongs", **values)
        if found:
            return finding(history, "fail", f"the canary is in: {', '.join(found)}", **values)
        return finding(
            history, "pass", f"in its file, and in none of {len(places)} places", **values
        )


def holds(pieces: Iterable[bytes], canary: bytes) -> bool:
    """Whether the canary is in a stream of bytes, also where two pieces meet.

    As it is or in base64, which is how Kubernetes writes a Secret; what follows it there, a
    newline perhaps, changes the last group of three bytes.
    """
    forms = (canary, base64.b64encode(canary[: len(canary) // 3 * 3]))
    longest = max(map(len, forms))
    tail = b""
    for piece in pieces:
        seen = tail + piece
        if any(form in seen for form in forms):
            return True
        tail = seen[-longest:]
    return False


def _history(images: ImageStore, image: Image) -> bytes:
    return json.dumps(images.client.images.get(image.id).history()).encode()


def _tar(images: ImageStore, image: Image) -> Iterator[bytes]:
    """The image as `docker save` writes it: layers are plain archives, so bytes can be found."""
    yield from images.client.images.get(image.id).save()


def _files(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.read_bytes()
