"""Platforms x experiments: bring up, measure, tear down; then judge and draw.

One platform is up at a time. A platform that fails leaves ``unknown`` findings
and the others go on; Ctrl-C still tears down what is up.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from orchlab import console, engine, labels, paths, results, sweep
from orchlab.errors import OrchlabError, PromiseBroken
from orchlab.experiments.base import Bench, Experiment, finding, judged
from orchlab.experiments.registry import EXPERIMENTS
from orchlab.guard import translate
from orchlab.images.store import ImageStore
from orchlab.lifecycle import image_store
from orchlab.names import pick
from orchlab.platforms.base import DEFAULTS, HARDENED, Guarded, Platform, Release
from orchlab.platforms.registry import PLATFORMS
from orchlab.prober import Prober
from orchlab.prober.rows import append
from orchlab.records import Event, Finding, History
from orchlab.results import Run, RunDir

CHANGED_VERSION = "2"
ATTEMPTS = 3
"""A void repetition proves nothing and is repeated; its raw samples are kept."""


def compare(
    platforms: str,
    experiments: str,
    policy: str,
    *,
    keep: bool,
    elsewhere: Mapping[str, Callable[[ImageStore], Platform]] = MappingProxyType({}),
) -> None:
    """Measure, judge, print and draw.

    ``elsewhere``: platform -> an adapter of somebody's, instead of the lab's own.
    Raises ``UnknownName`` before anything starts and ``PromiseBroken`` at the
    end when a finding is ``fail`` or ``unknown``.
    """
    chosen = pick("platform", platforms, PLATFORMS)
    asked = pick("experiment", experiments, EXPERIMENTS)
    images = image_store(policy)
    engine.ensure()
    questions = {name: EXPERIMENTS[name]().question for name in asked}
    made = {**PLATFORMS, **elsewhere}
    adapters = {name: made[name](images) for name in chosen}
    plan = {
        "platforms": chosen,
        "variants": {name: recommended(each) for name, each in adapters.items()},
        "experiments": asked,
        "images": policy,
        "questions": questions,
    }
    directory = results.open_run(paths.RESULTS, plan)
    console.note(f"raw samples, events, facts and logs: {directory.path}")
    state: results.State = "failed"
    try:
        for platform in adapters.values():
            Session(directory, images, platform, keep=keep).measure(asked)
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"
        raise
    finally:
        directory.finish(state)
    conclude(directory.path)


def report(run: str) -> None:
    """Judge and draw a run again; the newest when ``run`` is empty."""
    conclude(Path(run) if run else results.latest(paths.RESULTS))


def conclude(path: Path) -> None:
    """Judge a run from its files, print the table, write the page."""
    from orchlab.report import render, table

    run = results.load(path)
    findings = judge(run)
    RunDir(path).save_findings(findings)
    run = results.load(path)
    table.show(run)
    table.show_timings(run)
    console.note(f"report: {render(run)}")
    broken = [each for each in findings if each.verdict in ("fail", "unknown")]
    if broken:
        names = ", ".join(f"{each.platform}/{each.experiment}" for each in broken)
        raise PromiseBroken(f"not as promised: {names}", f"read {path / 'report.html'}")


def judge(run: Run) -> list[Finding]:
    """A finding for every experiment of the plan on every platform of the plan."""
    histories = {(each.platform, each.experiment): each for each in run.histories}
    variants = run.plan.get("variants", {})
    return [
        _judge_one(platform, name, histories.get((platform, name)), variants.get(platform))
        for platform in run.plan["platforms"]
        for name in run.plan["experiments"]
    ]


def _judge_one(
    platform: str, name: str, history: History | None, variant: str | None = None
) -> Finding:
    if history is None:
        why = "never started: see the platform's logs"
        return Finding(name, platform, variant or DEFAULTS, "unknown", why)
    unsupported = history.first("unsupported")
    if unsupported:
        return finding(history, "unsupported", unsupported.subject)
    broken = history.first("broken")
    if broken:
        return finding(history, "unknown", broken.subject)
    return judged(EXPERIMENTS[name](), history)


@dataclass(frozen=True)
class Session:
    """One platform in one run, from nothing to nothing."""

    directory: RunDir
    images: ImageStore
    platform: Platform
    keep: bool

    def measure(self, experiments: Sequence[str]) -> None:
        """Bring the platform up, carry out the experiments, tear it down.

        Whatever breaks is written to ``<platform>/broken.txt``; the other
        experiments and platforms go on.
        """
        console.rule(self.platform.name)
        try:
            with self._surviving("bring-up"):
                release = self._bring_up()
                for name in experiments:
                    with self._surviving(name):
                        self._ask(name, release)
                self._publish_change()
        except BaseException:  # Ctrl-C stays what ends the run, whatever its removal says
            with self._surviving("remove"):
                self._leave()
                if not self.keep:
                    sweep.sweep(labels.LAB, self.platform.name, sweep.INTERRUPTED_SECONDS)
            raise
        self._leave()

    def _bring_up(self) -> Release:
        with self.directory.timing(self.platform.name, "images"):
            self.platform.prepare()
            release = Release(self.images.app(), variant=recommended(self.platform))
        with self.directory.timing(self.platform.name, "create"):
            self.platform.create()
        with self.directory.timing(self.platform.name, "publish"):
            self.platform.publish(release.image)
        with self.directory.timing(self.platform.name, "deploy"):
            self.platform.deploy(release)
        self.directory.save_facts(self.platform.name, self.platform.facts())
        return release

    def _ask(self, name: str, release: Release) -> None:
        with console.step(f"{self.platform.name}: {name}"):
            measure_once(EXPERIMENTS[name](), self.platform, release, self.directory)

    def _publish_change(self) -> None:
        changed = self.images.app(CHANGED_VERSION)
        with self.directory.timing(self.platform.name, "publish a changed app"):
            self.platform.publish(changed)

    @contextmanager
    def _surviving(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the others must go on
            known = error if isinstance(error, OrchlabError) else translate(error)
            message = known.message if known else repr(error)
            console.warn(f"{self.platform.name}, {what}: {message}")
            with self._folder().joinpath("broken.txt").open("a", encoding="utf-8") as file:
                file.write(f"{what}\n{traceback.format_exc()}\n")

    def _leave(self) -> None:
        """Keep the logs; remove the platform unless it is wanted."""
        with self._surviving("logs"):
            self.platform.collect_logs(self._folder() / "logs")
        if not self.keep:
            timing = self.directory.timing(self.platform.name, "delete")
            with console.step(f"{self.platform.name}: remove"), timing:
                self.platform.delete()
                sweep.leftover(labels.LAB)

    def _folder(self) -> Path:
        path = self.directory.path / self.platform.name
        path.mkdir(exist_ok=True)
        return path


def recommended(platform: Platform) -> str:
    """The variant in which a platform is measured unless a row asks for another one."""
    return HARDENED if HARDENED in platform.variants else DEFAULTS


def measure_once(
    experiment: Experiment, platform: Platform, release: Release, directory: RunDir
) -> Finding:
    """Carry out one experiment and judge it; a void repetition is repeated.

    The raw rows of a void repetition stay beside the others as
    ``<experiment>.void-<n>``. Errors of the platform pass through, after they
    were recorded.
    """
    path = directory.history(platform.name, experiment.name, release.variant)
    for attempt in range(1, ATTEMPTS + 1):
        _record(experiment, platform, release, path)
        answer = _judge_one(platform.name, experiment.name, results.load_history(path))
        if answer.verdict != "void" or attempt == ATTEMPTS:
            break
        console.warn(f"{platform.name}/{experiment.name} is void: {answer.summary}; again")
        path.rename(path.with_suffix(f".void-{attempt}"))
    return answer


def _record(experiment: Experiment, platform: Platform, release: Release, path: Path) -> None:
    def record(event: Event) -> None:
        append(path, event)

    missing = [need.__name__ for need in experiment.needs if not isinstance(platform, need)]
    if missing:
        why = f": {platform.refusal}" if isinstance(platform, Guarded) else ""
        record(Event.now("unsupported", f"{platform.name} lacks {', '.join(missing)}{why}"))
        return
    bench = Bench(platform, release, record, lambda: Prober(platform.endpoints(), path))
    try:
        bench.mark("started")
        experiment.run(bench)
    except Exception as error:
        record(Event.now("broken", f"{type(error).__name__}: {error}"))
        raise
