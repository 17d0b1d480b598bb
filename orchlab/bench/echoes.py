"""The way by hand, in a task's own words: what it echoes can be pasted into a shell."""

from __future__ import annotations

import re

from orchlab.errors import OrchlabError


def echoed(output: str, command: str) -> list[str]:
    """The echoed commands that match the regular expression ``command``.

    Raises ``OrchlabError`` when there is none.
    """
    lines = re.finditer(rf"^\$ (.*\b(?:{command})\b.*)$", output, re.MULTILINE)
    found = [line[1] for line in lines]
    if not found:
        raise OrchlabError(f"the task echoed no `{command}`", "see its output")
    return found
