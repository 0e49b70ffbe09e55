"""What a run leaves behind: when the source is due again, how it does, its hours and rhythm, and operators' tickets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from crawlers import fields, operator_tickets, tables
from crawlers.rhythm import HOUR, LEARNS_FROM, Hour, learn
from crawlers.run import RunReport
from crawlers.sources import JITTER, MOST_JITTER, Source
from crawlers.states import EMPTY_RUNS, WORDS, State, advice, state_after
from crawlers.websub import subscriptions
from crawlers.websub.subscriptions import Pushed
from minsheng.logs import get_logger
from minsheng.records import Document
from minsheng.redaction import redacted
from minsheng.store import Store, upsert

log = get_logger(__name__)

LONGEST_BACKOFF = timedelta(hours=2)
LEARNS_EVERY = timedelta(hours=6)
TO_BE_ACTED_ON: tuple[State, ...] = ("cookie", "layout", "empty")
"""What does not mend itself while a host is left alone."""
TROUBLE_AFTER = 3
"""Failed runs in a row after which an operator is told; the other states are told at once."""


def next_run(source: Source, started: datetime, failures: int, jitter: float, *, is_told: bool = False) -> datetime:
    """When to crawl a source again.

    Parameters
    ----------
    started:
        When the last run began.
    failures:
        Failed runs in a row; each doubles the pause, up to two hours or the source's own rhythm.
    jitter:
        0 to 1.
    is_told:
        Its hub tells of news, so that it is asked more seldom while all is well.
    """
    every = timedelta(seconds=source.every_seconds)
    if is_told and not failures:
        every = subscriptions.slower(every)
    pause = min(every * 2 ** min(max(failures - 1, 0), 10), max(every, LONGEST_BACKOFF))
    return started + pause + jitter * min(every * JITTER, timedelta(seconds=MOST_JITTER))


def record_run(
    store: Store,
    source: Source,
    report: RunReport,
    started: datetime,
    now: datetime,
    *,
    new: Sequence[Document] = (),
    worker: str | None = None,
) -> datetime:
    """Write what came of a run, and when the next one is due.

    Parameters
    ----------
    new:
        Documents that it brought; some are enough.
    worker:
        Whose lease the run was made under. Where another has taken over meanwhile, nothing is written.

    Returns
    -------
    When the source is due again.
    """
    table = tables.crawl_state
    with store.begin() as connection:
        wanted = sa.select(table).where(table.c.source_id == source.id).with_for_update()
        before: Any = connection.execute(wanted).mappings().one_or_none() or {}
        if worker is not None and before.get("leased_by") != worker:
            log.warning("lease_lost", source=source.id, to=before.get("leased_by"))
            return before.get("next_run_at") or now
        told = subscriptions.of_sources(connection, now, [source.id]).get(source.id)
        row = _row(source, report, started, now, before, new, told)
        if told is not None and report.recent:
            subscriptions.missed(connection, source.id, before.get("last_run_at"))
        _count(store, connection, source.id, report, now)
        if (learned := _learned(connection, source.id, before, now)) is not None:
            row["rhythm"] = learned
        upsert(store, table, [row], keys=["source_id"], connection=connection)
        _tell(store, connection, source, row, now, brought=bool(report.recent))
    due: datetime = row["next_run_at"]
    return due


def forget(store: Store, source_id: str, now: datetime) -> None:
    """Forget what was learned of a source, and judge it anew from its next run on."""
    table = tables.crawl_state
    empty = {"fields": None, "rhythm": None, "empty_runs": 0, "last_seen_at": None, "state": "", "state_since": None}
    with store.begin() as connection:
        mine = table.c.source_id == source_id
        connection.execute(sa.update(table).where(mine).values(failures=0, last_error="", **empty))
        connection.execute(sa.delete(tables.crawl_hours).where(tables.crawl_hours.c.source_id == source_id))
        operator_tickets.note(store, connection, source_id, now, None)


def _row(
    source: Source,
    report: RunReport,
    started: datetime,
    now: datetime,
    before: Any,
    new: Sequence[Document],
    told: Pushed | None = None,
) -> dict[str, Any]:
    rested = report.resting_until is not None and not report.blocked and not report.ok
    # A host that is left alone by our own rule has not failed.
    failures = 0 if report.ok else (before.get("failures") or 0) + (not rested)
    is_told = told is not None and told.relied_on
    due = max(next_run(source, started, failures, random.random(), is_told=is_told), now)  # noqa: S311 - no secret
    if told is not None and told.pushed_at is not None and told.pushed_at > started and not failures:
        # It was told of while the run was under way, which may have come too early for it.
        due = min(due, max(now, started + subscriptions.LEAST_PAUSE))
    if report.resting_until is not None and not report.ok:
        due = max(due, report.resting_until + timedelta(seconds=random.uniform(0.0, 30.0)))  # noqa: S311
    seen_fields = msgspec.convert(before.get("fields") or {}, fields.Fields)
    fields.note(seen_fields, new)
    held = report.items + report.unchanged + report.failed + sum(report.rejected.values()) + report.named
    empty = 0
    was_empty = before.get("empty_runs") or 0
    # What has not changed since it was empty is empty still.
    if report.ok and not held and (report.looked or was_empty) and before.get("last_seen_at") is not None:
        empty = was_empty + 1
    gone = fields.gone(seen_fields)
    if empty and now - before["last_seen_at"] < HOUR:
        empty = min(empty, EMPTY_RUNS - 1)
    state: State = state_after(
        source, report, answered_before=before.get("last_ok_at") is not None, gone=gone, empty_runs=empty
    )
    if rested or (report.ok and not report.looked and not held and state == "well" and before.get("state") == "empty"):
        state = before.get("state") or state
    error = redacted(report.error) or (f"缺少{'、'.join(gone)}" if gone else "")
    held_off = report.held_off and not report.ok
    stands = held_off and before.get("state") in TO_BE_ACTED_ON
    if stands:
        # The host refuses for now, perhaps for another source's sake: what was found of this one is still so.
        state, error = before["state"], before.get("last_error") or error
    row = {
        "source_id": source.id,
        "next_run_at": due,
        "last_run_at": started,
        "failures": failures,
        "last_error": error.replace("\x00", "")[:2000],
        "items": report.items,
        "rejected": sum(report.rejected.values()),
        "state": state,
        "state_since": before.get("state_since") if before.get("state") == state else now,
        "empty_runs": was_empty if held_off else empty,
        "fields": msgspec.to_builtins(seen_fields),
        "leased_by": None,
        "leased_at": None,
    }
    if report.ok:
        row["last_ok_at"] = now
    if report.recent or (report.new and before.get("last_item_at") is None):
        row["last_item_at"] = now
    if held and report.ok:
        row["last_seen_at"] = now
    if error and not stands:
        row["last_error_at"] = now
    if new and state == "well":
        last = max(new, key=lambda document: document.published_at)
        row["sample"] = {
            "title": last.title or last.text[:60],
            "url": last.url,
            "published_at": last.published_at.isoformat(),
            "fetched_at": last.fetched_at.isoformat(),
        }
    return row


def _count(store: Store, connection: sa.Connection, source_id: str, report: RunReport, now: datetime) -> None:
    table = tables.crawl_hours
    hour = now.replace(minute=0, second=0, microsecond=0)
    counted = connection.execute(
        sa.select(table).where(table.c.source_id == source_id, table.c.hour == hour)
    ).one_or_none()
    runs, ok, new = (counted.runs, counted.ok, counted.new) if counted is not None else (0, 0, 0)
    row = {
        "source_id": source_id,
        "hour": hour,
        "runs": runs + 1,
        "ok": ok + report.ok,
        "new": new + report.recent,
    }
    upsert(store, table, [row], keys=["source_id", "hour"], connection=connection)


def _learned(connection: sa.Connection, source_id: str, before: Any, now: datetime) -> dict[str, Any] | None:
    """The rhythm anew, a few times a day; None where the last one still holds."""
    known = before.get("rhythm")
    if known and now - datetime.fromisoformat(known["learned_at"]) < LEARNS_EVERY:
        return None
    table = tables.crawl_hours
    mine = table.c.source_id == source_id
    connection.execute(sa.delete(table).where(mine, table.c.hour < now - LEARNS_FROM - HOUR))
    wanted = sa.select(table.c.hour, table.c.new).where(mine, table.c.ok > 0).order_by(table.c.hour)
    # The first hour of all brought what had gathered before it.
    rhythm = learn([Hour(row.hour, row.new) for row in connection.execute(wanted).all()[1:]], now)
    return msgspec.to_builtins(rhythm) if rhythm is not None else None


def _tell(
    store: Store, connection: sa.Connection, source: Source, row: dict[str, Any], now: datetime, *, brought: bool
) -> None:
    state: State = row["state"]
    if state in ("failing", "blocked") and 0 < row["failures"] < TROUBLE_AFTER:
        return
    if state in ("well", "new", "off"):
        # An answer with nothing new in it is no end of a silence.
        operator_tickets.note(store, connection, source.id, now, None, but="" if brought else "quiet")
        return
    title = f"信源“{source.label}”{WORDS[state]}"
    told = (state, title, row["last_error"], advice(state, source.id, source.url))
    operator_tickets.note(store, connection, source.id, now, told)
