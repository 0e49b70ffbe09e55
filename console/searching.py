"""A search as it stands in an address: words, filters, order and place, read once for pages and exports alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from console.days import begin_of
from console.gazetteer import Gazetteer
from console.scope import View
from console.units import read_units
from grouping.history import History
from minsheng.store import Store
from search.index import Facet, Filters, Search, Sort
from search.query import Node, named, parse
from search.understanding import Vocabulary, chosen, enough_for, understood

MANY: dict[str, str] = {
    "policy": "policies",
    "topic": "topics",
    "sentiment": "sentiments",
    "request": "requests",
    "stance": "stances",
    "kind": "kinds",
    "source": "sources",
    "region": "regions",
    "area": "areas",
    "event": "events",
    "same": "duplicate_groups",
}
"""Key of the address → field of the filters."""
SHOWN_FACETS: tuple[Facet, ...] = ("policy", "topic", "sentiment", "request", "stance", "kind", "source", "region")
SORTS: dict[Sort, str] = {"newest": "最新", "relevance": "最相关", "reach": "互动最多"}
PAGE = 20
_OPENING = '"“”《〈「'
_APART = re.compile(r"[\s\"“”()（）:：|&!-]|^(?:AND|OR|NOT)$")


def meant(words: str, view: View) -> Node | None:
    """What is looked for: with synonyms, and the names of the policies and sources that the viewer knows.

    Raises `WrongUse` where the words can't be read.
    """
    query = parse(words)
    if query is None:
        return None
    return understood(named(query, view.source_names()), Vocabulary.of(view.policies.values()))


def wider(search: Search, view: View) -> tuple[Search, bool]:
    """The search, widened to most of its words where it finds too little, and whether it was."""

    def count(query: Node) -> int:
        return view.index.search(Search(query=query, filters=search.filters, size=0)).total

    query, widened = chosen(search.query, count, enough_for(search.sort))
    return msgspec.structs.replace(search, query=query), widened


def as_of_today(filters: Filters, store: Store) -> Filters:
    """The filters with all that events and areas are called by now: events are merged and split, and units name
    regions anew, after a search was kept."""
    if filters.events:
        history = History.read(store)
        events = dict.fromkeys(one for name in filters.events for one in history.family(name))
        filters = msgspec.structs.replace(filters, events=tuple(events))
    if filters.areas:
        gazetteer = Gazetteer(read_units(store))
        spelt = dict.fromkeys(one for area in filters.areas for one in gazetteer.beginnings(area))
        filters = msgspec.structs.replace(filters, areas=tuple(spelt))
    return filters


def last_word(typed: str) -> tuple[str, str]:
    """What stands before the word that is being typed, and that word without the sign in front of it.

    Nothing is being typed behind a space, in the name of a field or in what is left out.
    """
    word = re.split(r"[\s(（]", typed)[-1]
    before = typed[: len(typed) - len(word)]
    if word.startswith(("-", "－")) or ":" in word or "：" in word or word in ("AND", "OR", "NOT"):
        return typed, ""
    if word[:1] in _OPENING:
        return before, word[1:]
    return before, word


def quoted(name: str) -> str:
    """A name as it can stand in a query, as one phrase where it holds what a query reads otherwise."""
    return f'"{name.replace(chr(34), " ")}"' if _APART.search(name) else name


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an address asks for. `given`: key → values, in the order of `MANY`."""

    words: str = ""
    given: dict[str, tuple[str, ...]] = {}
    since: str = ""
    until: str = ""
    sort: Sort = "newest"
    after: str = ""

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> Asked:
        """From the pairs of a query string; what is unknown is passed over."""
        given: dict[str, list[str]] = {}
        single: dict[str, str] = {}
        for key, value in pairs:
            value = value.strip()
            if key in MANY and value and value not in given.setdefault(key, []):
                given[key].append(value)
            elif key not in MANY:
                single[key] = value
        return cls(
            words=single.get("q", ""),
            given={key: tuple(given[key][:50]) for key in MANY if given.get(key)},
            since=single.get("since", ""),
            until=single.get("until", ""),
            sort=next((one for one in SORTS if one == single.get("sort")), "newest"),
            after=single.get("after", ""),
        )

    def filters(self, store: Store) -> Filters:
        """As the index is asked today. Raises `WrongUse` where a date can't be read."""
        return as_of_today(self.chosen(), store)

    def chosen(self) -> Filters:
        """As they were chosen, which is what is kept of a search. Raises `WrongUse` as `filters`."""
        fields: dict[str, Any] = {MANY[key]: values for key, values in self.given.items()}
        since, until = begin_of(self.since), begin_of(self.until)
        return Filters(
            **fields,
            since=since,
            until=until + timedelta(days=1) if until else None,
        )

    def search(self, view: View, *, facets: bool = True, size: int = PAGE, together: bool = False) -> Search:
        """`together`: each text once, with how many say the same, unless one text's copies are asked for.

        Raises `WrongUse` where something in it can't be read.
        """
        return Search(
            query=meant(self.words, view),
            filters=self.filters(view.store),
            sort=self.sort,
            size=size,
            after=self.after or None,
            facets=SHOWN_FACETS if facets else (),
            facet_size=12,
            together=together and "same" not in self.given,
        )

    def address(self, path: str = "/search", **changes: str) -> str:
        """The address that asks for this, from its first page on, with some single keys changed."""
        pairs: list[tuple[str, str]] = []
        single = {
            "q": self.words,
            "since": self.since,
            "until": self.until,
            "sort": "" if self.sort == "newest" else self.sort,
            **changes,
        }
        pairs += [(key, value) for key, value in single.items() if value]
        pairs += [(key, value) for key, values in self.given.items() for value in values]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def toggled(self, key: str, value: str, path: str = "/search") -> str:
        """The address with a filter's value added, or taken out where it is in."""
        values = self.given.get(key, ())
        changed = tuple(one for one in values if one != value) if value in values else (*values, value)
        given = {name: old for name, old in self.given.items() if name != key}
        if changed:
            given[key] = changed
        return msgspec.structs.replace(self, given=given).address(path)

    def placed(self, key: str, values: Sequence[str], path: str = "/search") -> str:
        """The address with these in place of every region and area, or with none where they are asked for already."""
        given = {name: old for name, old in self.given.items() if name not in ("region", "area")}
        if self.given.get(key) != (*values,):
            given[key] = (*values,)
        return msgspec.structs.replace(self, given=given).address(path)

    def plain(self) -> dict[str, object]:
        """For the audit log."""
        kept = {"q": self.words, "since": self.since, "until": self.until, "sort": self.sort, **self.given}
        return {key: value for key, value in kept.items() if value}
