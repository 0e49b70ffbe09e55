"""检索: search, export, and one document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from msgspec.structs import replace
from starlette.exceptions import HTTPException

from classifiers.corrections import CorrectionBook
from classifiers.model import LABELS
from classifiers.relabel import Relabeller
from console import export, words
from console.access import Visit, needs
from console.casework import people_names
from console.documents import whole
from console.problems import in_words
from console.rendering import attachment, show
from console.scope import View
from console.searching import SORTS, Asked, last_word, quoted, wider
from minsheng.errors import WrongUse
from minsheng.records import Assessed, Document, Grouped
from minsheng.spreadsheets import as_csv, as_xlsx
from search.index import Page, Search
from search.suggestions import suggest
from search.understanding import Vocabulary

router = APIRouter()
Searcher = Annotated[Visit, needs("search")]
BATCH = 500
MOST_TYPED = 200
"""Characters of a query that something is suggested for."""


@router.get("/search")
def search(visit: Searcher) -> Response:
    asked = Asked.read(visit.request.query_params.multi_items())
    problem, page, widened = "", Page(total=0, hits=()), False
    try:
        wanted, widened = wider(asked.search(visit.view, together=True), visit.view)
        page = visit.view.index.search(wanted)
        visit.record("searched", asked.words, {**asked.plain(), "total": page.total})
    except WrongUse as error:
        problem = in_words(error)
    return show(
        visit,
        "search.html.j2",
        code=400 if problem else 200,
        asked=asked,
        page=page,
        widened=widened,
        sorts=SORTS,
        problem=problem,
        names=names(visit.view),
        facets=words.FACETS,
        limit=visit.console.settings.console.export_rows,
    )


@router.get("/search/suggestions")
def suggestions(visit: Searcher, q: str = "") -> Response:
    """What the last word typed may be the beginning of, for the list below the box: names and titles that find
    something in what the viewer may see."""
    before, word = last_word(q[:MOST_TYPED])
    vocabulary = Vocabulary.of(visit.view.policies.values())
    found = suggest(visit.view.index, word, vocabulary) if word else []
    if found:
        visit.record("searched", q[:MOST_TYPED], {"suggested": len(found)})
    options = [(before + quoted(one.text), one.documents) for one in found]
    return show(visit, "suggestions.html.j2", typed=q[:MOST_TYPED].strip(), options=options)


@router.get("/search/export")
def export_file(visit: Annotated[Visit, needs("export")], format: str = "csv") -> Response:  # noqa: A002
    if format not in ("csv", "xlsx", "docx", "jsonl"):
        raise HTTPException(404)
    asked = replace(Asked.read(visit.request.query_params.multi_items()), after="")
    limit = visit.console.settings.console.export_rows
    wanted, _ = wider(asked.search(visit.view, facets=False, size=BATCH), visit.view)
    records, total = _all(visit.view, wanted, limit)
    known = names(visit.view)
    rows = [export.row(record, known["policy"], known["source"]) for record in records]
    note = f"共 {total} 篇，本文件只含前 {len(rows)} 篇；请缩小范围后再导出。" if total > len(rows) else ""
    visit.record("exported", asked.words, {**asked.plain(), "total": total, "rows": len(rows), "format": format})
    stamp = words.moment(visit.console.clock.now()).replace("-", "").replace(":", "").replace(" ", "-")
    headers = {"Content-Disposition": attachment(f"检索结果-{stamp}.{format}")}
    if format == "csv":
        body = b"".join(as_csv(export.COLUMNS, rows, note))
        return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
    if format == "jsonl":
        kind = "application/x-ndjson; charset=utf-8"
        lines = [whole(visit, record, known["source"]) for record in records]
        body = b"".join(export.as_json_lines(lines, note))
        return Response(body, media_type=kind, headers=headers)
    if format == "docx":
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        told = [*told_of(asked, known), f"共 {total} 篇　导出于 {words.moment(visit.console.clock.now())}"]
        return Response(export.as_docx(rows, told, note), media_type=kind, headers=headers)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Response(as_xlsx("检索结果", export.COLUMNS, rows, note), media_type=kind, headers=headers)


def told_of(asked: Asked, known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What was looked for: a line for the words, one for the conditions."""
    given = [
        f"{words.FILTERS[key]}：{'、'.join(known.get(key, {}).get(value, value) for value in values)}"
        for key, values in asked.given.items()
    ]
    given += [f"{word}：{day}" for word, day in (("自", asked.since), ("至", asked.until)) if day]
    return [line for line in (f"检索词：{asked.words}" if asked.words else "", "　".join(given)) if line]


