"""Archives of what is in memory."""

from __future__ import annotations

import io
import tarfile

from orchlab import tars


def test_a_file_comes_out_as_it_went_in() -> None:
    """With its content, under its name, and readable by all unless something else is said."""
    with tarfile.open(fileobj=io.BytesIO(tars.of("etc/hosts.toml", b"server"))) as tar:
        (member,) = tar.getmembers()
        found = tar.extractfile(member)
        assert found
        assert (member.name, member.mode, found.read()) == ("etc/hosts.toml", 0o644, b"server")
