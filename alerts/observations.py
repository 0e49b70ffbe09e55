"""Observations: what the alert stage keeps of each grouped document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from alerts.risk_kind import kind_hint
from minsheng.exercises import EXERCISE
from minsheng.records import Assessed, Document, Grouped

REQUESTS_THAT_ASK = frozenset({"complaint", "help", "report"})
HARM, ADVERT = "harm", "advert"
MARKS = frozenset((HARM, ADVERT))
"""Stand among an observation's words where the model reads that somebody came to harm, or that it is advertising; no
list may be named so."""

TOLD = 0.75
"""From this score on the model's reading of harm counts: one post in 260 of everyday life has it. Of the 27 written
tellings that are held out, words and model find .85 together and the words alone .52; of 51 look-alikes they take six
for one, the words alone four."""

SURE_LINK = 0.5
"""From this confidence on a policy link is unambiguous."""

_HEADLINE = 60
_SENTENCE_END = re.compile(r"[。！？!?\n]")


class Observation(NamedTuple):
    """One document, as the table `observations` keeps it; the fields stand in the order of its columns."""

    document_id: str
    version: int
    event_id: str
    published_at: datetime
    source: str
    kind: str
    author_key: str | None
    sentiment: str
    negativity: float
    request: str
    topic: str
    policy_id: str | None
    reach: int
    duplicate_group: str
    risk_kind: str | None
    headline: str
    concerned: bool
    historical: bool
    outlet: str | None = None
    region: str | None = None
    words: str = ""

    @property
    def marks(self) -> frozenset[str]:
        """What the model reads, of `MARKS`."""
        return MARKS.intersection(self.words.split(",")) if self.words else frozenset()

    @property
    def author(self) -> str:
        """Who speaks; an unsigned document is its own author."""
        return self.author_key or self.document_id

    @property
    def exercise(self) -> bool:
        """It is a drill's: never to be compared with anything real."""
        return self.source == EXERCISE


def observe(record: Grouped, backfill_days: float, words_in: Callable[[str], str] = lambda _text: "") -> Observation:
    """What the alert stage needs of a record.

    Parameters
    ----------
    backfill_days:
        A document that was older than this when it was fetched is historical, and so is a later opinion of it that was
        formed when it was older than this: a label that is put right wakes nobody up over last week. All these times
        are in the record, so a replay decides the same.
    words_in:
        Text → the names of the lists of watch words that fit it, with commas; only concerned documents are looked at.
        What the model takes for a telling of harm, or for advertising, is filed under `MARKS` beside them.
    """
    document, assessed = record.document, record.assessed
    sure = [link for link in assessed.policies if link.confidence >= SURE_LINK]
    best = min(sure, key=lambda link: (-link.confidence, link.policy_id), default=None)
    sentiment, request = assessed.sentiment.label, assessed.request.label
    marks = {ADVERT} if assessed.advertises else set()  # it plays with concern (看不懂新规？找我代办), and is no voice
    concerned = not marks and is_concerned(document.kind, sentiment, request)
    known_at = document.fetched_at if assessed.opinion == 1 else max(document.fetched_at, assessed.assessed_at)
    text = f"{document.title}\n{document.text}"
    if concerned and _tells_of_harm(assessed):
        marks.add(HARM)
    return Observation(
        document_id=document.id,
        version=record.version,
        event_id=record.event.id,
        published_at=document.published_at,
        source=document.source,
        kind=document.kind,
        author_key=document.author_key,
        sentiment=sentiment,
        negativity=assessed.sentiment.scores.get("negative", 0.0),
        request=request,
        topic=assessed.topic.label,
        policy_id=best.policy_id if best else None,
        reach=document.engagement.total(),
        duplicate_group=record.duplicate.group,
        risk_kind=kind_hint(text) if concerned else None,
        headline=headline(document),
        concerned=concerned,
        historical=known_at - document.published_at > timedelta(days=backfill_days),
        outlet=document.outlet[:100] if document.outlet else None,
        region=region[:100] if (region := assessed.region) else None,
        words=joined_words(words_in(text) if concerned else "", marks),
    )


def joined_words(words: str, marks: Iterable[str]) -> str:
    """The names of lists of watch words, with commas, and what the model reads beside them."""
    return ",".join(sorted({*filter(None, words.split(",")), *marks}))


def _tells_of_harm(assessed: Assessed) -> bool:
    return assessed.harm is not None and not assessed.harm.unsure and assessed.harm.scores.get("harm", 0.0) >= TOLD


def is_concerned(kind: str, sentiment: str, request: str) -> bool:
    """Whether a document is negative or asks for something.

    A message to the government is a demand by nature, in however polite words, unless it praises.
    """
    if kind == "message":
        return request != "praise"
    if sentiment == "negative":
        return True
    return kind in ("post", "reply") and request in REQUESTS_THAT_ASK and sentiment != "positive"


def counts_as_usual(row: Observation) -> bool:
    """Whether a document counts in its policy's past: as a voice would on its day, so a copied article only once, but
    people's letters and posts each time, since the same words may have been said weeks before."""
    return row.kind in ("post", "reply", "message") or row.duplicate_group == row.document_id


def headline(document: Document) -> str:
    """The title, or the text's first sentence; at most 60 characters."""
    text = document.title.strip() or _SENTENCE_END.split(document.text.strip(), maxsplit=1)[0].strip()
    return text if len(text) <= _HEADLINE else text[: _HEADLINE - 1] + "…"


def voices(rows: Iterable[Observation]) -> list[Observation]:
    """One observation a voice, in the order given.

    An author counts once, however much he posts. A text that is copied counts once where it is news or unsigned; passed
    on by people it counts once more with each doubling of them: to pass it on is cheap, so forty copies are six voices.
    Messages to the government count by their author alone: who signs his neighbour's letter makes the demand his own.
    """
    authors: set[str] = set()
    texts: dict[str, int] = {}
    found = []
    for row in rows:
        author = row.author
        if author in authors:
            continue
        copies = texts.get(row.duplicate_group, 0)
        if row.kind != "message" and copies:
            if row.author_key is None or row.kind not in ("post", "reply"):
                continue
            texts[row.duplicate_group] = copies = copies + 1
            authors.add(author)
            if copies & (copies - 1):
                continue
        else:
            texts[row.duplicate_group] = copies + 1
            authors.add(author)
        found.append(row)
    return found
