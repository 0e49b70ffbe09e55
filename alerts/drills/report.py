"""What came of a drill: when each step was done, against what it should have taken; told from the ticket's own rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.casework.tables import tasks as ticket_tasks
from alerts.levels import CHINESE
from alerts.notify.escalation import steps_of
from alerts.tables import is_term, observations, outbox, ticket_timeline, tickets, timers
from alerts.tickets import Deadline, read_deadlines
from minsheng.exercises import event_id

TICKET_SECONDS = 3.0
"""From a post to its ticket, at most; what the system itself promises, no task of people."""
NOTICE_SECONDS = 2.0
"""From the ticket to the first notice."""
PATIENCE = timedelta(hours=1)
"""Without a ticket after that long, none will come."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the road.

    Attributes
    ----------
    at:
        When it was done; None: it was not, or not yet.
    seconds:
        Since the step before it that was done.
    due_at, limit:
        When it should have been done, and by what; None and empty where nothing sets a time.
    """

    name: str
    title: str
    at: datetime | None = None
    seconds: float | None = None
    due_at: datetime | None = None
    limit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it was in time; None where nothing sets one or it is not done."""
        return None if self.at is None or self.due_at is None else self.at <= self.due_at


class ClockLine(msgspec.Struct, frozen=True, kw_only=True):
    """A clock of the ticket, or a step of its plan: what, by when, and when it was done."""

    title: str
    due_at: datetime | None
    done_at: datetime | None
    who: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.due_at is None or self.done_at is None else self.done_at <= self.due_at


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message that somebody got, or did not."""

    reason: str
    channel: str
    person: str
    sent_at: datetime | None
    read_at: datetime | None
    acknowledged_at: datetime | None
    error: str


class DrillReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a drill went.

    Attributes
    ----------
    expected, level:
        The level of the scenario, and that of the ticket; empty: no ticket came.
    posts, arrived:
        How many were sent, and how many the alert stage has seen.
    escalations:
        Steps of the escalation chain that fired.
    findings:
        What should be looked at, a Chinese sentence each.
    """

    number: str
    scenario: str
    title: str
    policy: str
    actor: str
    started_at: datetime
    ended_at: datetime | None
    made_at: datetime
    expected: str
    level: str
    ticket: str
    outcome: str
    posts: int
    arrived: int
    plan: str
    steps: tuple[Step, ...]
    clocks: tuple[ClockLine, ...]
    tasks: tuple[ClockLine, ...]
    told: tuple[Told, ...]
    escalations: int
    findings: tuple[str, ...]

    @property
    def in_time(self) -> tuple[int, int]:
        """How many steps, clocks and tasks were in time, of how many that had a time which is over or that are done."""
        every: list[Step | ClockLine] = [*self.steps, *self.clocks, *self.tasks]
        judged = [one.met for one in every if one.due_at is not None and not self.pending(one)]
        return sum(one is True for one in judged), len(judged)

    def pending(self, line: Step | ClockLine) -> bool:
        """Whether it is not done, and there is time left for it."""
        done = line.at if isinstance(line, Step) else line.done_at
        return done is None and line.due_at is not None and self.ended_at is None and line.due_at > self.made_at


