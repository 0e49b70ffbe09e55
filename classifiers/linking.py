"""Which policies a text is about, each with the reason, the words that say so, and a confidence.

All names of all policies are found in one pass (Aho-Corasick) over the folded text; 文号 by their structure, so that
every spelling is known; fragments of titles only inside 《》. Where matches overlap, the longest wins: 112号 is not
12号, and the name of a longer policy is not that of the shorter one in it. Words that point at several policies give
links to all of them, with a confidence below 0.5, unless other words of the same document tell which is meant.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import ahocorasick

from classifiers.folding import fold, origins
from classifiers.numbers import NumberIndex
from classifiers.regions import region_before, region_of
from minsheng.policies import Policy, revision_of
from minsheng.records import PolicyLink

AMBIGUOUS = 0.4
"""The confidence of a link whose words point at more than one policy."""

PARENT_FACTOR = 0.9
"""By how much a reply is less surely about the policy than what it replies to."""

SHORTEST_FRAGMENT = 6
MOST_SHARED = 3
"""A fragment that stands in more titles than this says nothing."""

_GENERIC = re.compile(
    "关于|印发|转发|通知|管理|办法|实施|方案|若干|措施|意见|规定|条例|工作|进一步|加强|促进|推进|完善|做好|试行|暂行|政策|"
    "人民政府|办公厅|办公室|全省|全市|我省|我市|[省市县区的和与及]"
)
"""Words of which titles are made; a fragment needs at least four characters besides."""

_DERIVED = re.compile(r"(?:的)?(?:实施细则|实施办法|补充规定|补充通知|补充意见|配套|操作规程|考核办法)")
"""What follows a title inside 《》 when another document is meant."""

_QUALIFIED = re.compile(r"\([^()]*\)$")
_BOOK_TITLE = re.compile(r"《([^《》]{2,150})(?:》|$)")
_ADDRESS = re.compile(r"https?://[^\s<>\"'，。；、！？）】》]+", re.IGNORECASE)

_Reason = Literal["number", "title", "alias", "fragment"]
_STRENGTH = {"excluded": 0, "number": 1, "title": 2, "alias": 3, "fragment": 4}


class _Match(NamedTuple):
    """Words in the folded text that point at policies (by place in the register); `None`: at something else."""

    start: int
    end: int
    reason: _Reason | None
    places: frozenset[int]


class _Field(NamedTuple):
    """A title or text: as written, folded, where each folded character comes from, what stands inside 《》."""

    name: Literal["title", "text"]
    words: str
    folded: str
    origins: list[int]
    books: list[tuple[int, int]]


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

    Examples
    --------
    >>> linker = PolicyLinker([Policy(id="p", title="云河省城镇住房保障办法", number="云府发〔2025〕7号")])
    >>> [link.reason for link in linker.link("", "云府发[2025] 7 号什么时候执行？")]
    ['number']
    """

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = tuple(policies)
        self.revision = revision_of(policies)
        self._titles = [fold(policy.title) for policy in policies]
        self._regions = [region_of(policy) for policy in policies]
        self._numbers = NumberIndex()
        self._addresses: dict[str, set[int]] = defaultdict(set)
        self._excluding: dict[str, set[int]] = defaultdict(set)
        self._names = ahocorasick.Automaton()
        self._add_names()
        self._fragment = lru_cache(maxsize=4096)(self._find_fragment)

    def link(self, title: str, text: str, url: str | None = None) -> list[PolicyLink]:
        """The policies of a document, one link each, surest first.

        Parameters
        ----------
        title, text:
            Either may be empty.
        url:
            The document's own address.
        """
        clear = list(self._by_address(f"{title} {text}", url))
        unclear: list[list[PolicyLink]] = []
        for links in (*self._in("title", title), *self._in("text", text)):
            if len(links) == 1:
                clear.append(links[0])
            else:
                unclear.append(links)
        named = {link.policy_id for link in clear}
        # What the document says elsewhere tells which of several policies is meant; nothing else may.
        open_ones = [link for links in unclear if named.isdisjoint(one.policy_id for one in links) for link in links]
        return _surest([*clear, *open_ones])

    def _add_names(self) -> None:
        names: dict[str, dict[_Reason | None, set[int]]] = defaultdict(lambda: defaultdict(set))
        for place, policy in enumerate(self._policies):
            title = self._titles[place]
            names[title]["title"].add(place)
            unqualified = _QUALIFIED.sub("", title)
            if unqualified not in self._titles:
                names[unqualified]["title"].add(place)
            aliases = [fold(alias) for alias in policy.aliases]
            for alias in aliases:
                names[alias]["alias"].add(place)
            for word in map(fold, policy.exclude_words):
                if any(alias in word for alias in aliases):
                    names[word][None].add(place)
                else:
                    self._excluding[word].add(place)
            if policy.url:
                self._addresses[_address(policy.url)].add(place)
            if policy.number and not self._numbers.add(policy.number, place):
                names[fold(policy.number)]["number"].add(place)
        for name, meanings in names.items():
            if name:
                self._names.add_word(name, (len(name), [(reason, frozenset(at)) for reason, at in meanings.items()]))
        self._names.make_automaton()

    def _in(self, name: Literal["title", "text"], words: str) -> Iterator[list[PolicyLink]]:
        """The links of one field; each match gives a list, of more than one link where it is ambiguous."""
        folded = fold(words)
        found = [*self._by_name(folded), *self._by_number(folded)]
        if not found and not any(self._fragment(_shortened(fold(book[1]))) for book in _BOOK_TITLE.finditer(words)):
            return
        field = _Field(name, words, folded, origins(words), [])
        field.books.extend(_book_titles(field))
        found.extend(self._by_fragment(field))
        excluded = {place for word, places in self._excluding.items() if word in folded for place in places}
        for match in _longest(found):
            if match.reason is None:
                continue
            sure = {place: self._confidence(match, place, field) for place in sorted(match.places)}
            if match.reason in ("alias", "fragment"):
                sure = {place: confidence for place, confidence in sure.items() if place not in excluded}
            sure = {place: confidence for place, confidence in sure.items() if confidence}
            span = _span(match, field)
            yield [
                PolicyLink(
                    policy_id=self._policies[place].id,
                    reason=match.reason,
                    confidence=confidence if len(sure) == 1 else AMBIGUOUS,
                    matched=words[slice(*span)],
                    field=name,
                    span=span,
                )
                for place, confidence in sure.items()
            ]

    def _by_name(self, folded: str) -> Iterator[_Match]:
        if len(self._names) and folded:
            for last, (length, meanings) in self._names.iter(folded):
                for reason, places in meanings:
                    yield _Match(last + 1 - length, last + 1, reason, places)

    def _by_number(self, folded: str) -> Iterator[_Match]:
        for found in self._numbers.find(folded):
            yield _Match(found.start, found.end, "number", frozenset((found.place,)))

    def _by_fragment(self, field: _Field) -> Iterator[_Match]:
        for start, end in field.books:
            content = _shortened(field.folded[start:end])
            places = self._fragment(content)
            if places:
                yield _Match(start, start + len(content), "fragment", places)

    def _find_fragment(self, content: str) -> frozenset[int]:
        core = _QUALIFIED.sub("", content)
        if len(core) < SHORTEST_FRAGMENT or len(_GENERIC.sub("", core)) < 4:
            return frozenset()
        places = frozenset(place for place, title in enumerate(self._titles) if core in title)
        return places if len(places) <= MOST_SHARED else frozenset()

    def _confidence(self, match: _Match, place: int, field: _Field) -> float:
        """How sure the match is where it stands; 0 where it means something else."""
        start, end = _span(match, field)
        length = match.end - match.start
        around = [(a, b) for a, b in field.books if a <= match.start and match.end <= b and b - a > length]
        if _cuts_a_word(field.words, start, end):
            return 0.0
        if match.reason == "number":
            return 0.99
        if match.reason == "fragment":
            return 0.9 if length >= 10 else 0.8
        if match.reason == "title":
            if any(_DERIVED.match(field.folded, match.end, b) for _, b in around):
                return 0.0
            return self._confidence_of_title(match, place, field)
        if "\n" in field.words[start:end]:
            return 0.0
        # A name inside another work's title: 《双减之下》 may be a news article or a novel.
        return 0.6 if around else {1: 0.5, 2: 0.7, 3: 0.8}.get(length, 0.9)

    def _confidence_of_title(self, match: _Match, place: int, field: _Field) -> float:
        """A title without its region belongs to another one where that region's name stands before it."""
        own = self._regions[place]
        before = region_before(field.folded, match.start)
        if before is None or (own and self._titles[place].removeprefix("关于").startswith(own)):
            return 0.97
        if own is None:
            return 0.6
        return 0.97 if before.endswith(own) else 0.0

    def _by_address(self, words: str, url: str | None) -> Iterator[PolicyLink]:
        if not self._addresses:
            return
        found = _ADDRESS.findall(words) if "://" in words else []
        for address in ([url] if url else []) + found:
            for place in sorted(self._addresses.get(_address(address), ())):
                policy_id = self._policies[place].id
                yield PolicyLink(policy_id=policy_id, reason="url", matched=address, confidence=0.97)


