"""Node images for kind where no image registry answers, and kind's tools."""

from __future__ import annotations

from orchlab.images.node.image import KindNode
from orchlab.images.node.tools import kind, kubectl

__all__ = ["KindNode", "kind", "kubectl"]
