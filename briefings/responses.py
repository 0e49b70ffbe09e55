"""What was due, done and late in a stretch of time, how well it was answered, and what plans say is to be done next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from briefings import words
from briefings.evidence import EvidenceBook, Line, Number
from briefings.facts import DeadlineFact, TicketFact
from briefings.model import Recommendation, ResponseLine
from briefings.tickets import is_open

STEPS = 2
"""Steps of one ticket's plan that are recommended: what comes next."""
RECOMMENDED = 6


def response_line(book: EvidenceBook, tickets: Sequence[TicketFact], since: datetime, until: datetime) -> ResponseLine:
    """Clocks that ended in this time, and responses given in it. Historical tickets have none that anybody heeds."""
    real = [ticket for ticket in tickets if not ticket.historical]
    due = [
        (ticket, clock)
        for ticket in real
        for clock in ticket.deadlines
        if since <= clock.due_at < until and (clock.kept is not None or clock.settled_at is None)
    ]
    kept = [one for one in due if one[1].kept]
    late = [one for one in due if not one[1].kept]
    given = [ticket for ticket in real if ticket.responded_at is not None and since <= ticket.responded_at < until]
    judged = [ticket for ticket in given if ticket.well is not None]
    return ResponseLine(
        due=_clocks(book, "到期的时限", due),
        kept=_clocks(book, "按时完成的时限", kept),
        late=_clocks(book, "逾期的时限", late),
        given=_tickets(book, "已作回应的工单", given),
        judged=_tickets(book, "已评估的回应", judged),
        well=_tickets(book, "评估为较好的回应", [ticket for ticket in judged if ticket.well]),
    )


def recommendations(tickets: Sequence[TicketFact], until: datetime) -> tuple[Recommendation, ...]:
    """The next steps of the plans of open tickets, the gravest ticket first; what is overdue is said to be."""
    order = list(words.LEVELS)
    waiting = sorted(
        (ticket for ticket in tickets if is_open(ticket, until) and not ticket.historical),
        key=lambda ticket: (order.index(ticket.level), ticket.opened_at, ticket.number),
    )
    found: list[Recommendation] = []
    for ticket in waiting:
        found += [
            Recommendation(
                ticket=ticket.number,
                who=step.who or ticket.unit or "责任单位",
                what=step.title.rstrip("。"),
                plan=ticket.plan,
                due_at=step.due_at,
                late=step.due_at is not None and step.due_at <= until,
            )
            for step in ticket.steps[:STEPS]
        ]
    return tuple(found[:RECOMMENDED])


def _clocks(book: EvidenceBook, title: str, clocks: Sequence[tuple[TicketFact, DeadlineFact]]) -> Number:
    lines = [
        Line(
            at=clock.due_at,
            text=f"{ticket.number}　{clock.name}　{ticket.title}",
            command=f"minsheng tickets show {ticket.number}",
        )
        for ticket, clock in clocks
    ]
    return book.lines(title, "", lines)


def _tickets(book: EvidenceBook, title: str, tickets: Sequence[TicketFact]) -> Number:
    lines = [
        Line(
            at=ticket.responded_at,
            text=f"{ticket.number}　{ticket.title}{f'　{ticket.graded}' if ticket.graded else ''}",
            command=f"minsheng tickets show {ticket.number}",
        )
        for ticket in tickets
    ]
    return book.lines(title, "", lines)
