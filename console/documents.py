"""Documents as programs are given them, by the API and in exports."""

from __future__ import annotations

from datetime import datetime

import msgspec

from console.access import Visit
from minsheng.records import Attachment, Engagement, Grouped, Judgement, PolicyLink


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What one head says: the label, its probability, and whether a person has set it."""

    label: str
    score: float
    person: bool


class DocumentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A document without its text.

    Attributes
    ----------
    policies:
        Links to policies that are in the caller's scope.
    event, same:
        Its event, and the group of texts that say the same (同文).
    version:
        Rises with each new content or opinion.
    """

    id: str
    source: str
    source_name: str
    kind: str
    title: str
    url: str | None
    published_at: datetime
    published_estimated: bool
    fetched_at: datetime
    region: str | None
    outlet: str | None
    engagement: Engagement
    labels: dict[str, Label]
    policies: list[PolicyLink]
    event: str
    same: str
    version: int


class Document(DocumentInfo, frozen=True, kw_only=True):
    """A document, whole."""

    text: str
    parent: str | None
    places: tuple[str, ...]
    attachments: tuple[Attachment, ...]
    truncated: bool


def info_of(visit: Visit, record: Grouped, names: dict[str, str]) -> DocumentInfo:
    """Without its text. `names`: sources' names by id."""
    document, assessed = record.document, record.assessed
    return DocumentInfo(
        id=document.id, source=document.source, source_name=names.get(document.source, document.source),
        kind=document.kind, title=document.title, url=document.url, published_at=document.published_at,
        published_estimated=document.published_estimated, fetched_at=document.fetched_at, region=assessed.region,
        outlet=document.outlet, engagement=document.engagement,
        labels={head: _label(judged, assessed.models.get(head)) for head, judged in assessed.judgements.items()},
        policies=[link for link in assessed.policies if link.policy_id in visit.view.policies],
        event=record.event.id, same=record.duplicate.group, version=record.version,
    )  # fmt: skip


def whole(visit: Visit, record: Grouped, names: dict[str, str]) -> Document:
    """A record as the API and exports for programs give it. `names`: sources' names by id."""
    document = record.document
    return Document(
        **msgspec.structs.asdict(info_of(visit, record, names)), text=document.text, parent=document.parent_id,
        places=record.assessed.places, attachments=document.attachments, truncated=document.truncated,
    )  # fmt: skip


def _label(judged: Judgement, by: str | None) -> Label:
    return Label(label=judged.label, score=round(judged.scores.get(judged.label, 0.0), 4), person=by == "person")
