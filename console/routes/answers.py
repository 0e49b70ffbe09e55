"""问答库: what people ask, the answers from draft to being signed, and the clauses that lack one."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from answers.book import AnswerBook
from answers.contradictions import check as states
from answers.coverage import Coverage
from answers.mining import Candidate, Candidates
from answers.model import ACTIONS, STATUSES, Content, Entry
from answers.suggestion import suggest
from answers.texts import PolicyTexts
from console.access import Visit, needs
from console.casework import people_names
from console.days import china_day
from console.problems import in_words
from console.rendering import show
from minsheng.errors import WrongUse

router = APIRouter()
Reader = Annotated[Visit, needs("answers")]
Writer = Annotated[Visit, needs("answers.write")]
Signer = Annotated[Visit, needs("answers.sign")]

LISTED = 100


@router.get("/answers")
def answer_list(visit: Reader, policy: str = "", status: str = "") -> Response:
    book, own, mine = _book(visit), visit.view.policies, visit.view.sees_policy
    chosen = policy if policy in own else None
    found = [one for one in book.all(policy=chosen) if mine(one.content.policy) and status in ("", one.status)]
    flags = {one.id: why for one, why in book.flagged()}
    asked = _candidates(visit).all(policy=chosen, unanswered=True)
    return show(
        visit, "answers.html.j2", entries=found[:500], flags=flags, statuses=STATUSES, status=status,
        policy=policy, policies=own, candidates=[one for one in asked if mine(one.policy)][:LISTED],
        writes=visit.may("answers.write"), source_names=visit.view.source_names(),
    )  # fmt: skip


@router.get("/answers/coverage")
def coverage(visit: Reader, policy: str = "") -> Response:
    """Clauses that people ask about, and those that no answer rests on."""
    own, sees = visit.view.policies, visit.view.sees_policy
    chosen = policy if policy in own else None
    console = visit.console
    made = Coverage(console.store, console.clock, visit.view.index, console.answers)
    rows = [row for row in made.clauses(chosen) if sees(row.policy)]
    titles = {one.id: one.content.title for one in _book(visit).all() if sees(one.content.policy)}
    return show(
        visit, "answers_coverage.html.j2", rows=rows[:500], policies=own, policy=policy,
        effects=[one for one in made.effects(chosen) if one.entry in titles], titles=titles,
    )  # fmt: skip


@router.get("/answers/edit")
def editor(visit: Writer, entry: str = "", candidate: str = "", policy: str = "") -> Response:
    if entry:
        found = _entry(visit, entry)
        return _editor(visit, _fields(found.content), entry=found)
    fields = {"policy": policy if policy in visit.view.policies else ""}
    passages: list[Any] = []
    if candidate:
        asked = _candidate(visit, candidate)
        of = visit.view.policies.get(asked.policy)
        if of is None:  # it is not in the register any more: there is nothing to be answered from
            raise HTTPException(404)
        fields = {
            "policy": asked.policy, "question": asked.question, "clauses": asked.clause, "title": asked.question[:40],
            "department": of.department or "",
        }  # fmt: skip
        text = PolicyTexts(visit.console.store, visit.console.clock, visit.view.index).of(of)
        passages = list(suggest(asked.question, of, text).passages) if text is not None else []
    return _editor(visit, fields, passages=passages)


@router.post("/answers/edit")
def save(visit: Writer) -> Response:
    """Keep a draft: a new entry, or a new version of `entry`."""
    fields = {name: visit.field(name) for name in (*_NAMES, "entry", "version")}
    book, entry = _book(visit), visit.field("entry")
    before = _entry(visit, entry) if entry else None
    try:
        if fields["policy"] not in visit.view.policies:
            raise WrongUse("请选择政策。")
        content = Content(
            **{name: fields[name] for name in ("policy", "title", "question", "answer")},
            clauses=_lines(fields["clauses"]), keywords=_lines(fields["keywords"]),
            department=fields["department"] or None, owner=fields["owner"] or None, region=fields["region"] or None,
            valid_from=china_day(fields["valid_from"]), valid_until=china_day(fields["valid_until"]),
        )  # fmt: skip
        if before is None:
            same = [one for one in book.all(policy=content.policy) if one.content == content]
            kept = same[0] if same else book.create(content, actor=visit.actor)  # sent twice
        elif before.content == content:
            kept = before
        else:
            kept = book.edit(entry, content, version=visit.number("version") or 0, actor=visit.actor)
    except WrongUse as error:
        return _editor(visit, fields, entry=before, problem=in_words(error))
    visit.record("answer-changed", kept.id, {"version": kept.version, "to": kept.status})
    return RedirectResponse(f"/answers/{kept.id}", 303)


@router.post("/answers/candidates/{candidate}/dismiss")
def dismiss(visit: Writer, candidate: str) -> Response:
    """Put a question aside that needs no answer."""
    _candidate(visit, candidate)
    _candidates(visit).dismiss(candidate)
    visit.record("answer-changed", candidate, {"to": "dismissed"})
    return RedirectResponse("/answers", 303)


@router.get("/answers/{entry}")
def entry_page(visit: Reader, entry: str) -> Response:
    return _page(visit, entry)


@router.post("/answers/{entry}/review")
def review(visit: Writer, entry: str) -> Response:
    return _step(visit, entry, "reviewed")


@router.post("/answers/{entry}/sign")
def sign(visit: Signer, entry: str) -> Response:
    """`do`: `sign`, which publishes it, or `withdraw`, with a reason."""
    return _step(visit, entry, "withdrawn" if visit.field("do") == "withdraw" else "published")


def _step(visit: Visit, entry: str, to: str) -> Response:
    book, found = _book(visit), _entry(visit, entry)
    if found.status == to:  # sent twice
        return RedirectResponse(f"/answers/{entry}", 303)
    version, note = visit.number("version"), visit.field("note")
    try:
        if to == "reviewed":
            book.review(entry, actor=visit.actor, note=note, version=version)
        elif to == "published":
            book.sign(entry, actor=visit.actor, note=note, version=version)
        else:
            book.withdraw(entry, actor=visit.actor, note=note, version=version)
    except WrongUse as error:
        return _page(visit, entry, problem=in_words(error))
    visit.record("answer-changed", entry, {"to": to, "note": note})
    return RedirectResponse(f"/answers/{entry}", 303)


def _page(visit: Visit, entry: str, *, problem: str = "") -> Response:
    book, found = _book(visit), _entry(visit, entry)
    policy = visit.view.policies.get(found.content.policy)
    texts = PolicyTexts(visit.console.store, visit.console.clock, visit.view.index)
    text = texts.of(policy) if policy is not None else None
    return show(
        visit, "answer.html.j2", code=409 if problem else 200, entry=found, problem=problem,
        flags=book.flags(found.published or found.content, found), history=book.history(entry), actions=ACTIONS,
        statuses=STATUSES, display=people_names(visit), writes=visit.may("answers.write"),
        signs=visit.may("answers.sign"), unsupported=list(states(found.content, text)) if text is not None else [],
    )  # fmt: skip


_NAMES = (
    "policy", "title", "question", "answer", "clauses", "keywords", "department", "owner", "region", "valid_from",
    "valid_until",
)  # fmt: skip


def _fields(content: Content) -> dict[str, str]:
    plain = msgspec.structs.asdict(content)
    return {
        name: "\n".join(plain[name]) if isinstance(plain[name], tuple) else str(plain[name] or "") for name in _NAMES
    }


def _editor(
    visit: Visit,
    fields: dict[str, str],
    *,
    entry: Entry | None = None,
    passages: list[Any] | None = None,
    problem: str = "",
) -> Response:
    return show(
        visit, "answer_edit.html.j2", code=409 if problem else 200,
        values={name: fields.get(name, "") for name in _NAMES},
        entry=entry, passages=passages or [], problem=problem, policies=visit.view.policies,
    )  # fmt: skip


def _candidates(visit: Visit) -> Candidates:
    return Candidates(visit.console.store, visit.console.clock, visit.console.answers)


def _book(visit: Visit) -> AnswerBook:
    return AnswerBook(visit.console.store, visit.console.clock, four_eyes=True)


def _entry(visit: Visit, entry: str) -> Entry:
    """An entry about a policy of the viewer's; another one is answered as one that is not there."""
    sees = visit.view.sees_policy  # before it is known whether there is one: what is asked of the store tells nothing
    try:
        found = _book(visit).get(entry)
    except WrongUse:
        raise HTTPException(404) from None
    if not sees(found.content.policy):
        raise HTTPException(404)
    return found


def _candidate(visit: Visit, candidate: str) -> Candidate:
    """A question about a policy of the viewer's; another one is answered as one that is not there."""
    sees = visit.view.sees_policy
    try:
        found = _candidates(visit).get(candidate)
    except WrongUse:
        raise HTTPException(404) from None
    if not sees(found.policy):
        raise HTTPException(404)
    return found


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("、", "\n").splitlines() if part.strip())
