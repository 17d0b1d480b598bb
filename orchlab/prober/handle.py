"""The runner's side of probing."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from orchlab.apps import LABS_OWN, App
from orchlab.platforms.base import Endpoint
from orchlab.prober.child import Child
from orchlab.prober.plan import Entry, Plan
from orchlab.prober.rows import read_samples
from orchlab.records import Sample


class Prober:
    """Probe every endpoint while the ``with`` block runs.

    Starts the static control server and the prober, and enters the block when
    all series have begun to send; both are stopped when the block ends. Rows
    are appended to ``into``; ``rate`` is in requests per second, for new and for
    reused connections each, shared out over the endpoints; ``app`` says what is asked.
    Raises ``OrchlabError`` when a process does not start or ends before the block does.
    """

    def __init__(
        self, endpoints: list[Endpoint], into: Path, rate: float = 50.0, app: App = LABS_OWN
    ) -> None:
        self.into = into.resolve()
        self._app = app
        self._entries = tuple(Entry(each.node, self._target(each.url)) for each in endpoints)
        self._rate = rate
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop(expect_alive=False)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # An error of the block itself is not to be hidden by one of its prober.
        self._stop(expect_alive=kind is None)

    def samples(self) -> list[Sample]:
        """What has been answered so far."""
        return read_samples(self.into)

    def _start(self) -> None:
        self.into.parent.mkdir(parents=True, exist_ok=True)
        control = Child("orchlab.prober.control")
        self._children.append(control)
        url = self._target(f"http://127.0.0.1:{int(control.hear())}")
        still = Entry("control", url)
        identity = self._app.identity
        plan = Plan(self._entries, still, str(self.into), self._rate, identity=identity)
        prober = Child("orchlab.prober", plan.to_json())
        self._children.append(prober)
        prober.hear()

    def _stop(self, *, expect_alive: bool) -> None:
        """Stop the prober before its control server; stop both whatever happens."""
        try:
            while self._children:
                self._children.pop().stop(expect_alive=expect_alive)
        finally:
            for child in self._children:
                child.stop(expect_alive=False)
            self._children.clear()

    def _target(self, url: str) -> str:
        return url.rstrip("/") + self._app.asked
