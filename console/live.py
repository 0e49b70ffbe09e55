"""Live updates: server-sent events that say "look again", never what there is to see. The page then asks for its part
anew, with its own rights."""

from __future__ import annotations

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
ALIVE = 20.0
"""Seconds after which a comment is sent, so that proxies keep the line open; the session is then looked at, too."""


class Pulse:
    """Whether any open ticket has changed, asked of the store once for all who listen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._state = OpenState(0, 0, 0, 0)

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
    quiet = 0.0
    while not console.stopping.is_set() and not await visit.request.is_disconnected():
        await anyio.sleep(EVERY)
        quiet += EVERY
        try:
            state = await run_in_threadpool(pulse.state)
            if state != seen:
                seen = state
                now_mine = await run_in_threadpool(visit.view.ticket_state)
                if now_mine != mine:
                    yield f"event: tickets\ndata: {'more' if now_mine.newest > mine.newest else 'changed'}\n\n"
                    mine, quiet = now_mine, 0.0
            if quiet >= ALIVE:
                if await run_in_threadpool(console.sessions.get, token) is None:
                    yield "event: ended\ndata: \n\n"
                    return
                yield ": still here\n\n"
                quiet = 0.0
        except MinshengError:
            continue  # the store is away: the page keeps what it shows until it is back
