"""Documents that other collectors deliver: checked against one shape, admitted like crawled ones, each answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from crawlers.admission import Admission, Found, Refusal, canonical_url
from crawlers.intake import Intake
from crawlers.privacy import AuthorKeys
from minsheng.clock import Clock
from minsheng.errors import BadInput
from minsheng.records import Attachment, Document, Engagement, Kind, Official

Status = Literal["new", "changed", "unchanged", "refused"]


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing as a collector delivers it.

    Attributes
    ----------
    id:
        What the collector calls it, always the same for the same thing; its address where it has one of its own.
    published_at:
        ISO 8601, or any form that sources write times in; without a zone it is China's.
    author:
        The author's name or number at its service; it is hashed at the door and goes no further.
    parent_id:
        The `id` of what it answers or reposts.
    """

    id: str
    kind: Kind
    published_at: str
    title: str = ""
    text: str = ""
    url: str | None = None
    author: str | None = None
    parent_id: str | None = None
    region: str | None = None
    outlet: str | None = None
    engagement: Engagement = Engagement()
    attachments: tuple[Attachment, ...] = ()
    official: Official | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one item: its place in the delivery, its id, its document's id, or why it was refused."""

    place: int
    status: Status
    id: str = ""
    document: str = ""
    reason: str = ""


class Receiver:
    """Takes deliveries. May be used from several threads.

    Parameters
    ----------
    authors:
        Gives the keys of the moment: they are replaced now and then, and accounts of institutions are added.

    Idempotent: a document's id is made of source and item id, so that a delivery that is sent again, because its answer
    was lost, changes nothing.
    """

    def __init__(self, intake: Intake, authors: Callable[[], AuthorKeys], clock: Clock) -> None:
        self._intake = intake
        self.authors = authors
        self._clock = clock
        # An intake is for one thread at a time.
        self._one = threading.Lock()

    def deliver(self, source: str, items: Sequence[Any]) -> list[Answer]:
        """Check, admit and store items; returns when all that is good is on the log.

        Parameters
        ----------
        source:
            The id of the source that the collector delivers for.
        items:
            As decoded from JSON, in the order in which they happened.

        Returns
        -------
        An answer for each, in their order; a bad one does not keep the others back.

        Raises
        ------
        Unavailable
            If the log or the store can't be reached; nothing is remembered: deliver again.
        """
        admit = Admission(source, self.authors())
        now = self._clock.now()
        answers: list[Answer | None] = [None] * len(items)
        good: list[tuple[int, str, Document]] = []
        for place, raw in enumerate(items):
            named = str(raw.get("id", "")) if isinstance(raw, dict) else ""
            try:
                item = msgspec.convert(raw, Item)
                document = admit(_found(item), now)
            except (msgspec.ValidationError, BadInput, ValueError) as error:
                answers[place] = Answer(place=place, status="refused", id=named, reason=str(error).replace("`$.", "`"))
                continue
            if isinstance(document, Refusal):
                answers[place] = Answer(place=place, status="refused", id=named, reason=document.reason)
            else:
                good.append((place, item.id, document))
        with self._one:
            outcomes = self._intake.take([document for _, _, document in good])
        for (place, named, document), outcome in zip(good, outcomes, strict=True):
            status: Status = "changed" if outcome == "reach" else outcome
            answers[place] = Answer(place=place, status=status, id=named, document=document.id)
        return [answer for answer in answers if answer is not None]


def _found(item: Item) -> Found:
    if not item.id.strip():
        raise BadInput("`id` is empty")
    if not item.published_at.strip():
        raise BadInput("`published_at` is empty")
    if item.url is not None and not item.url.startswith(("http://", "https://")):
        raise BadInput(f"`url` is no web address: {item.url[:100]}")
    for file in item.attachments:
        if not file.url.startswith(("http://", "https://")):
            raise BadInput(f"the `url` of an attachment is no web address: {file.url[:100]}")
    return Found(
        key=item.id,
        kind=item.kind,
        title=item.title,
        text=item.text,
        url=canonical_url(item.url) if item.url else None,
        native_id=item.id,
        parent_key=item.parent_id,
        author=item.author,
        published=item.published_at,
        engagement=item.engagement,
        region=item.region,
        outlet=item.outlet,
        attachments=item.attachments,
        official=item.official,
    )
