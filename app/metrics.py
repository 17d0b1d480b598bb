"""Figures for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

if TYPE_CHECKING:
    from app.drain import Drain
    from app.settings import Settings

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """One registry per application, so that several can live in one process."""

    def __init__(self, settings: Settings, drain: Drain) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        # The histogram's own _count is the number of requests: a counter would be a second lock.
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the request's headers to the end of the answer",
            ("method", "route", "status"),
            buckets=BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._known: dict[tuple[str, str, int], Histogram] = {}
        Info("app", "What runs here", registry=self._registry).info(
            {"version": settings.app_version, "node": settings.node_name}
        )
        Gauge("app_draining", "1 from SIGTERM on", registry=self._registry).set_function(
            lambda: float(drain.active)
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one request; ``route`` is the pattern, since paths would be without number."""
        key = (method, route, status)
        series = self._known.get(key)
        if series is None:
            series = self._known[key] = self._seconds.labels(*key)
        series.observe(seconds)

    def render(self) -> bytes:
        """All figures as text."""
        return generate_latest(self._registry)
