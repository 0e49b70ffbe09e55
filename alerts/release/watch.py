"""Timers around policies' releases: reminders of what is missing before one, first reports after it.

Timers are rows. `plan_timers` makes them what the register says: a release that moves gets new ones, a policy that is
withdrawn none. Whoever fires one has changed its row, in the transaction of what comes of it; so none fires twice, and
what became due while nobody looked fires at the next look. Reminders that became due together are one notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.levels import Level
from alerts.notices import Notice, enqueue_matter
from alerts.planning.shelf import LivePlans
from alerts.plans import PlanBook
from alerts.release.readiness import PARTS, Readiness, moment_of, readiness_of, released_at
from alerts.release.report import ReleaseReport, keep, kept_reports, release_report
from alerts.release.tables import release_timers as timers
from minsheng.clock import CHINA, Clock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.policies import Policy, PolicyRegister
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore
from search.index import Index

log = get_logger(__name__)

WITHOUT_INDEX_AFTER = timedelta(hours=1)
"""A report that is late by so much is made without the index, if that is away."""
_LATE = timedelta(hours=1)
"""From then on a reminder says that it comes late."""


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `kind` is `remind` (`distance` in days before) or `report` (in hours after); `why` says in Chinese what
    came of it."""

    policy_id: str
    released_on: date
    kind: str
    distance: int
    due_at: datetime
    fired_at: datetime | None
    cancelled_at: datetime | None
    why: str


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A policy's release, as the watch sees it.

    Attributes
    ----------
    state:
        `coming`, `window` (released not longer ago than `alert.release_days`), `past`, `withdrawn`, or `undated`.
    days:
        Days until the release; negative after it; None where no day is known.
    timers:
        Its timers for the day that is set now, in their order.
    reports:
        Its kept first reports after that release.
    """

    policy: Policy
    state: str
    released_at: datetime | None
    days: int | None
    readiness: Readiness
    timers: tuple[Timer, ...]
    reports: tuple[ReleaseReport, ...]


STATES: dict[str, str] = {
    "coming": "待发布",
    "window": "发布窗口期",
    "past": "已过窗口期",
    "withdrawn": "已撤回",
    "undated": "未定发布日期",
}


class ReleaseWatch:
    """The watch. Several processes may keep it at once.

    Parameters
    ----------
    index:
        Read for the first reports; None: they are made without, once they are late.
    plans:
        The plans in force; None: shipped ones, the data folder's and those of the store.
    """

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, index: Index | None, plans: PlanBook | None = None
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._index = index
        self._given = plans
        self._live: PlanBook | None = None
        self._planned: str | None = None

    def look(self) -> int:
        """Plan what is to come and fire what is due. Returns how many timers fired."""
        revision = PolicyRegister(self._store).revision()
        if revision != self._planned:
            plan_timers(self._store, self._settings, self._clock)
            self._planned = revision
        return self.fire()

    def fire(self) -> int:
        """Fire what is due. Raises `Unavailable` where a report needs an index that is away."""
        now = self._clock.now()
        due = (timers.c.fired_at.is_(None), timers.c.cancelled_at.is_(None), timers.c.due_at <= now)
        query = sa.select(timers.c.id, timers.c.policy_id, timers.c.released_on, timers.c.kind).where(*due)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(timers.c.due_at, timers.c.id).limit(500)).all()
        fired = 0
        for policy_id, day in dict.fromkeys((row.policy_id, row.released_on) for row in rows if row.kind == "remind"):
            fired += self._remind(policy_id, day, now)
        away: Unavailable | None = None
        for row in rows:
            if row.kind == "report":
                try:
                    fired += self._report(row.id, now)
                except Unavailable as error:
                    if error.part == "store":
                        raise
                    away = error
        if away is not None:
            raise away
        return fired

    def watched(self, policies: Sequence[Policy] | None = None) -> list[Watched]:
        """Each policy's release, the next one first, then those of the window, then the others."""
        every = PolicyRegister(self._store).all() if policies is None else policies
        ready = readiness_of(self._store, self._clock, self._plans(), every)
        with self._store.read() as connection:
            rows = connection.execute(sa.select(timers).order_by(timers.c.due_at, timers.c.id)).mappings().all()
        mine: dict[tuple[str, date], list[Timer]] = {}
        for row in rows:
            timer = Timer(**{name: row[name] for name in Timer.__struct_fields__})
            mine.setdefault((timer.policy_id, timer.released_on), []).append(timer)
        only = every[0].id if len(every) == 1 else None
        kept = [report for report, _ in kept_reports(self._store, only)]
        found = []
        for policy in every:
            day = policy.released_on
            found.append(
                Watched(
                    policy=policy,
                    state=self._state(policy),
                    released_at=released_at(policy, self._settings),
                    days=(day - self._today()).days if day is not None else None,
                    readiness=ready[policy.id],
                    timers=tuple(mine.get((policy.id, day), ())) if day is not None else (),
                    reports=tuple(one for one in kept if one.policy_id == policy.id and one.released_on == day),
                )
            )
        order = list(STATES)
        return sorted(found, key=lambda one: (order.index(one.state), abs(one.days or 0), one.policy.id))

    def _state(self, policy: Policy) -> str:
        if withdrawn(policy, self._today()):
            return "withdrawn"
        moment = released_at(policy, self._settings)
        if moment is None:
            return "undated"
        if moment > self._clock.now():
            return "coming"
        assert policy.released_on is not None
        within = (self._today() - policy.released_on).days <= self._settings.alert.release_days
        return "window" if within else "past"

    def _remind(self, policy_id: str, day: date, now: datetime) -> int:
        """Fire all reminders of a release that are due: one notice, of what is missing now."""
        policy = PolicyRegister(self._store).get(policy_id)
        ready = readiness_of(self._store, self._clock, self._plans(), [policy])[policy_id] if policy else None
        with self._store.begin() as connection:
            due = (
                timers.c.policy_id == policy_id,
                timers.c.released_on == day,
                timers.c.kind == "remind",
                timers.c.fired_at.is_(None),
                timers.c.cancelled_at.is_(None),
                timers.c.due_at <= now,
            )
            query = sa.select(timers).where(*due).order_by(timers.c.distance)
            rows = connection.execute(query.with_for_update()).mappings().all()
            if not rows:
                return 0
            ids = [row["id"] for row in rows]
            if policy is None or ready is None or self._moved(policy, day):
                _cancel(connection, ids, now, "发布日期已改或政策已撤回")
                return 0
            nearest = rows[0]
            notice = self._reminder(policy, ready, nearest, now)
            for row in rows:
                together = f"与{_distance(nearest)}的提醒一并发出；" if row is not nearest else ""
                told = "已提醒" if notice is not None else "齐备，未提醒"
                lacking = "、".join(PARTS[part] for part in ready.missing)
                why = f"{together}{told}{f'：缺{lacking}' if lacking else ''}"
                connection.execute(timers.update().where(timers.c.id == row["id"]).values(fired_at=now, why=why))
            if notice is not None:
                receivers = self._settings.release.receivers or None
                detail = f"{day.isoformat()}/{nearest['distance']}"
                enqueue_matter(self._store, connection, f"policy:{policy_id}", detail, notice, receivers, now)
        log.info("release_reminded", policy=policy_id, days=nearest["distance"], missing=list(ready.missing))
        return len(rows)

    def _reminder(self, policy: Policy, ready: Readiness, row: sa.RowMapping, now: datetime) -> Notice | None:
        """What the owner is told; None where nothing is missing and the release is still to come."""
        distance: int = row["distance"]
        today = self._today() == row["released_on"]
        if not ready.missing and not (distance == 0 or today):
            return None
        assert policy.released_on is not None
        left = (policy.released_on - self._today()).days
        when = {0: "今日发布", 1: "明日发布"}.get(left, f"{left} 天后发布" if left > 0 else f"已于 {-left} 天前发布")
        lacking = "、".join(PARTS[part] for part in ready.missing)
        head = f"【发布提醒】《{policy.title}》{when}，{f'尚缺：{lacking}' if lacking else '各项准备齐备'}"
        lines = [f"发布时间：{moment_of(row['released_on'], self._settings):%Y年%m月%d日 %H:%M}。"]
        lines += [f"{title}：{ready.words(part)}。" for part, title in PARTS.items()]
        if left <= 0:
            days, hours = self._settings.alert.release_days, self._settings.release.report_hours
            first = f"，发布后 {'、'.join(map(str, hours))} 小时出首报" if hours else ""
            lines.append(f"自发布起 {days} 天为发布窗口期，监看从严{first}。")
        late = now - row["due_at"]
        if late > _LATE:
            lines.append(f"本提醒应于 {row['due_at'].astimezone(CHINA):%m月%d日 %H:%M} 发出，因系统当时未运行而迟到。")
        level: Level = "yellow" if ready.missing and left <= 3 else "blue"
        command = f"minsheng policies watch {policy.id}"
        return Notice(reason="release", level=level, ticket="", subject=head, why="\n".join(lines), command=command)

    def _report(self, timer_id: int, now: datetime) -> int:
        with self._store.read() as connection:
            row = connection.execute(sa.select(timers).where(timers.c.id == timer_id)).mappings().one()
        policy = PolicyRegister(self._store).get(row["policy_id"])
        if policy is None or self._moved(policy, row["released_on"]):
            with self._store.begin() as connection:
                _cancel(connection, [timer_id], now, "发布日期已改或政策已撤回")
            return 0
        missing = readiness_of(self._store, self._clock, self._plans(), [policy])[policy.id].missing
        moment = moment_of(row["released_on"], self._settings)

        def made(index: Index | None) -> ReleaseReport:
            return release_report(self._store, index, self._clock, policy, moment, row["distance"], missing)

        try:
            report = made(self._index)
        except Unavailable as error:
            if error.part == "store" or now - row["due_at"] < WITHOUT_INDEX_AFTER:
                raise
            report = made(None)
        with self._store.begin() as connection:
            claim = timers.update().where(
                timers.c.id == timer_id, timers.c.fired_at.is_(None), timers.c.cancelled_at.is_(None)
            )
            if not connection.execute(claim.values(fired_at=now, why="已出首报")).rowcount:
                return 0
            keep(self._store, connection, report)
            command = f"minsheng policies release-report {policy.id} --hours {report.hours}"
            level: Level = report.tickets[0].level if report.tickets else "blue"
            notice = Notice(
                reason="report",
                level=level,
                ticket="",
                subject=f"【发布首报】《{policy.title}》发布后 {report.hours} 小时舆情",
                why="\n".join((report.summary, *report.limits)),
                command=command,
            )
            receivers = self._settings.release.receivers or None
            detail = f"{row['released_on'].isoformat()}/{report.hours}"
            enqueue_matter(self._store, connection, f"policy:{policy.id}", detail, notice, receivers, now)
        log.info("release_reported", policy=policy.id, hours=report.hours, documents=report.documents)
        return 1

    def _moved(self, policy: Policy, day: date) -> bool:
        return policy.released_on != day or withdrawn(policy, self._today())

    def _today(self) -> date:
        return self._clock.now().astimezone(CHINA).date()

    def _plans(self) -> PlanBook:
        if self._given is not None:
            return self._given
        if self._live is None:
            self._live = LivePlans(self._store, self._settings.path("plans"), self._clock)
        self._live.refresh()
        return self._live


