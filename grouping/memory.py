"""What grouping remembers, and where it puts a document: its near-duplicate group and its event.

Placement depends on nothing but the documents placed before, in their order, so the same log gives the same groups.
Everything is bounded by counts, oldest first, so that what is rebuilt from stored members equals what was in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from grouping.duplicates import SHORTEST, Copies, body_of
from grouping.familiar import Familiar
from grouping.joining import headline
from grouping.merging import Merge, survivor
from grouping.neighbours import Neighbours, Text
from grouping.short_texts import Reading, elsewhere, fit, read
from grouping.vectors import Vector, fold, own_words, vectorise
from grouping.wording import Wording, common, wording
from minsheng.records import Assessed, Document, Duplicate

JOIN = 0.48
"""Event score from which a document joins, at no distance in time."""

JOIN_HEADLINE = 0.4
"""The same where there are headlines to be compared; and the score of two events' texts from which the two are one."""

JOIN_LATE = 0.16
"""What is asked on top at `LATE`, where there are no headlines to be compared."""

LATE = timedelta(days=60)
"""After so long a post says too little to be tied to an old event."""

SAME_POLICY = 0.24
"""Added where document and event are about the same policy and close in time."""

SAME_SIDE = 0.24
"""Added to that where both grieve or ask for something, or both do not. Together the two reach `JOIN`: a burst of
grievances about one policy is one event though each is told in other words, while the press copies and the praise of
the same days stay apart from it."""

OTHER_POLICY = 0.6
"""Taken off where they are about different policies: the same grievance at two counters is two matters."""

POLICY_SPAN = timedelta(hours=12)
"""How close in time the same policy counts as evidence."""

PROMISING = 0.3
"""Score with one text of an event from which a document is compared with more of them."""

LATEST_COMPARED = 16
"""Texts of an event that a document with a headline is compared with; the mean of their scores counts, so that one
close text does not chain unrelated matters together."""

MOST_EVENTS = 4
"""Events compared so, those with the closest text first."""

LATEST_LEADERS = 64
"""Texts of an event that it is compared by where its policy brings a document, and named after."""

READ = 0.15
"""Score from which it is looked at which places document and event name."""

BURSTS = ((timedelta(hours=1), 2), (timedelta(days=1), 4), (timedelta(days=3), 8))
"""Spans of time, shortest first, and how many events within them that differ from a document by their places alone show
that all are one matter: a storm over many roads, an outcry over one measure in many schools."""

_NO_LETTER = re.compile(r"[\W_]+")

CONFIDENT = 0.5
"""Policy links below this are ambiguous and count for nothing here."""


class Member(NamedTuple):
    """A document as grouping remembers it. `vector`, `title` and `body` (the letters that copies are told by) are
    kept for the first document of a duplicate group only."""

    sequence: int
    document: str
    event: str
    duplicate_group: str
    kind: str
    similarity: float
    event_similarity: float
    published_at: datetime
    text_hash: int
    policies: tuple[str, ...]
    aggrieved: bool
    title: str
    vector: Vector | None
    body: str = ""
    titled: bool = False  # whether the title is its own, not its first sentence

    def text(self) -> Text | None:
        """What it is compared by; None where it is a copy of another."""
        if self.vector is None:
            return None
        return Text(self.vector, headline(self.title) if self.titled else None, self.published_at.timestamp() / 86_400)

    def duplicate(self) -> Duplicate:
        return Duplicate(group=self.duplicate_group, kind=self.kind, similarity=self.similarity)  # type: ignore[arg-type]


