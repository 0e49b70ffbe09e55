"""Applications for information, their clocks, and what became of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from fastapi import Query, Response

from console.access import Visit
from console.api.describing import told
from console.api.lists import Cursor, Listed, Size, after
from console.api.problems import invalid, missing
from console.api.routing import answer, needs, resource
from console.disclosures import OwnRegister, whole
from disclosure.figures import Figures, count
from disclosure.model import Application, Outcome, State
from disclosure.register import Asked, Place, Revision, order_of
from disclosure.register import Listed as Standed
from disclosure.terms import Standing
from search import cursors

router = resource("Disclosure")
Reader = Annotated[Visit, needs("disclosure")]
_DAYS = range(date.min.toordinal(), date.max.toordinal() + 1)
Since = Annotated[date | None, Query(description="Received on this day or later.")]
Until = Annotated[date | None, Query(description="Received on this day or before.")]
Department = Annotated[str, Query(max_length=200)]
Region = Annotated[str, Query(max_length=200, description="How its name begins.")]


class ApplicationLine(Application, frozen=True, kw_only=True):
    """An application and where it stands today. Who made it is not kept."""

    standing: Standing


class ApplicationDetail(ApplicationLine, frozen=True, kw_only=True):
    """An application with the imports that brought and changed it."""

    history: list[Revision]


class ApplicationFigures(Figures, frozen=True, kw_only=True):
    """What became of the applications of some days."""

    since: date
    until: date


_APPLICATION = {
    "id": 7, "department": "市住房和城乡建设局", "number": "2026-017", "received_on": "2026-04-20",
    "title": "供暖成本监审报告", "content": "", "region": "云江省望津市", "policy": "heating", "policy_named": "",
    "correction_asked_on": None, "corrected_on": None, "opinion_asked_on": None, "opinion_given_on": None,
    "extended_on": None, "extension_days": None, "answered_on": None, "outcome": None, "review": None,
    "litigation": None, "matter": 7,
    "standing": {"state": "pending", "due": "2026-05-20", "left": 8, "still": None, "late": False,
                 "provisional": False, "remarks": []},
}  # fmt: skip
_CHANGE = {"at": "2026-04-21T01:00:00Z", "actor": "li", "file": "台账.xlsx", "fields": {}}
_FIGURE = {"key": "in-time", "title": "按期答复", "count": 3, "asked": {"state": "in-time"}}
_FIGURES = {
    "since": "2026-01-01", "until": "2026-05-08", "received": 4, "states": [], "outcomes": [], "in_time": _FIGURE,
    "out_of_time": {**_FIGURE, "key": "late", "title": "超期", "count": 1}, "workdays": 11.5, "steps": [["延期", 1]],
    "reviews": [], "suits": [],
}  # fmt: skip


@router.get(
    "/disclosure",
    **told(
        Listed[ApplicationLine], "List applications for information", example={"items": [_APPLICATION], "next": None}
    ),
)
def list_applications(
    visit: Reader,
    state: Annotated[
        State | Literal["open", "soon", "late", "in-time"] | None,
        Query(description="A state, or: not answered, due soon, late (answered or not), answered in time."),
    ] = None,
    outcome: Annotated[
        Outcome | Literal["none"] | None, Query(description="`none`: answered, and not told how.")
    ] = None,
    department: Department = "",
    region: Region = "",
    since: Since = None,
    until: Until = None,
    size: Size = 50,
    cursor: Cursor = "",
) -> Response:
    """Those of the caller's scope: what is not answered first, by what is due first; then the answered, newest
    first."""
    asked = Asked(
        state=state or "", outcome=outcome or "", department=department.replace("\0", ""),
        region=region.replace("\0", ""), since=since, until=until,
    )  # fmt: skip
    found = OwnRegister(visit).page(asked, after=_place(cursor), limit=size + 1)
    more = cursors.write(*order_of(found[size - 1])) if len(found) > size else None
    return answer(Listed(items=[_line(one) for one in found[:size]], next=more))


@router.get("/disclosure/figures", **told(ApplicationFigures, "What became of applications", example=_FIGURES))
def get_disclosure_figures(
    visit: Reader, since: Since = None, until: Until = None, department: Department = "", region: Region = ""
) -> Response:
    """Of what was received in these days, default this year: states, outcomes, answers in time, reviews and lawsuits.
    `asked` of a figure is what lists exactly these. `workdays`: the mean of working days to an answer."""
    own = OwnRegister(visit)
    asked = whole(
        Asked(since=since, until=until, department=department.replace("\0", ""), region=region.replace("\0", "")),
        own.register.today,
    )
    assert asked.since is not None and asked.until is not None
    found = count(own.register, own.list(asked))
    return answer(
        ApplicationFigures(
            **{name: getattr(found, name) for name in Figures.__struct_fields__}, since=asked.since, until=asked.until
        )
    )


@router.get(
    "/disclosure/{application_id}",
    **told(
        ApplicationDetail,
        "One application for information",
        missing=True,
        example={**_APPLICATION, "history": [_CHANGE]},
    ),
)
def get_application(visit: Reader, application_id: int) -> Response:
    """By its `id`. Audited."""
    own = OwnRegister(visit)
    found = own.get(application_id) if abs(application_id) < 1 << 31 else None
    if found is None:
        raise missing("such application")
    one = found.application
    visit.record("application-read", f"{one.department} {one.number}".strip())
    return answer(
        ApplicationDetail(
            **msgspec.structs.asdict(one), standing=found.standing, history=list(own.register.history(one.id))
        )
    )


def _line(one: Standed) -> ApplicationLine:
    return ApplicationLine(**msgspec.structs.asdict(one.application), standing=one.standing)


def _place(cursor: str) -> Place | None:
    place = after(cursor, int, int, int, str, str)
    if place is None:
        return None
    answered, day, received, department, number = place
    known = day in _DAYS if answered == 0 else -day in _DAYS
    if answered not in (0, 1) or not known or "\0" in department + number:
        raise invalid("query.cursor", "the cursor is none of this list")
    return answered, day, received, department, number
