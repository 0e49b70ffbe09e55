"""The console's own numbers for Prometheus: requests and how long they take, sessions, and what waits to be sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerts.tables import outbox
from console.tables import api_tokens, sessions, webhook_deliveries
from minsheng.clock import Clock
from minsheng.errors import Unavailable
from minsheng.store import Store

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ConsoleFigures:
    """Requests of this process; what is counted in the store is read at each scrape."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "minsheng_console_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "minsheng_console_seconds", "Seconds until an answer begins", ["route"], buckets=_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._waiting = _Waiting(store, clock)
        self.registry.register(self._waiting)
        self._clock = clock

    def text(self) -> bytes:
        """All of them in Prometheus' text format; where several processes serve the console, those of all of them."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        registry.register(self._waiting)
        return generate_latest(registry)

    def measured(self, app: ASGIApp) -> ASGIApp:
        """The application, counted. Routes are told by their pattern; addresses that lead nowhere are one."""

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began = self._clock.monotonic()

            async def counted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = getattr(scope.get("route"), "path", "none")
                    method = scope["method"] if scope["method"] in _METHODS else "other"
                    self._requests.labels(method, route, str(message["status"])).inc()
                    self._seconds.labels(route).observe(self._clock.monotonic() - began)
                await send(message)

            await app(scope, receive, counted)

        return call


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class _Waiting(Collector):
    """Sessions and tokens that hold, and what waits to be sent. A store that is away gives `..._store_up 0` alone."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = self._clock.now()
        queries = {
            ("minsheng_console_sessions", "Sessions that hold"): _count(
                sessions, sessions.c.ended_at.is_(None), sessions.c.expires_at > now
            ),
            ("minsheng_console_tokens", "API tokens that hold"): _count(
                api_tokens, api_tokens.c.revoked_at.is_(None), api_tokens.c.expires_at > now
            ),
            ("minsheng_notices_waiting", "Notices to be sent"): _count(
                outbox, outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None)
            ),
            ("minsheng_webhook_deliveries_waiting", "Webhooks' deliveries to be sent"): _count(
                webhook_deliveries, webhook_deliveries.c.next_try_at.is_not(None)
            ),
        }
        up = GaugeMetricFamily("minsheng_console_store_up", "1 where the store can be read")
        try:
            with self._store.read() as connection:
                found = {names: int(connection.scalar(query) or 0) for names, query in queries.items()}
        except Unavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        for (name, words), value in found.items():
            gauge = GaugeMetricFamily(name, words)
            gauge.add_metric([], value)
            yield gauge


def _count(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(table).where(*where)
