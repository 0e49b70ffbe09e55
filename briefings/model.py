"""What a daily briefing is made of: typed, so that every format shows the same and programs can read it."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from briefings.change import Change
from briefings.evidence import Evidence, Number, Post
from briefings.facts import Coverage, DeadlineFact
from briefings.words import Level


class PolicyLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about one policy. `released_days`: days since its release, where it is in its release window."""

    id: str
    title: str
    number: str | None
    department: str | None
    stage: str
    count: Number
    negative: Number
    change: Change
    released_days: int | None = None


class EventLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the day: how large it is and the posts that say what it is about."""

    id: str
    title: str
    count: Number
    negative: Number
    policies: tuple[str, ...]
    sources: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    key_posts: tuple[Post, ...]
    tickets: tuple[str, ...]


class LevelLine(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets of one level: opened in the time of the briefing, closed in it, and open at its end."""

    level: Level
    opened: Number
    closed: Number
    open: Number


class TicketLine(msgspec.Struct, frozen=True, kw_only=True):
    """An open ticket with its clocks."""

    number: str
    level: Level
    title: str
    why: str
    status: str
    opened_at: datetime
    historical: bool
    deadlines: tuple[DeadlineFact, ...]


class ShareLine(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents carry a label."""

    label: str
    name: str
    count: Number


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence whose numbers open their evidence."""

    parts: tuple[str | Number, ...]

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else str(part.value) for part in self.parts)


class DailyBriefing(msgspec.Struct, frozen=True, kw_only=True):
    """One day.

    Attributes
    ----------
    since, until:
        The time it tells of; `until` is the end of the day, or the moment it was made where the day is not over.
    complete:
        Whether the day was over.
    busiest:
        How many documents the hour with the most had, and which of the 24 it was; None on an empty day.
    silent_policies:
        How many policies of the register nobody spoke about.
    """

    unit: str
    day: date
    since: datetime
    until: datetime
    complete: bool
    made_at: datetime
    summary: tuple[Sentence, ...]
    total: Number
    total_change: Change
    hours: tuple[int, ...]
    busiest: tuple[int, Number] | None
    policies: tuple[PolicyLine, ...]
    silent_policies: int
    events: tuple[EventLine, ...]
    levels: tuple[LevelLine, ...]
    open_tickets: tuple[TicketLine, ...]
    sentiments: tuple[ShareLine, ...]
    requests: tuple[ShareLine, ...]
    topics: tuple[ShareLine, ...]
    sources: tuple[ShareLine, ...]
    coverage: Coverage
    unseen: Number
    dead_letters: Number
    evidence: tuple[Evidence, ...]
