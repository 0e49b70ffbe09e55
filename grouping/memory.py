"""What grouping remembers, and where it puts a document: its near-duplicate group and its event.

Placement depends on nothing but the documents placed before, in their order, so the same log gives the same groups.
Everything is bounded by counts, oldest first, so that what is rebuilt from stored members equals what was in memory.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

import xxhash

from grouping.duplicates import SHORTEST, Copies, body_of
from grouping.neighbours import Near, Neighbours
from grouping.vectors import Vector, fold, own_words, vectorise
from minsheng.records import Assessed, Document, Duplicate, EventRef

JOIN = 0.24
"""Event score from which a document joins, at no distance in time."""

JOIN_LATE = 0.08
"""What is asked on top at the far end of the window."""

SAME_POLICY = 0.12
"""Added where document and event are about the same policy and close in time."""

SAME_SIDE = 0.12
"""Added to that where both grieve or ask for something, or both do not. Together the two reach `JOIN`: a burst of
grievances about one policy is one event though each is told in other words, while the press copies and the praise of
the same days stay apart from it."""

OTHER_POLICY = 0.3
"""Taken off where they are about different policies: the same grievance at two counters is two matters."""

POLICY_SPAN = timedelta(hours=12)
"""How close in time the same policy counts as evidence."""

LATEST_LEADERS = 64
"""Texts of an event that it is compared by where its policy brings a document, and named after."""

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

    def duplicate(self) -> Duplicate:
        return Duplicate(group=self.duplicate_group, kind=self.kind, similarity=self.similarity)  # type: ignore[arg-type]

    def reference(self) -> EventRef:
        return EventRef(id=self.event, similarity=self.event_similarity)


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

    def is_about(self, policy: str) -> bool:
        """Whether a third or more of its documents are; one that names another policy in passing changes nothing."""
        return 3 * self.policies.get(policy, 0) >= self.documents

    def is_aggrieved(self) -> bool:
        return 2 * self.aggrieved >= self.documents

    def gap(self, at: datetime) -> timedelta:
        """How far `at` lies outside the event's time."""
        return max(timedelta(0), at - self.last_at, self.first_at - at)


