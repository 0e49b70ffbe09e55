"""工单: the list, and a ticket with why, posts, plan, clocks, timeline, and what may be done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, cast
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from alerts.casework.assignments import STATE_WORDS, assignments_of
from alerts.casework.attachments import attachments_of
from alerts.casework.links import links_of, related_to
from alerts.casework.research import sheets_of
from alerts.casework.tasks import tasks_of
from alerts.drills.book import DrillBook
from alerts.duty.book import BookShelf
from alerts.evidence import BEFORE, is_of_policy
from alerts.levels import LEVELS, Level
from alerts.plan_model import VARIABLES
from alerts.planning.shelf import book_of
from alerts.responses.evaluation import ResponseBook
from alerts.responses.grade import CHINESE as GRADES
from alerts.responses.worked import FIGURES
from alerts.risk_kind import CHINESE as RISK_KINDS
from alerts.tables import tickets as ticket_table
from alerts.tickets import STATUS_WORDS, STATUSES, Ticket, TimelineEvent
from alerts.timeline import SYSTEM, TITLES
from alerts.timeline_words import words_of
from console import words
from console.access import Visit, needs
from console.actions import actions
from console.casework import Typed, people_names
from console.days import china_day
from console.grassroots import Span, grassroots_of, named_unit
from console.rendering import show
from console.scope import OTHERS
from minsheng.clock import CHINA
from minsheng.policies import PolicyRegister

router = APIRouter()
Reader = Annotated[Visit, needs("tickets")]

LISTED = 200
POSTS = 200
"""Posts of a ticket that its page shows, the newest."""
_BLANKS = re.compile(r"【([^】]{1,40})】")
"""What a plan's author left for the day: 【替代渠道】."""
_BRACES = re.compile(r"\{([a-z_]+)\}")


@router.get("/tickets")
def ticket_list(
    visit: Reader, status: str = "unclosed", level: str = "", policy: str = "", below: str = "", figure: str = "",
    since: str = "", until: str = "", before: str = "", q: str = "",
) -> Response:  # fmt: skip
    """`q`: in number or title. `below`: only those of a unit below, by its number. `figure`: those that a figure of the
    grassroots view counts, of the days from `since` to `until`, whatever their status. `before`: the last ticket of the
    page before."""
    ground = grassroots_of(visit) if below or figure else None
    unit = named_unit(ground, below) if ground else None
    if ground is not None and figure:
        if figure not in FIGURES:
            raise HTTPException(404)
        span = Span.of(china_day(since), china_day(until), ground.today)
        counted = ground.tickets(unit, span, figure)
        shown = visit.view.tickets(where=[ticket_table.c.id.in_([one.id for one in counted[:LISTED]])], limit=LISTED)
        return show(
            visit, "tickets.html.j2", tickets=shown, status="all", level="", policy="", statuses=STATUS_WORDS,
            limit=LISTED, below=below, unit=unit, figure=FIGURES[figure][0], span=span, total=len(counted), older="",
            q="",
        )  # fmt: skip
    found = visit.view.tickets(
        status=status if status in (*STATUSES, "unclosed") else None,
        level=level if level in LEVELS else None,
        policy=policy or None,
        where=[*(ground.share(unit).tickets if ground else ()), *_named(q.strip())],
        before=visit.view.place_of_ticket(before) if before else None,
        limit=LISTED + 1,
    )
    older = ""
    if len(found) > LISTED:
        found = found[:LISTED]
        asked = {
            "q": q, "status": status, "level": level, "policy": policy, "below": below, "before": found[-1].number,
        }  # fmt: skip
        older = f"/tickets?{urlencode({name: value for name, value in asked.items() if value})}"
    return show(
        visit, "tickets.html.j2", tickets=found, status=status, level=level, policy=policy, statuses=STATUS_WORDS,
        limit=LISTED, below=below, unit=unit, figure="", span=None, total=len(found), older=older, q=q,
    )  # fmt: skip


def _named(words: str) -> list[sa.ColumnElement[bool]]:
    """What holds of the rows of tickets with all of these words in number or title."""
    columns = ticket_table.c.number, ticket_table.c.title
    return [sa.or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words.split()]


@router.get("/tickets/{number}")
def ticket_page(visit: Reader, number: str) -> Response:
    return ticket_response(visit, visit.view.ticket(number), Typed(), 200)