def withdrawn(policy: Policy, today: date) -> bool:
    """Whether a policy counts no more."""
    return policy.stage == "repealed" or (policy.repealed_on is not None and policy.repealed_on <= today)


def plan_timers(store: Store, settings: Settings, clock: Clock) -> int:
    """Make the timers what the register says. Returns how many rows were added, set going again, or cancelled.

    A policy that comes to the register when reminders of its release, or reports after it, are overdue already gets the
    last overdue one of each, as long as the release, or the last report, is not over: who comes late is told at once.
    """
    now = clock.now()
    today = now.astimezone(CHINA).date()
    policies = {one.id: one for one in PolicyRegister(store).all()}
    changed = 0
    with store.begin() as connection:
        # Of two that plan at once the second sees what the first has written.
        there = connection.execute(sa.select(timers).order_by(timers.c.id).with_for_update()).mappings().all()
        waiting = [row for row in there if row["fired_at"] is None]
        gone = [
            row["id"]
            for row in waiting
            if row["cancelled_at"] is None
            and (
                (policy := policies.get(row["policy_id"])) is None
                or policy.released_on != row["released_on"]
                or withdrawn(policy, today)
            )
        ]
        _cancel(connection, gone, now, "发布日期已改或政策已撤回")
        changed += len(gone)
        known = {(row["policy_id"], row["released_on"], row["kind"], row["distance"]): row for row in there}
        fresh: list[dict[str, Any]] = []
        for policy in policies.values():
            if policy.released_on is None or withdrawn(policy, today):
                continue
            for wanted in _wanted(policy.id, policy.released_on, settings, now):
                key = (wanted["policy_id"], wanted["released_on"], wanted["kind"], wanted["distance"])
                row = known.get(key)
                if row is None:
                    fresh.append(wanted)
                elif row["cancelled_at"] is not None and row["fired_at"] is None:
                    again = timers.update().where(timers.c.id == row["id"])
                    connection.execute(again.values(cancelled_at=None, why="", due_at=wanted["due_at"]))
                    changed += 1
                elif row["fired_at"] is None and row["due_at"] != wanted["due_at"]:  # another hour in the settings
                    connection.execute(timers.update().where(timers.c.id == row["id"]).values(due_at=wanted["due_at"]))
                    changed += 1
        insert_or_ignore(store, timers, fresh, connection=connection)
    return changed + len(fresh)


