"""Tell departments of days that the law sets and that are near or over: each matter once before its day and once after.

What is due is worked out at each look from the records, the calendar and the settings, which all may change; that it
was told is a row, written in the transaction that puts the notice in. So none is lost or told twice, whoever looks how
often, and a service that was down tells at its next look of what came meanwhile: of what is late by then, only that it
is late. A day that moves, by an extension or a longer consultation, is told of anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.duty.book import BookShelf
from alerts.duty.model import RESPONSIBLE
from alerts.notices import Notice, enqueue_matter
from alerts.statutory.tables import reminders
from consultations.deadline import standing
from consultations.model import Consultation
from consultations.tables import comments as comment_table
from consultations.tables import consultations, opinions
from disclosure.register import OPEN, Asked, Register
from minsheng.clock import CHINA, Clock
from minsheng.duedays import Press, press_of, words_of
from minsheng.logs import get_logger
from minsheng.policies import PolicyRegister
from minsheng.settings import Settings
from minsheng.store import Store

log = get_logger(__name__)

LISTED = 10
"""Applications that a notice lists; the others are counted."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A matter whose day is near or over.

    Attributes
    ----------
    matter:
        `consultation:ID` or `application:ID`.
    left:
        Days, or working days, until `due_on`; below 0: late by so many.
    """

    matter: str
    step: Press
    due_on: date
    left: int
    line: str


def tell_due(store: Store, settings: Settings, clock: Clock) -> int:
    """Tell of what is near or over and was not told of yet. Returns how many notices that made."""
    now = clock.now()
    return _consultations(store, settings, now) + _applications(store, settings, clock, now)


def _consultations(store: Store, settings: Settings, now: datetime) -> int:
    """A notice each: there are few, and each is worked on by itself."""
    today = now.astimezone(CHINA).date()
    columns = [each for each in consultations.c if each.name != "text"]
    over = (consultations.c.published_on.is_(None), consultations.c.closes_on < today)
    query = sa.select(*columns).where(*over).order_by(consultations.c.id)
    with store.read() as connection:
        found = [Consultation(**row, text="") for row in connection.execute(query).mappings()]
    told = 0
    for one in found:
        stands = standing(one, today, settings.consultation)
        step = press_of(stands.days, settings.consultation.warn_days)
        if step is None:
            continue
        due = Due(
            matter=f"consultation:{one.id}", step=step, due_on=stands.due_on, left=stands.days,
            line=f"《{one.title}》征求意见采纳情况应于 {_day(stands.due_on)}前公开，{words_of(stands.days)}",
        )  # fmt: skip
        with store.begin() as connection:
            key = f"consultation-{one.id}/{due.due_on}/{step}"
            if not _claimed(connection, [due], now, key):
                continue
            notice = Notice(
                reason="duty", level="yellow" if step == "late" else "blue", ticket="",
                subject=f"【公开时限】{due.line}", why=_progress(connection, one),
                command=f"minsheng consultation show {one.number}",
            )  # fmt: skip
            receivers = _receivers(store, one.department)
            enqueue_matter(store, connection, f"policy:{one.policy_id}", key, notice, receivers, now)
        told += 1
        log.info("consultation_due", consultation=one.number, step=step, due_on=str(due.due_on))
    return told


def _progress(connection: Connection, one: Consultation) -> str:
    used = sa.select(comment_table.c.opinion).where(comment_table.c.consultation_id == one.id)
    of = (opinions.c.consultation_id == one.id, opinions.c.number.in_(used))
    every = connection.scalar(sa.select(sa.func.count()).where(*of)) or 0
    waiting = connection.scalar(sa.select(sa.func.count()).where(*of, opinions.c.outcome.is_(None))) or 0
    decided = f"{waiting} 项未决定" if waiting else "均已决定"
    said = f"意见 {every} 项，{decided}" if every else "没有收到意见"
    return f"{one.number}，{one.opens_on} 至 {one.closes_on} 征求意见；{said}。"


def _applications(store: Store, settings: Settings, clock: Clock, now: datetime) -> int:
    """One notice a department: of a register that is imported for the first time many may be late at once."""
    register = Register(store, clock, settings)
    departments = {one.id: one.department or "" for one in PolicyRegister(store, clock).all()}
    by_department: dict[str, list[Due]] = {}
    for listed in register.list(Asked(state=OPEN)):
        one, stands = listed.application, listed.standing
        step = register.press(stands)
        if step is None:
            continue
        assert stands.due is not None and stands.left is not None
        due = Due(
            matter=f"application:{one.id}", step=step, due_on=stands.due, left=stands.left,
            line=f"{one.number} {one.subject[:40]}：应于 {_day(stands.due)}前答复，{words_of(stands.left, '个工作日')}",
        )  # fmt: skip
        by_department.setdefault(one.department or departments.get(one.policy or "", ""), []).append(due)
    told = 0
    for department, dues in by_department.items():
        with store.begin() as connection:
            key = f"applications/{now.isoformat()}"
            fresh = _claimed(connection, dues, now, key)
            if not fresh:
                continue
            notice = _of_applications(department, fresh)
            matter = f"department:{department or '未注明'}"[:120]
            enqueue_matter(store, connection, matter, key, notice, _receivers(store, department), now)
        told += 1
        log.info("applications_due", department=department, applications=len(fresh))
    return told


def _of_applications(department: str, dues: Sequence[Due]) -> Notice:
    late = sum(one.step == "late" for one in dues)
    counts = [f"{late} 件已超期" if late else "", f"{len(dues) - late} 件将到期" if late < len(dues) else ""]
    items = [one.line for one in sorted(dues, key=lambda one: (one.left, one.line))]
    if len(items) > LISTED:
        items = [*items[:LISTED], f"……另有 {len(items) - LISTED} 件"]
    which = f" --department {department}" if department else ""
    return Notice(
        reason="duty", level="yellow" if late else "blue", ticket="",
        subject=f"【公开时限】{department or '未注明机关'}依申请公开：{'，'.join(one for one in counts if one)}",
        why="《政府信息公开条例》规定的答复期限，逐件如下。", items=tuple(items),
        command=f"minsheng disclosure list{which}",
    )  # fmt: skip


def _claimed(connection: Connection, dues: Iterable[Due], now: datetime, notice: str) -> list[Due]:
    """Those that nobody was told of; they are told of with this transaction."""
    return [one for one in dues if _claim(connection, one, now, notice)]


def _claim(connection: Connection, one: Due, now: datetime, notice: str) -> bool:
    from sqlalchemy.dialects import postgresql, sqlite

    kind = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"matter": one.matter, "due_on": one.due_on, "step": one.step, "told_at": now, "notice": notice}
    return bool(connection.execute(kind.insert(reminders).values(**row).on_conflict_do_nothing()).rowcount)


def _receivers(store: Store, department: str) -> list[str]:
    """The unit of the department; where the duty book knows none, its routes decide."""
    unit = BookShelf(store).current().unit_of_department(department)
    return [f"unit:{unit.id}"] if unit is not None else [RESPONSIBLE]


def _day(day: date) -> str:
    return f"{day.month}月{day.day}日"


def reminded(store: Store, matter: str) -> list[str]:
    """When the department was told of a matter's day, and of which, in words; oldest first."""
    query = sa.select(reminders).where(reminders.c.matter == matter).order_by(reminders.c.told_at)
    with store.read() as connection:
        rows = connection.execute(query).all()
    return [
        f"{row.told_at.astimezone(CHINA):%Y-%m-%d %H:%M} 提醒责任单位：{_day(row.due_on)}到期，"
        + ("已超期" if row.step == "late" else "将到期")
        for row in rows
    ]
