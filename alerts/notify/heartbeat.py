"""Signs of life: at each change of shift the people who begin are told that the watch goes on, and what can't be seen;
gaps in a roster are told before they come; and an outside watchdog is asked regularly, whose owner alarms when that
stops."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import urllib3
from sqlalchemy.engine import Connection

from alerts.duty.book import BookShelf
from alerts.duty.changes import Change, DutyChanges
from alerts.duty.hours import quiet_until
from alerts.duty.model import DutyBook, Roster
from alerts.duty.roster import Gap, Watch, gaps, watches
from alerts.levels import SHORT
from alerts.notices import Notice
from alerts.notify.scene import Scene
from alerts.tables import outbox, tickets
from crawlers.health import coverage_at
from minsheng.clock import CHINA, Clock
from minsheng.logs import get_logger
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore
from minsheng.workdays import WorkCalendar

log = get_logger(__name__)

LATE = timedelta(hours=2)
"""A change of shift longer ago than that is not told any more."""
GAP_AHEAD = timedelta(hours=48)
"""How long before it comes a gap is told."""
GAP_BEHIND = timedelta(days=2)
"""How far back the beginning of a gap is looked for; one that is older is told again each day."""


class Heartbeat:
    """Tells people that the watch goes on. Several processes may do so at once: the outbox's keys are unique."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._shelf = BookShelf(store)
        self._calendar = WorkCalendar.from_settings(settings)

    def beat(self) -> int:
        """Tell of the shifts that have begun, and of the gaps that come. Returns how many messages were put in."""
        book = self._shelf.current()
        if not book.rosters:
            return 0
        now = self._clock.now()
        near = timedelta(days=3)
        changes = DutyChanges(self._store, self._clock).between(now - near, now + GAP_AHEAD + near)
        rows: list[dict[str, Any]] = []
        for roster in book.rosters:
            for watch in watches(book, roster, changes, now - LATE, now + timedelta(seconds=1), self._calendar):
                if now - LATE < watch.start <= now < watch.end:
                    rows += self._watch_rows(book, roster, watch, now)
            for gap in self._gaps(book, roster, changes, now)[:3]:
                rows += self._gap_rows(book, roster, gap, now)
        if not rows:
            return 0
        with self._store.begin() as connection:
            keys = [row["key"] for row in rows]
            there = set(connection.scalars(sa.select(outbox.c.key).where(outbox.c.key.in_(keys))))
            fresh = [row for row in rows if row["key"] not in there]
            if fresh:
                filled = [{**row, "payload": self._filled(connection, row["payload"], now)} for row in fresh]
                insert_or_ignore(self._store, outbox, filled, connection=connection)
        return len(fresh)

    def _gaps(self, book: DutyBook, roster: Roster, changes: Sequence[Change], now: datetime) -> list[Gap]:
        """The gaps that have begun or begin soon. They are looked for between two midnights, so that neither end of one
        moves with the clock: it would be another gap at each look."""
        midnight = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
        until = midnight + GAP_AHEAD + timedelta(days=2)
        found = gaps(book, roster, changes, midnight - GAP_BEHIND, until, self._calendar)
        return [gap for gap in found if gap.end > now and gap.start <= now + GAP_AHEAD]

    def _watch_rows(self, book: DutyBook, roster: Roster, watch: Watch, now: datetime) -> list[dict[str, Any]]:
        names = "、".join(one.name for one in watch.watchers) or "无人"
        start, end = watch.start.astimezone(CHINA), watch.end.astimezone(CHINA)
        notice = Notice(
            reason="watch",
            level="blue",
            ticket="",
            subject=f"【值守】{roster.name}·{watch.shift} {start:%H:%M} 接班：{names}，民声监看中",
            why=f"本班至 {end:%m月%d日 %H:%M}。",
        )
        to = [f"person:{one.person}" for one in watch.watchers]
        key = f"watch/{roster.id}/{watch.shift}/{watch.start.isoformat()}"
        begin = {one.person for one in watch.watchers}
        return list(self._rows(book, notice, [*to, *roster.announce], key, now, awake=begin))

    def _gap_rows(self, book: DutyBook, roster: Roster, gap: Gap, now: datetime) -> list[dict[str, Any]]:
        start, end = gap.start.astimezone(CHINA), gap.end.astimezone(CHINA)
        notice = Notice(
            reason="gap",
            level="orange",
            ticket="",
            subject=f"【值班空缺】{roster.name} {start:%m月%d日 %H:%M} 至 {end:%m月%d日 %H:%M} 无人值班",
            why=f"{gap.why}。请安排顶班：minsheng roster stand-in，或修改值守手册后 minsheng roster import；"
            "该时段无需值班的，在值班表中以 cover 写明应值班的时段。",
        )
        unit = book.unit(roster.unit)
        to = [f"person:{unit.supervisor}"] if unit and unit.supervisor else []
        key = f"gap/{roster.id}/{gap.start.isoformat()}"
        return list(self._rows(book, notice, [*to, *roster.announce], key, now, before=gap.start))

    def _rows(
        self,
        book: DutyBook,
        notice: Notice,
        receivers: Iterable[str],
        key: str,
        now: datetime,
        *,
        awake: Collection[str] = (),
        before: datetime | None = None,
    ) -> Iterable[dict[str, Any]]:
        """Messages to receivers, after their quiet hours.

        Parameters
        ----------
        awake:
            People whose quiet hours don't count: they begin their watch.
        before:
            What it is about; who would hear of it too late is told at once.
        """
        scene = Scene(now=now, settings=self._settings, book=book)
        seen: set[tuple[str, str | None]] = set()
        for receiver in receivers:
            for channel, person, address in _addresses(receiver, scene):
                if (channel, address) in seen:
                    continue
                seen.add((channel, address))
                name = book.name_of(person or "")
                quiet = quiet_until(book.person(person), now) if person and person not in awake else None
                waits = quiet is not None and (before is None or quiet < before)
                yield {
                    "key": f"{key}/{channel}" + (f"/{address}" if address else ""),
                    "ticket_id": None,
                    "notice_id": None,
                    "reason": notice.reason,
                    "channel": channel,
                    "person": person,
                    "address": address,
                    "urgency": 1,
                    "bundle": f"quiet:{quiet.isoformat()}" if quiet is not None and waits else None,
                    "payload": {**msgspec.to_builtins(notice), "to": address or "", "person": name},
                    "created_at": now,
                    "attempts": 0,
                    "next_try_at": quiet if waits else now,
                }

    def _filled(self, connection: Connection, payload: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """What only a change of shift says, looked up once it is really told."""
        if payload["reason"] != "watch":
            return dict(payload)
        rows = connection.execute(
            sa.select(tickets.c.level, sa.func.count())
            .where(tickets.c.closed_at.is_(None), tickets.c.historical.is_(False), tickets.c.exercise.is_(False))
            .group_by(tickets.c.level)
        )
        counts: dict[str, int] = {level: count for level, count in rows}  # noqa: C416 - rows are no pairs to mypy
        levels = [level for level in ("red", "orange", "yellow", "blue") if level in counts]
        told = "、".join(f"{SHORT[level]} {counts[level]} 件" for level in levels)
        seen = coverage_at(self._store, now, now - timedelta(hours=1), now)
        why = f"{payload['why']}未办结工单：{told or '无'}。"
        return {**payload, "why": why, "coverage": seen.sentence(3) if seen.total else ""}


def _addresses(receiver: str, scene: Scene) -> Iterable[tuple[str, str | None, str | None]]:
    """Channel, person and address of a receiver; what leads nowhere is left out."""
    kind, _, what = receiver.partition(":")
    if kind == "channel":
        channel = scene.channel(what)
        if channel is not None and not channel.personal:
            yield what, None, None
        return
    unit = scene.book.unit(what)
    ids = [what]
    if kind == "supervisor":
        ids = [unit.supervisor] if unit else []
    elif kind == "unit":
        ids = [one.id for one in scene.book.people if one.unit == what]
    for person in (scene.book.person(one) for one in ids):
        for address in person.addresses if person else ():
            if scene.channel(address.channel) is not None:
                yield address.channel, person.id if person else None, address.to


def feed_watchdog(settings: Settings) -> bool:
    """Ask the outside watchdog's address once. Returns whether it answered well; its address is never shown."""
    if settings.notify.watchdog_url is None:
        return False
    url = settings.notify.watchdog_url.reveal()
    try:
        answer = urllib3.request("GET", url, timeout=settings.notify.timeout, retries=False, redirect=False)
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        log.warning("watchdog_not_fed", reason=type(error).__name__)
        return False
    if not 200 <= answer.status < 300:
        log.warning("watchdog_not_fed", reason=f"HTTP {answer.status}")
        return False
    return True
