"""What may be meant by the beginning of a query: names of policies, words with synonyms, and titles.

Nothing is suggested that the filters (and so the scope of who types) do not allow: each name is counted within them and
left out where it finds nothing, and titles come from a search within them. While letters are typed, names are met by
their pinyin, whole (gongjijin) or by its initials (gjj).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from search import analysis
from search.index import Filters, Index, Search
from search.query import Term
from search.understanding import Vocabulary

MOST_COUNTED = 24
"""Names that are counted in the index for one answer."""

TITLES_READ = 30


class Suggestion(NamedTuple):
    """A text to search for, and how many documents it finds within the filters."""

    text: str
    documents: int


def suggest(
    index: Index, typed: str, vocabulary: Vocabulary, filters: Filters | None = None, size: int = 8
) -> list[Suggestion]:
    """What goes on from `typed`, names first, those that begin with it before those that hold it."""
    filters = filters or Filters()
    wanted = "".join(analysis.fold(typed))
    if not wanted.strip(analysis.BREAK):
        return []
    found: list[Suggestion] = []
    for name in _names(wanted, vocabulary.names())[:MOST_COUNTED]:
        count = _count(index, Term(name), filters)
        if count:
            found.append(Suggestion(name, count))
        if len(found) == size:
            return found
    taken = {one.text for one in found}
    if len(wanted) > 1 and not wanted.isascii():
        page = index.search(
            Search(query=Term(typed, "title"), filters=filters, size=TITLES_READ, highlight=False, together=True)
        )
        for hit in page.hits:
            title = " ".join(hit.title.split())
            if title not in taken and len(found) < size:
                taken.add(title)
                found.append(Suggestion(title, _count(index, Term(title, "title"), filters)))
    return found


def _count(index: Index, term: Term, filters: Filters) -> int:
    return index.search(Search(query=term, filters=filters, size=0)).total


def _names(wanted: str, names: Iterable[str]) -> list[str]:
    """Names that `wanted` may mean: the likelier, then the shorter first."""
    ranked = []
    for name in names:
        folded, sounds, initials = _forms(name)
        if folded.startswith(wanted):
            rank = 0
        elif wanted in folded:
            rank = 1
        elif wanted.isascii() and (sounds.startswith(wanted) or initials.startswith(wanted)):
            rank = 2
        else:
            continue
        ranked.append((rank, len(name), name))
    return [name for _, _, name in sorted(ranked)]


@lru_cache(maxsize=20_000)
def _forms(name: str) -> tuple[str, str, str]:
    """The name folded, its pinyin without tones, and the initials of that."""
    from pypinyin import lazy_pinyin  # here, as its tables take a moment

    folded = "".join(analysis.fold(name))
    sounds = lazy_pinyin(folded)
    return folded, "".join(sounds), "".join(sound[0] for sound in sounds if sound)
