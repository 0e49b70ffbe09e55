"""Briefings, to be read: the day's figures, and those that are kept."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
from fastapi import Query, Response

from briefings.head import Status
from briefings.kept import Kept, Step
from briefings.report import ReportKind
from briefings.shelf import BriefingShelf
from console.access import Visit
from console.api.describing import told
from console.api.lists import Cursor, Listed, Size, after
from console.api.problems import missing
from console.api.routing import answer, needs, resource
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from search import cursors

router = resource("Briefings")
Reader = Annotated[Visit, needs("briefing")]


class BriefingLine(msgspec.Struct, frozen=True, kw_only=True):
    """A kept briefing. `number`: RB-20260508; `issue`: its number of the year, empty until it is signed."""

    number: str
    kind: ReportKind
    name: str
    subject: str
    matter: str
    status: Status
    version: int
    made_at: datetime
    made_by: str
    issue: str
    signer: str
    signed_at: datetime | None
    digest: str | None
    issued_at: datetime | None
    withdrawn_at: datetime | None
    corrects: str | None
    corrected_by: str | None


class BriefingText(msgspec.Struct, frozen=True, kw_only=True):
    """A paragraph as it reads now. `section`: the heading that it stands under, empty for the summary; `edited`: a
    person changed it."""

    id: str
    section: str
    text: str
    edited: bool


class BriefingFigure(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the briefing. `code`: as printed behind it; `command`: gives everything that it counts."""

    code: str
    title: str
    total: int
    command: str


class BriefingDetail(BriefingLine, frozen=True, kw_only=True):
    """A kept briefing with its text and figures, and what was done with it."""

    texts: list[BriefingText]
    figures: list[BriefingFigure]
    history: list[Step]


_LINE = {
    "number": "RB-20260508", "kind": "daily", "name": "舆情风险日报", "subject": "2026年5月8日", "matter": "",
    "status": "issued", "version": 4, "made_at": "2026-05-08T23:30:00Z", "made_by": "system",
    "issue": "〔2026〕第128期", "signer": "陈主任", "signed_at": "2026-05-09T00:10:00Z", "digest": "5f2b0a7f",
    "issued_at": "2026-05-09T00:12:00Z", "withdrawn_at": None, "corrects": None, "corrected_by": None,
}  # fmt: skip
_TEXT = {"id": "summary-1", "section": "总体情况", "text": "5月8日共监测到信息20篇，较昨日上升。", "edited": False}
_FIGURE = {"code": "1", "title": "5月8日的信息", "total": 20, "command": "minsheng search --since 2026-05-08"}
_STEP = {
    "version": 1, "at": "2026-05-08T23:30:00Z", "actor": "system", "action": "made", "note": "", "edits": None,
}  # fmt: skip


@router.get(
    "/briefings",
    **told(Listed[BriefingLine], "List kept briefings, newest first", example={"items": [_LINE], "next": None}),
)
def list_briefings(
    visit: Reader,
    kind: Annotated[ReportKind | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    size: Size = 50,
    cursor: Cursor = "",
) -> Response:
    """They are made of everything: of those who don't see everything none is theirs."""
    place = after(cursor, int)
    before = min(max(place[0], 0), 1 << 62) if place else None
    found = (
        _shelf(visit).all(kind=kind, status=status, before=before, limit=size + 1)
        if visit.view.grant.everything
        else []
    )
    more = cursors.write(found[size - 1].id) if len(found) > size else None
    return answer(Listed(items=[_line(one) for one in found[:size]], next=more))


@router.get(
    "/briefings/{kept}",
    **told(
        BriefingDetail, "One kept briefing", missing=True,
        example={**_LINE, "texts": [_TEXT], "figures": [_FIGURE], "history": [_STEP]},
    ),
)  # fmt: skip
def get_briefing(visit: Reader, kept: str) -> Response:
    """Its text as it reads now, its figures with the command that opens each, and its way from draft to issued.
    Audited; of an issued one it is noted that the caller has opened it."""
    shelf = _shelf(visit)
    if not visit.view.grant.everything:
        raise missing(f"briefing {kept}")
    try:
        found = shelf.get(kept)
    except WrongUse:
        raise missing(f"briefing {kept}") from None
    visit.record("briefing-read", found.number)
    shelf.opened(found.number, visit.actor)
    sections = {block.id: section.title for section in found.current.sections for block in section.blocks}
    return answer(
        BriefingDetail(
            **msgspec.structs.asdict(_line(found)),
            texts=[
                BriefingText(id=name, section=sections.get(name, ""), text=each.text, edited=name in found.edits)
                for name, each in found.current.paragraphs().items()
            ],
            figures=[
                BriefingFigure(code=one.code, title=one.title, total=one.total, command=one.command)
                for one in found.current.evidence
            ],
            history=shelf.history(found.number),
        )
    )


@router.get(
    "/briefings/daily/{day}",
    **told(dict, "The daily briefing", missing=True, example={"unit": "云岭市", "day": "2026-05-08", "complete": True}),
)
def get_daily_briefing(visit: Reader, day: date) -> Response:
    """Made of the caller's scope; every number names its evidence. The day may be today, as far as it has come.
    Audited."""
    today = visit.console.clock.now().astimezone(CHINA).date()
    if day > today or (today - day).days > 3_660:
        raise missing(f"briefing of {day}")
    visit.record("briefing-read", str(day))
    return answer(visit.console.briefing(day, visit.view))


def _shelf(visit: Visit) -> BriefingShelf:
    console = visit.console
    return BriefingShelf(console.store, console.settings, console.clock, address=visit.address)


def _line(one: Kept) -> BriefingLine:
    return BriefingLine(**{name: getattr(one, name) for name in BriefingLine.__struct_fields__})
