"""Quiet or blind? How each source does, and what was seen in a window of time: for alerts, briefings and operators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from crawlers import operator_tickets, tables
from crawlers.rhythm import HOUR, Expected, Rhythm, may_be_odd
from crawlers.states import BLIND, WORDS, State, advice
from crawlers.websub import subscriptions
from crawlers.websub.subscriptions import Pushed, PushState
from minsheng.clock import CHINA, Clock
from minsheng.redaction import redacted
from minsheng.store import Store

LEAST_GRACE = timedelta(hours=1)
"""A source that has answered within this time is never called unseen, however short its rhythm."""
NOW = timedelta(minutes=10)
"""A window that ended no longer ago is judged by how the sources do now."""
SHOWN = 24
"""Hours that lists show."""
LEAST_KNOWN = 48
"""So many hours must have been seen before anything is said of what is usual."""


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """A source that says nothing about a window, why, and since when (None: never seen)."""

    source: str
    name: str
    reason: str
    since: datetime | None = None
    state: State = "failing"


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the enabled sources were seen in a window: their ids, and the others with the reason."""

    since: datetime
    until: datetime
    seen: list[str]
    unseen: list[Unseen]

    @property
    def total(self) -> int:
        return len(self.seen) + len(self.unseen)

    def sentence(self, most: int = 5) -> str:
        """In Chinese, for people: how many were seen, and who was not."""
        at = self.until.astimezone(CHINA)
        head = f"截至{at:%m月%d日 %H:%M}，{self.total}个信源中{len(self.seen)}个可见"
        if not self.unseen:
            return head
        names = [
            f"{one.name}（{WORDS[one.state]}{f'，自{one.since.astimezone(CHINA):%m-%d %H:%M}' if one.since else ''}）"
            for one in self.unseen[:most]
        ]
        rest = f"等{len(self.unseen)}个" if len(self.unseen) > most else ""
        return f"{head}；看不到：{'、'.join(names)}{rest}"


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """A source's row in a list: what it is and how it is doing.

    Attributes
    ----------
    state, since:
        One of `crawlers.states.STATES`, and since when it has been so, where that is known.
    sample:
        The last good document: title, url, published_at, fetched_at.
    hours:
        New documents in each of the last 24 hours, the current one last; None where it did not answer.
    expected:
        How many new ones those hours should have brought, as far as its rhythm is known.
    advice:
        What to do, in Chinese.
    push:
        How its subscription at its feed's hub does, see `crawlers.websub.subscriptions`; empty where there is none.
    pause:
        Seconds between two runs while all is well: longer than `every` where a hub tells of news.
    """

    id: str
    name: str
    kind: str
    url: str
    every: int
    enabled: bool
    state: State
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_ok_at: datetime | None
    last_item_at: datetime | None
    failures: int
    items: int
    last_error: str
    quiet_after: int | None
    since: datetime | None = None
    last_error_at: datetime | None = None
    sample: dict[str, Any] | None = None
    hours: list[int | None] = []
    expected: Expected | None = None
    advice: str = ""
    push: PushState = ""
    push_hub: str = ""
    pushed_at: datetime | None = None
    push_error: str = ""
    pause: int = 0


def coverage(store: Store, clock: Clock, since: datetime, until: datetime) -> Coverage:
    """Which sources can speak for the window from `since` to `until`.

    A source is unseen when it never answered, or has not answered well within three of its rhythms (at least an hour)
    before the window's end; when it answers, but what it holds can't be read as it could before; or when it has brought
    nothing new for longer than its `quiet_after` or its rhythm allow. Of windows in the past the hours are known in
    which each source answered, for six weeks.
    """
    return coverage_at(store, clock.now(), since, until)


