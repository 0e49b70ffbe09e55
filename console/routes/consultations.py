"""征求意见: drafts that opinions are asked on, what people said, what is taken up, and the clock for saying so."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from alerts.statutory.telling import reminded
from answers.texts import PolicyTexts, read_file
from briefings import orders
from briefings.looks import Look
from briefings.making import render
from console.access import Visit, needs
from console.casework import people_names
from console.consulting import book_of, standing_of, within
from console.days import china_day
from console.grassroots import MISSED, grassroots_of, named_unit
from console.problems import in_words
from console.rendering import attachment, show
from console.routes.briefing import allowed
from console.routes.briefings import TYPES
from console.sheets import check_format, export_sheet
from console.uploads import uploaded
from consultations import sheets
from consultations.comments import INDEX, Unusable, comments_of, outside, read_comments
from consultations.model import ACTION_WORDS, OUTCOMES, REASONED, STANCE_WORDS, STATES, WHOLE, Consultation
from consultations.placing import HOW_WORDS
from consultations.stances import judge_of
from minsheng.errors import BadInput, WrongUse

router = APIRouter()
Reader = Annotated[Visit, needs("consultations")]
Writer = Annotated[Visit, needs("consultations.write")]
FileWriter = Annotated[Visit, needs("consultations.write", files=1)]
Publisher = Annotated[Visit, needs("consultations.publish")]

LISTED = 200
"""Comments of an opinion that its page shows."""


@router.get("/consultations")
def consultation_list(visit: Reader, state: str = "", below: str = "") -> Response:
    """`state`: only those that stand so, `pressing` or `missed`; `below`: only those of a unit below, by its number;
    `from`, `to`: only those whose result is to be public on these days."""
    return _list(visit, state=state, below=below)


@router.post("/consultations")
def add(visit: FileWriter) -> Response:
    """`policy`, `title`, `department`, `opens_on`, `closes_on`, and the draft's words as `text` or `file`; without
    both, its page in the index."""
    fields = {name: visit.field(name) for name in ("policy", "title", "department", "opens_on", "closes_on", "text")}
    try:
        policy = visit.view.policies.get(fields["policy"])
        if policy is None or visit.view.grant.regions is not None:
            raise WrongUse("请选择政策。")
        text, origin = fields["text"], "console"
        with uploaded(visit) as path:
            if path is not None:
                text, origin = read_file(path), path.name
        if not text:
            known = PolicyTexts(visit.console.store, visit.console.clock, visit.view.index).of(policy)
            text, origin = (known.text, known.origin) if known is not None else ("", "")
        made = book_of(visit).add(
            policy.id, text, origin=origin, actor=visit.actor, title=fields["title"][:300],
            department=fields["department"][:200], opens_on=china_day(fields["opens_on"]),
            closes_on=china_day(fields["closes_on"]),
        )  # fmt: skip
    except WrongUse as error:
        return _list(visit, problem=in_words(error), fields=fields)
    visit.record("consultation-changed", made.number, {"to": "added", "policy": policy.id})
    return RedirectResponse(f"/consultations/{made.number}", 303)


@router.get("/consultations/{consultation}")
def page(visit: Reader, consultation: str, opinion: int | None = None, undecided: str = "") -> Response:
    """`opinion`: with its comments; `undecided`: only opinions that are not decided."""
    one = _own(visit, consultation)
    visit.record("consultation-read", one.number, {"opinion": opinion} if opinion else None)
    return _page(visit, one, opinion=opinion, undecided=undecided == "1")


@router.post("/consultations/{consultation}/change")
def change(visit: Writer, consultation: str) -> Response:
    """`title`, `department`, `opens_on`, `closes_on`: such as a longer term."""
    one = _own(visit, consultation)

    def work() -> None:
        book_of(visit).change(
            one.number, actor=visit.actor, title=visit.field("title")[:300], department=visit.field("department")[:200],
            opens_on=china_day(visit.field("opens_on")), closes_on=china_day(visit.field("closes_on")),
        )  # fmt: skip

    return _done(visit, one, work, {"to": "changed"})


@router.post("/consultations/{consultation}/import")
def import_comments(visit: FileWriter, consultation: str) -> Response:
    """`file`: a table of comments; or `index` (1): what the index has on the draft in its days."""
    one, book = _own(visit, consultation), book_of(visit)
    judge = judge_of(visit.console.settings)
    name, late, unusable = INDEX, 0, list[Unusable]()
    try:
        if visit.field("index") == "1":
            found = list(comments_of(visit.view.index, one))
        else:
            with uploaded(visit) as path:
                if path is None:
                    raise WrongUse("请选择要读的文件。")
                name = path.name
                read = read_comments(path, name=name, now=visit.console.clock.now())
            found, late, unusable = list(read.comments), outside(read.comments, one), list(read.unusable)
        taken = book.take(one.number, found, judge, actor=visit.actor, note=name)
    except (WrongUse, BadInput) as error:
        return _page(visit, one, problem=in_words(error))
    visit.record("consultation-changed", one.number, {"to": "imported", "from": name, "new": taken.new})
    said = f"新收 {taken.new} 份，已有 {taken.known} 份，期外 {late} 份，不能用 {len(unusable)} 行。"
    lines = [f"第 {row.line} 行：{row.reason}" for row in unusable[:20]]
    return _page(visit, _own(visit, consultation), said=said, lines=lines)


@router.post("/consultations/{consultation}/decide")
def decide(visit: Writer, consultation: str) -> Response:
    """`number`, repeatable, `outcome`, `reason`; for one also `wording` and `version` as seen."""
    one = _own(visit, consultation)
    numbers = [int(text) for text in visit.fields("number") if text.isascii() and text.isdecimal() and len(text) < 10]
    single = len(numbers) == 1 and visit.field("version") != ""

    def work() -> None:
        book_of(visit).decide(
            one.number, numbers, visit.field("outcome"), actor=visit.actor, reason=visit.field("reason"),
            wording=visit.field("wording") if single else None, version=visit.number("version") if single else None,
        )  # fmt: skip

    return _done(visit, one, work, {"to": "decided", "opinions": numbers, "outcome": visit.field("outcome")})


@router.post("/consultations/{consultation}/comments/{comment}")
def correct(visit: Writer, consultation: str, comment: str) -> Response:
    """`clause` (草案整体: none), `stance`; or `opinion`, the number of the one that says the same."""
    one = _own(visit, consultation)

    def work() -> None:
        into = visit.number("opinion")
        book_of(visit).correct(
            one.number, comment, actor=visit.actor, opinion=into,
            clause=None if into else visit.field("clause") or None,
            stance=None if into else visit.field("stance") or None,
        )  # fmt: skip

    return _done(visit, one, work, {"to": "corrected", "comment": comment})


@router.post("/consultations/{consultation}/publish")
def publish(visit: Publisher, consultation: str) -> Response:
    """`do`: `publish` (`on`, `url`), which stops the clock, or `take-back` (`reason`)."""
    one, book = _own(visit, consultation), book_of(visit)
    back = visit.field("do") == "take-back"

    def work() -> None:
        if back:
            book.take_back(one.number, actor=visit.actor, reason=visit.field("reason"))
        else:
            book.publish(one.number, actor=visit.actor, on=china_day(visit.field("on")), url=visit.field("url")[:1000])

    if not back and one.published_on is not None:  # sent twice
        return RedirectResponse(f"/consultations/{one.number}", 303)
    return _done(visit, one, work, {"to": "taken-back" if back else "published"})


@router.get("/consultations/{consultation}/report")
def report(visit: Reader, consultation: str, format: str = "html") -> Response:  # noqa: A002
    """What was taken up, as it is published: `format` html, pdf or docx."""
    one = _own(visit, consultation)
    if format not in ("html", "pdf", "docx"):
        raise HTTPException(404)
    made = orders.consultation(visit.console, one.number).report
    content = render(made, format, look=Look.from_settings(visit.console.settings))  # type: ignore[arg-type]
    visit.record("exported", one.number, {"what": "report", "format": format})
    if format == "html":
        text = content.decode()
        return HTMLResponse(text, headers={"Content-Security-Policy": allowed(text)})
    headers = {"Content-Disposition": attachment(f"采纳情况-{one.number}.{format}")}
    return Response(content, media_type=TYPES[format], headers=headers)


@router.get("/consultations/{consultation}/export")
def export_file(
    visit: Annotated[Visit, needs("export")],
    consultation: str,
    what: str = "opinions",
    format: str = "xlsx",  # noqa: A002
) -> Response:
    """For the house: `what` opinions or comments, `format` csv or xlsx."""
    one, book = _own(visit, consultation), book_of(visit)
    check_format(format)
    if what not in ("opinions", "comments"):
        raise HTTPException(404)
    opinions = book.opinions(one)
    if what == "comments":
        columns, rows = sheets.COMMENTS, sheets.comment_rows(book.comments(one), opinions)
    else:
        columns, rows = sheets.OPINIONS, sheets.opinion_rows(opinions)
    return export_sheet(
        visit, rows, columns, what=one.number, name=f"{one.number}-{what}", format=format, asked={"what": what}
    )


def _list(
    visit: Visit, *, state: str = "", below: str = "", problem: str = "", fields: dict[str, str] | None = None
) -> Response:
    query = visit.request.query_params
    since, until = china_day(query.get("from", "")), china_day(query.get("to", ""))
    ground = grassroots_of(visit) if below else None
    unit = named_unit(ground, below) if ground else None
    where = ground.share(unit).consultations if ground else within(visit.view)
    every = [(one, standing_of(visit, one)) for one in book_of(visit).all(where=within(visit.view))]
    mine = [(one, standing_of(visit, one)) for one in book_of(visit).all(where=where)] if ground else every
    shown = [
        (one, stands)
        for one, stands in mine
        if (
            state in ("", stands.state)
            or (state == "pressing" and stands.pressing)
            or (state == MISSED and stands.missed)
        )
        and (since is None or since <= stands.due_on)
        and (until is None or stands.due_on <= until)
    ]
    there = {(one.policy_id, one.opens_on) for one, _ in every}
    waiting = [
        one
        for one in visit.view.policies.values()
        if one.consultation_opens and one.consultation_closes and (one.id, one.consultation_opens) not in there
    ]
    return show(
        visit, "consultations.html.j2", code=409 if problem else 200, found=shown, state=state, states=STATES,
        problem=problem, fields=fields or {}, policies=visit.view.policies, waiting=[] if below else waiting,
        since=since, until=until, below=below, unit=unit,
        writes=visit.may("consultations.write") and visit.view.grant.regions is None,
    )  # fmt: skip


def _page(
    visit: Visit,
    one: Consultation,
    *,
    opinion: int | None = None,
    undecided: bool = False,
    problem: str = "",
    said: str = "",
    lines: list[str] | None = None,
) -> Response:
    book = book_of(visit)
    every = book.opinions(one)
    chosen = next((each for each in every if each.number == opinion), None)
    if opinion is not None and chosen is None:
        raise HTTPException(404)
    comments = book.comments(one, opinion=opinion) if chosen is not None else []
    return show(
        visit, "consultation.html.j2", code=409 if problem else 200, one=one, stands=standing_of(visit, one),
        states=STATES, letters=book.letters(one),
        opinions=[each for each in every if not undecided or not each.outcome],
        counts={key: sum(each.outcome == key for each in every) for key in (*OUTCOMES, None)}, total=len(every),
        outcomes=OUTCOMES, reasoned=REASONED, stances=STANCE_WORDS, hows=HOW_WORDS, whole=WHOLE, undecided=undecided,
        labels=book.labels(one), chosen=chosen, comments=comments[:LISTED], more=max(0, len(comments) - LISTED),
        history=book.history(one), reminded=reminded(visit.console.store, f"consultation:{one.id}"),
        action_words=ACTION_WORDS, display=people_names(visit), problem=problem, said=said,
        lines=lines or [],
        writes=visit.may("consultations.write") and not one.published_on,
        publishes=visit.may("consultations.publish"), exports=visit.may("export"),
        keeps=visit.may("briefing.write") and visit.view.grant.everything, reads=visit.may("search"),
    )  # fmt: skip


def _done(visit: Visit, one: Consultation, work: Any, detail: dict[str, Any]) -> Response:
    try:
        work()
    except WrongUse as error:
        return _page(visit, _own(visit, one.number), problem=in_words(error))
    visit.record("consultation-changed", one.number, detail)
    return RedirectResponse(f"/consultations/{one.number}", 303)


def _own(visit: Visit, name: str) -> Consultation:
    """A consultation of the viewer's; another one is answered as one that is not there."""
    try:
        return book_of(visit).get(name, within(visit.view))
    except WrongUse:
        raise HTTPException(404) from None
