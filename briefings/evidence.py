"""Every number opens its evidence: the query that gives it, as a command line, and the posts behind it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

import msgspec

from crawlers.privacy.masking import mask
from minsheng.clock import CHINA
from minsheng.records import Grouped
from search.index import Filters, Index, Search

LISTED = 12
"""Posts listed for a number; the command line gives all of them."""

NAMED = 200
"""Documents of a number that are kept by their ids: so many or fewer, and exactly those can be opened for ever."""

_EXCERPT = 120


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A document as evidence shows it. `excerpt` is cut; authors are not shown at all."""

    id: str
    source: str
    kind: str
    published_at: datetime
    title: str
    excerpt: str
    sentiment: str
    engagement: int
    url: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of evidence that is no document: a ticket, a source, a dead letter."""

    at: datetime | None
    text: str
    command: str = ""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind one number.

    Attributes
    ----------
    id:
        The anchor in the page: `evidence-3`.
    title:
        What the number counts, in Chinese.
    total:
        The number.
    command:
        The command line that gives all of it; empty where each line has its own.
    filters:
        The index query, where it is one.
    posts, lines:
        The newest of what was counted, at most `LISTED`.
    ids:
        All documents that were counted, newest first; empty where they are more than `NAMED`.
    """

    id: str
    title: str
    total: int
    command: str
    filters: Filters | None = None
    posts: tuple[Post, ...] = ()
    lines: tuple[Line, ...] = ()
    ids: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """What stands for it on paper: `3`."""
        return self.id.rpartition("-")[2]


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A number in a briefing, and where its evidence is; None where nothing was counted (a zero).

    `shown`: what is printed for it where that is not the number itself but what follows from it: 上升12.3%（+45条）.
    """

    value: int
    evidence: str | None = None
    shown: str = ""

    @property
    def text(self) -> str:
        return self.shown or str(self.value)


class EvidenceBook:
    """Collects the evidence of one briefing, in the order in which the numbers ask for it."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._kept: dict[str, Evidence] = {}

    def documents(self, title: str, filters: Filters, count: int) -> Number:
        """The number of documents that `filters` match, as counted by a facet or search before."""
        if count == 0:
            return Number(value=0)
        command = search_command(filters)
        if command not in self._kept:
            page = self._index.search(
                Search(filters=filters, size=NAMED if count <= NAMED else LISTED, highlight=False)
            )
            ids = tuple(hit.record.document.id for hit in page.hits) if page.total <= NAMED else ()
            posts = tuple(post(hit.record) for hit in page.hits[:LISTED])
            self._keep(command, title, page.total, filters, posts=posts, ids=ids)
        return Number(value=count, evidence=self._kept[command].id)

    def lines(self, title: str, command: str, lines: Sequence[Line]) -> Number:
        """The number of things in the store that `lines` list."""
        if not lines:
            return Number(value=0)
        key = f"{title}\n{command}"
        if key not in self._kept:
            self._keep(key, title, len(lines), None, command=command, lines=tuple(lines))
        return Number(value=len(lines), evidence=self._kept[key].id)

    def told(self, title: str, command: str, total: int) -> Number:
        """A number that a command alone gives, in more lines than are kept."""
        if total == 0:
            return Number(value=0)
        if title not in self._kept:
            self._keep(title, title, total, None, command=command)
        return Number(value=total, evidence=self._kept[title].id)

    def earlier(self, title: str, days: Sequence[tuple[str, Filters, int]]) -> str | None:
        """Where the counts of earlier days, or weeks, are listed, each with the query that gives it."""
        if not days:
            return None
        lines = tuple(
            Line(at=None, text=f"{day}：{count}条", command=search_command(filters)) for day, filters, count in days
        )
        self._keep(title, title, sum(count for _, _, count in days), None, command="", lines=lines)
        return self._kept[title].id

    def all(self) -> tuple[Evidence, ...]:
        return tuple(self._kept.values())

    def _keep(
        self,
        key: str,
        title: str,
        total: int,
        filters: Filters | None,
        *,
        command: str | None = None,
        posts: tuple[Post, ...] = (),
        lines: tuple[Line, ...] = (),
        ids: tuple[str, ...] = (),
    ) -> None:
        self._kept[key] = Evidence(
            id=f"evidence-{len(self._kept) + 1}",
            title=title,
            total=total,
            command=key if command is None else command,
            filters=filters,
            posts=posts,
            lines=lines,
            ids=ids,
        )


def post(record: Grouped) -> Post:
    """A record as evidence, masked once more: what a spider let pass must not be printed."""
    document = record.document
    text = " ".join(mask(document.text).split())
    return Post(
        id=document.id,
        source=document.outlet or document.source,
        kind=document.kind,
        published_at=document.published_at,
        title=" ".join(mask(document.title).split()),
        excerpt=text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…",
        sentiment=record.assessed.sentiment.label,
        engagement=document.engagement.total(),
        url=document.url if document.url and document.url.startswith(("http://", "https://")) else None,
    )


_OPTIONS = {
    "policies": "--policy",
    "sources": "--source",
    "kinds": "--kind",
    "sentiments": "--sentiment",
    "topics": "--topic",
    "requests": "--request",
    "events": "--event",
    "regions": "--region",
}


def search_command(filters: Filters, query: str = "") -> str:
    """The `minsheng search` command line that finds what these filters match."""
    words = ["minsheng", "search", query]
    for field, option in _OPTIONS.items():
        for value in getattr(filters, field) or ():
            words += [option, value]
    for option, moment in (("--since", filters.since), ("--until", filters.until)):
        if moment is not None:
            words += [option, moment.astimezone(CHINA).isoformat(timespec="seconds")]
    return shlex.join(words)
