"""The lab itself: doctor, images, compare, report, clean, and what goes with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchlab import labels
from orchlab.errors import UsageError
from orchlab.tasks.common import CLUSTER, ELSEWHERE, IMAGES, REGISTRY, command

if TYPE_CHECKING:
    from invoke.context import Context


@command()
def doctor(_: Context) -> None:
    """Show what this machine has, what is missing, and how to mend it.

    Changes nothing. Exit code 3 when something that the lab needs is missing.

    Example: invoke doctor
    """
    from orchlab.engine import doctor

    doctor.require()


@command(**IMAGES, only="one image of the catalogue instead of all of them")
def images(_: Context, images: str = "auto", only: str = "") -> None:
    """Bring every image that the lab uses into the engine.

    Example: invoke images --images build
    """
    from orchlab import lifecycle

    lifecycle.provide_images(images, only)


@command(**IMAGES)
def image_report(_: Context, images: str = "auto") -> None:
    """Show the app's image layer by layer, what a changed line costs, and a naive image.

    Builds copies of app/ with its own Dockerfile and with a beginner's, and removes
    these images again.

    Example: invoke image-report
    """
    from orchlab import lifecycle
    from orchlab.images.image_report import show

    show(lifecycle.image_store(images))


@command(
    action="save: the engine's images to a file; load: from a file, after a check, into the engine",
    file="the archive; about a gigabyte with all images",
    only="save just this image of the catalogue, or the app; several are comma-separated",
)
def image_archive(_: Context, action: str, file: str, only: str = "") -> None:
    """Carry the built images to machines that shall not build: save them here, load them there.

    The file is checked before anything is loaded. What is loaded has the references that
    it had, and kind comes with the node image, so the other machine rebuilds nothing.

    Example: invoke image-archive save orchlab-images.tar
    """
    from orchlab.images import image_archive as archive

    archive.run(action, Path(file), only)


@command(
    "resume",
    **IMAGES,
    **ELSEWHERE,
    **REGISTRY,
    k8s_context="a context of your kubeconfig: measure that cluster instead of the lab's own",
    namespace=CLUSTER["namespace"],
    profile="quick: most questions once, all platforms at the same time; standard: every question "
    "once, one platform after the other; full: the same in both variants, six times, hours",
    platforms="comma-separated: compose,swarm,k8s",
    experiments="comma-separated, instead of those of the profile; see README",
    keep="leave the platforms up afterwards",
    app="a YAML file that describes an app of yours, to be measured instead: docs/own-app.md",
    resume="go on with a run that was interrupted; the newest if no directory is given",
)
def compare(  # noqa: PLR0913 - a flag each
    _: Context,
    *,
    platforms: str = "",
    experiments: str = "",
    images: str = "auto",
    keep: bool = False,
    context: str = "",
    host: str = "",
    k8s_context: str = "",
    namespace: str = "",
    registry: str = "",
    profile: str = "quick",
    app: str = "",
    resume: str | bool = "",
) -> None:
    """Measure the platforms side by side; print a table and write a report.

    Works in a lab of its own (orchlab-compare): stacks that you brought up stay
    as they are. With a Swarm or a cluster of your own, what would break nodes is left out.
    Exit code 0: as promised, or an expected limit of a platform; 4: a promise was broken,
    such as an acknowledged write lost; 1: something could not be answered.

    Example: invoke compare --platforms compose,swarm --experiments control,crash
    Example: invoke compare --app my-app.yaml --experiments control,crash,update
    """
    labels.enter("compare")
    from orchlab import app_file, runner
    from orchlab.platforms import elsewhere

    there = elsewhere.named(context, host, k8s_context, namespace, registry)
    if not resume:
        own = app_file.read(app)
        runner.compare(profile, platforms, experiments, images, keep=keep, elsewhere=there, app=own)
        return
    if platforms or experiments or app:
        hint = "leave out --platforms, --experiments and --app"
        raise UsageError("a run that goes on has its plan already", hint)
    runner.resume("" if resume is True else str(resume), keep=keep, elsewhere=there)


@command(
    **IMAGES,
    only="comma-separated: compose-up,compose-up-hardened,swarm-up,swarm-deploy,swarm-update,"
    "k8s-up,k8s-deploy,k8s-update,distribution,throughput,latency,image,prober-cpu,prober-lag,"
    "report",
    repeats="pairs of readings per figure; the median of their ratios counts",
)
def bench(_: Context, only: str = "", repeats: int = 7, images: str = "auto") -> None:
    """Measure what the lab and the app cost: ratios of readings taken in turns.

    Works in a lab of its own (orchlab-bench) and wants a machine that does nothing
    else. Raw readings go below results/bench/; all figures together also become
    docs/figures.md. Exit code 4 when a promise was broken.

    Example: invoke bench --only throughput,image --repeats 3
    """
    labels.enter("bench")
    from orchlab.bench.run import bench as measure

    measure(only, repeats, images)


@command(run="a directory below results/; the newest if not given")
def report(_: Context, run: str = "") -> None:
    """Judge a run again from its raw samples and rewrite its report; needs no engine.

    Example: invoke report --run results/20260102T030405Z
    """
    from orchlab import conclusion

    conclusion.report(run)


@command(before="a directory below results/", after="another one")
def compare_runs(_: Context, before: str, after: str) -> None:
    """Show what two runs answer differently: verdicts, and numbers whose ranges do not overlap.

    One sample each supports no claim; the table then says so. Needs no engine.

    Example: invoke compare-runs results/20260102T030405Z results/20260102T131415Z
    """
    from orchlab import compare_runs

    compare_runs.show(before, after)


@command(keep_images="keep the images; they take the longest to come back")
def clean(_: Context, keep_images: bool = False) -> None:  # noqa: FBT001, FBT002 - a flag
    """Remove all that the lab made in the engine, found by its label; stop a private engine.

    Results and the caches in the user's directories stay.

    Example: invoke clean --keep-images
    """
    from orchlab import lifecycle

    lifecycle.clean(keep_images=keep_images)
