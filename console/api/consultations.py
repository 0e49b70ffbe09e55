"""Consultations: drafts that opinions are asked on, and what is taken up of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from fastapi import Query, Response

from console.access import Visit
from console.api.describing import told
from console.api.lists import Cursor, Listed, Size, after
from console.api.problems import invalid, missing
from console.api.routing import answer, needs, resource
from console.consulting import book_of, standing_of, within
from consultations.listing import Asked, Place, page, place_of
from consultations.model import Consultation, Opinion, State, Step
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from search import cursors

router = resource("Consultations")
Reader = Annotated[Visit, needs("consultations")]


class ConsultationLine(msgspec.Struct, frozen=True, kw_only=True):
    """A consultation. `due_on`: the last day for making public what was taken up; `days`: left until then, below 0:
    late by so many; once it is published, as it was on that day."""

    number: str
    policy: str
    title: str
    department: str
    opens_on: date
    closes_on: date
    state: State
    due_on: date
    days: int
    published_on: date | None
    published_url: str | None


class ConsultationDetail(ConsultationLine, frozen=True, kw_only=True):
    """A consultation with its opinions by clause and stance, and what was done with it. `letters`: how many came in."""

    letters: int
    opinions: list[Opinion]
    history: list[Step]


_LINE = {
    "number": "ZQ0001", "policy": "heating", "title": "云岭市居民供暖价格调整办法（征求意见稿）",
    "department": "市住房和城乡建设局", "opens_on": "2026-04-01", "closes_on": "2026-04-30", "state": "soon",
    "due_on": "2026-05-30", "days": 5, "published_on": None, "published_url": None,
}  # fmt: skip
_OPINION = {
    "number": 1, "clause": "第五条", "stance": "against", "said": "建议延长过渡期。", "wording": "建议延长过渡期",
    "outcome": "adopted", "reason": "", "decided_by": "li", "decided_at": "2026-05-08T01:00:00Z", "version": 2,
    "comments": 3, "people": 3,
}  # fmt: skip
_STEP = {"at": "2026-04-01T01:00:00Z", "actor": "li", "action": "added", "detail": "2026-04-01 — 2026-04-30"}


@router.get(
    "/consultations",
    **told(
        Listed[ConsultationLine], "List consultations, the one that closes last first",
        example={"items": [_LINE], "next": None},
    ),
)  # fmt: skip
def list_consultations(
    visit: Reader,
    state: Annotated[Asked | None, Query(description="`pressing`: due soon, or late.")] = None,
    size: Size = 50,
    cursor: Cursor = "",
) -> Response:
    """Those on policies of the caller's scope; for units with regions there are none."""
    console = visit.console
    found = page(
        console.store,
        console.settings.consultation,
        console.clock.now().astimezone(CHINA).date(),
        state=state,
        where=within(visit.view),
        after=_place(cursor),
        limit=size + 1,
    )
    more = None
    if len(found) > size:
        closes_on, number = place_of(found[size - 1])
        more = cursors.write(closes_on.isoformat(), number)
    return answer(Listed(items=[_line(visit, one) for one in found[:size]], next=more))


@router.get(
    "/consultations/{consultation}",
    **told(
        ConsultationDetail, "One consultation", missing=True,
        example={**_LINE, "letters": 3, "opinions": [_OPINION], "history": [_STEP]},
    ),
)  # fmt: skip
def get_consultation(visit: Reader, consultation: str) -> Response:
    """By its number. Of letters it gives what they say together, and one of them in its own words, masked; who wrote
    them is not kept. Audited."""
    book = book_of(visit)
    try:
        one = book.get(consultation, within(visit.view))
    except WrongUse:
        raise missing(f"consultation {consultation}") from None
    visit.record("consultation-read", one.number)
    return answer(
        ConsultationDetail(
            **msgspec.structs.asdict(_line(visit, one)), letters=book.letters(one), opinions=book.opinions(one),
            history=book.history(one),
        )
    )  # fmt: skip


def _line(visit: Visit, one: Consultation) -> ConsultationLine:
    stands = standing_of(visit, one)
    return ConsultationLine(
        number=one.number, policy=one.policy_id, title=one.title, department=one.department, opens_on=one.opens_on,
        closes_on=one.closes_on, state=stands.state, due_on=stands.due_on, days=stands.days,
        published_on=one.published_on, published_url=one.published_url,
    )  # fmt: skip


def _place(cursor: str) -> Place | None:
    place = after(cursor, str, int)
    if place is None:
        return None
    try:
        return date.fromisoformat(place[0]), min(max(place[1], 0), 1 << 62)
    except ValueError:
        raise invalid("query.cursor", "the cursor is none of this list") from None