def coverage_at(store: Store, now: datetime, since: datetime, until: datetime) -> Coverage:
    """The same, as it is to be said at the time `now`."""
    return _coverage(store, _rows(store, now, judged=True), now, since, until)


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """A source and its state now."""

    id: str
    name: str
    state: State


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of a window, and the sources by id."""

    coverage: Coverage
    sources: list[Brief]


def overview(store: Store, clock: Clock, since: datetime, until: datetime) -> Overview:
    """Both, of all sources at one reading."""
    now = clock.now()
    rows = _rows(store, now, judged=True)
    sources = [Brief(id=row["id"], name=row["name"], state=_named(row, now)[0]) for row in rows]
    return Overview(coverage=_coverage(store, rows, now, since, until), sources=sources)


def _coverage(
    store: Store, rows: Sequence[Mapping[str, Any]], now: datetime, since: datetime, until: datetime
) -> Coverage:
    end = min(until, now)
    # A store that was made before the hours were kept knows none for that time: then today's state is all there is.
    past = (_known_at(store, end) or None) if now - end > NOW else None
    seen: list[str] = []
    unseen: list[Unseen] = []
    for row in rows:
        if not row["enabled"]:
            continue
        if past is not None and row["id"] in past:
            answered, brought = past[row["id"]]
            row = {**row, "last_ok_at": answered, "last_item_at": brought}
            if row["state_since"] is None or row["state_since"] > end:
                row |= {"state": "well", "failures": 0, "last_error": ""}
        state, reason, at = _blind(row, end)
        if reason:
            name = row["name"] or row["id"]
            unseen.append(Unseen(source=row["id"], name=name, reason=reason, since=at, state=state))
        else:
            seen.append(row["id"])
    return Coverage(since=since, until=until, seen=seen, unseen=unseen)


def states(store: Store, clock: Clock, source_ids: Collection[str] | None = None) -> list[SourceState]:
    """How each source is doing, by id; only of these, where some are given. One that is unknown is left out."""
    now = clock.now()
    hours = _hours(store, now, source_ids)
    return [_state(row, now, hours.get(row["id"], {})) for row in _rows(store, now, source_ids)]


def state_of(store: Store, clock: Clock, source_id: str) -> SourceState | None:
    """How one source is doing; None where there is none of this id."""
    return next(iter(states(store, clock, [source_id])), None)


def watch(store: Store, clock: Clock) -> None:
    """Open and close operators' tickets for what shows only as time passes: sources that are late or quiet.

    To be called now and then by whoever lives; the rest is told when a run ends.
    """
    now = clock.now()
    waiting = {one.subject: one.state for one in operator_tickets.tickets(store, limit=100_000)}
    rows = _rows(store, now, judged=True)
    settled = set(waiting) - {row["id"] for row in rows}  # removed since
    for row in rows:
        state, since = _named(row, now)
        if state == "off" or (state == "well" and waiting.get(row["id"]) in ("late", "quiet")):
            settled |= {row["id"]} & set(waiting)
        if state not in ("late", "quiet"):
            continue
        name = row["name"] or row["id"]
        reason = _blind(row, now)[1]
        words = f"自{since.astimezone(CHINA):%m-%d %H:%M}" if since else ""
        told = (state, f"信源“{name}”{WORDS[state]}{words}", reason, advice(state, row["id"], row["url"]))
        with store.begin() as connection:
            operator_tickets.note(store, connection, row["id"], now, told)
    if settled:
        with store.begin() as connection:
            for subject in sorted(settled):
                operator_tickets.note(store, connection, subject, now, None)


def _rows(
    store: Store, now: datetime, source_ids: Collection[str] | None = None, *, judged: bool = False
) -> list[dict[str, Any]]:
    """The sources with how each is doing; `judged`: only what it is judged by."""
    kept, state = tables.sources, tables.crawl_state
    joined = sa.outerjoin(kept, state, kept.c.id == state.c.source_id)
    columns: list[sa.ColumnElement[Any]] = [*kept.c, *(one for one in state.c if one is not state.c.rhythm)]
    if judged:
        columns = [kept.c.id, kept.c.name, kept.c.url, kept.c.every, kept.c.enabled, kept.c.quiet_after,
                   state.c.last_run_at, state.c.last_ok_at, state.c.last_item_at, state.c.failures, state.c.last_error,
                   state.c.state, state.c.state_since]  # fmt: skip
    # Most rhythms are not looked at: each is read where it is.
    wanted = sa.select(*columns, sa.cast(state.c.rhythm, sa.Text).label("rhythm"))
    wanted = wanted.select_from(joined).order_by(kept.c.id)
    if source_ids is not None:
        wanted = wanted.where(tables.sources.c.id.in_(list(source_ids)))
    with store.read() as connection:
        rows = connection.execute(wanted).mappings().all()
        told = subscriptions.of_sources(connection, now, source_ids)

    def complete(row: sa.RowMapping) -> dict[str, Any]:
        push, every = told.get(row["id"]), timedelta(seconds=row["every"])
        pause = subscriptions.slower(every) if push is not None and push.relied_on else every
        # All that is told of sources comes from here; what was written down before errors were redacted, too.
        shown = {"url": redacted(row["url"]), "last_error": redacted(row["last_error"] or "")}
        return {**row, **shown, "push": push, "pause": pause}

    return [complete(row) for row in rows]


def _state(row: Mapping[str, Any], now: datetime, hours: Mapping[datetime, int]) -> SourceState:
    state, since = _named(row, now)
    first = now.replace(minute=0, second=0, microsecond=0) - (SHOWN - 1) * HOUR
    rhythm = _rhythm(row)
    return SourceState(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        url=row["url"],
        every=row["every"],
        enabled=row["enabled"],
        state=state,
        next_run_at=row["next_run_at"],
        last_run_at=row["last_run_at"],
        last_ok_at=row["last_ok_at"],
        last_item_at=row["last_item_at"],
        failures=row["failures"] or 0,
        items=row["items"] or 0,
        last_error=row["last_error"] or "",
        quiet_after=row["quiet_after"],
        since=since,
        last_error_at=row["last_error_at"],
        sample=row["sample"],
        hours=[hours.get(first + place * HOUR) for place in range(SHOWN)],
        expected=rhythm.expected(first, now) if rhythm is not None and rhythm.hours >= LEAST_KNOWN else None,
        advice=advice(state, row["id"], row["url"]),
        pause=int(row["pause"].total_seconds()),
        **_push(row["push"]),
    )


def _push(push: Pushed | None) -> dict[str, Any]:
    if push is None:
        return {}
    return {"push": push.state, "push_hub": push.hub, "pushed_at": push.pushed_at, "push_error": push.error}


def _named(row: Mapping[str, Any], now: datetime) -> tuple[State, datetime | None]:
    """The state of a source now, and since when."""
    if not row["enabled"]:
        return "off", None
    if row["last_run_at"] is None:
        return "new", None
    after: State = row["state"] or ("failing" if row["failures"] else "well")
    if after != "well":
        return after, row["state_since"]
    state, _, since = _blind(row, now)
    return (state, since) if state in ("late", "quiet") else ("well", row["state_since"])


def _blind(row: Mapping[str, Any], end: datetime) -> tuple[State, str, datetime | None]:
    """How the source does, why it says nothing about the time up to `end`, and since when; an empty reason where it
    does say something."""
    state: State = row["state"] or ("failing" if row["failures"] else "well")
    error, last_ok = row["last_error"] or "", row["last_ok_at"]
    if last_ok is None:
        if error:
            return (state if state in BLIND else "failing"), f"never answered: {error}", None
        return "new", "not crawled yet", None
    if end - last_ok > max(3 * row["pause"], LEAST_GRACE):
        if row["failures"]:
            state = state if state in ("blocked", "cookie", "layout") else "failing"
            return state, f"{state}: {error}", last_ok
        return "late", "late: not crawled", last_ok
    if state in ("empty", "layout", "cookie"):
        return state, f"{state}: {error}" if error else state, row["state_since"]
    brought = row["last_item_at"]
    allowed = row["quiet_after"]
    # What the operator says of a source counts more than what was learned.
    if end - (brought or last_ok) > timedelta(seconds=allowed) if allowed else _is_odd(row, brought, end):
        return "quiet", "quiet: answers, but brought nothing new", brought
    return state, "", None


def _is_odd(row: Mapping[str, Any], brought: datetime | None, end: datetime) -> bool:
    if brought is None or not may_be_odd(brought, end):
        return False
    rhythm = _rhythm(row)
    return rhythm is not None and rhythm.is_odd(brought, end)


def _rhythm(row: Mapping[str, Any]) -> Rhythm | None:
    return msgspec.json.decode(row["rhythm"], type=Rhythm) if row["rhythm"] else None


def _hours(store: Store, now: datetime, source_ids: Collection[str] | None = None) -> dict[str, dict[datetime, int]]:
    """Source → hour of the last 24 in which it answered → new documents."""
    table = tables.crawl_hours
    wanted = sa.select(table.c.source_id, table.c.hour, table.c.new).where(
        table.c.hour > now - (SHOWN + 1) * HOUR, table.c.ok > 0
    )
    if source_ids is not None:
        wanted = wanted.where(table.c.source_id.in_(list(source_ids)))
    found: defaultdict[str, dict[datetime, int]] = defaultdict(dict)
    with store.read() as connection:
        for row in connection.execute(wanted):
            found[row.source_id][row.hour] = row.new
    return found


def _known_at(store: Store, end: datetime) -> dict[str, tuple[datetime | None, datetime | None]]:
    """Source → when it had last answered and last brought something new, to the hour, at a time in the past. Sources
    whose hours were never counted are left out: of them only the present is known."""
    table = tables.crawl_hours
    before = sa.and_(table.c.hour <= end, table.c.ok > 0)
    answered = sa.func.max(sa.case((before, table.c.hour)), type_=table.c.hour.type)
    brought = sa.func.max(sa.case((sa.and_(before, table.c.new > 0), table.c.hour)), type_=table.c.hour.type)
    wanted = sa.select(table.c.source_id, answered, brought).group_by(table.c.source_id)
    with store.read() as connection:
        rows = connection.execute(wanted).all()

    def at(hour: datetime | None) -> datetime | None:
        return min(hour + HOUR, end) if hour is not None else None

    return {name: (at(last), at(new)) for name, last, new in rows}