def ticket_response(visit: Visit, ticket: Ticket, typed: Typed, code: int) -> Response:
    """The ticket's page; with a form that was not taken, where there is one."""
    store, clock = visit.console.store, visit.console.clock
    timeline = visit.view.timeline(ticket.id)
    found = visit.view.index.get(ticket.documents[:POSTS])
    posts = sorted(found.values(), key=lambda record: record.document.published_at, reverse=True)
    people = people_names(visit)
    visit.record("ticket-read", ticket.number, {"posts": len(posts)})
    if ticket.exercise:
        DrillBook(store, clock).note_plan_opened(ticket.event, actor=visit.actor)
    works = visit.may("tickets.work")
    tasks = tasks_of(store, ticket.number)
    sheets = sheets_of(store, ticket.number)
    every_link = links_of(store, ticket.number)
    linked = visit.view.index.get([one.target for one in every_link if one.kind == "document"])
    return show(
        visit,
        "ticket.html.j2",
        code=code,
        ticket=ticket,
        timeline=[_line(event, people) for event in reversed(timeline)],
        posts=posts,
        by_id=found,
        source_names=visit.view.source_names(),
        actions=actions(ticket) if works else [],
        works=works,
        statuses=STATUS_WORDS,
        risk_kinds=RISK_KINDS,
        of_policy=is_of_policy(ticket.event),
        said_since=f"{(ticket.opened_at - BEFORE).astimezone(CHINA):%Y-%m-%d}",
        event_shown=visit.may("events") and visit.view.has_event(ticket.event),
        typed=typed,
        hidden=len(ticket.documents[:POSTS]) - len(found),
        tasks=sorted(tasks, key=lambda one: (not one.waiting, one.cancelled_at is not None)),
        waiting=sum(one.waiting for one in tasks),
        assignments=assignments_of(store, ticket.number),
        assignment_words=STATE_WORDS,
        attachments=attachments_of(store, ticket.number),
        largest=visit.console.settings.alert.attachment_bytes >> 20,
        # What lies outside of the viewer's scope is not named.
        links=[
            one
            for one in every_link
            if one.kind == "page"
            or (one.kind == "policy" and visit.view.sees_policy(one.target))
            or (one.kind == "document" and one.target in linked)
        ],
        linked=linked,
        related=[one for one in related_to(store, ticket.number) if visit.view.has_ticket(one.ticket)],
        sheet=sheets[-1] if sheets else None,
        response=ResponseBook(store, clock).latest(ticket.number),
        grades=GRADES,
        units=_units(visit) if works else [],
        people=_people(visit) if works else [],
        display=people,
        missing=_missing,
        plan_filled_at=datetime.fromisoformat(ticket.plan["filled_at"])
        if ticket.plan and ticket.plan.get("filled_at")
        else None,
        others=OTHERS,
        merged_into=next((one.detail["into"] for one in reversed(timeline) if one.detail.get("into")), "")
        if ticket.status == "merged"
        else "",
        better_plan=_better_plan(ticket, timeline) if ticket.closed_at is None else "",
        plan_choices=_plan_choices(visit, ticket) if works and ticket.closed_at is None else (),
        ended=ticket.closed_at is not None,
        levels=[level for level in words.LEVEL_ORDER if level != ticket.level],
    )


def _better_plan(ticket: Ticket, timeline: Sequence[TimelineEvent]) -> str:
    """The title of the plan that was suggested as the level rose, where nobody has chosen one since; else empty."""
    last = next((one for one in reversed(timeline) if one.kind in ("plan-suggested", "plan-changed")), None)
    if last is None or last.kind == "plan-changed" or (ticket.plan or {}).get("id") == last.detail.get("plan"):
        return ""
    return str(last.detail.get("title", ""))


def _plan_choices(visit: Visit, ticket: Ticket) -> tuple[tuple[str, str], ...]:
    """Plans that the ticket may hold instead: id and title, the one that fits best as it stands in front."""
    console = visit.console
    policy = PolicyRegister(console.store, console.clock).get(ticket.policy) if ticket.policy else None
    book = book_of(console.store, console.settings.path("plans"))
    best = book.choose(policy, ticket.risk_kind, cast(Level, ticket.level))
    found = sorted(book.open_to(policy), key=lambda plan: best is None or plan.id != best.id)
    return tuple((plan.id, plan.title) for plan in found)


def _units(visit: Visit) -> list[str]:
    """Units that a ticket may be handed to: those of the duty book and of the console."""
    book = BookShelf(visit.console.store).current()
    names = [one.name for one in book.units] + [unit.name for _, unit in visit.console.units.tree().listed()]
    return list(dict.fromkeys(names))


def _people(visit: Visit) -> list[str]:
    """Colleagues of the user's own unit, for the fields that name an owner."""
    return [
        one.display
        for one in visit.console.users.all()
        if one.unit_id == visit.user.unit_id and one.disabled_at is None
    ]


def _missing(text: str) -> list[str]:
    """What a statement draft still leaves open, in Chinese."""
    variables = [VARIABLES[name] for name in _BRACES.findall(text) if name in VARIABLES]
    return list(dict.fromkeys([*variables, *_BLANKS.findall(text)]))


def _line(event: TimelineEvent, people: Mapping[str, str]) -> dict[str, Any]:
    """A line of the timeline in the words of the duty room; `ticket`: one that it names, where it is the viewer's."""
    named = next((event.detail[key] for key in ("ticket", "into", "off", "took") if event.detail.get(key)), "")
    return {
        "ticket": "" if named == OTHERS else named,
        "title": TITLES.get(event.kind, event.kind),
        "at": event.at,
        "who": "" if event.actor == SYSTEM else people.get(event.actor, event.actor),
        "words": words_of(event.kind, event.detail),
        "event_time": words.moment(event.event_time),
    }
