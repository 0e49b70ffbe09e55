"""Tickets in a briefing: how many by level, and the open ones with their clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from briefings import words
from briefings.evidence import EvidenceBook, Line, Number
from briefings.facts import TicketFact
from briefings.model import LevelLine, TicketLine


def is_open(ticket: TicketFact, moment: datetime) -> bool:
    """Whether it was open at this moment."""
    return ticket.opened_at < moment and (ticket.closed_at is None or ticket.closed_at >= moment)


def level_lines(
    book: EvidenceBook, tickets: Sequence[TicketFact], since: datetime, until: datetime
) -> tuple[LevelLine, ...]:
    """All four levels, gravest first, also those without tickets."""
    lines = []
    for level, name in words.LEVELS.items():
        chosen = [ticket for ticket in tickets if ticket.level == level]
        opened = [ticket for ticket in chosen if since <= ticket.opened_at < until]
        closed = [ticket for ticket in chosen if ticket.closed_at is not None and since <= ticket.closed_at < until]
        earlier = [ticket for ticket in chosen if is_open(ticket, since)]
        still = [ticket for ticket in chosen if is_open(ticket, until)]
        lines.append(
            LevelLine(
                level=level,
                opened=_number(book, f"新增{name}工单", f"--level {level}", opened),
                closed=_number(book, f"办结{name}工单", f"--level {level} --status closed", closed),
                open=_number(book, f"未办结{name}工单", f"--level {level}", still),
                before=_number(book, f"期初未办结{name}工单", f"--level {level}", earlier),
            )
        )
    return tuple(lines)


def open_ticket_lines(tickets: Sequence[TicketFact], until: datetime) -> tuple[TicketLine, ...]:
    """Tickets open at the end of the briefing's time, gravest and oldest first."""
    lines = [
        TicketLine(
            number=ticket.number,
            level=ticket.level,
            title=ticket.title,
            why=ticket.why,
            status=ticket.status if ticket.closed_at is None else f"{words.time_words(ticket.closed_at)} 办结",
            opened_at=ticket.opened_at,
            historical=ticket.historical,
            deadlines=ticket.deadlines,
            unit=ticket.unit,
        )
        for ticket in tickets
        if is_open(ticket, until)
    ]
    return tuple(sorted(lines, key=lambda line: (list(words.LEVELS).index(line.level), line.opened_at, line.number)))


def _number(book: EvidenceBook, title: str, options: str, tickets: Sequence[TicketFact]) -> Number:
    lines = [Line(at=ticket.opened_at, text=f"{ticket.number}　{ticket.title}") for ticket in tickets]
    return book.lines(title, f"minsheng tickets list {options}", lines)
