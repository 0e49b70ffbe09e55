"""Documents: search, one document, and the labels that persons set."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query, Request, Response
from msgspec.structs import replace

from classifiers.corrections import Correction
from classifiers.relabel import Change
from console.access import Visit
from console.api.describing import told
from console.api.lists import Cursor, Size
from console.api.problems import invalid, missing
from console.api.routing import answer, needs, read_body, resource
from console.documents import Document, DocumentInfo, info_of, whole
from console.labelling import relabeller
from console.searching import Asked
from minsheng.errors import WrongUse
from minsheng.records import Grouped
from search.index import Bucket, Hit, Interval

router = resource("Documents")
Reader = Annotated[Visit, needs("search")]
Labeller = Annotated[Visit, needs("labels")]
Text = Annotated[str, Query(max_length=500)]
Names = Annotated[list[Annotated[str, Query(max_length=200)]], Query(max_length=50)]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A match. `title_marks`, `snippet_marks`: spans (start, end) of the words found. `copies`: with `together`, how
    many matches its group of texts that say the same has."""

    document: DocumentInfo
    score: float
    title: str
    title_marks: list[tuple[int, int]]
    snippet: str
    snippet_marks: list[tuple[int, int]]
    copies: int


class DocumentPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of matches. `total` is exact. `next`: what to send as `cursor`; null on the last page."""

    total: int
    items: list[Found]
    facets: dict[str, tuple[Bucket, ...]]
    histogram: tuple[Bucket, ...]
    next: str | None = None


class NewLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The right label of a head: sentiment, emotion, topic, request, stance, or `policy:<id>` (about, not-about)."""

    head: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    label: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    reason: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What persons have said of a document's labels, oldest first."""

    items: list[Correction]


_EXAMPLE: dict[str, Any] = {
    "id": "5f2b0a7f9d3c4e61a8b7c6d5e4f30211", "source": "forum", "source_name": "云岭论坛", "kind": "post",
    "title": "取暖费", "url": "https://forum.example.cn/t/1", "published_at": "2026-05-08T01:11:00Z",
    "published_estimated": False, "fetched_at": "2026-05-08T01:14:00Z", "region": "云岭省云岭市", "outlet": None,
    "engagement": {"likes": 10}, "labels": {"sentiment": {"label": "negative", "score": 0.93, "person": False}},
    "policies": [{"policy_id": "heating", "reason": "alias", "confidence": 0.9, "matched": "供暖新规"}],
    "event": "e-1", "same": "5f2b0a7f9d3c4e61a8b7c6d5e4f30211", "version": 1000001,
}  # fmt: skip
_CHANGE = {
    "document_id": _EXAMPLE["id"], "head": "sentiment", "before": "negative", "after": "neutral", "correction": None,
    "same_text": [],
    "other_labels": [],
}  # fmt: skip


@router.get(
    "/documents",
    **told(
        DocumentPage,
        "Search documents",
        example={
            "total": 1,
            "items": [
                {"document": _EXAMPLE, "score": 0.0, "title": "取暖费", "title_marks": [], "snippet": "供暖新规一出",
                 "snippet_marks": [[0, 2]], "copies": 1}
            ],
            "facets": {"sentiment": [{"value": "negative", "count": 1}]}, "histogram": [], "next": None,
        },
    ),
)  # fmt: skip
def search_documents(
    visit: Reader,
    request: Request,
    q: Annotated[
        str, Query(max_length=500, description='Words, "phrases", AND OR NOT, -word, title:, source:, 文号.')
    ] = "",
    policy: Names = [],  # noqa: B006 - never changed
    topic: Names = [],  # noqa: B006
    sentiment: Names = [],  # noqa: B006
    request_type: Annotated[list[str], Query(alias="request", max_length=50)] = [],  # noqa: B006
    stance: Names = [],  # noqa: B006
    kind: Names = [],  # noqa: B006
    source: Names = [],  # noqa: B006
    region: Names = [],  # noqa: B006
    area: Annotated[Names, Query(description="A region and all in it, from the province down: 湖南省长沙市.")] = [],  # noqa: B006
    event: Names = [],  # noqa: B006
    same: Names = [],  # noqa: B006
    since: Annotated[str, Query(max_length=10, description="First day, China's: 2026-05-01.")] = "",
    until: Annotated[str, Query(max_length=10, description="Last day.")] = "",
    sort: Annotated[Literal["newest", "relevance", "reach"], Query()] = "newest",
    together: Annotated[bool, Query(description="Show texts that say the same once, and count them.")] = False,
    facets: Annotated[bool, Query(description="Also count the matches by policy, topic, sentiment ...")] = False,
    histogram: Annotated[Interval | None, Query(description="Also count them over time.")] = None,
    size: Size = 20,
    cursor: Cursor = "",
) -> Response:
    """Words and filters as in the console; of one filter's values any may hold, of several filters all must. What is
    published while pages are read shifts none of them. Audited."""
    asked = Asked.read(request.query_params.multi_items())
    try:
        search = asked.search(visit.view, facets=facets, size=size)
        page = visit.view.index.search(
            replace(search, sort=sort, after=cursor or None, together=together, histogram=histogram)
        )
    except WrongUse as error:
        raise invalid("query", error.message, error.hint) from error
    visit.record("searched", asked.words, {**asked.plain(), "total": page.total, "cursor": bool(cursor)})
    names = visit.view.source_names()
    return answer(
        DocumentPage(
            total=page.total, items=[_found(visit, hit, names) for hit in page.hits], facets=page.facets,
            histogram=page.histogram, next=page.cursor,
        )
    )  # fmt: skip


