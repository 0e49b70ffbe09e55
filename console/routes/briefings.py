"""简报: the kept briefings, from draft to issued; what a number counted; the box for codes on paper.

A kept briefing tells of everything, so only those whose unit sees everything find any here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from briefings import orders
from briefings.head import STATUS_WORDS
from briefings.issuing import STATE_WORDS, receipts
from briefings.kept import PREFIXES, Kept, form
from briefings.making import make_and_keep
from briefings.opening import opened
from briefings.report import NAMES, Chart, Paragraph, Posts, Table
from briefings.shelf import BriefingShelf
from briefings.spans import EARLIER
from briefings.wording import written
from briefings.words import KINDS, LEVELS
from console.access import Visit, needs
from console.casework import people_names
from console.days import begin_of, china_day
from console.problems import in_words
from console.rendering import attachment, leaving, show
from console.routes.briefing import allowed
from console.routes.documents import names
from minsheng.clock import CHINA
from minsheng.errors import WrongUse

router = APIRouter()
Reader = Annotated[Visit, needs("briefing")]
Writer = Annotated[Visit, needs("briefing.write")]
Signer = Annotated[Visit, needs("briefing.sign")]

LISTED = 50
TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "json": "application/json",
}


@router.get("/briefings")
def briefing_list(visit: Reader, kind: str = "", status: str = "", before: int | None = None) -> Response:
    return _list(visit, kind=kind, status=status, before=before)


@router.post("/briefings/make")
def make(visit: Writer) -> Response:
    """`kind`, `day` (special: `event` or `policy`; release: `policy`, `hours`;
    comparison: `policy` and `other_policy`, or `day` and `other_day`; statement: `from`, `to`, `region`;
    consultation: `consultation`): keep a briefing as a draft, with the figures of this moment."""
    kind, text = visit.field("kind"), visit.field("day")
    _everything(visit)
    try:
        if kind == "shift":
            kept = orders.keep(visit.console, orders.shift(visit.console), actor=visit.actor)
        elif kind == "special":
            made = orders.special_report(visit.console, event=visit.field("event"), policy=visit.field("policy"))
            kept = orders.keep(visit.console, made, actor=visit.actor)
        elif kind == "release":
            made = orders.release(visit.console, visit.field("policy"), visit.number("hours") or 0)
            kept = orders.keep(visit.console, made, actor=visit.actor)
        elif kind == "comparison":
            kept = orders.keep(visit.console, _comparison(visit), actor=visit.actor)
        elif kind == "statement":
            made = orders.statement(visit.console, **_stretch(visit), region=visit.field("region"))
            kept = orders.keep(visit.console, made, actor=visit.actor)
        elif kind == "consultation":
            made = orders.consultation(visit.console, visit.field("consultation"))
            kept = orders.keep(visit.console, made, actor=visit.actor)
        elif kind in EARLIER:
            day = china_day(text) or visit.console.clock.now().astimezone(CHINA).date()
            kept = make_and_keep(visit.console, kind, day, actor=visit.actor)
        else:
            raise WrongUse("请选择要生成的简报。")
    except WrongUse as error:
        return _list(visit, problem=in_words(error))
    return RedirectResponse(f"/briefings/kept/{kept.number}", 303)


@router.get("/briefings/code")
def code_box(visit: Reader, code: str = "") -> Response:
    """To what a code on paper stands for."""
    _everything(visit)
    try:
        kept, found = _shelf(visit).resolve(code)
    except WrongUse as error:
        return _list(visit, problem=in_words(error), code=code)
    return RedirectResponse(f"/briefings/kept/{kept.number}/evidence/{found.code}", 303)


@router.get("/briefings/kept/{kept}")
def page(visit: Reader, kept: str) -> Response:
    found = _kept(visit, kept)
    visit.record("briefing-read", found.number)
    _shelf(visit).opened(found.number, visit.actor)
    return _page(visit, found)


@router.get("/briefings/kept/{kept}/file")
def file(visit: Reader, kept: str, format: str = "html") -> Response:  # noqa: A002
    """The briefing as it is printed: `format` html, pdf, docx or json."""
    found = _kept(visit, kept)
    if format not in TYPES:
        raise HTTPException(404)
    shelf = _shelf(visit)
    content = form(found, shelf.look(found), format, f"/briefings/kept/{found.number}/evidence/")
    visit.record("briefing-read", found.number, {"format": format})
    shelf.opened(found.number, visit.actor)
    if format == "html":
        text = leaving(visit, content.decode())
        return HTMLResponse(text, headers={"Content-Security-Policy": allowed(text)})
    headers = {"Content-Disposition": attachment(f"{found.number}.{format}")}
    return Response(content, media_type=TYPES[format], headers=headers)


@router.get("/briefings/kept/{kept}/evidence/{code}")
def evidence(visit: Reader, kept: str, code: str) -> Response:
    """Exactly the posts that a number counted."""
    found = _kept(visit, kept)
    what = found.generated.find(code)
    if what is None:
        raise HTTPException(404)
    visit.record("briefing-read", f"{found.number}-{what.code}")
    shown = opened(visit.view.index, what)
    return show(
        visit, "briefing_evidence.html.j2", kept=found, evidence=what, records=shown.records, note=shown.note,
        names=names(visit.view), read=visit.may("search"),
    )  # fmt: skip


@router.get("/briefings/kept/{kept}/edit")
def editor(visit: Writer, kept: str) -> Response:
    return _editor(visit, _kept(visit, kept))


@router.post("/briefings/kept/{kept}/edit")
def save(visit: Writer, kept: str) -> Response:
    """One field a paragraph, and `secrecy`, `urgency`, `mark`, `recipients`, `note`, `version`."""
    found = _kept(visit, kept)
    sent = dict(visit.items())
    texts = {name: sent[name] for name in found.generated.paragraphs() if name in sent}
    marks = {name: text for name, text in sent.items() if name in ("secrecy", "urgency", "mark", "recipients")}
    try:
        _shelf(visit).edit(
            found.number, texts, actor=visit.actor, version=visit.number("version") or 0, marks=marks,
            note=visit.field("note"),
        )  # fmt: skip
    except WrongUse as error:
        return _editor(visit, found, typed=sent, problem=in_words(error))
    return RedirectResponse(f"/briefings/kept/{found.number}", 303)


@router.post("/briefings/kept/{kept}/step")
def step(visit: Writer, kept: str) -> Response:
    """`do`: `review`, `issue` or `correct` (`note` says why); `version` as seen."""
    found, do, note = _kept(visit, kept), visit.field("do"), visit.field("note")
    shelf, version = _shelf(visit), visit.number("version")
    try:
        if do == "review":
            if found.status != "reviewed":  # sent twice
                shelf.review(found.number, actor=visit.actor, note=note, version=version)
        elif do == "issue":
            if found.status != "issued":
                shelf.issue(found.number, actor=visit.actor, note=note, version=version)
        elif do == "correct":
            found = shelf.correct(found.number, actor=visit.actor, reason=note)
        else:
            raise WrongUse("请选择要做什么。")
    except WrongUse as error:
        return _page(visit, _kept(visit, kept), problem=in_words(error))
    return RedirectResponse(f"/briefings/kept/{found.number}", 303)


@router.post("/briefings/kept/{kept}/sign")
def sign(visit: Signer, kept: str) -> Response:
    """`do`: `sign`, or `withdraw` with a `note`; `version` as seen."""
    found, note, version = _kept(visit, kept), visit.field("note"), visit.number("version")
    shelf = _shelf(visit)
    try:
        if visit.field("do") == "withdraw":
            if found.status != "withdrawn":
                shelf.withdraw(found.number, actor=visit.actor, reason=note, version=version)
        elif visit.field("do") == "sign":
            if found.status != "signed":
                shelf.sign(found.number, actor=visit.actor, signer=visit.user.display, note=note, version=version)
        else:
            raise WrongUse("请选择要做什么。")
    except WrongUse as error:
        return _page(visit, _kept(visit, kept), problem=in_words(error))
    return RedirectResponse(f"/briefings/kept/{found.number}", 303)


def _list(
    visit: Visit, *, kind: str = "", status: str = "", before: int | None = None, problem: str = "", code: str = ""
) -> Response:
    everything = visit.view.grant.everything
    found = (
        _shelf(visit).all(kind=kind or None, status=status or None, before=before, limit=LISTED) if everything else []
    )
    today = visit.console.clock.now().astimezone(CHINA).date()
    return show(
        visit, "briefings.html.j2", code=400 if problem else 200, found=found, kind=kind, status=status,
        problem=problem, typed_code=code, kinds={name: NAMES[name] for name in PREFIXES},
        makes=[*EARLIER, "shift", "special", "release", "comparison", "statement"],
        after=visit.console.settings.release.report_hours,
        policies=visit.view.policies,
        statuses=STATUS_WORDS, everything=everything, today=today, writes=visit.may("briefing.write") and everything,
        older=found[-1].id if len(found) == LISTED else None,
    )  # fmt: skip


def _page(visit: Visit, kept: Kept, *, problem: str = "") -> Response:
    shelf = _shelf(visit)
    report = kept.current
    return show(
        visit, "briefing_kept.html.j2", code=409 if problem else 200, kept=kept, report=report, head=kept.head,
        problem=problem, history=shelf.history(kept.number), display=people_names(visit),
        receipts=receipts(visit.console.store, kept) if kept.issued_at else [], states=STATE_WORDS,
        codes={one.id: one.code for one in report.evidence}, titles={one.id: one.title for one in report.evidence},
        level_words=LEVELS, post_kinds=KINDS, kind_of=_block_kind, sections=report.sections,
        writes=visit.may("briefing.write"), signs=visit.may("briefing.sign"),
    )  # fmt: skip


def _editor(visit: Visit, kept: Kept, *, typed: dict[str, str] | None = None, problem: str = "") -> Response:
    generated = {name: written(one.parts) for name, one in kept.generated.paragraphs().items()}
    now = {name: kept.edits.get(name, text) for name, text in generated.items()}
    marks = {
        "secrecy": kept.secrecy, "urgency": kept.urgency, "mark": kept.mark, "recipients": "、".join(kept.recipients)
    }  # fmt: skip
    return show(
        visit, "briefing_edit.html.j2", code=409 if problem else 200, kept=kept, generated=generated,
        values={**now, **marks, "note": "", **(typed or {})}, problem=problem,
    )  # fmt: skip


def _block_kind(block: object) -> str:
    kinds = ((Paragraph, "paragraph"), (Table, "table"), (Chart, "chart"), (Posts, "posts"))
    return next(name for kind, name in kinds if isinstance(block, kind))


def _shelf(visit: Visit) -> BriefingShelf:
    console = visit.console
    return BriefingShelf(console.store, console.settings, console.clock, four_eyes=True, address=visit.address)


def _everything(visit: Visit) -> None:
    if not visit.view.grant.everything:
        raise HTTPException(404)


def _kept(visit: Visit, number: str) -> Kept:
    """One briefing; for those who don't see everything there is none."""
    _everything(visit)
    try:
        return _shelf(visit).get(number)
    except WrongUse:
        raise HTTPException(404) from None


def _stretch(visit: Visit) -> dict[str, datetime]:
    """`from` and `to`, both days told of, as the ends of a stretch of time; those that are given."""
    found = {}
    for end, name, later in (("since", "from", 0), ("until", "to", 1)):
        if (begin := begin_of(visit.field(name))) is not None:
            found[end] = begin + timedelta(days=later)
    return found


def _comparison(visit: Visit) -> orders.Made:
    """Of two policies where one is named, and else of two days."""
    if policies := [one for one in (visit.field("policy"), visit.field("other_policy")) if one]:
        return orders.compared(visit.console, policies=policies)
    days = [china_day(visit.field(name)) for name in ("other_day", "day")]
    return orders.compared(visit.console, days=[one for one in days if one is not None])
