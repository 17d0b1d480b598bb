"""Images on their way to nodes that are not this machine's."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from orchlab.errors import UsageError
from orchlab.images import registry
from orchlab.images.given_registry import GivenRegistry
from orchlab.images.store import Image, ImageStore


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was pushed."""
    references: list[str] = []
    monkeypatch.setattr(
        registry, "send", lambda _client, _image, reference, _detail: references.append(reference)
    )
    return references


APP = Image("orchlab/app:1-abc", "sha256:0")


def test_an_image_goes_to_the_given_registry_by_its_tag(pushed: list[str]) -> None:
    """Once per command; nodes pull it under the same name."""
    given = GivenRegistry(Mock(spec=ImageStore, client=Mock()), "registry.example:5000")
    assert given.push(APP) == "registry.example:5000/orchlab/app:1-abc"
    given.push(APP)
    assert pushed == ["registry.example:5000/orchlab/app:1-abc"]


def test_a_registry_may_have_another_name_for_the_nodes(pushed: list[str]) -> None:
    """As behind a tunnel or on a published port."""
    given = GivenRegistry(Mock(spec=ImageStore, client=Mock()), "127.0.0.1:41=registry:5000")
    assert given.push(APP) == "registry:5000/orchlab/app:1-abc"
    assert given.reference(APP) == "registry:5000/orchlab/app:1-abc"
    assert pushed == ["127.0.0.1:41/orchlab/app:1-abc"]


def test_without_a_registry_images_cannot_be_sent(pushed: list[str]) -> None:
    """The hint names the option."""
    with pytest.raises(UsageError) as caught:
        GivenRegistry(Mock(spec=ImageStore), "").push(APP)
    assert "--registry" in caught.value.hint
    assert pushed == []
