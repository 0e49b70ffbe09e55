"""通知: the channels and a test by each, what was sent and why or why not; dead letters and sending them again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from alerts.duty.book import BookShelf
from alerts.notify.overview import channels, messages
from alerts.notify.scene import OUTCOMES, STAGES
from alerts.notify.testing import Tested, send_test
from alerts.notify.why import explain
from console.access import Visit, needs
from console.problems import in_words
from console.rendering import show
from minsheng.errors import MinshengError, WrongUse
from stream.dead_letters import list_dead_letters, resend

router = APIRouter()
Watcher = Annotated[Visit, needs("channels")]
LISTED = 200


@router.get("/channels")
def channel_list(visit: Watcher) -> Response:
    return _channels(visit)


@router.post("/channels/{name}/test")
def test(visit: Watcher, name: str) -> Response:
    """A test message, by that channel alone; what the other side answered is told at once."""
    person = visit.field("person")
    try:
        tested = send_test(visit.console.store, visit.console.settings, visit.console.clock, name, person=person)
    except MinshengError as error:
        return _channels(visit, problem=in_words(error), code=400)
    visit.record("channel-tested", name, {"ok": tested.ok})
    return _channels(visit, tested=(name, tested))


@router.get("/notices")
def notices(visit: Watcher, ticket: str = "", person: str = "") -> Response:
    """Why somebody did, or did not, get the notices of a ticket; without one, the newest messages."""
    problem, found, listed = "", None, []
    mine = visit.view.grant.everything
    try:
        if ticket.strip():
            number = visit.view.ticket(ticket.strip().upper()).number
            found = explain(visit.console.store, visit.console.clock, number, person.strip())
            visit.record("notices-read", number, {"person": person})
        elif mine:
            listed = messages(visit.console.store, limit=LISTED)
    except WrongUse as error:
        problem = in_words(error)
    return show(
        visit, "notices.html.j2", code=400 if problem else 200, found=found, listed=listed, ticket=ticket,
        person=person, problem=problem, stages=STAGES, outcomes=OUTCOMES,
    )  # fmt: skip


def _channels(
    visit: Visit, *, problem: str = "", tested: tuple[str, Tested] | None = None, code: int = 200
) -> Response:
    console = visit.console
    return show(
        visit, "channels.html.j2", code=code, channels=channels(console.store, console.settings, console.clock),
        problem=problem, tested=tested, people=BookShelf(console.store).current().people,
    )  # fmt: skip


@router.get("/dead-letters")
def dead_letters(visit: Watcher) -> Response:
    """What the stages could not handle. Reasons may quote texts: they are shown to those who see everything."""
    return _letters(visit)


@router.post("/dead-letters/resend")
def send_again(visit: Watcher) -> Response:
    """Send dead letters to their stage again: the chosen ones (`letter`), or `all`."""
    chosen = visit.fields("letter")
    every = visit.field("all") == "1"
    try:
        if not chosen and not every:
            raise WrongUse("请勾选要重发的。")
        sent = resend(visit.console.log, None if every else chosen, visit.console.clock)
    except WrongUse as error:
        return _letters(visit, problem=in_words(error))
    visit.record("dead-letter-changed", "", {"sent": [one.id for one in sent][:50], "count": len(sent)})
    return RedirectResponse("/dead-letters", 303)


def _letters(visit: Visit, *, problem: str = "") -> Response:
    letters = list_dead_letters(visit.console.log, include_resent=True)
    letters.sort(key=lambda one: (one.resent_at is not None, -one.at.timestamp()))
    return show(
        visit, "dead_letters.html.j2", code=400 if problem else 200, letters=letters[:LISTED], problem=problem,
        waiting=sum(one.resent_at is None for one in letters), reads=visit.view.grant.everything,
    )  # fmt: skip