def _wanted(policy_id: str, day: date, settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """The rows of a release that are of use from now on."""
    moment = moment_of(day, settings)
    reminders = [(days, moment - timedelta(days=days)) for days in sorted(set(settings.release.remind_days))[::-1]]
    reports = [(hours, moment + timedelta(hours=hours)) for hours in sorted(set(settings.release.report_hours))]
    found = []
    for kind, every, over in (
        ("remind", reminders, now.astimezone(CHINA).date() > day),
        ("report", reports, bool(reports) and now > reports[-1][1]),
    ):
        late = [one for one in every if one[1] <= now]
        use = [one for one in every if one[1] > now] + ([] if over else late[-1:])
        found += [
            {"policy_id": policy_id, "released_on": day, "kind": kind, "distance": distance, "due_at": due}
            for distance, due in use
        ]
    return found


def _cancel(connection: Connection, ids: Sequence[int], now: datetime, why: str) -> None:
    for start in range(0, len(ids), 500):
        chosen = timers.c.id.in_(ids[start : start + 500])
        connection.execute(timers.update().where(chosen, timers.c.fired_at.is_(None)).values(cancelled_at=now, why=why))


def _distance(row: sa.RowMapping) -> str:
    return "发布当日" if row["distance"] == 0 else f"提前 {row['distance']} 天"
