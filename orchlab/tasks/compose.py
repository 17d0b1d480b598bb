"""The app as a Compose stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchlab.tasks.common import IMAGES, LOGS, REPLICAS, UPDATE, VARIANT, command

if TYPE_CHECKING:
    from invoke.context import Context

    from orchlab.platforms.compose.adapter import Compose

CONTEXT = {"context": "work on the Docker host of this docker context instead"}
OWN_NUMBER = {"replicas": "how many copies of the app; 0: one in defaults, three in hardened"}


def _stack(context: str, images: str = "auto", port: int = 0) -> Compose:
    """The adapter on a running engine: the context's, else this machine's."""
    from orchlab import engine, lifecycle
    from orchlab.platforms.compose.adapter import Compose

    store = lifecycle.image_store(images)
    if context:
        return Compose(store, port, elsewhere=engine.use(context).host)
    engine.ensure()
    return Compose(store, port)


def own_stack(images: str = "auto") -> Compose:
    """The adapter on this machine's engine; raises ``UnknownName`` for an image policy."""
    return _stack("", images)


@command(
    **OWN_NUMBER,
    **VARIANT,
    **IMAGES,
    **CONTEXT,
    build="build the app's image anew, whatever is there",
    port="port on 127.0.0.1, without an edge the first of one for each replica; 0 takes free ones",
)
def compose_up(  # noqa: PLR0913 - a flag each
    _: Context,
    *,
    variant: str = "defaults",
    replicas: int = 0,
    port: int = 0,
    images: str = "auto",
    build: bool = False,
    context: str = "",
) -> None:
    """Bring the app up as a Compose stack, or change the one that is up.

    Example: invoke compose-up --variant hardened --replicas 3 --port 8080
    """
    from orchlab import lifecycle
    from orchlab.names import pick
    from orchlab.platforms.compose.stack import REPLICAS as OWN

    (chosen,) = pick("variant", variant, OWN)
    platform = _stack(context, images, port)
    if build:
        platform.images.app(rebuild=True)
    lifecycle.up(platform, platform.images, replicas or OWN[chosen], chosen)


@command(**REPLICAS, **CONTEXT)
def compose_scale(_: Context, replicas: int = 0, context: str = "") -> None:
    """Change the number of replicas; returns when all of them serve.

    Example: invoke compose-scale --replicas 5
    """
    from orchlab import lifecycle

    lifecycle.require_replicas(replicas)
    lifecycle.scale(_stack(context), replicas)


@command(**UPDATE, **IMAGES, **CONTEXT)
def compose_update(
    _: Context, image: str = "", app_version: str = "", images: str = "auto", context: str = ""
) -> None:
    """Move the app to another image.

    In hardened one replica after another: when one does not serve, the old image serves
    on, and the exit code is 1. In defaults all at once, with an outage.

    Example: invoke compose-update --app-version 2
    """
    from orchlab import lifecycle

    platform = _stack(context, images)
    lifecycle.update(platform, lifecycle.given_image(platform.images, image, app_version))


@command(**CONTEXT)
def compose_rollback(_: Context, context: str = "") -> None:
    """Go back to the image that ran before.

    Example: invoke compose-rollback
    """
    from orchlab import lifecycle

    lifecycle.rollback(_stack(context))


@command(**CONTEXT)
def compose_status(_: Context, context: str = "") -> None:
    """Show containers with their health, volumes, and what the unhealthy ones said last.

    By hand, without the last part: docker compose -p orchlab ps --all

    Example: invoke compose-status
    """
    from orchlab import lifecycle

    if context or lifecycle.engine_is_up():
        lifecycle.status(_stack(context))


@command(**LOGS, **CONTEXT)
def compose_logs(
    _: Context,
    follow: bool = False,  # noqa: FBT001, FBT002 - a flag
    tail: int = 20,
    context: str = "",
) -> None:
    """Print the last lines of each replica of the app.

    Example: invoke compose-logs --follow --tail 5
    """
    from orchlab import lifecycle

    if context or lifecycle.engine_is_up():
        _stack(context).follow_logs(follow=follow, tail=tail)


@command(**CONTEXT, volumes="remove the data too")
def compose_down(_: Context, volumes: bool = False, context: str = "") -> None:  # noqa: FBT001, FBT002 - a flag
    """Remove the Compose stack; its data stay unless told otherwise.

    Example: invoke compose-down --volumes
    """
    from orchlab import lifecycle

    if context or lifecycle.engine_is_up():
        platform = _stack(context)
        platform.down(volumes=volumes)
        if volumes:
            lifecycle.down(platform)


@command(**IMAGES, port="port on 127.0.0.1; 0 takes a free one")
def compose_dev(_: Context, port: int = 0, images: str = "auto") -> None:
    """Serve app/ itself, each edit within two seconds, and follow its log until Ctrl-C.

    The engine has to see this directory; stacks/compose.watch.yaml copies the edits to one
    on another host.

    Example: invoke compose-dev --port 8080
    """
    from orchlab.platforms.compose import dev as development

    development.serve(_stack("", images, port))
