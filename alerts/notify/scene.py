"""What the stages are given: a notice with its ticket (`Case`), and everything known at the moment (`Scene`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from alerts.duty.changes import Change
from alerts.duty.days import NATIONAL
from alerts.duty.model import DutyBook, Unit
from alerts.duty.roster import Watch
from alerts.notify.silences import Silence
from minsheng.policies import Policy
from minsheng.settings import ChannelSettings, Settings
from minsheng.workdays import WorkCalendar

Stage = Literal["ticket", "inhibit", "silence", "route", "timing", "dedup", "outbox"]
STAGES: dict[str, str] = {
    "ticket": "工单",
    "inhibit": "抑制",
    "silence": "静默",
    "route": "路由",
    "timing": "时段",
    "dedup": "去重",
    "outbox": "发送",
}
Outcome = Literal["held", "dropped", "passed", "skipped", "told", "later", "instead"]
OUTCOMES: dict[str, str] = {
    "held": "暂缓",
    "dropped": "不再发送",
    "passed": "不适用",
    "skipped": "略过",
    "told": "通知",
    "later": "稍后通知",
    "instead": "换渠道",
}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage decided, and why.

    Attributes
    ----------
    receiver:
        `person:ID` or `channel:NAME`; empty: it holds for everybody.
    cause:
        What it was because of, for machines: `silence:3`, `route:NAME`, a ticket's number.
    until:
        When a notice that is held is looked at again.
    """

    stage: Stage
    outcome: Outcome
    why: str
    receiver: str = ""
    cause: str = ""
    until: datetime | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that waits for a decision.

    Attributes
    ----------
    held:
        It was looked at before, and held back.
    unit:
        The unit that the department belongs to.
    ticket_id, number:
        None and empty where it is about something else than a ticket: about `matter`.
    exercise:
        Its ticket is one of a drill.
    named:
        The department that its matter names, where there is no policy.
    """

    id: int
    key: str
    reason: str
    level: str
    receivers: tuple[str, ...] | None
    payload: Mapping[str, Any]
    created_at: datetime
    held: bool
    ticket_id: int | None
    number: str
    policy_id: str | None
    risk_kind: str
    closed: bool
    acknowledged: bool
    policy: Policy | None = None
    unit: Unit | None = None
    matter: str = ""
    exercise: bool = False
    named: str = ""

    @property
    def department(self) -> str:
        return (self.policy.department if self.policy else None) or self.named


class OpenTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that may hide notices of others."""

    id: int
    number: str
    level: str
    policy_id: str | None
    department: str


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the stages may look at, read once a batch.

    Attributes
    ----------
    watching:
        The watches of now, of all rosters.
    """

    now: datetime
    settings: Settings
    book: DutyBook
    changes: Sequence[Change] = ()
    silences: Sequence[Silence] = ()
    open_tickets: Sequence[OpenTicket] = ()
    calendar: WorkCalendar = NATIONAL
    watching: Sequence[Watch] = ()

    def channel(self, name: str) -> ChannelSettings | None:
        """The settings of a channel, the terminal included; None where there is none of this name."""
        if name == "terminal" and self.settings.notify.terminal:
            return ChannelSettings(name=name, url="terminal://")
        return next((one for one in self.settings.notify.channels if one.name == name), None)

    @property
    def shared_channels(self) -> list[ChannelSettings]:
        """The channels that need no person to be named, in the order of the settings; the terminal last."""
        found = [one for one in self.settings.notify.channels if not one.personal]
        terminal = self.channel("terminal")
        return [*found, terminal] if terminal is not None else found
