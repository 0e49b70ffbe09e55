"""Live updates: server-sent events that say "look again", never what there is to see. The page then asks for its part
anew, with its own rights."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import anyio
from starlette.concurrency import run_in_threadpool

from alerts.ticket_counts import OpenState, open_state
from console.access import SESSION_COOKIE, Visit
from console.remembering import Remembered
from console.scope import View
from minsheng.clock import Clock
from minsheng.errors import MinshengError
from minsheng.store import Store

EVERY = 2.0
"""Seconds between two looks."""
APART = (6.0, 10.0)
"""Seconds between two times that one page is told of a change, at random: else all that are open would ask for each one
at once. What is new, or has become alarming, is told at the next look, whatever was told before."""
ALIVE = 20.0
"""Seconds after which a comment is sent, so that proxies keep the line open; the session is then looked at, too."""


class Pulse:
    """Whether any open ticket has changed, asked of the store once for all who listen and see the same."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._states = Remembered[OpenState](clock, EVERY * 0.9)

    def state(self) -> OpenState:
        """Of all tickets, whoever may see them."""
        return self._states.get(None, self._ask)

    def state_of(self, view: View) -> OpenState:
        """Of a viewer's tickets, as `state` was when it was asked last, or newer."""
        return (
            self.state() if view.grant.everything else self._states.get((view.grant, self.state()), view.ticket_state)
        )

    def _ask(self) -> OpenState:
        with self._store.read() as connection:
            return open_state(connection)


async def changes(visit: Visit, pulse: Pulse) -> AsyncIterator[str]:
    """Server-sent events for one page, until its session or the server ends."""
    token = visit.request.cookies.get(SESSION_COOKIE, "")
    console = visit.console
    yield "retry: 3000\n\n"
    seen = await run_in_threadpool(pulse.state)
    mine = await run_in_threadpool(pulse.state_of, visit.view)
    quiet, next_at, behind = 0.0, 0.0, False
    while not console.stopping.is_set() and not await visit.request.is_disconnected():
        await anyio.sleep(EVERY)
        quiet += EVERY
        try:
            state = await run_in_threadpool(pulse.state)
            now = console.clock.monotonic()
            if state != seen or (behind and now >= next_at):
                now_mine = await run_in_threadpool(pulse.state_of, visit.view)
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
