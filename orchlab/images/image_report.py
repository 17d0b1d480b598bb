"""``invoke image-report``: the app's image taken apart, beside a naive one."""

from __future__ import annotations

from typing import get_args

from rich.markup import escape

from orchlab import console, engine
from orchlab.images import layers, rebuild
from orchlab.images.layers import Layer, Part
from orchlab.images.rebuild import Rebuild
from orchlab.images.store import ImageStore

RATIO = 1.15
"""Promise: the image is at most this multiple of its base plus its dependencies."""

REBUILD_SECONDS = 2.0
"""Promise: after a changed line the image is there again within this time."""

CHANGE = f"a changed line of app/{rebuild.CHANGED_FILE}"
SHORT = 12
WIDTH = 60
KB, MB = 1e3, 1e6


def show(images: ImageStore) -> None:
    """Build both images twice; print what they are made of and what a change costs."""
    engine.ensure()
    ours, naive = rebuild.ours(images), rebuild.naive(images)
    for name, each in (("app/Dockerfile", ours), ("the naive Dockerfile", naive)):
        header = ("part", "size", "digest", "after the change", "made by")
        console.table(f"{name}: layers, and {CHANGE}", header, layer_rows(each))
    console.table("compared", ("", "app", "naive", "naive - app"), comparison(ours, naive))
    console.table("promised", ("", "measured", "at most", ""), promises(ours))


def layer_rows(measured: Rebuild) -> list[tuple[str, ...]]:
    """One row per layer, lowest first."""
    pairs = zip(measured.before, measured.after, strict=True)
    return [_layer_row(before, after) for before, after in pairs]


def comparison(ours: Rebuild, naive: Rebuild) -> list[tuple[str, ...]]:
    """One row per property of the two images."""
    both = (ours, naive)
    new = [each.changed for each in both]
    parts: tuple[Part, ...] = get_args(Part)
    return [
        _sizes("image", *(layers.total(each.before) for each in both)),
        *(
            _sizes(f"- {part}", *(layers.total(each.before, part) for each in both))
            for part in parts
        ),
        _numbers("layers", *(len(each.before) for each in both)),
        _numbers(f"layers that {CHANGE} makes new", *map(len, new)),
        _sizes("- size of these", *map(layers.total, new)),
        _numbers("- seconds until they are built", *(round(each.seconds, 1) for each in both)),
    ]


def promises(ours: Rebuild) -> list[tuple[str, ...]]:
    """What the lab promises of its image, and whether it holds."""
    ratio = layers.ratio(ours.before)
    return [
        ("image / (base + dependencies)", f"{ratio:.3f}", f"{RATIO:g}", _held(ratio <= RATIO)),
        (
            f"seconds to build {CHANGE}",
            f"{ours.seconds:.1f}",
            f"{REBUILD_SECONDS:g}",
            _held(ours.seconds <= REBUILD_SECONDS),
        ),
    ]


def size(count: float) -> str:
    """Bytes for a person; an empty layer is 0 kB."""
    return f"{count / MB:.1f} MB" if abs(count) >= MB / 10 else f"{count / KB:.1f} kB"


def _layer_row(before: Layer, after: Layer) -> tuple[str, ...]:
    fate = "the same" if after.digest == before.digest else f"new: {_short(after.digest)}"
    made_by = before.made_by
    words = made_by if len(made_by) <= WIDTH else f"{made_by[: WIDTH - 3]}..."
    return before.part, size(before.size), _short(before.digest), fate, escape(words)


def _sizes(what: str, ours: int, naive: int) -> tuple[str, ...]:
    return what, size(ours), size(naive), size(naive - ours)


def _numbers(what: str, ours: float, naive: float) -> tuple[str, ...]:
    return what, f"{ours:g}", f"{naive:g}", f"{naive - ours:g}"


def _short(digest: str) -> str:
    return digest.rpartition(":")[2][:SHORT]


def _held(holds: bool) -> str:  # noqa: FBT001 - a fact, not a mode
    return "held" if holds else "[red]broken[/red]"