def inherit(own: Sequence[PolicyLink], parents: Sequence[PolicyLink]) -> tuple[PolicyLink, ...]:
    """The links of a reply or repost: its own, and those of what it answers that it does not name itself.

    An ambiguous name in the reply that could mean one of the parent's policies means that one: its other readings go.
    """
    sure = {link.policy_id for link in parents if link.confidence >= 0.5}
    settled = {(link.field, link.span) for link in own if link.confidence < 0.5 and link.policy_id in sure}
    kept = [
        link
        for link in own
        if link.confidence >= 0.5 or (link.field, link.span) not in settled or link.policy_id in sure
    ]
    named = {link.policy_id for link in kept if link.confidence >= 0.5}
    taken = [
        PolicyLink(policy_id=link.policy_id, reason="parent", confidence=round(link.confidence * PARENT_FACTOR, 4))
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


def _longest(matches: Iterable[_Match]) -> list[_Match]:
    """The matches that overlap no longer one, in their order in the text; at the same place the stronger reason."""
    same: dict[tuple[int, int, _Reason | None], frozenset[int]] = defaultdict(frozenset)
    for match in matches:
        same[match[:3]] |= match.places
    by_length = sorted(same, key=lambda one: (one[0] - one[1], _STRENGTH[one[2] or "excluded"], one[0]))
    starts: list[int] = []
    kept: list[_Match] = []
    for start, end, reason in by_length:
        at = bisect_left(starts, start)
        if (at and kept[at - 1].end > start) or (at < len(kept) and kept[at].start < end):
            continue
        starts.insert(at, start)
        kept.insert(at, _Match(start, end, reason, same[start, end, reason]))
    return kept


def _shortened(content: str) -> str:
    """A title in 《》 without the dots that say it is cut."""
    return content.rstrip(".")


def _span(match: _Match, field: _Field) -> tuple[int, int]:
    return field.origins[match.start], field.origins[match.end - 1] + 1


def _book_titles(field: _Field) -> Iterator[tuple[int, int]]:
    """What stands inside 《》, as ranges of the folded text."""
    for found in _BOOK_TITLE.finditer(field.words):
        start, end = (bisect_left(field.origins, place) for place in found.span(1))
        if start < end:
            yield start, end


def _cuts_a_word(words: str, start: int, end: int) -> bool:
    """True where a match begins or ends inside a run of Latin letters or digits."""

    def joined(left: str, right: str) -> bool:
        return left.isascii() and left.isalnum() and right.isascii() and right.isalnum()

    return (start > 0 and joined(words[start - 1], words[start])) or (
        end < len(words) and joined(words[end - 1], words[end])
    )


def _address(url: str) -> str:
    """An address without what does not change the page: scheme, www., fragment, slash at the end."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    host = parts.netloc.lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}" + (f"?{parts.query}" if parts.query else "")