class Event:
    """A set of documents about the same matter, as far as it is remembered."""

    __slots__ = (
        "aggrieved",
        "documents",
        "first_at",
        "first_document",
        "id",
        "kept",
        "last_at",
        "leaders",
        "policies",
        "title",
    )

    def __init__(self, event_id: str, title: str, first_document: str, at: datetime) -> None:
        self.id = event_id
        self.title = title
        self.first_document = first_document
        self.first_at = at
        self.last_at = at
        self.documents = 0
        self.aggrieved = 0
        self.policies: dict[str, int] = {}
        self.leaders: list[int] = []
        self.kept = 0  # leaders still among the neighbours

    def add(self, at: datetime, policies: tuple[str, ...], aggrieved: bool) -> None:
        self.documents += 1
        self.aggrieved += aggrieved
        self.first_at = min(self.first_at, at)
        self.last_at = max(self.last_at, at)
        for policy in policies:
            self.policies[policy] = self.policies.get(policy, 0) + 1

    def take(self, other: Event) -> None:
        """Become one with another event."""
        if (other.first_at, other.first_document) < (self.first_at, self.first_document):
            self.first_at, self.first_document = other.first_at, other.first_document
        self.last_at = max(self.last_at, other.last_at)
        self.documents += other.documents
        self.aggrieved += other.aggrieved
        for policy, count in other.policies.items():
            self.policies[policy] = self.policies.get(policy, 0) + count
        self.leaders = sorted(self.leaders + other.leaders)[-2 * LATEST_LEADERS :]
        self.kept += other.kept

    def leave(self, parted: Event) -> None:
        """Go on without documents that are another event now. The times stay: what they were is not known here."""
        self.documents -= parted.documents
        self.aggrieved -= parted.aggrieved
        for policy, count in parted.policies.items():
            left = self.policies.get(policy, 0) - count
            if left > 0:
                self.policies[policy] = left
            else:
                self.policies.pop(policy, None)

    def is_about(self, policy: str) -> bool:
        """Whether a third or more of its documents are; one that names another policy in passing changes nothing."""
        return 3 * self.policies.get(policy, 0) >= self.documents

    def is_aggrieved(self) -> bool:
        return 2 * self.aggrieved >= self.documents

    def gap(self, at: datetime) -> timedelta:
        """How far `at` lies outside the event's time."""
        return max(timedelta(0), at - self.last_at, self.first_at - at)


class Placed(NamedTuple):
    """Where a document belongs. `new` is false for one that was placed before; `merges` are the events that it showed
    to be one."""

    member: Member
    new: bool
    merges: tuple[Merge, ...] = ()


class _Choice(NamedTuple):
    """The event to join, how well it fits, and other events that fit as well, best first. `conversation` is the main
    event of the document's policy, where that is another one of the same side and time; in a `burst` different places
    are one matter."""

    event: str
    similarity: float
    rivals: tuple[str, ...] = ()
    conversation: str = ""
    burst: bool = False