def make_report(connection: Connection, drill: Mapping[str, Any] | sa.RowMapping, now: datetime) -> DrillReport:
    """The report of a drill as things stand."""
    event = event_id(drill["number"])
    found = (
        connection.execute(sa.select(tickets).where(tickets.c.event_id == event).order_by(tickets.c.id).limit(1))
        .mappings()
        .first()
    )
    arrived = connection.scalar(sa.select(sa.func.count()).where(observations.c.event_id == event)) or 0
    ticket = dict(found) if found is not None else None
    told = _told(connection, ticket["id"]) if ticket else ()
    steps = tuple(_timed(_steps(connection, drill, ticket, told)))
    fired = [one for one in steps_of(connection, ticket["id"]) if one.fired_at is not None] if ticket else []
    report = DrillReport(
        number=drill["number"],
        scenario=drill["scenario"],
        title=drill["title"],
        policy=drill["policy_id"],
        actor=drill["actor"],
        started_at=drill["started_at"],
        ended_at=(ticket["closed_at"] if ticket else None) or drill["ended_at"],
        made_at=now,
        expected=drill["level"],
        level=ticket["peak_level"] if ticket else "",
        ticket=ticket["number"] if ticket else "",
        outcome=ticket["status"] if ticket else "",
        posts=drill["posts"],
        arrived=arrived,
        plan=ticket["plan"]["title"] if ticket and ticket["plan"] else "",
        steps=steps,
        clocks=_clocks(connection, ticket) if ticket else (),
        tasks=_tasks(connection, ticket["id"]) if ticket else (),
        told=told,
        escalations=len(fired),
        findings=(),
    )
    return msgspec.structs.replace(report, findings=tuple(_findings(report, now)))


def _steps(
    connection: Connection,
    drill: Mapping[str, Any] | sa.RowMapping,
    ticket: dict[str, Any] | None,
    told: tuple[Told, ...],
) -> Iterator[Step]:
    start: datetime = drill["started_at"]
    yield Step(name="posted", title="信息发布", at=start)
    created = ticket["created_at"] if ticket else None
    yield Step(
        name="ticket", title="生成工单", at=created, due_at=start + timedelta(seconds=TICKET_SECONDS),
        limit=f"系统指标：{TICKET_SECONDS:.0f} 秒",
    )  # fmt: skip
    if ticket is None or created is None:
        return
    yield Step(
        name="notice", title="通知送达", at=min((one.sent_at for one in told if one.sent_at is not None), default=None),
        due_at=created + timedelta(seconds=NOTICE_SECONDS), limit=f"系统指标：建单后 {NOTICE_SECONDS:.0f} 秒",
    )  # fmt: skip
    chain = steps_of(connection, ticket["id"])
    first = min((one.due_at for one in chain), default=None)
    yield Step(
        name="acknowledged", title="签收", at=_first(connection, ticket["id"], "acknowledged"), due_at=first,
        limit="升级链：无人签收即升级" if first else "",
    )  # fmt: skip
    yield Step(name="plan", title="打开预案", at=drill["plan_opened_at"])
    yield Step(name="responding", title="开始处置", at=_first(connection, ticket["id"], "responding"))
    due = _due(connection, ticket)
    yield Step(
        name="responded", title="作出回应", at=_first(connection, ticket["id"], "responded"),
        due_at=due[1] if due else None, limit=f"时限：{due[0]}" if due else "",
    )  # fmt: skip
    yield Step(name="closed", title="办结", at=ticket["closed_at"])


def _timed(steps: Iterator[Step]) -> Iterator[Step]:
    """Each with the seconds since the one before it that was done."""
    before: datetime | None = None
    for step in steps:
        if step.at is not None and before is not None:
            step = msgspec.structs.replace(step, seconds=round((step.at - before).total_seconds(), 1))
        before = step.at or before
        yield step


def _first(connection: Connection, ticket_id: int, status: str) -> datetime | None:
    """When the ticket first came to a status, or to one that lies behind it where people skip it."""
    behind = {"acknowledged": ("acknowledged", "judging", "responding", "responded")}.get(status, (status,))
    query = sa.select(ticket_timeline.c.at, ticket_timeline.c.detail).where(
        ticket_timeline.c.ticket_id == ticket_id, ticket_timeline.c.kind.in_(("acknowledged", "status-changed"))
    )
    for row in connection.execute(query.order_by(ticket_timeline.c.number)):
        if row.detail.get("to") in behind:
            return row.at
    return None


