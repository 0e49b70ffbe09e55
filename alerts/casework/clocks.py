"""One clock of a ticket at a time: what it asks for was done, or is not needed.

To say that a matter is answered meets its clocks together, but not those that ask for a deed of its own: a press
conference (国办发〔2016〕61号), and what a room's own clocks name as `apart`. Any clock may be met alone, before all is
answered: the first word to the public is out, the full answer is not yet.
"""

from __future__ import annotations

from datetime import datetime

from alerts.deadlines import end_timer
from alerts.tables import is_term, timers
from alerts.tickets import Deadline, Ticket, TicketBook, read_deadlines
from alerts.transitions import Change, changing
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store


def own_clocks(ticket: Ticket) -> list[Deadline]:
    """The clocks of the ticket's present round that its level has, without their warnings."""
    return [one for one in ticket.deadlines if one.round == ticket.round and not one.replaced and not one.is_warning]


def meet_clock(
    store: Store,
    clock: Clock,
    name: str,
    kind: str,
    *,
    actor: str,
    at: datetime | None = None,
    note: str = "",
    version: int | None = None,
) -> Ticket:
    """Say that what a clock asks for was done.

    Parameters
    ----------
    kind:
        The clock's short name: information, conference, response or one of the settings' own.
    at:
        When it was done; default: now.
    note:
        Where or how.

    Raises
    ------
    WrongUse
        No such clock waits, or the time is before the ticket's first post or still to come.
    """
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.require_open("meeting a clock")
        done_at = at or change.now
        if not change.ticket["opened_at"] <= done_at <= change.now:
            raise WrongUse(Problem("clock-time"), "give a time between the ticket's first post and now")
        title = _waiting(change, kind)
        end_timer(change.connection, change.id, kind, change.ticket["round"], change.now, met_at=done_at)
        detail = {"deadline": kind, "title": title, "at": done_at.isoformat(), "note": note.strip()}
        change.write("clock-met", {key: value for key, value in detail.items() if value})
    return TicketBook(store, clock).get(name)


def waive_clock(
    store: Store, clock: Clock, name: str, kind: str, *, actor: str, reason: str, version: int | None = None
) -> Ticket:
    """Say that what a clock asks for is not needed, and why. It counts as neither kept nor missed, unless its time was
    over already.

    Raises
    ------
    WrongUse
        No such clock waits, or no reason is given.
    """
    if not reason.strip():
        raise WrongUse(Problem("clock-reason"), "add --reason")
    with changing(store, clock, name, actor=actor, version=version) as change:
        change.require_open("waiving a clock")
        title = _waiting(change, kind)
        end_timer(change.connection, change.id, kind, change.ticket["round"], change.now)
        change.write("clock-waived", {"deadline": kind, "title": title, "reason": reason.strip()})
    return TicketBook(store, clock).get(name)


def _waiting(change: Change, kind: str) -> str:
    """The title of the clock of this kind that waits. Raises `WrongUse` where there is none."""
    of_now = (timers.c.round == change.ticket["round"], timers.c.cancelled_at.is_(None), is_term)
    clocks = read_deadlines(change.connection, [change.id], of_now).get(change.id, ())
    waiting = {one.kind: one.name for one in clocks}
    if kind not in waiting:
        listed = ", ".join(f"{one}（{title}）" for one, title in waiting.items())
        raise WrongUse(
            Problem("clock-unknown", number=change.ticket["number"], kind=kind),
            f"waiting: {listed}" if listed else "none of them waits for anything",
        )
    return waiting[kind]