class Memory:
    """Places documents one by one.

    Parameters
    ----------
    window:
        How long after its last document an event can be joined.
    max_texts:
        Distinct texts remembered (about 2 kB each).
    max_documents:
        Documents whose place is remembered, copies included (about 400 bytes each).
    """

    def __init__(self, window: timedelta, *, max_texts: int = 200_000, max_documents: int = 500_000) -> None:
        self.window = window
        self.max_documents = max_documents
        self.sequence = 0
        self.events: dict[str, Event] = {}
        self.familiar = Familiar()
        self._neighbours = Neighbours(max_texts)
        self._copies = Copies(max_texts)  # numbered as the neighbours
        self._leader: dict[int, Member] = {}
        self._number: dict[str, int] = {}
        self._known: dict[str, Member] = {}
        self._texts: dict[int, Member] = {}
        self._of_policy: dict[str, dict[str, None]] = {}
        self._into: dict[str, str] = {}
        self._apart: set[frozenset[str]] = set()

    def today(self, event_id: str) -> str:
        """The event that an event belongs to by now."""
        return self._into.get(event_id, event_id)

    @property
    def texts(self) -> int:
        """Distinct texts remembered now."""
        return len(self._leader)

    def place(self, assessed: Assessed) -> Placed:
        """Put one document into its duplicate group and event. A document that was placed before stays where it is."""
        document = assessed.document
        known = self._known.get(document.id)
        if known is not None:
            return Placed(known, False)
        policies = tuple(sorted({link.policy_id for link in assessed.policies if link.confidence >= CONFIDENT}))
        aggrieved = _is_aggrieved(assessed)
        words = own_words(f"{document.title}\n{document.text}" if document.title else document.text)
        letters = _NO_LETTER.sub("", fold(words))
        text_hash = _signed(xxhash.xxh3_64_intdigest(letters.encode("utf-8", "surrogatepass")))
        at = document.published_at

        kind, similarity, event_similarity = "first", 1.0, 1.0
        group, event_id, vector, body = document.id, "", None, ""
        choice = None
        twin = self._texts.get(text_hash) if len(letters) >= SHORTEST else None
        if twin is not None and abs(twin.published_at - at) <= self.window:
            kind, group, event_id = "exact", twin.duplicate_group, self.today(twin.event)
        else:
            body = body_of(document.title, document.text)
            copied = self._copied(body, at)
            if copied is not None:
                leader, similarity = copied
                kind, group, event_id, body = "near", leader.duplicate_group, self.today(leader.event), ""
            else:
                meet = self.familiar.meet if document.title.strip() else None  # a post's words are few: all count
                vector = vectorise(document.title, document.text, meet)
        title, titled = (title_of(document), bool(document.title.strip())) if vector is not None else ("", False)
        self.sequence += 1
        member = Member(
            self.sequence, document.id, event_id, group, kind, similarity, event_similarity, at, text_hash, policies,
            aggrieved, title, vector, body, titled,
        )  # fmt: skip
        text = member.text()
        if text is not None:
            choice = self._event_for(
                document, policies, aggrieved, text, lambda: read(title, body), lambda: wording(title, body)
            )
            event_id = choice.event
            member = member._replace(event=event_id, event_similarity=choice.similarity)
        if event_id not in self.events:
            self.events[event_id] = Event(event_id, title, document.id, at)
        self.events[event_id].add(at, policies, aggrieved)
        self._remember(member, text)
        self._name(self.events[event_id])
        merges = [] if choice is None else self._merge_rivals(event_id, choice, member)
        return Placed(member._replace(event=self.today(event_id)), True, tuple(merges))

    def restore(self, event: Event) -> None:
        """Take over a stored event, before its members."""
        self.events[event.id] = event

    def restore_history(self, into: dict[str, str], apart: set[frozenset[str]]) -> None:
        """Take over what became of events (see `grouping.history.History`), before their members."""
        self._into, self._apart = dict(into), set(apart)

    def restore_member(self, member: Member) -> None:
        """Take over a stored member; to be called in the order of `sequence`."""
        self.sequence = max(self.sequence, member.sequence)
        event_id = self.today(member.event)
        if event_id not in self.events:
            # One document alone has no stored event; it is made again from its member.
            event = self.events[event_id] = Event(event_id, member.title, member.document, member.published_at)
            event.add(member.published_at, member.policies, member.aggrieved)
        self._remember(member, member.text())

    def merge(self, merge: Merge) -> None:
        """Make two events one. Harmless for events that are not remembered."""
        lost, kept = self.today(merge.event), self.today(merge.into)
        if lost == kept:
            return
        self._into = {name: kept if event == lost else event for name, event in self._into.items()} | {lost: kept}
        if lost not in self.events:
            return
        gone = self.events.pop(lost)
        if kept not in self.events:
            # The surviving event's own texts are forgotten: what is remembered of the other goes on under its name.
            self.events[kept] = Event(kept, gone.title, gone.first_document, gone.first_at)
        self.events[kept].take(gone)
        for policy in gone.policies:
            recent = self._of_policy.get(policy)
            if recent is not None and lost in recent:
                latest = [kept if event == lost else event for event in recent]
                self._of_policy[policy] = dict.fromkeys(reversed(dict.fromkeys(reversed(latest))))
        self._name(self.events[kept], always=True)

    def _merge_rivals(self, event_id: str, choice: _Choice, member: Member) -> list[Merge]:
        """Merge the event with those that the document fits as well, where the events' texts fit each other too; and
        with the policy's main conversation, where both are grievances about the policy at the same time."""
        merges = []
        for rival in dict.fromkeys((*choice.rivals, choice.conversation)):
            one, other = self.events[self.today(event_id)], self.events.get(rival)
            if other is None or one is other or frozenset((one.id, rival)) in self._apart:
                continue
            if one.policies and other.policies and not any(other.is_about(policy) for policy in one.policies):
                continue
            in_places = not (choice.burst or (one.policies and other.policies))
            if in_places and elsewhere(self._read(one), self._read(other)):
                continue
            score = self._fit(one, other)
            # Which of two conversations a grievance came to lay in whose words had come first: no fit is asked.
            if score >= JOIN_HEADLINE or rival == choice.conversation:
                kept, lost = survivor(one, other)
                merge = Merge(lost.id, kept.id, member.published_at, member.document, round(score, 4))
                self.merge(merge)
                merges.append(merge)
        return merges

    def _fit(self, one: Event, other: Event) -> float:
        """The mean score of the latest texts of one event with those of another; 0 where one's are forgotten."""
        mine, theirs = self._latest(one), self._latest(other)
        if not mine or not theirs:
            return 0.0
        kept = self._neighbours.kept
        return float(np.mean([self._compared(kept(number), self._wording(number), theirs) for number in mine]))

    def _latest(self, event: Event) -> list[int]:
        oldest = self._neighbours.oldest
        return [number for number in event.leaders[-LATEST_COMPARED:] if number >= oldest]

    def _read(self, event: Event) -> list[Reading]:
        """What an event's latest texts name and say."""
        return [read(self._leader[number].title, self._copies.letters(number)) for number in self._latest(event)]

    def _name(self, event: Event, *, always: bool = False) -> None:
        """Give a growing event the title of its most typical text: the one closest to the others.

        Done when the number of documents has doubled: early names are the first text's, which may be an odd one.
        """
        if event.documents < 4 or (event.documents & (event.documents - 1) and not always):
            return
        kept = [number for number in event.leaders[-LATEST_LEADERS:] if number >= self._neighbours.oldest]
        typical = self._neighbours.most_typical(kept)
        if typical is not None:
            event.title = self._leader[typical].title

    def drop_events_without_texts(self) -> None:
        """After restoring: forget the events that no kept text belongs to."""
        for event_id in [event.id for event in self.events.values() if event.kept == 0]:
            del self.events[event_id]

    def _remember(self, member: Member, text: Text | None) -> None:
        # The neighbours keep the vector, the copies the body.
        body, member = member.body, member._replace(vector=None, body="")
        self._known[member.document] = member
        if len(self._known) > self.max_documents:
            del self._known[next(iter(self._known))]
        if text is None:
            return
        event = self.events[self.today(member.event)]
        event.kept += 1  # before the oldest is forgotten, which may be the event's only other text
        self._forget_oldest()
        number = self._neighbours.add(text)
        self._copies.add(body)
        self._leader[number] = member
        self._texts[member.text_hash] = member
        event.leaders.append(number)
        if len(event.leaders) > 2 * LATEST_LEADERS:
            del event.leaders[:LATEST_LEADERS]
        for policy in member.policies:
            recent = self._of_policy.setdefault(policy, {})
            recent.pop(event.id, None)
            recent[event.id] = None

    def _forget_oldest(self) -> None:
        """Make room for one more text; an event without any text kept is over."""
        if len(self._leader) < self._neighbours.capacity:
            return
        member = self._leader.pop(self._neighbours.oldest)
        if self._texts.get(member.text_hash) is member:
            del self._texts[member.text_hash]
        event = self.events[self.today(member.event)]
        event.kept -= 1
        if event.kept == 0:
            del self.events[event.id]
            for policy in event.policies:
                if policy in self._of_policy:
                    self._of_policy[policy].pop(event.id, None)

    def _copied(self, body: str, at: datetime) -> tuple[Member, float] | None:
        """The first of the group that a text published at `at` is a copy of, and how alike the two are."""
        for number, share in self._copies.find(body):
            if abs(self._leader[number].published_at - at) <= self.window:
                return self._leader[number], round(share, 4)
        return None

    def _recent_of(self, policies: tuple[str, ...]) -> list[int]:
        """The latest texts of the latest events of these policies."""
        numbers: list[int] = []
        for policy in policies:
            for event_id in list(reversed(self._of_policy.get(policy, {})))[:8]:
                numbers.extend(self.events[event_id].leaders[-8:])
        return numbers

    def _event_for(
        self,
        document: Document,
        policies: tuple[str, ...],
        aggrieved: bool,
        text: Text,
        own_reading: Callable[[], Reading],
        own_wording: Callable[[], Wording],
    ) -> _Choice:
        """The event to join, or a new event."""
        parent = self._known.get(document.parent_id) if document.parent_id else None
        if parent is not None and self.today(parent.event) in self.events:
            return _Choice(self.today(parent.event), 1.0)
        near = self._neighbours.nearest(text.vector, self._recent_of(policies))
        fits = self._fits(text, near.numbers, near.cosines, own_wording)
        at = document.published_at
        joined: list[tuple[float, str]] = []
        apart: list[tuple[float, str]] = []
        main, main_score, main_size = "", 0.0, 0
        for event_id, words in fits.items():
            event = self.events[event_id]
            gap = event.gap(at)
            if gap > self.window:
                continue
            if policies and event.policies and not any(event.is_about(policy) for policy in policies):
                words -= OTHER_POLICY
            if text.headline is None and gap > LATE:
                continue
            asked = JOIN + JOIN_LATE * (gap / LATE) if text.headline is None else JOIN_HEADLINE
            # Of one policy whatever places are named; of different ones nothing brings them together.
            if words >= READ and not (policies and event.policies) and (reading := own_reading()).names:
                readings = self._read(event)
                if words >= asked and elsewhere([reading], readings):
                    apart.append((words, event_id))
                    continue
                words = fit(reading, readings, words, asked, gap)
            if words >= asked:
                joined.append((words, event_id))
            about = words + _in_policy(event, at, policies, aggrieved)
            if about >= JOIN and event.documents > main_size:
                main, main_score, main_size = event_id, about, event.documents
        gaps = [self.events[event_id].gap(at) for _, event_id in apart]
        burst = [span for span, least in BURSTS if sum(gap <= span for gap in gaps) >= least]
        if burst:
            joined += [found for found, gap in zip(apart, gaps, strict=True) if gap <= burst[-1]]
        if joined:
            joined.sort(key=lambda found: (-found[0], found[1]))
            best, chosen = joined[0]
            rivals = tuple(event_id for _, event_id in joined[1:])
            one = aggrieved and all(
                _in_policy(self.events[event_id], at, policies, aggrieved) == SAME_POLICY + SAME_SIDE
                for event_id in (chosen, main or chosen)
            )
            return _Choice(chosen, round(min(1.0, best), 4), rivals, main if one else "", bool(burst))
        if main:
            # Where the words alone don't tell, the policy's main conversation is the place.
            return _Choice(main, round(min(1.0, main_score), 4))
        return _Choice(f"e{document.id[:20]}", 1.0)

    def _fits(
        self, text: Text, numbers: list[int], cosines: npt.NDArray[np.float32], own_wording: Callable[[], Wording]
    ) -> dict[str, float]:
        """How well the text's words fit each event that one of these belongs to."""
        close: dict[str, list[float]] = {}
        if not numbers:
            return {}
        scores = self._neighbours.scores(text, numbers) if text.headline is not None else 2 * cosines
        for number, score in zip(numbers, scores.tolist(), strict=True):
            close.setdefault(self.today(self._leader[number].event), []).append(score)
        if text.headline is not None:
            return self._fits_of_headline(text, close, own_wording)
        fits = {}
        for event_id, found in close.items():
            # One close text alone chains unrelated matters together, so larger events ask for a second and third one.
            found.sort(reverse=True)
            asked = min(3, self.events[event_id].kept)
            fits[event_id] = (found[0] + sum(found[:asked]) / asked) / 2
        return fits

    def _fits_of_headline(
        self, text: Text, close: dict[str, list[float]], own_wording: Callable[[], Wording]
    ) -> dict[str, float]:
        """The mean score with each event's latest texts, looked at closely; where none of them is promising, what was
        found so far."""
        fits = {event_id: sum(found) / max(len(found), self.events[event_id].kept) for event_id, found in close.items()}
        promising = sorted((-max(found), event_id) for event_id, found in close.items() if max(found) >= PROMISING)
        if not promising:
            return fits
        own = own_wording()
        for _, event_id in promising[:MOST_EVENTS]:
            fits[event_id] = float(self._compared(text, own, self._latest(self.events[event_id])).mean())
        return fits

    def _compared(self, text: Text, own: Wording, numbers: list[int]) -> npt.NDArray[np.float64]:
        """How sure it is that a text and each of these are about the same matter, looked at letter for letter."""
        return self._neighbours.scores(text, numbers, lambda number: common(own, self._wording(number)))

    def _wording(self, number: int) -> Wording:
        return wording(self._leader[number].title, self._copies.letters(number))


def _in_policy(event: Event, at: datetime, policies: tuple[str, ...], aggrieved: bool) -> float:
    """What it adds that document and event are about the same policy, and on the same side of it."""
    if event.gap(at) > POLICY_SPAN or not any(event.is_about(policy) for policy in policies):
        return 0.0
    return SAME_POLICY + (SAME_SIDE if aggrieved == event.is_aggrieved() else 0.0)


def _is_aggrieved(assessed: Assessed) -> bool:
    """Whether a document grieves or asks for something to be put right."""
    return assessed.sentiment.label == "negative" or assessed.request.label in ("complaint", "report", "help")


def title_of(document: Document) -> str:
    """A line that names the matter: the title, or the text's first sentence, without the marks of a reposted chain."""
    own = own_words(document.text)
    text = document.title.strip() or own.lstrip("/:： ").partition("//")[0].strip() or own
    for stop in "。！？!?\n":
        head, found, _ = text.partition(stop)
        if found and len(head) >= 6:
            text = head
    return text if len(text) <= 60 else text[:59] + "…"


def _signed(value: int) -> int:
    """64 bits as the databases' signed integer."""
    return value - (1 << 64) if value >= 1 << 63 else value
