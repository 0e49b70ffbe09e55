"""Which policies a text is about, each with the reason, the words that say so, and a confidence.

All names of all policies are found in one pass (`linking_names`) over the folded text (`linking_field`); 文号 by their
structure, so that every spelling is known (`numbers`); other fragments of titles only inside 《》. Where matches
overlap, the longest wins: 112号 is not 12号, and the name of a longer policy is not that of the shorter one in it.
How sure a match is depends on where it stands (`linking_confidence`). Words that point at several policies give links
to all of them, with a confidence below 0.5, unless other words of the same document tell which is meant. A document
that names no policy may still have weak links (`linking_weak`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from classifiers.folding import fold
from classifiers.linking_addresses import AddressIndex
from classifiers.linking_confidence import AMBIGUOUS, Judge
from classifiers.linking_field import Field, passages
from classifiers.linking_names import STRENGTH, Kind, Match, NameIndex
from classifiers.linking_titles import GENERIC, QUALIFIED, take_apart
from classifiers.linking_weak import WeakEvidence
from classifiers.numbers import NumberIndex
from minsheng import records
from minsheng.policies import Policy, revision_of
from minsheng.records import LinkReason, PolicyLink

__all__ = ["AMBIGUOUS", "PARENT_FACTOR", "SURE", "PolicyLinker", "inherit"]

SURE = records.AMBIGUOUS
"""From this confidence on a link is asserted; below it is kept for people to look at."""

PARENT_FACTOR = 0.9
"""By how much a reply is less surely about the policy than what it replies to; also a repost than what it quotes."""

SHORTEST_FRAGMENT = 6
MOST_SHARED = 3
"""A fragment that stands in more titles than this says nothing."""

MOST_LOOKED_AT = 100
"""Places of one passage that the same name is looked at; what repeats itself more often says nothing new."""

_REASON: dict[Kind, LinkReason] = {
    "number": "number", "title": "title", "alias": "alias", "fragment": "fragment", "phrase": "fragment",
}  # fmt: skip


class PolicyLinker:
    """Finds the policies of a register in texts. Safe to use from several threads.

    Parameters
    ----------
    policies:
        The register. One alias may belong to several policies.

    Attributes
    ----------
    revision:
        Names exactly these policies, as `PolicyRegister.revision` does.
    ids:
        The policies' ids.

    Examples
    --------
    >>> linker = PolicyLinker([Policy(id="p", title="云河省城镇住房保障办法", number="云府发〔2025〕7号")])
    >>> [link.reason for link in linker.link("", "云府发[2025] 7 号什么时候执行？")]
    ['number']
    """

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = tuple(policies)
        self.revision = revision_of(policies)
        self.ids = frozenset(policy.id for policy in policies)
        titles = [take_apart(policy) for policy in policies]
        self._titles = [title.whole[0] for title in titles]
        self._all_titles = "\n".join(self._titles)
        self._numbers = NumberIndex()
        odd = [
            (policy.number, place)
            for place, policy in enumerate(policies)
            if policy.number and not self._numbers.add(policy.number, place)
        ]
        self._names = NameIndex(policies, titles, odd)
        self._addresses = AddressIndex()
        for place, policy in enumerate(policies):
            if policy.url:
                self._addresses.add(policy.url, place)
        self._judge = Judge(policies, titles)
        self._weak = WeakEvidence(policies, titles)
        self._fragment = lru_cache(maxsize=4096)(self._find_fragment)

    def link(self, title: str, text: str, url: str | None = None) -> list[PolicyLink]:
        """The policies of a document, one link each, surest first.

        Parameters
        ----------
        title, text:
            Either may be empty. What a repost quotes (after `//@`) counts a little less than what it says.
        url:
            The document's own address.
        """
        if not self._policies:
            return []
        clear = list(self._by_address(f"{title} {text}", url))
        unclear: list[list[PolicyLink]] = []
        fields = [*passages("title", title), *passages("text", text)]
        for field in fields:
            for links in self._in(field):
                if len(links) == 1:
                    clear.append(links[0])
                else:
                    unclear.append(links)
        named = {link.policy_id for link in clear if link.confidence >= SURE}
        # What the document says elsewhere tells which of several policies is meant; nothing else may.
        open_ones = [link for links in unclear if named.isdisjoint(one.policy_id for one in links) for link in links]
        weak = [] if named or open_ones else self._by_weak_evidence(fields)
        return _surest([*clear, *open_ones, *weak])

    def _in(self, field: Field) -> Iterator[list[PolicyLink]]:
        """The links of one passage; each match gives a list, of more than one link where it is ambiguous."""
        folded = field.folded
        found = [*self._names.find(folded), *self._by_number(folded), *self._by_fragment(field)]
        if not found:
            return
        excluded = self._names.excluded(folded)
        looked_at: Counter[tuple[Kind, frozenset[int]]] = Counter()
        for match in _longest(found):
            looked_at[match.kind, match.places] += 1
            if match.kind == "excluded" or looked_at[match.kind, match.places] > MOST_LOOKED_AT:
                continue
            sure = {place: self._judge.confidence(match, place, field) for place in sorted(match.places)}
            if match.kind in ("alias", "fragment", "phrase"):
                sure = {place: confidence for place, confidence in sure.items() if place not in excluded}
            sure = {place: confidence for place, confidence in sure.items() if confidence}
            if len(sure) > 1:
                sure = self._judge.settle(sure, match, field)
            reason = _REASON[match.kind]
            yield [self._link(place, reason, sure[place], field, match.start, match.end) for place in sure]

    def _link(
        self, place: int, reason: LinkReason, confidence: float, field: Field, start: int, end: int
    ) -> PolicyLink:
        first, last = field.range(start, end)
        return PolicyLink(
            policy_id=self._policies[place].id,
            reason=reason,
            confidence=round(confidence * PARENT_FACTOR, 4) if field.quoted else confidence,
            matched=field.words[first:last],
            field=field.name,
            span=field.span(start, end),
        )

    def _by_number(self, folded: str) -> Iterator[Match]:
        for found in self._numbers.find(folded):
            yield Match(found.start, found.end, "number", found.places, found.confidence)

    def _by_fragment(self, field: Field) -> Iterator[Match]:
        """Other parts of titles, inside 《》."""
        if not any(self._fragment(_shortened(fold(content))) for content in field.book_contents()):
            return
        for start, end in field.books:
            content = _shortened(field.folded[start:end])
            places = self._fragment(content)
            if places:
                yield Match(start, start + len(content), "fragment", places, 0.9)

    def _find_fragment(self, content: str) -> frozenset[int]:
        core = QUALIFIED.sub("", content)
        if len(core) < SHORTEST_FRAGMENT or core not in self._all_titles or len(GENERIC.sub("", core)) < 4:
            return frozenset()
        places = frozenset(place for place, title in enumerate(self._titles) if core in title)
        # 《…办法》 is the 办法, not the 实施细则 to it whose title begins with the same words.
        ending = frozenset(place for place in places if QUALIFIED.sub("", self._titles[place]).endswith(core))
        places = ending or places
        return places if len(places) <= MOST_SHARED else frozenset()

    def _by_address(self, words: str, url: str | None) -> Iterator[PolicyLink]:
        for address, place in self._addresses.find(words, url):
            yield PolicyLink(policy_id=self._policies[place].id, reason="url", matched=address, confidence=0.97)

    def _by_weak_evidence(self, fields: Sequence[Field]) -> list[PolicyLink]:
        return [
            self._link(weak.place, "weak", weak.confidence, weak.field, weak.start, weak.end)
            for weak in self._weak.find(fields)
        ]


def inherit(
    own: Sequence[PolicyLink], parents: Sequence[PolicyLink], factor: float = PARENT_FACTOR
) -> tuple[PolicyLink, ...]:
    """The links of a reply or repost: its own, and those of what it answers that it does not name itself.

    An ambiguous name in the reply that could mean one of the parent's policies means that one: its other readings go.

    Parameters
    ----------
    factor:
        What the parents' confidence is multiplied by; 1 where they are links that were inherited before.
    """
    sure = {link.policy_id for link in parents if link.confidence >= SURE}
    settled = {(link.field, link.span) for link in own if link.confidence < SURE and link.policy_id in sure}
    kept = [
        link
        for link in own
        if link.confidence >= SURE or (link.field, link.span) not in settled or link.policy_id in sure
    ]
    named = {link.policy_id for link in kept if link.confidence >= SURE}
    taken = [
        PolicyLink(policy_id=link.policy_id, reason="parent", confidence=round(link.confidence * factor, 4))
        for link in parents
        if link.policy_id not in named
    ]
    return tuple(_surest([*kept, *taken]))


def _surest(links: Iterable[PolicyLink]) -> list[PolicyLink]:
    """One link a policy: the surest, of several the first; in the order of confidence."""
    best: dict[str, PolicyLink] = {}
    for link in links:
        if link.policy_id not in best or link.confidence > best[link.policy_id].confidence:
            best[link.policy_id] = link
    return sorted(best.values(), key=lambda link: -link.confidence)


def _longest(matches: Iterable[Match]) -> list[Match]:
    """The matches that overlap no longer one, in their order in the text; at the same place the stronger kind."""
    same: dict[tuple[int, int, Kind], Match] = {}
    for match in matches:
        known = same.get(match[:3])
        if known is not None:
            match = match._replace(places=match.places | known.places, sure=match.sure or known.sure)
        same[match[:3]] = match
    starts: list[int] = []
    kept: list[Match] = []
    for match in sorted(same.values(), key=lambda one: (one.start - one.end, STRENGTH[one.kind], one.start)):
        at = bisect_left(starts, match.start)
        if (at and kept[at - 1].end > match.start) or (at < len(kept) and kept[at].start < match.end):
            continue
        starts.insert(at, match.start)
        kept.insert(at, match)
    return kept


def _shortened(content: str) -> str:
    """A title in 《》 without the dots that say it is cut."""
    return content.rstrip(".")
