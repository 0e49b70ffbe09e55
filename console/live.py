"""Live updates: server-sent events that say "look again", never what there is to see. The page then asks for its part
anew, with its own rights."""

from __future__ import annotations

import random
import threading
from collections.abc import AsyncIterator

import anyio
from starlette.concurrency import run_in_threadpool

from alerts.ticket_counts import OpenState, open_state
from console.access import SESSION_COOKIE, Visit
from console.parts import Console
from minsheng.errors import MinshengError

EVERY = 2.0
"""Seconds between two looks."""
APART = (6.0, 10.0)
"""Seconds between two times that one page is told of a change, at random: else all that are open would ask for each one
at once. What is new, or has become alarming, is told at the next look, whatever was told before."""
ALIVE = 20.0
"""Seconds after which a comment is sent, so that proxies keep the line open; the session is then looked at, too."""


class Pulse:
    """Whether any open ticket has changed, asked of the store once for all who listen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._state = OpenState(0, 0, 0, 0, 0)

    def state(self) -> OpenState:
        with self._lock:
            now = self._console.clock.monotonic()
            if now - self._asked >= EVERY * 0.9:
                with self._console.store.read() as connection:
                    self._state = open_state(connection)
                self._asked = now
            return self._state


async def changes(visit: Visit, pulse: Pulse) -> AsyncIterator[str]:
    """Server-sent events for one page, until its session or the server ends."""
    token = visit.request.cookies.get(SESSION_COOKIE, "")
    console = visit.console
    yield "retry: 3000\n\n"
    seen = await run_in_threadpool(pulse.state)
    mine = await run_in_threadpool(visit.view.ticket_state)
    quiet, next_at, behind = 0.0, 0.0, False
    while not console.stopping.is_set() and not await visit.request.is_disconnected():
        await anyio.sleep(EVERY)
        quiet += EVERY
        try:
            state = await run_in_threadpool(pulse.state)
            now = console.clock.monotonic()
            if state != seen or (behind and now >= next_at):
                now_mine = await run_in_threadpool(visit.view.ticket_state)
                seen = state
                more = now_mine.newest > mine.newest
                waits = now < next_at and not more and now_mine.alarming <= mine.alarming
                behind = now_mine != mine and waits
                if now_mine != mine and not behind:
                    yield f"event: tickets\ndata: {'more' if more else 'changed'}\n\n"
                    mine, quiet = now_mine, 0.0
                    next_at = now + random.uniform(*APART)  # noqa: S311 - spreads pages, guards nothing
            if quiet >= ALIVE:
                if await run_in_threadpool(console.sessions.get, token) is None:
                    yield "event: ended\ndata: \n\n"
                    return
                yield ": still here\n\n"
                quiet = 0.0
        except MinshengError:
            continue  # the store is away: the page keeps what it shows until it is back