@router.get("/documents/{document_id}")
def document(visit: Searcher, document_id: str) -> Response:
    return _document(visit, document_id)


@router.post("/documents/{document_id}/labels")
def correct(visit: Annotated[Visit, needs("labels")], document_id: str) -> Response:
    """Set the right label where the model is wrong: `head`, `label`, `reason`. It outranks every model."""
    if document_id not in visit.view.index.get([document_id]):
        raise HTTPException(404)
    head, label, reason = visit.field("head"), visit.field("label"), visit.field("reason")
    console = visit.console

    def judged_anew(_document: Document) -> Assessed:
        raise WrongUse("请选择要更正的项目。")  # only links of policies need it, which have no form here

    try:
        if label not in _choices(visit).get(head, ()):
            raise WrongUse("请选择要更正的项目和标签。")
        change = Relabeller(
            CorrectionBook(console.store, console.clock), visit.view.index, console.log, console.clock, judged_anew,
            visit.view.policies.keys,
        ).set(document_id, head, label, by=visit.actor, reason=reason)  # fmt: skip
    except WrongUse as error:
        return _document(visit, document_id, problem=in_words(error), typed=dict(visit.items()))
    visit.record("label-corrected", document_id, {"head": head, "from": change.before, "to": label, "reason": reason})
    return RedirectResponse(f"/documents/{document_id}#labels", 303)


def _choices(visit: Visit) -> dict[str, tuple[str, ...]]:
    """The labels to choose from; topics are those that the viewer's documents have."""
    page = visit.view.index.search(Search(size=0, facets=("topic",), facet_size=100, highlight=False))
    topics = tuple(sorted(bucket.value for bucket in page.facets.get("topic", ())))
    return {head: topics if head == "topic" else LABELS[head] for head in words.HEADS}


def _document(visit: Visit, document_id: str, *, problem: str = "", typed: dict[str, str] | None = None) -> Response:
    record = visit.view.index.get([document_id]).get(document_id)
    if record is None:
        raise HTTPException(404)
    visit.record("document-read", document_id)
    corrections = CorrectionBook(visit.console.store, visit.console.clock).history(document_id)
    return show(
        visit, "document.html.j2", code=400 if problem else 200, record=record, names=names(visit.view),
        problem=problem, typed=typed or {}, corrected=_choices(visit) if visit.may("labels") else {},
        display=people_names(visit),
        corrections=[one for one in reversed(corrections) if one.head in words.HEADS],
    )  # fmt: skip


def names(view: View) -> dict[str, dict[str, str]]:
    """Facet → value → what people call it, for values that are ids or labels."""
    labels = {facet: dict(mapping) for facet, mapping in words.LABELS.items()}
    return {**labels, "policy": view.policy_names(), "source": view.source_names()}


def _all(view: View, search: Search, limit: int) -> tuple[list[Grouped], int]:
    """Up to `limit` matches, and how many there are."""
    records: list[Grouped] = []
    total = 0
    while len(records) < limit:
        page = view.index.search(replace(search, size=min(BATCH, limit - len(records)), highlight=False))
        total = total or page.total
        records += [hit.record for hit in page.hits]
        if page.cursor is None:
            break
        search = replace(search, after=page.cursor)
    return records, total
