"""Images that differ in a little from another one, and what is left of them."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from orchlab import labels
from orchlab.images.derived import derived
from orchlab.images.store import Image

APP = Image("orchlab/app:1-abc", "sha256:1")
TAG = f"failing-{labels.LAB}"


@pytest.fixture
def images() -> Mock:
    """A test double of the image store: its engine commits whatever it is asked to."""
    made = Mock()
    made.client.containers.create.return_value.commit.return_value.id = "sha256:2"
    return made


def test_a_derived_image_is_there_for_the_block(images: Mock) -> None:
    """Beside its parent, changed as asked; the container that it came from is not kept."""
    client = images.client
    container = client.containers.create.return_value
    with derived(images, APP, "failing", files=b"tar", changes='CMD ["false"]') as image:
        assert image == Image(f"orchlab/app:{TAG}", "sha256:2")
        container.put_archive.assert_called_once_with("/", b"tar")
        container.commit.assert_called_once_with("orchlab/app", TAG, changes='CMD ["false"]')
        container.remove.assert_called_once_with()
        client.images.remove.assert_not_called()
    client.images.remove.assert_called_once_with(image.reference, force=True)


def test_what_fails_leaves_no_image_and_no_container(images: Mock) -> None:
    """Neither the block nor the commit."""
    client = images.client
    with pytest.raises(ValueError, match="block"), derived(images, APP, "failing"):
        raise ValueError("block")
    client.images.remove.assert_called_once()
    container = client.containers.create.return_value
    container.commit.side_effect = ValueError("commit")
    with pytest.raises(ValueError, match="commit"), derived(images, APP, "failing"):
        pytest.fail("there is no image")
    assert container.remove.call_count == 2
    client.images.remove.assert_called_once()