@router.get(
    "/documents/{document_id}",
    **told(
        Document, "One document", missing=True,
        example={**_EXAMPLE, "text": "供暖新规一出，我家取暖费要多交100元。", "parent": None, "places": [],
                 "attachments": [], "truncated": False},
    ),
)  # fmt: skip
def get_document(visit: Reader, document_id: str) -> Response:
    """With its text. Audited."""
    record = _record(visit, document_id)
    visit.record("document-read", document_id)
    return answer(whole(visit, record, visit.view.source_names()))


@router.get(
    "/documents/{document_id}/labels",
    **told(Labels, "What persons have said of its labels", missing=True, example={"items": []}),
)
def list_document_labels(visit: Reader, document_id: str) -> Response:
    """The whole history; of a head the last entry holds."""
    _record(visit, document_id)
    found = visit.console.corrections.history(document_id)
    return answer(Labels(items=[one for one in found if _may_name(visit, one.head)]))


@router.post(
    "/documents/{document_id}/labels",
    **told(
        Change, "Set a label", body=NewLabel, missing=True, example=_CHANGE,
        body_example={"head": "sentiment", "label": "neutral", "reason": "原文是转述"},
    ),
)  # fmt: skip
def set_document_label(visit: Labeller, document_id: str, body: Annotated[NewLabel, read_body(NewLabel)]) -> Response:
    """It outranks every model. The document goes through the log again, so that it shows a moment later. Audited."""
    record = _record(visit, document_id)
    if not _may_name(visit, body.head):
        raise invalid("body.head", f"there is no policy '{body.head.removeprefix('policy:')}' in the register")
    labels = relabeller(visit.console)
    change = labels.set(record.document.id, body.head, body.label, by=visit.actor, reason=body.reason)
    visit.record("label-corrected", document_id, {"head": body.head, "to": body.label})
    return answer(_seen(visit, change))


@router.delete(
    "/documents/{document_id}/labels/{head}", **told(Change, "Take a label back", missing=True, example=_CHANGE)
)
def unset_document_label(visit: Labeller, document_id: str, head: str) -> Response:
    """The document is judged again, and the model's label holds. Audited."""
    record = _record(visit, document_id)
    if not _may_name(visit, head) or head not in visit.console.corrections.labels(document_id):
        raise missing(f"label of {head}")
    change = relabeller(visit.console).unset(record.document.id, head, by=visit.actor)
    visit.record("label-corrected", document_id, {"head": head, "to": None})
    return answer(_seen(visit, change))


def _record(visit: Visit, document_id: str) -> Grouped:
    record = visit.view.index.get([document_id]).get(document_id)
    if record is None:
        raise missing(f"document {document_id}")
    return record


def _may_name(visit: Visit, head: str) -> bool:
    return not head.startswith("policy:") or head.removeprefix("policy:") in visit.view.policies


def _seen(visit: Visit, change: Change) -> Change:
    """Without the documents that the caller can't see."""
    others = [*change.same_text, *(one.document_id for one in change.other_labels)]
    mine = visit.view.index.get(others) if others else {}
    return replace(
        change,
        same_text=tuple(one for one in change.same_text if one in mine),
        other_labels=tuple(one for one in change.other_labels if one.document_id in mine),
    )


def _found(visit: Visit, hit: Hit, names: dict[str, str]) -> Found:
    return Found(
        document=info_of(visit, hit.record, names), score=hit.score, title=hit.title, title_marks=list(hit.title_marks),
        snippet=hit.snippet, snippet_marks=list(hit.snippet_marks), copies=hit.copies,
    )  # fmt: skip
