"""Lines of a configuration file, found by what they set: nothing is copied by hand."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchlab.paths import ROOT

TEXT = "~"
"""Before an anchor in a file that is no YAML: the line that holds this text."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some lines of ``file``; the first one is number ``line``."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class _Document:
    lines: list[str]
    roots: list[yaml.Node]


def excerpt(anchor: str, root: Path = ROOT) -> Excerpt:
    """The lines that ``FILE:KEY.KEY`` sets, with the comment above them.

    In a file of several Kubernetes objects the first key is ``Kind/name``; a number counts
    into a list. Raises ``LookupError`` when the file no longer sets it.
    """
    file, _, path = anchor.partition(":")
    lines = _read(root / file).lines
    if path.startswith(TEXT):
        first = next((n for n, each in enumerate(lines) if path[1:] in each), None)
        last = None if first is None else first + 1
    else:
        first, last = _range(_read(root / file).roots, path.split("."))
    if first is None or last is None:
        raise LookupError(f"{file} has no {path}")
    first = _with_comment(lines, first)
    return Excerpt(file, first + 1, textwrap.dedent("\n".join(lines[first:last])))


@functools.cache
def _read(path: Path) -> _Document:
    text = path.read_text(encoding="utf-8")
    roots = list(yaml.compose_all(text, Loader=yaml.SafeLoader)) if path.suffix == ".yaml" else []
    return _Document(text.splitlines(), roots)


def _range(roots: list[yaml.Node], path: list[str]) -> tuple[int | None, int | None]:
    """The first line and the one behind the last, counted from 0; None without such a path."""
    node: yaml.Node | None = next((r for r in roots if _name(r) == path[0]), None)
    keys = path[1:] if node else path
    node = node or roots[0]
    first = node.start_mark.line
    for key in keys:
        found = next((pair for pair in _children(node) if pair[0] == key), None)
        if found is None:
            return None, None
        _, first, node = found
    return first, _end(node)


def _end(node: yaml.Node) -> int:
    """The line behind the last one; a block's own mark is where the next one begins."""
    inside = [value for _, _, value in _children(node)]
    if inside and isinstance(node, yaml.CollectionNode) and not node.flow_style:
        return _end(inside[-1])
    return int(node.end_mark.line) + (node.end_mark.column > 0)


def _children(node: yaml.Node) -> Iterator[tuple[str, int, yaml.Node]]:
    """Key, first line and value of every entry of a mapping or a list."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line, value
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield str(number), value.start_mark.line, value


def _name(root: yaml.Node) -> str:
    """``Kind/name`` of a Kubernetes object."""
    top = {key: value for key, _, value in _children(root)}
    inner = (
        {key: value for key, _, value in _children(top["metadata"])} if "metadata" in top else {}
    )
    kind, name = top.get("kind"), inner.get("name")
    return f"{kind.value}/{name.value}" if kind and name else ""


def _with_comment(lines: list[str], first: int) -> int:
    """The first line of the comment that stands right above, at the same depth."""
    indent = re.match(r" *", lines[first])
    mark = f"{indent.group() if indent else ''}#"
    while first and lines[first - 1].startswith(mark):
        first -= 1
    return first
