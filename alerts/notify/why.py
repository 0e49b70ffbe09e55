"""Why did I, or did I not, get this? All that was decided about a ticket's notices, for one person or for all."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from alerts.duty.book import BookShelf
from alerts.duty.changes import DutyChanges
from alerts.duty.roster import on_duty
from alerts.notices import REASONS
from alerts.notify.delivery_words import in_chinese
from alerts.notify.escalation import EscalationStep, steps_of
from alerts.notify.tables import notice_decisions as decisions
from alerts.notify.tables import notices
from alerts.tables import outbox, tickets
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict of a stage; `receiver` is empty where it held for everybody."""

    stage: str
    outcome: str
    receiver: str
    why: str
    at: datetime


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the outbox to somebody, as it stands."""

    channel: str
    person: str | None
    address: str | None
    next_try_at: datetime
    attempts: int
    sent_at: datetime | None
    read_at: datetime | None
    acknowledged_at: datetime | None
    dead_at: datetime | None
    last_error: str | None


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one notice.

    Attributes
    ----------
    decided_at:
        None while it is held, or nobody has looked at it yet.
    summary:
        One Chinese sentence: got it or not, and the reason that decided.
    """

    id: int
    reason: str
    level: str
    subject: str
    created_at: datetime
    decided_at: datetime | None
    summary: str
    decisions: list[Decision]
    messages: list[Message]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """All notices of a ticket, for a person (empty: for everybody), and the ticket's escalation chain."""

    ticket: str
    person: str
    name: str
    notices: list[Explained]
    escalation: list[EscalationStep]


def explain(store: Store, clock: Clock, ticket: str, person: str = "") -> Explanation:
    """What was decided about a ticket's notices. `person` is an id or a name of the duty book, or a channel's name.

    `ticket` may also be a matter that is no ticket, such as `policy:ID` for what was told around its release.

    Raises
    ------
    WrongUse
        Where there is no such ticket or person.
    """
    book = BookShelf(store).current()
    found = next((one for one in book.people if person in (one.id, one.name)), None)
    with store.read() as connection:
        row = connection.execute(
            sa.select(tickets.c.id, tickets.c.number).where(tickets.c.number == ticket.strip().upper())
        ).first()
        name, about = ticket.strip(), notices.c.matter == ticket.strip()
        if row is not None:
            name, about = row.number, notices.c.ticket_id == row.id
        told = connection.execute(sa.select(notices).where(about).order_by(notices.c.id)).mappings().all()
        if row is None and not told:
            raise WrongUse(
                Problem("ticket-unknown", ticket=ticket), "see minsheng tickets list; of a policy's release: policy:ID"
            )
        ids = sa.select(notices.c.id).where(about)
        verdicts = (
            connection.execute(sa.select(decisions).where(decisions.c.notice_id.in_(ids)).order_by(decisions.c.id))
            .mappings()
            .all()
        )
        messages = (
            connection.execute(sa.select(outbox).where(outbox.c.notice_id.in_(ids)).order_by(outbox.c.id))
            .mappings()
            .all()
        )
        chain = steps_of(connection, row.id) if row is not None else []
    receiver = f"person:{found.id}" if found else f"channel:{person}" if person else ""
    if person and not found and not any(one["channel"] == person for one in messages):
        names = ", ".join(f"{one.id}（{one.name}）" for one in book.people) or "none"
        raise WrongUse(Problem("person-unknown", person=person), f"there are: {names}")
    explained: list[Explained] = []
    for notice in told:
        decided = [
            Decision(**{name: one[name] for name in Decision.__struct_fields__})
            for one in verdicts
            if one["notice_id"] == notice["id"] and (not receiver or one["receiver"] in ("", receiver))
        ]
        sent = [
            Message(**{name: one[name] for name in Message.__struct_fields__})
            for one in messages
            if one["notice_id"] == notice["id"]
            and (not receiver or receiver in (f"person:{one['person']}", f"channel:{one['channel']}"))
        ]
        summary = _summary(decided, sent, notice["decided_at"] is not None, receiver)
        if found is not None and not sent and notice["decided_at"] is not None:
            summary += _duty_words(store, clock, found.id, notice["created_at"])
        explained.append(
            Explained(
                id=notice["id"],
                reason=REASONS.get(notice["reason"], notice["reason"]),
                level=notice["level"],
                subject=notice["payload"]["subject"],
                created_at=notice["created_at"],
                decided_at=notice["decided_at"],
                summary=summary,
                decisions=decided,
                messages=sent,
            )
        )
    who = found.name if found else person
    return Explanation(ticket=name, person=person, name=who, notices=explained, escalation=chain)


def _summary(about: list[Decision], sent: list[Message], decided: bool, receiver: str) -> str:
    told = [one.why for one in about if one.outcome == "told" and one.receiver]
    done = [one for one in sent if one.sent_at is not None]
    if done:
        return f"已送达（{'、'.join(one.channel for one in done)}）" + (f"：{told[0]}" if told else "")
    waiting = [one for one in sent if one.dead_at is None]
    later = next((one.why for one in reversed(about) if one.outcome == "later"), "")
    if waiting:
        error = in_chinese(next((one.last_error for one in waiting if one.last_error), ""))
        return f"等待发送{f'：{later}' if later else ''}{f'（上次失败：{error}）' if error else ''}"
    if sent:
        return f"未送达：{in_chinese(sent[-1].last_error or '') or '已放弃'}"
    held = next((one for one in reversed(about) if one.outcome in ("held", "dropped")), None)
    if held is not None:
        return f"{'暂缓' if held.outcome == 'held' and not decided else '未发送'}：{held.why}"
    if not decided:
        return "尚未处理：通知服务未运行，或马上就到（minsheng doctor）"
    skipped = next((one.why for one in reversed(about) if one.outcome == "skipped" and one.receiver == receiver), "")
    return f"未发给此人：{skipped or '适用的路由没有指向此人'}"


def _duty_words(store: Store, clock: Clock, person: str, at: datetime) -> str:
    from datetime import timedelta

    changes = DutyChanges(store, clock).between(at - timedelta(days=2), at + timedelta(days=2))
    book = BookShelf(store).current(at)
    watching = [one.name for watch in on_duty(book, changes, at) for one in watch.watchers]
    if not watching:
        return "；当时无人值班"
    return f"；当时值班的是{'、'.join(dict.fromkeys(watching))}"
