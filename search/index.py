"""The index seam: documents that people search.

Two implementations: `search.embedded` (SQLite FTS5) and `search.elastic`. Both go through
`tests/contract/test_index.py` and give the same answers for the same documents.

Contract
--------
- `write` keeps, for each document id, the highest version; a same or lower one is a `conflict`, which is fine.
- A word is found where it stands in title or text, letter for letter after folding (see `search.analysis`): a Chinese
  word means the substring. So "what matches" does not depend on a segmenter; only ranking may differ between engines.
- Documents of drills (`minsheng.exercises`) are neither found nor counted, unless a search names ids, events, groups of
  duplicates or sources.
- Every method raises `minsheng.errors.Unavailable` when the server behind can't be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

import msgspec

from minsheng.errors import WrongUse
from minsheng.records import Grouped
from search.query import Node

Facet = Literal["policy", "source", "outlet", "kind", "sentiment", "topic", "request", "stance", "event", "region"]
FACETS: tuple[Facet, ...] = (
    *("policy", "source", "outlet", "kind", "sentiment", "topic", "request", "stance", "event", "region"),
)
MAX_SIZE = 1_000
MAX_FACET_SIZE = 10_000
Interval = Literal["hour", "day", "week", "month"]
Sort = Literal["newest", "relevance", "reach"]
"""`reach`: most likes, comments, reposts and so on together first, as counted when the document was fetched last."""


class Filters(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Conditions beside the words; all must hold, and within one field any of the values.

    `policies` also carries a department's scope: the ids it may see are put here by the caller, never filtered after.
    A document without a stance matches none of `stances`. `areas` are how names of regions begin: a region and all that
    lies in it. `since` is included, `until` is not; both on `published_at`.
    `fetched_since` is included too, on `fetched_at`: what came in since then, however old it is.
    """

    policies: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    outlets: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    sentiments: tuple[str, ...] | None = None
    topics: tuple[str, ...] | None = None
    requests: tuple[str, ...] | None = None
    stances: tuple[str, ...] | None = None
    events: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None
    duplicate_groups: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    fetched_since: datetime | None = None


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """One search.

    Attributes
    ----------
    query:
        The parsed words (`search.query.parse`), or None for everything.
    size:
        Hits a page, 0 to `MAX_SIZE`.
    after:
        The `cursor` of the page before. Pages do not lose their place: what is indexed meanwhile does not shift them.
    facets:
        For these fields, the values and exact counts over all matches, at most `facet_size` each, most frequent first.
    histogram:
        Counts over `published_at`, in steps of China time.
    together:
        Show each group of duplicates (同文) once, by the first of its matches in this order, and count them.
    """

    query: Node | None = None
    filters: Filters = Filters()
    sort: Sort = "newest"
    size: int = 20
    after: str | None = None
    facets: tuple[Facet, ...] = ()
    facet_size: int = 20
    histogram: Interval | None = None
    histogram_split: Literal["sentiment", "source", "kind"] | None = None
    highlight: bool = True
    together: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise WrongUse(f"a page of {self.size} documents", f"ask for 0 to {MAX_SIZE}, and for the next page after")
        if not 1 <= self.facet_size <= MAX_FACET_SIZE:
            raise WrongUse(f"a facet of {self.facet_size} values", f"ask for 1 to {MAX_FACET_SIZE}")


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One match.

    `title` and `snippet` are plain text; `title_marks` and `snippet_marks` are the spans (start, end) of the words
    found in them, so that each front end marks them in its own safe way. `copies` is how many matches its group of
    duplicates has, itself among them, where the search asked for groups.
    """

    record: Grouped
    score: float
    title: str
    title_marks: tuple[tuple[int, int], ...]
    snippet: str
    snippet_marks: tuple[tuple[int, int], ...]
    copies: int = 1


class Bucket(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A value and how many match; for time buckets, `value` is the ISO start of the step in China time."""

    value: str
    count: int
    split: dict[str, int] = {}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a `Search`. `total` is exact. `cursor` is None on the last page.

    `groups` is how many groups of duplicates the matches form, where the search asked for them (and for any hits):
    exact, but on Elasticsearch for more than 40,000 groups, where it is within a few in a hundred.
    """

    total: int
    hits: tuple[Hit, ...]
    cursor: str | None = None
    groups: int | None = None
    facets: dict[str, tuple[Bucket, ...]] = {}
    histogram: tuple[Bucket, ...] = ()


Progress = Callable[[str, int, int], None]


class Written(NamedTuple):
    """What became of one record given to `write`: `stored`, `conflict` (the same or a newer version is there: fine),
    `retry` (not now: a full queue, a lost connection) or `rejected` (never: the reason says why)."""

    id: str
    outcome: Literal["stored", "conflict", "retry", "rejected"]
    reason: str = ""


class Index(Protocol):
    """The index. Safe to use from several threads."""

    def ensure(self) -> None:
        """Create what is missing: tables, templates, aliases. Harmless when all is there."""
        ...

    def write(self, records: Sequence[Grouped]) -> list[Written]:
        """Store each record unless the same or a newer version is there; one answer a record, in order."""
        ...

    def search(self, search: Search) -> Page: ...

    def get(self, ids: Sequence[str]) -> dict[str, Grouped]:
        """The records with these ids that are there."""
        ...

    def count(self, filters: Filters) -> int: ...

    def refresh(self) -> None:
        """Make everything written so far visible to searches."""
        ...

    def drop_before(self, moment: datetime) -> int:
        """Retention: remove whole months that end before `moment`. Returns how many documents went."""
        ...

    def rebuild(self, progress: Progress) -> int:
        """Make the index anew from the records it keeps, while searching and writing go on; needed after the analysis
        of text has changed. A rebuild that was stopped goes on where it was.

        Parameters
        ----------
        progress:
            Called with what is being made, how many of its records are done and how many there are.

        Returns
        -------
        How many records were indexed anew.
        """
        ...

    def statistics(self) -> Mapping[str, int | str]:
        """Documents, bytes, and what kind of engine; for `minsheng doctor`. Raises `Unavailable`."""
        ...

    def close(self) -> None: ...
