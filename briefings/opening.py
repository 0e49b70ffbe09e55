"""Opens what a number counted: exactly its posts, as long as they are kept."""

from __future__ import annotations

import msgspec

from briefings.evidence import NAMED, Evidence, Post, post
from minsheng.records import Grouped
from search.index import Index, Search

MOST = 500
"""Posts shown where a number counted more than are kept by their ids."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The posts behind a number, newest first, and what is to be said of them in Chinese (empty: nothing)."""

    records: tuple[Grouped, ...]
    note: str

    @property
    def posts(self) -> tuple[Post, ...]:
        return tuple(post(record) for record in self.records)


def opened(index: Index, evidence: Evidence) -> Opened:
    """Find them again.

    A number of up to `NAMED` documents kept their ids, and opens these and no others. A larger one is asked for again
    by its query; where that gives another count by now, the note says so.

    Raises
    ------
    Unavailable
        Where the index can't be reached.
    """
    if evidence.ids:
        there = index.get(evidence.ids)
        found = tuple(there[one] for one in evidence.ids if one in there)
        gone = len(evidence.ids) - len(found)
        note = f"另有{gone}条已不在库中（超过保存期限，或不在您的查看范围）。" if gone else ""
        return Opened(records=found, note=note)
    if evidence.filters is None:
        return Opened(records=(), note="")
    page = index.search(Search(filters=evidence.filters, size=MOST, highlight=False))
    notes = []
    if page.total != evidence.total:
        notes.append(f"成文时为{evidence.total}条，超过{NAMED}条的未逐条留号；按同一条件现有{page.total}条。")
    if page.total > len(page.hits):
        notes.append(f"以下为最新{len(page.hits)}条。")
    return Opened(records=tuple(hit.record for hit in page.hits), note="".join(notes))
