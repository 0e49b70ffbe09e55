"""What the figures of a daily, weekly or monthly briefing are: typed, so that every format shows the same and programs
can read it."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from briefings.change import Change
from briefings.evidence import Evidence, Number, Post
from briefings.facts import Coverage, DeadlineFact
from briefings.spans import Kind
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


class ShareLine(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents carry a label."""

    label: str
    name: str
    count: Number


class EventLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event: how large it is, the posts that say what it is about, what people ask for, who is on it, and what is
    due next. `before`: its size in the same length of time before; `trend`: how that stands to now, in words."""

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
    units: tuple[str, ...] = ()
    deadline: DeadlineFact | None = None
    demands: tuple[ShareLine, ...] = ()
    before: Number = Number(value=0)
    trend: str = ""


class LevelLine(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets of one level: opened in the time of the briefing, closed in it, open at its end, and at its beginning."""

    level: Level
    opened: Number
    closed: Number
    open: Number
    before: Number


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
    unit: str = ""


class ReleaseLine(msgspec.Struct, frozen=True, kw_only=True):
    """A policy released of late or soon, or open for comments: `when` in words, and what it still lacks."""

    id: str
    title: str
    department: str | None
    when: str
    missing: tuple[str, ...]


class ResponseLine(msgspec.Struct, frozen=True, kw_only=True):
    """Clocks that ended, kept or not, and the responses given: how many were judged, and judged well."""

    due: Number
    kept: Number
    late: Number
    given: Number
    judged: Number
    well: Number


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """A step that a ticket's plan asks for next."""

    ticket: str
    who: str
    what: str
    plan: str
    due_at: datetime | None
    late: bool


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence whose numbers open their evidence."""

    parts: tuple[str | Number, ...]

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a day, week or month was like.

    Attributes
    ----------
    day, last_day:
        Its first and last day.
    since, until:
        The time it tells of; `until` is its end, or the moment it was made where that is not over.
    complete:
        Whether it was over.
    against, before:
        How the volume moved against yesterday (last week, last month), and what it was then; None: nobody was looking.
    hours, days:
        Volume by hour of a day; by day, as (date, count), of a week or month.
    earlier:
        Name and volume of the earlier ones that it is compared with, oldest first.
    busiest:
        How many documents the hour with the most had, and which of the 24 it was; None on an empty day.
    silent_policies:
        How many policies of the register nobody spoke about.
    """

    kind: Kind
    unit: str
    day: date
    last_day: date
    since: datetime
    until: datetime
    complete: bool
    made_at: datetime
    summary: tuple[Sentence, ...]
    total: Number
    total_change: Change
    against: Change | None
    before: Number | None
    hours: tuple[int, ...]
    days: tuple[tuple[str, int], ...]
    earlier: tuple[tuple[str, int], ...]
    busiest: tuple[int, Number] | None
    policies: tuple[PolicyLine, ...]
    silent_policies: Number
    releases: tuple[ReleaseLine, ...]
    events: tuple[EventLine, ...]
    levels: tuple[LevelLine, ...]
    open_tickets: tuple[TicketLine, ...]
    responses: ResponseLine
    recommendations: tuple[Recommendation, ...]
    sentiments: tuple[ShareLine, ...]
    requests: tuple[ShareLine, ...]
    topics: tuple[ShareLine, ...]
    sources: tuple[ShareLine, ...]
    regions: tuple[ShareLine, ...]
    coverage: Coverage
    watched: Number
    unseen: Number
    dead_letters: Number
    evidence: tuple[Evidence, ...]
