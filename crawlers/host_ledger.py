"""What all crawlers together know of hosts, kept in the store: pauses, the day's requests, and whose turn it is.

Pauses and counts outlive a restart. Turns are taken only while another crawler works on the same store: a request then
gets its start from the host's row, so that pace and concurrency hold over all processes and machines.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crawlers import tables
from crawlers.host_rules import HostRule, Pause
from minsheng.clock import CHINA, Clock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.store import Store, insert_or_ignore, upsert

log = get_logger(__name__)

CHUNK = 100
"""Requests of a day's budget that a process takes from the row at a time, so that not each one is a transaction."""


class StoreLedger:
    """Hosts in the store. To be used in the crawl loop; `refresh` in a thread.

    Parameters
    ----------
    worker:
        What this crawler is called.
    others:
        Gives the crawlers that work on the store beside it now; turns of others, of dead ones, hold nobody up.
    longest:
        Seconds after which a request under way is taken for lost.
    """

    def __init__(
        self, store: Store, clock: Clock, *, worker: str, others: Callable[[], Collection[str]], longest: float
    ) -> None:
        self._store = store
        self._clock = clock
        self._worker = worker
        self._others = others
        self._longest = timedelta(seconds=longest)
        self._pauses: dict[str, Pause] = {}
        self._allowed: dict[str, tuple[str, int]] = {}  # day, requests taken from the row and not made yet
        self._locks: dict[str, asyncio.Lock] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def refresh(self) -> None:
        """Read the pauses that any process has set. Blocking."""
        table = tables.crawl_hosts
        wanted = sa.select(table.c.host, table.c.paused_until, table.c.pauses, table.c.pause_reason)
        with self._store.read() as connection:
            rows = connection.execute(wanted.where(table.c.paused_until.is_not(None))).all()
        self._pauses = {row.host: Pause(row.paused_until, row.pauses, row.pause_reason) for row in rows}

    def pause_of(self, host: str) -> Pause | None:
        return self._pauses.get(host)

    def paused(self, host: str, pause: Pause | None) -> None:
        if pause is None:
            self._pauses.pop(host, None)
        else:
            self._pauses[host] = pause
        row: dict[str, Any] = {
            "host": host,
            "paused_until": pause.until if pause else None,
            "pauses": pause.times if pause else 0,
            "pause_reason": pause.reason if pause else "",
        }
        self._write(lambda: self._save(row))

    async def spend(self, host: str, daily: int) -> bool:
        async with self._locks.setdefault(host, asyncio.Lock()):
            today = self._clock.now().astimezone(CHINA).date().isoformat()
            day, left = self._allowed.get(host, (today, 0))
            if day != today or left <= 0:
                left = await asyncio.to_thread(self._reserve, host, daily, today)
            self._allowed[host] = (today, left - 1)
            return left > 0

    def turn(self, host: str, rule: HostRule) -> asyncio.Future[str] | None:
        return asyncio.ensure_future(self._turn(host, rule)) if self._others() else None

    def done(self, host: str, token: str) -> None:
        self._write(lambda: self._leave(host, token))

    async def close(self) -> None:
        """Write what is left to write, and give back what was taken of the day's budgets and not used."""
        for host, (day, left) in self._allowed.items():
            if left > 0:
                self._write(lambda host=host, day=day, left=left: self._give_back(host, day, left))  # type: ignore[misc]
        self._allowed.clear()
        if self._writing:
            await asyncio.gather(*self._writing, return_exceptions=True)

    async def _turn(self, host: str, rule: HostRule) -> str:
        token = f"{self._worker} {secrets.token_hex(6)}"
        entering: asyncio.Future[datetime | None] | None = None
        try:
            while True:
                entering = asyncio.ensure_future(asyncio.to_thread(self._enter, host, token, rule))
                start = await asyncio.shield(entering)
                if start is not None:
                    await asyncio.sleep(max((start - self._clock.now()).total_seconds(), 0.0))
                    return token
                await asyncio.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - no secret
        except asyncio.CancelledError:
            # Who does not wait any longer must not keep a place that others wait for.
            self._write(lambda: self._leave(host, token), after=entering)
            raise

    def _enter(self, host: str, token: str, rule: HostRule) -> datetime | None:
        """When the request may start; None where as many are under way as may be."""
        with self._store.begin() as connection:
            row = self._row(connection, host)
            now = self._clock.now()  # the row may have been waited for
            alive = {self._worker, *self._others()}
            under_way = {
                key: until
                for key, until in (row.under_way or {}).items()
                if until > now.isoformat() and key.partition(" ")[0] in alive
            }
            if len(under_way) >= rule.concurrency:
                return None
            start = max(now, row.next_at or now)
            under_way[token] = (start + self._longest).isoformat()
            self._update(connection, host, next_at=start + timedelta(seconds=rule.delay), under_way=under_way)
        return start

    def _leave(self, host: str, token: str) -> None:
        with self._store.begin() as connection:
            row = self._row(connection, host)
            self._update(
                connection, host, under_way={key: until for key, until in (row.under_way or {}).items() if key != token}
            )

    def _reserve(self, host: str, daily: int, today: str) -> int:
        """Take requests of today's budget. Returns how many; 0 where it is used up."""
        with self._store.begin() as connection:
            row = self._row(connection, host)
            spent = row.requests if row.day == today else 0
            taken = max(min(CHUNK, max(daily // 20, 1), daily - spent), 0)
            if taken:
                self._update(connection, host, day=today, requests=spent + taken)
        return taken

    def _give_back(self, host: str, day: str, left: int) -> None:
        with self._store.begin() as connection:
            row = self._row(connection, host)
            if row.day == day:
                self._update(connection, host, requests=max(row.requests - left, 0))

    def _row(self, connection: sa.Connection, host: str) -> Any:
        """The host's row, held until the transaction ends."""
        table = tables.crawl_hosts
        wanted = sa.select(table).where(table.c.host == host).with_for_update()
        row = connection.execute(wanted).one_or_none()
        if row is None:
            empty = {"host": host, "day": "", "requests": 0, "pauses": 0, "pause_reason": ""}
            insert_or_ignore(self._store, table, [empty], connection=connection)
            row = connection.execute(wanted).one()
        return row

    def _update(self, connection: sa.Connection, host: str, **values: Any) -> None:
        table = tables.crawl_hosts
        connection.execute(sa.update(table).where(table.c.host == host).values(**values))

    def _save(self, row: dict[str, Any]) -> None:
        with self._store.begin() as connection:
            upsert(self._store, tables.crawl_hosts, [row], keys=["host"], connection=connection)

    def _write(self, work: Callable[[], None], after: asyncio.Future[Any] | None = None) -> None:
        """Do it in a thread, soon; where the store is away it is not done, and only this process knows."""

        async def guarded() -> None:
            if after is not None:
                await asyncio.gather(after, return_exceptions=True)
            try:
                await asyncio.to_thread(work)
            except Unavailable as error:
                log.warning("host_not_written", reason=str(error))

        task = asyncio.get_running_loop().create_task(guarded())
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
