"""What a briefing needs to know beside the index: plain facts, so that it can be made from any store."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alerts.clocks import was_kept
from briefings.words import Level


class DeadlineFact(msgspec.Struct, frozen=True, kw_only=True):
    """A clock of a ticket: what has to be done until when.

    `settled_at`: since when it waits for nothing, as it was done (`met_at`) or was no longer needed. `apart`: an answer
    alone does not meet it.
    """

    name: str
    due_at: datetime
    settled_at: datetime | None = None
    met_at: datetime | None = None
    apart: bool = False

    @property
    def kept(self) -> bool | None:
        """Whether it was met in time; None where it waits, or ended before its time with nothing done."""
        return was_kept(self.due_at, self.met_at, self.settled_at)


class StepFact(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a ticket's plan that nobody has done yet. `due_at` None: no clock runs for it."""

    title: str
    who: str = ""
    due_at: datetime | None = None


class ReadinessFact(msgspec.Struct, frozen=True, kw_only=True):
    """What stands ready for a policy's release: plans bound to it, answers in use, forms of interpretation (None where
    no register of them is kept)."""

    policy: str
    plans: int
    answers: int
    materials: int | None = None


class TicketFact(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as the briefing tells it, with the level that it had at the end of the briefing's time.

    `closed_at` is None while it is open; `graded`, `well`: how good the response was, None where nobody has judged it;
    `reply`: what was published then, `unanswered`: whether it left demands without an answer.
    """

    number: str
    level: Level
    status: str
    title: str
    why: str
    event: str
    policy: str | None
    opened_at: datetime
    closed_at: datetime | None = None
    historical: bool = False
    deadlines: tuple[DeadlineFact, ...] = ()
    unit: str = ""
    responded_at: datetime | None = None
    graded: str | None = None
    well: bool | None = None
    reply: str = ""
    unanswered: bool = False
    steps: tuple[StepFact, ...] = ()
    plan: str = ""


class SourceFact(msgspec.Struct, frozen=True, kw_only=True):
    """A source that was not seen as it should have been, since when, and why in words."""

    id: str
    name: str
    last_seen_at: datetime | None
    reason: str


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How many sources are watched, which of them were not seen in the briefing's time, and all their names by id."""

    sources: int
    names: dict[str, str] = {}
    unseen: tuple[SourceFact, ...] = ()


class DeadLetterFact(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be handled, and has not been sent again."""

    id: str
    stage: str
    reason: str
    at: datetime


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything beside the index. `event_titles`: event id → title, where the grouping gave one; `merged_events`: an
    event that is part of another one today → that one; `gone_policies`: policy id → last title, of those that the
    register does not have any more."""

    tickets: tuple[TicketFact, ...] = ()
    coverage: Coverage = Coverage(sources=0)
    dead_letters: tuple[DeadLetterFact, ...] = ()
    event_titles: dict[str, str] = {}
    readiness: tuple[ReadinessFact, ...] = ()
    merged_events: dict[str, str] = {}
    gone_policies: dict[str, str] = {}
