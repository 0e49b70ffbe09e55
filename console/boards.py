"""The board of open tickets, read and written as HTML once for all who see the same: at a change fifty desks ask for it
within seconds, and it is the dearest part of the console.

What is shared is of one grant, one language and one set of rights, and of one state of the grant's tickets, which is
asked for each time: whoever has changed a ticket never gets the board from before.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from markupsafe import Markup

from alerts.ticket_counts import OpenCount, OpenState
from alerts.tickets import STATUS_WORDS, TicketLine
from console import translation
from console.access import Visit
from console.actions import actions
from console.remembering import Remembered
from console.rights import Right
from console.scope import View
from console.words import LEVEL_ORDER
from minsheng.clock import Clock

SECONDS = 5.0
"""How long a board is shared while no ticket changes: its clocks count down, and count on in the browser."""
LISTED = 200
"""Tickets that the board shows, the most pressing ones; all are counted."""


class Board(msgspec.Struct, frozen=True):
    """Open tickets, gravest first; of a level drills last, and the one first whose clock ends first. Counts per level
    are of all open tickets but drills, however many are shown."""

    tickets: Sequence[TicketLine]
    counted: Sequence[OpenCount]

    @property
    def counts(self) -> dict[str, int]:
        return {
            level: sum(one.count for one in self.counted if one.level == level and not one.exercise)
            for level in LEVEL_ORDER
        }

    @property
    def more(self) -> int:
        return max(0, sum(one.count for one in self.counted) - len(self.tickets))

    def values(self) -> dict[str, Any]:
        """What the templates call it."""
        return {
            "tickets": self.tickets, "counts": self.counts, "more": self.more, "statuses": STATUS_WORDS,
            "actions": actions,
        }  # fmt: skip


class Visitor(msgspec.Struct, frozen=True):
    """What the board's template may know of who looks at it."""

    form_token: str
    works: bool

    def may(self, right: Right) -> bool:
        assert right == "tickets.work", "another right would have to be among what boards are told apart by"
        return self.works


class Boards:
    """The boards of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._read = Remembered[Board](clock, SECONDS)
        self._written = Remembered[str](clock, SECONDS)
        # Stands for the token of the viewer's forms. Nobody outside knows it, so no title can hold it.
        self._token = secrets.token_urlsafe(32)

    def board(self, visit: Visit) -> Board:
        """What the viewer's board shows."""
        return self._board(visit.view, visit.view.ticket_state())

    def html(self, visit: Visit, write: Callable[[Visitor, dict[str, Any]], str]) -> Markup:
        """The board as HTML with the viewer's own token in its forms. `write` makes it, for anybody who sees the same;
        of the viewer it knows no more than it is handed."""
        view, works = visit.view, visit.may("tickets.work")
        state = view.ticket_state()
        visitor = Visitor(form_token=self._token, works=works)
        shared = self._written.get(
            (view.grant, state, works, translation.current.get()),
            lambda: write(visitor, {**self._board(view, state).values(), "now": self._clock.now()}),
        )
        return Markup(shared.replace(self._token, visit.form_token))  # noqa: S704 - a template wrote it, which escapes

    def _board(self, view: View, state: OpenState) -> Board:
        return self._read.get(
            (view.grant, state), lambda: Board(view.pressing_tickets(limit=LISTED), view.open_counts())
        )