class Placed(NamedTuple):
    """Where a document belongs. `new` is false for one that was placed before."""

    member: Member
    new: bool


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
        self._neighbours = Neighbours(max_texts)
        self._copies = Copies(max_texts)  # numbered as the neighbours
        self._leader: dict[int, Member] = {}
        self._number: dict[str, int] = {}
        self._known: dict[str, Member] = {}
        self._texts: dict[int, Member] = {}
        self._of_policy: dict[str, dict[str, None]] = {}

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
        twin = self._texts.get(text_hash) if len(letters) >= SHORTEST else None
        if twin is not None and abs(twin.published_at - at) <= self.window:
            kind, group, event_id = "exact", twin.duplicate_group, twin.event
        else:
            body = body_of(document.title, document.text)
            copied = self._copied(body, at)
            if copied is not None:
                leader, similarity = copied
                kind, group, event_id, body = "near", leader.duplicate_group, leader.event, ""
            else:
                vector = vectorise(document.title, document.text)
                near = self._neighbours.nearest(vector, self._recent_of(policies))
                event_id, event_similarity = self._event_for(document, policies, aggrieved, near)
        title = title_of(document) if vector is not None else ""
        self.sequence += 1
        member = Member(
            self.sequence, document.id, event_id, group, kind, similarity, event_similarity, at, text_hash, policies,
            aggrieved, title, vector, body,
        )  # fmt: skip
        if event_id not in self.events:
            self.events[event_id] = Event(event_id, title, document.id, at)
        self.events[event_id].add(at, policies, aggrieved)
        self._remember(member)
        self._name(self.events[event_id])
        return Placed(member, True)

    def restore(self, event: Event) -> None:
        """Take over a stored event, before its members."""
        self.events[event.id] = event

    def restore_member(self, member: Member) -> None:
        """Take over a stored member; to be called in the order of `sequence`."""
        self.sequence = max(self.sequence, member.sequence)
        if member.event not in self.events:
            # One document alone has no stored event; it is made again from its member.
            event = self.events[member.event] = Event(member.event, member.title, member.document, member.published_at)
            event.add(member.published_at, member.policies, member.aggrieved)
        self._remember(member)

    def _name(self, event: Event) -> None:
        """Give a growing event the title of its most typical text: the one closest to the others.

        Done when the number of documents has doubled: early names are the first text's, which may be an odd one.
        """
        if event.documents < 4 or event.documents & (event.documents - 1):
            return
        kept = [number for number in event.leaders[-LATEST_LEADERS:] if number >= self._neighbours.oldest]
        typical = self._neighbours.most_typical(kept)
        if typical is not None:
            event.title = self._leader[typical].title

    def drop_events_without_texts(self) -> None:
        """After restoring: forget the events that no kept text belongs to."""
        for event_id in [event.id for event in self.events.values() if event.kept == 0]:
            del self.events[event_id]

    def _remember(self, member: Member) -> None:
        # The neighbours keep the vector, the copies the body.
        vector, body, member = member.vector, member.body, member._replace(vector=None, body="")
        self._known[member.document] = member
        if len(self._known) > self.max_documents:
            del self._known[next(iter(self._known))]
        if vector is None:
            return
        event = self.events[member.event]
        self._forget_oldest()
        number = self._neighbours.add(vector)
        self._copies.add(body)
        self._leader[number] = member
        self._texts[member.text_hash] = member
        event.leaders.append(number)
        if len(event.leaders) > 2 * LATEST_LEADERS:
            del event.leaders[:LATEST_LEADERS]
        event.kept += 1
        for policy in member.policies:
            recent = self._of_policy.setdefault(policy, {})
            recent.pop(member.event, None)
            recent[member.event] = None

    def _forget_oldest(self) -> None:
        """Make room for one more text; an event without any text kept is over."""
        if len(self._leader) < self._neighbours.capacity:
            return
        member = self._leader.pop(self._neighbours.oldest)
        if self._texts.get(member.text_hash) is member:
            del self._texts[member.text_hash]
        event = self.events[member.event]
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
        self, document: Document, policies: tuple[str, ...], aggrieved: bool, near: Near
    ) -> tuple[str, float]:
        """The event to join and the score, or a new event's id and 1."""
        parent = self._known.get(document.parent_id) if document.parent_id else None
        if parent is not None and parent.event in self.events:
            return parent.event, 1.0
        close: dict[str, list[float]] = {}
        for number, cosine in zip(near.numbers, near.cosines.tolist(), strict=True):
            close.setdefault(self._leader[number].event, []).append(cosine)
        at = document.published_at
        chosen, best = "", 0.0
        main, main_score, main_size = "", 0.0, 0
        for event_id, found in close.items():
            event = self.events[event_id]
            words = self._in_words(event, found, at, policies)
            if words > best and words >= JOIN + JOIN_LATE * (event.gap(at) / self.window):
                chosen, best = event_id, words
            about = words + _in_policy(event, at, policies, aggrieved)
            if about >= JOIN and event.documents > main_size:
                main, main_score, main_size = event_id, about, event.documents
        if chosen or main:
            # Where the words alone don't tell, the policy's main conversation is the place.
            return chosen or main, round(min(1.0, best or main_score), 4)
        return f"e{document.id[:20]}", 1.0

    def _in_words(self, event: Event, cosines: list[float], at: datetime, policies: tuple[str, ...]) -> float:
        """How well a document's words fit the event; 0 or less where they don't."""
        if event.gap(at) > self.window:
            return 0.0
        # One close text alone chains unrelated matters together, so larger events ask for a second and third one.
        cosines.sort(reverse=True)
        asked = min(3, event.kept)
        score = (cosines[0] + sum(cosines[:asked]) / asked) / 2
        if policies and event.policies and not any(event.is_about(policy) for policy in policies):
            score -= OTHER_POLICY
        return score


def _in_policy(event: Event, at: datetime, policies: tuple[str, ...], aggrieved: bool) -> float:
    """What it adds that document and event are about the same policy, and on the same side of it."""
    if event.gap(at) > POLICY_SPAN or not any(event.is_about(policy) for policy in policies):
        return 0.0
    return SAME_POLICY + (SAME_SIDE if aggrieved == event.is_aggrieved() else 0.0)


def _is_aggrieved(assessed: Assessed) -> bool:
    """Whether a document grieves or asks for something to be put right."""
    return assessed.sentiment.label == "negative" or assessed.request.label in ("complaint", "report", "help")


def title_of(document: Document) -> str:
    """A line that names the matter: the title, or the text's first sentence."""
    text = document.title.strip() or own_words(document.text)
    for stop in "。！？!?\n":
        head, found, _ = text.partition(stop)
        if found and len(head) >= 6:
            text = head
    return text if len(text) <= 60 else text[:59] + "…"


def _signed(value: int) -> int:
    """64 bits as the databases' signed integer."""
    return value - (1 << 64) if value >= 1 << 63 else value