def _own_clocks(connection: Connection, ticket: dict[str, Any]) -> list[Deadline]:
    """The clocks of the ticket's level; those of a level that it has left are no matter any more."""
    of_level = (timers.c.round == 1, is_term, timers.c.replaced.is_(False))
    return read_deadlines(connection, [ticket["id"]], of_level).get(ticket["id"], [])


def _due(connection: Connection, ticket: dict[str, Any]) -> tuple[str, datetime] | None:
    """The first clock that an answer meets."""
    answered = (one for one in _own_clocks(connection, ticket) if not one.apart)
    return next(((one.name, one.due_at) for one in answered), None)


def _clocks(connection: Connection, ticket: dict[str, Any]) -> tuple[ClockLine, ...]:
    return tuple(
        ClockLine(title=one.name, due_at=one.due_at, done_at=one.met_at)
        for one in _own_clocks(connection, ticket)
        if one.kept is not None or one.waiting
    )


def _tasks(connection: Connection, ticket_id: int) -> tuple[ClockLine, ...]:
    rows = connection.execute(
        sa.select(ticket_tasks).where(ticket_tasks.c.ticket_id == ticket_id).order_by(ticket_tasks.c.number)
    ).mappings()
    return tuple(
        ClockLine(
            title=row["title"], due_at=row["due_at"], done_at=row["done_at"], who=row["done_by"] or row["owner"] or ""
        )
        for row in rows
    )


def _told(connection: Connection, ticket_id: int) -> tuple[Told, ...]:
    rows = connection.execute(sa.select(outbox).where(outbox.c.ticket_id == ticket_id).order_by(outbox.c.id)).mappings()
    return tuple(
        Told(
            reason=row["reason"],
            channel=row["channel"],
            person=row["payload"].get("person") or row["person"] or "",
            sent_at=row["sent_at"],
            read_at=row["read_at"],
            acknowledged_at=row["acknowledged_at"],
            error=(row["last_error"] or "") if row["sent_at"] is None else "",
        )
        for row in rows
    )


def _findings(report: DrillReport, now: datetime) -> Iterator[str]:
    done = {step.name: step for step in report.steps}
    if not report.ticket:
        if report.arrived < report.posts:
            so_far = f"{report.posts} 条演练信息中只有 {report.arrived} 条到达预警环节"
            yield f"{so_far}：请检查各环节是否都在运行（minsheng doctor）。"
        elif report.ended_at is not None or now - report.started_at > PATIENCE:
            yield "演练信息已全部到达，但没有生成工单：现行规则不认为它有风险，请检查规则（minsheng rules）。"
        return
    if report.level != report.expected:
        yield f"工单等级为{CHINESE[report.level]}，想定为{CHINESE[report.expected]}：请核对规则与想定。"
    if not report.plan:
        yield "没有匹配的预案：请为该政策和风险类型准备预案。"
    if not any(one.sent_at for one in report.told):
        yield "没有一条通知送达：请检查通知渠道和值守手册（minsheng notices why）。"
    elif failed := [one for one in report.told if one.error]:
        yield f"{len(failed)} 条通知未送达：{'、'.join(dict.fromkeys(one.channel for one in failed))}。"
    if report.escalations:
        yield f"无人及时签收，升级通知触发 {report.escalations} 次。"
    for step in report.steps:
        if step.met is False:
            yield f"“{step.title}”超出{step.limit}。"
    late = [one for one in report.tasks if one.met is False]
    if late:
        yield f"{len(late)} 项预案任务超时完成：{'、'.join(one.title for one in late)}。"
    ended = report.ended_at is not None
    if ended and (open_tasks := [one for one in report.tasks if one.done_at is None]):
        yield f"{len(open_tasks)} 项预案任务没有完成。"
    skipped = [step.title for step in report.steps if ended and step.at is None and step.name != "closed"]
    if skipped:
        yield f"没有经过的步骤：{'、'.join(skipped)}。"
    if ended and done["closed"].at is not None and report.outcome == "false-alarm":
        yield "演练工单以误报办结，没有走完全程。"
