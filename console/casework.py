"""Doing something with a ticket from a page: the one way for all its forms.

Every form carries the version of the ticket that its page showed. Where somebody else was faster, what overwrites
nothing (a comment, a task) is done all the same; anything else is not done, and the page comes again with what happened
meanwhile and with every word that was typed. What was sent twice is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from fastapi import Response
from fastapi.responses import RedirectResponse

from alerts.tickets import Ticket, TicketBook
from alerts.timeline import SYSTEM, TITLES
from alerts.transitions import STATUS_WORDS, Happened, TicketConflict
from console.access import Visit
from console.problems import in_words
from console.words import moment
from minsheng.errors import BadInput, WrongUse

TRIES = 5
"""How often something that overwrites nothing is tried again while others change the ticket."""


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was not taken: its name, its fields, why, and what others did meanwhile."""

    form: str = ""
    fields: dict[str, str] = {}
    problem: str = ""
    meanwhile: tuple[str, ...] = ()

    def get(self, form: str, name: str, default: Any = "") -> Any:
        """What was typed into a field of a form; otherwise the default."""
        return self.fields.get(name, default) if form == self.form else default


Page = Callable[[Visit, Ticket, Typed, int], Response]
"""Draws the page again: with the ticket as it is now, the form, and the code of the answer."""


def act(
    visit: Visit,
    number: str,
    form: str,
    work: Callable[[Ticket, int], object],
    page: Page,
    *,
    kind: str,
    detail: Mapping[str, Any] | None = None,
    adds: bool = False,
    back: str = "",
) -> Response:
    """Do something with a ticket of the viewer's, and go back to its page.

    Parameters
    ----------
    form:
        The form's name, also the place of the page that is gone back to.
    work:
        Does it, given the ticket and the version that the officer saw.
    kind, detail:
        The line of the timeline that the work leaves, by which a form that was sent twice is known.
    adds:
        It overwrites nothing.
    back:
        Where to go afterwards, in place of the ticket's page.
    """
    ticket = visit.view.ticket(number)
    seen = visit.number("version")
    version = ticket.version if seen is None else seen
    done = RedirectResponse(back or f"/tickets/{ticket.number}#{form}", 303)

    def refused(problem: str, code: int, meanwhile: Sequence[Happened] = ()) -> Response:
        typed = Typed(form=form, fields=dict(visit.items()), problem=problem, meanwhile=told(visit, meanwhile))
        return page(visit, visit.view.ticket(number), typed, code)

    for _ in range(TRIES):
        try:
            work(ticket, version)
        except TicketConflict as conflict:
            if any(_same(one, visit.actor, kind, detail or {}) for one in conflict.happened):
                return done
            if adds:
                version = conflict.version
                continue
            problem = "您打开页面之后，这张工单已被更新，没有保存您的操作。您填写的内容还在，请看过最新情况后再提交。"
            return refused(problem, 409, conflict.happened)
        except (WrongUse, BadInput) as error:
            return refused(in_words(error), 400)
        visit.record("ticket-moved", ticket.number, {"what": form, **(detail or {})})
        return done
    return refused("工单正在被频繁更新，没有保存。您填写的内容还在，请再提交一次。", 409)


def told(visit: Visit, happened: Sequence[Happened]) -> tuple[str, ...]:
    """What happened meanwhile, a line each."""
    people = people_names(visit)
    return tuple(
        f"{moment(one.at)}　{'系统' if one.actor == SYSTEM else people.get(one.actor, one.actor)}　"
        f"{TITLES.get(one.kind, one.kind)}"
        + (f"（{STATUS_WORDS[target]}）" if (target := one.detail.get("to")) in STATUS_WORDS else "")
        for one in happened
    )


def people_names(visit: Visit) -> dict[str, str]:
    """User's name → what people call them."""
    return {one.name: one.display for one in visit.console.users.all()}


def done_already(visit: Visit, ticket: Ticket, kind: str, detail: Mapping[str, Any]) -> bool:
    """Whether this user has done just this since the page was made: the form was sent twice."""
    seen = visit.number("version")
    if seen is None or seen >= ticket.version:
        return False
    timeline = TicketBook(visit.console.store, visit.console.clock).timeline(ticket.id)
    since = [
        Happened(at=one.at, actor=one.actor, kind=one.kind, detail=one.detail) for one in timeline if one.version > seen
    ]
    return any(_same(one, visit.actor, kind, detail) for one in since)


def _same(happened: Happened, actor: str, kind: str, detail: Mapping[str, Any]) -> bool:
    return (
        happened.actor == actor
        and happened.kind == kind
        and all(happened.detail.get(name) == value for name, value in detail.items())
    )
