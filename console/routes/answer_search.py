"""问答库: search by meaning, what has to be checked, and the files for and from the 12345 hotline."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from answers.book import AnswerBook
from answers.contradictions import KIND_WORDS, compare, unsupported
from answers.exchange import Outcome, exported, import_file, json_of, xlsx_of
from answers.model import Entry
from answers.portal import zipped_portal
from answers.texts import PolicyTexts
from console.access import Visit, needs
from console.days import begin_of
from console.problems import in_words
from console.rendering import attachment, show
from console.uploads import uploaded
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister

router = APIRouter()
Reader = Annotated[Visit, needs("answers")]

Writer = Annotated[Visit, needs("answers.write", files=1)]
FOUND = 5
LISTED = 200
"""Refused rows that a page lists."""
MOST = 400
"""Entries that a page holds against each other, every pair of them; `minsheng qa check` does all."""
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "zip": "application/zip",
}


@router.get("/answers/search")
def search(visit: Reader, q: str = "") -> Response:
    """`q`: a question in anybody's words. Where no answer is good, the page says so."""
    grant, result, problem = visit.view.grant, None, ""
    try:
        if q.strip():
            policies = None if grant.policies is None else list(visit.view.policies)
            result = visit.console.answers.ask(q, size=FOUND, policies=policies)
            visit.record("searched", result.question, {"answers": len(result.hits)})
    except WrongUse as error:
        problem = in_words(error)
    return show(
        visit, "answers_search.html.j2", code=400 if problem else 200, q=q[:2_000], result=result, problem=problem
    )


@router.get("/answers/check")
def check(visit: Reader) -> Response:
    """Answers that repeat or contradict one another, or state what their policy's text does not."""
    mine = _mine(visit)
    texts = PolicyTexts(visit.console.store, visit.console.clock, visit.view.index)
    about = {one.content.policy for one in mine}
    known = {name: texts.of(policy) for name, policy in visit.view.policies.items() if name in about}
    looked = mine[:MOST]
    key = tuple((one.id, one.version, one.status) for one in looked)
    findings = [
        *visit.console.likenesses.get(key, lambda: compare(looked)),
        *unsupported(mine, {name: text for name, text in known.items() if text is not None}),
    ]
    return show(
        visit, "answers_check.html.j2", findings=findings, kinds=KIND_WORDS, by_id={one.id: one for one in mine},
        looked=min(len(mine), MOST), left=max(0, len(mine) - MOST),
    )  # fmt: skip


@router.get("/answers/export")
def export(
    visit: Annotated[Visit, needs("export")],
    since: str = "",
    format: str = "xlsx",  # noqa: A002
) -> Response:
    """What is published, `format` xlsx or json, with the columns of docs/reference/qa.md; `since`: only what changed
    since that day, and what is to be taken down there. `format` zip: the pages for a portal."""
    if format not in _TYPES:
        raise HTTPException(404)
    console, begin = visit.console, begin_of(since)
    policies = {one.id: one for one in PolicyRegister(console.store, console.clock).all()}
    book = AnswerBook(console.store, console.clock)
    if format == "zip":
        entries = [one for one in book.public() if visit.view.sees_policy(one.content.policy)]
        content, count = zipped_portal(entries, policies, console.clock.now()), len(entries)
    else:
        rows = [row for row in exported(book, policies, since=begin) if visit.view.sees_policy(row["policy"])]
        content, count = (xlsx_of if format == "xlsx" else json_of)(rows), len(rows)
    visit.record("exported", "answers", {"since": since, "rows": count, "format": format})
    stamp = f"{console.clock.now().astimezone(CHINA):%Y%m%d}"
    headers = {"Content-Disposition": attachment(f"政策问答库-{stamp}.{format}")}
    return Response(content, media_type=_TYPES[format], headers=headers)


@router.post("/answers/import")
def import_answers(visit: Writer) -> Response:
    """`file`: XLSX or JSON with the columns of docs/reference/qa.md, as drafts; only on the viewer's policies."""
    console, grant = visit.console, visit.view.grant
    try:
        with uploaded(visit) as path:
            if path is None:
                raise WrongUse("请选择要导入的文件。")
            report = import_file(
                path, AnswerBook(console.store, console.clock), PolicyRegister(console.store, console.clock),
                actor=visit.actor, own=None if grant.policies is None else list(visit.view.policies.values()),
            )  # fmt: skip
            name = path.name
    except WrongUse as error:
        return show(visit, "answers_import.html.j2", code=400, problem=in_words(error), report=None, most=LISTED)
    outcomes: tuple[Outcome, ...] = ("added", "changed", "unchanged", "refused")
    counts: dict[str, int] = {one: report.count(one) for one in outcomes}
    visit.record("answer-changed", name, {"to": "imported", **counts})
    return show(visit, "answers_import.html.j2", problem="", report=report, counts=counts, most=LISTED)


def _mine(visit: Visit) -> list[Entry]:
    """The viewer's entries that are in use or on their way there, newest changes first."""
    entries = AnswerBook(visit.console.store, visit.console.clock).all()
    live = [
        one
        for one in entries
        if one.status not in ("withdrawn", "expired") and visit.view.sees_policy(one.content.policy)
    ]
    return sorted(live, key=lambda one: one.changed_at, reverse=True)
