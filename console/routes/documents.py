"""检索: search, export, and one document."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from msgspec.structs import replace
from starlette.exceptions import HTTPException

from console import export, words
from console.access import Visit, needs
from console.rendering import attachment, show
from console.scope import View
from console.searching import Asked
from minsheng.errors import WrongUse
from minsheng.records import Grouped
from search.index import Hit, Page, Search

router = APIRouter()
Searcher = Annotated[Visit, needs("search")]
BATCH = 500


@router.get("/search")
def search(visit: Searcher) -> Response:
    asked = Asked.read(visit.request.query_params.multi_items())
    problem, page = "", Page(total=0, hits=())
    try:
        page = visit.view.index.search(asked.search(visit.console.store))
        visit.record("searched", asked.words, {**asked.plain(), "total": page.total})
    except WrongUse as error:
        problem = str(error)
    return show(
        visit,
        "search.html.j2",
        code=400 if problem else 200,
        asked=asked,
        page=page,
        groups=_grouped(page.hits),
        problem=problem,
        names=names(visit.view),
        facets=words.FACETS,
        limit=visit.console.settings.console.export_rows,
    )


@router.get("/search/export")
def export_file(visit: Annotated[Visit, needs("export")], format: str = "csv") -> Response:  # noqa: A002
    if format not in ("csv", "xlsx"):
        raise HTTPException(404)
    asked = replace(Asked.read(visit.request.query_params.multi_items()), after="")
    limit = visit.console.settings.console.export_rows
    records, total = _all(visit.view, asked.search(visit.console.store, facets=False, size=BATCH), limit)
    known = names(visit.view)
    rows = [export.row(record, known["policy"], known["source"]) for record in records]
    note = f"共 {total} 篇，本文件只含前 {len(rows)} 篇；请缩小范围后再导出。" if total > len(rows) else ""
    visit.record("exported", asked.words, {**asked.plain(), "total": total, "rows": len(rows), "format": format})
    stamp = words.moment(visit.console.clock.now()).replace("-", "").replace(":", "").replace(" ", "-")
    headers = {"Content-Disposition": attachment(f"检索结果-{stamp}.{format}")}
    if format == "csv":
        return Response(b"".join(export.as_csv(rows, note)), media_type="text/csv; charset=utf-8", headers=headers)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Response(export.as_xlsx(rows, note), media_type=kind, headers=headers)


@router.get("/documents/{document_id}")
def document(visit: Searcher, document_id: str) -> Response:
    record = visit.view.index.get([document_id]).get(document_id)
    if record is None:
        raise HTTPException(404)
    visit.record("document-read", document_id)
    return show(visit, "document.html.j2", record=record, names=names(visit.view))


def names(view: View) -> dict[str, dict[str, str]]:
    """Facet → value → what people call it, for values that are ids or labels."""
    labels = {facet: dict(mapping) for facet, mapping in words.LABELS.items()}
    return {**labels, "policy": {one.id: one.title for one in view.policies.values()}, "source": view.source_names()}


def _grouped(hits: tuple[Hit, ...]) -> list[tuple[Hit, int]]:
    """Hits in their order, each text once, with how many more of this page repeat it."""
    found: dict[str, tuple[Hit, int]] = {}
    for hit in hits:
        group = hit.record.duplicate.group
        first, more = found.get(group, (hit, -1))
        found[group] = (first, more + 1)
    return list(found.values())


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
