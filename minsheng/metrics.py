"""Numbers for Prometheus: how the sources do, read from the store at each scrape."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crawlers.health import SourceState, states
from crawlers.operator_tickets import tickets
from crawlers.states import BLIND, STATES
from minsheng.clock import Clock
from minsheng.errors import Unavailable, WrongSettings
from minsheng.logs import get_logger
from minsheng.settings import Settings
from minsheng.store import Store

log = get_logger(__name__)

PREFIX = "minsheng_source"


class SourceCollector(Collector):
    """The sources' states as gauges. A store that is away gives `minsheng_store_up 0` and nothing else."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("minsheng_store_up", "1 where the store can be read")
        try:
            found = states(self._store, self._clock)
            waiting = len(tickets(self._store, limit=10_000))
        except Unavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from _of(found)
        watched = [state for state in found if state.enabled]
        for name, words, value in (
            ("minsheng_sources", "Sources that are watched", len(watched)),
            ("minsheng_sources_blind", "Sources that say nothing now", sum(s.state in BLIND for s in watched)),
            ("minsheng_operator_tickets_open", "Operators' tickets that wait", waiting),
        ):
            gauge = GaugeMetricFamily(name, words)
            gauge.add_metric([], value)
            yield gauge


def _of(found: list[SourceState]) -> Iterator[GaugeMetricFamily]:
    state = GaugeMetricFamily(f"{PREFIX}_state", "1 for the state that the source is in", labels=["source", "state"])
    for one in found:
        for name in STATES:
            state.add_metric([one.id, name], float(one.state == name))
    yield state
    numbers: tuple[tuple[str, str, Any], ...] = (
        ("last_ok_timestamp_seconds", "When it last answered well",
         lambda s: s.last_ok_at and s.last_ok_at.timestamp()),
        ("last_new_timestamp_seconds", "When it last brought something new",
         lambda s: s.last_item_at and s.last_item_at.timestamp()),
        ("failures", "Failed runs in a row", lambda s: s.failures),
        ("new_documents_24h", "New documents in 24 hours", lambda s: sum(new for new in s.hours if new)),
        ("expected_documents_24h", "New documents that its rhythm lets expect in 24 hours",
         lambda s: s.expected and s.expected.typical),
        ("since_timestamp_seconds", "Since when it is in its state", lambda s: s.since and s.since.timestamp()),
    )  # fmt: skip
    for metric, words, value in numbers:
        gauge = GaugeMetricFamily(f"{PREFIX}_{metric}", words, labels=["source"])
        for one in found:
            if (number := value(one)) is not None:
                gauge.add_metric([one.id], float(number))
        yield gauge


def text(store: Store, clock: Clock) -> str:
    """All numbers in Prometheus' text format."""
    return generate_latest(_registry(store, clock)).decode()


def _registry(store: Store, clock: Clock) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(SourceCollector(store, clock))
    return registry


class MetricsServer:
    """Serves `/metrics` while the block lasts, where `metrics.listen` names an address. A context manager.

    Raises
    ------
    WrongSettings
        If the address can't be used.
    """

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._listen = settings.metrics.listen
        self._registry = _registry(store, clock) if self._listen else None
        self._server: Any = None
        self.port = 0

    def __enter__(self) -> Self:
        if self._registry is None:
            return self
        host, _, port = self._listen.rpartition(":")
        try:
            self._server, _thread = start_http_server(int(port), host.strip("[]"), self._registry)
        except (OSError, OverflowError) as error:
            raise WrongSettings(f"metrics.listen: {self._listen} can't be used: {error}") from error
        self.port = self._server.server_address[1]
        log.info("metrics_served", url=f"http://{host}:{self.port}/metrics")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
