"""The names of a register's policies, all found in one pass (Aho-Corasick) over a folded text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import ahocorasick

from classifiers.folding import fold
from classifiers.linking_titles import Title
from minsheng.policies import Policy

Kind = Literal["excluded", "number", "title", "alias", "fragment", "phrase"]
"""What is found: `excluded` words mean something else; a `phrase` is a title without its kind of document."""

STRENGTH: dict[Kind, int] = {"excluded": 0, "number": 1, "title": 2, "alias": 3, "fragment": 4, "phrase": 5}
"""Which of several matches of the same words counts: the lowest."""


class Match(NamedTuple):
    """Words in a folded text that point at policies, by their places in the register. `sure` is how sure the words
    themselves are, where that is known already."""

    start: int
    end: int
    kind: Kind
    places: frozenset[int]
    sure: float | None = None


class NameIndex:
    """Titles, aliases and excluded words of a register.

    Parameters
    ----------
    policies, titles:
        The register, and the titles taken apart, in the same order.
    odd_numbers:
        文号 that have no known shape, with their places; they are found as they are written.
    """

    def __init__(
        self, policies: Sequence[Policy], titles: Sequence[Title], odd_numbers: Sequence[tuple[str, int]] = ()
    ) -> None:
        self._excluding: dict[str, set[int]] = defaultdict(set)
        names: dict[str, dict[Kind, set[int]]] = defaultdict(lambda: defaultdict(set))
        for number, place in odd_numbers:
            names[fold(number)]["number"].add(place)
        full = {title.whole[0] for title in titles}
        for place, (policy, title) in enumerate(zip(policies, titles, strict=True)):
            for whole in title.whole:
                # A title without its brackets may be another policy's whole title.
                if whole == title.whole[0] or whole not in full:
                    names[whole]["title"].add(place)
            if title.short:
                names[title.short]["fragment"].add(place)
            if title.phrase:
                names[title.phrase]["phrase"].add(place)
            aliases = [fold(alias) for alias in policy.aliases]
            for alias in aliases:
                names[alias]["alias"].add(place)
            for word in map(fold, policy.exclude_words):
                if any(alias in word for alias in aliases):
                    names[word]["excluded"].add(place)
                else:
                    self._excluding[word].add(place)
        self._automaton = ahocorasick.Automaton()
        for name, meanings in names.items():
            if name:
                kinds = sorted(meanings, key=STRENGTH.__getitem__)
                self._automaton.add_word(name, (len(name), [(kind, frozenset(meanings[kind])) for kind in kinds]))
        self._automaton.make_automaton()

    def find(self, folded: str) -> Iterator[Match]:
        """Every name in the text, also those inside others."""
        if len(self._automaton) and folded:
            for last, (length, meanings) in self._automaton.iter(folded):
                for kind, places in meanings:
                    yield Match(last + 1 - length, last + 1, kind, places)

    def excluded(self, folded: str) -> set[int]:
        """The policies whose exclude words (those that hold no alias themselves) stand in the text."""
        return {place for word, places in self._excluding.items() if word in folded for place in places}
