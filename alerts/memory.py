"""What one batch needs of the past: read once, kept up document by document, written back at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine import Connection

from alerts.bulk import fetch, insert
from alerts.history import Baseline, EventHistory, WatchedDays
from alerts.observations import Observation, counts_as_usual
from alerts.risk import lookback, policy_lookback
from alerts.tables import observation_policies, observations, policy_hours
from minsheng.exercises import EXERCISE
from minsheng.settings import AlertSettings
from minsheng.store import Store, upsert

_EVERYTHING = "*"
"""Stands for a policy's id where all documents of a day are counted; no policy can be called so."""

_CHUNK = 500
"""Ids in one IN list."""


class Memory:
    """The past of a batch.

    Parameters
    ----------
    rows:
        The batch, in the order of the log.
    is_workday:
        Tells working days from days off.

    Attributes
    ----------
    fresh:
        The observations of the batch that are new or newer than what is known, in order.
    moved:
        What names a policy more than before the batch (1), or no longer (-1), with when it was published; no drills.
    """

    def __init__(
        self,
        store: Store,
        connection: Connection,
        settings: AlertSettings,
        rows: Sequence[Observation],
        is_workday: Callable[[date], bool],
    ) -> None:
        self._store = store
        self._connection = connection
        self._settings = settings
        self._is_workday = is_workday
        self._known = self._load_known([row.document_id for row in rows])
        self._stored = set(self._known)
        self.fresh = self._pick(rows)
        self._links: dict[str, Mapping[str, float]] = {}
        self._hours: Counter[tuple[str, datetime, bool]] = Counter()
        self._baselines: dict[str, Counter[datetime]] = {}
        self._events: dict[str, EventHistory] = {}
        self._policies: dict[str, EventHistory] = {}
        self._watched = WatchedDays()
        self.moved: list[tuple[str, datetime, int]] = []
        if self.fresh:
            self._earliest = min(row.published_at for row in self.fresh)
            self._watched = WatchedDays(Counter({at.date(): count for at, count in self._load_days()}))
            self._load_events(sorted({row.event_id for row in self.fresh}))
            self._load_policies(sorted(self.policies))

    @property
    def policies(self) -> set[str]:
        """The policies that the batch is surely about, drills left out."""
        return {row.policy_id for row in self.fresh if row.policy_id is not None and not row.exercise}

    def take(self, row: Observation, links: Mapping[str, float]) -> EventHistory:
        """Take a document in, in place of its older version, and return its event's history."""
        old = self._known.get(row.document_id)
        for one, step in ((old, -1), (row, 1)):
            if one is not None and one.policy_id is not None and not one.exercise:
                self.moved.append((one.policy_id, one.published_at, step))
        if old is not None:
            self._count(old, -1)
            if old.event_id in self._events:
                self._events[old.event_id].remove(old.document_id)
            if old.policy_id in self._policies:
                self._policies[old.policy_id].remove(old.document_id)
        self._known[row.document_id] = row
        self._links[row.document_id] = links
        self._count(row, 1)
        history = self._events[row.event_id]
        history.add(row)
        if row.policy_id is not None and not row.exercise:
            self._policies[row.policy_id].add(row)
        return history

    def of_policy(self, policy_id: str) -> EventHistory:
        """What was said of a policy of this batch in the last days, in whatever events."""
        return self._policies[policy_id]

    def baseline_of(self, policy_id: str, moment: datetime) -> Baseline:
        """The policy's usual volume before `moment`, with all that was taken in so far."""
        if policy_id not in self._baselines:
            self._baselines[policy_id] = self._load_hours(policy_id)
        days = self._settings.baseline_days
        watched = self._watched.before(moment, days)
        return Baseline(self._baselines[policy_id], moment, days, self._is_workday, watched)

    def quiet(self, _policy_id: str, moment: datetime) -> Baseline:
        """What a drill is compared with: days on which nothing was said, so that a scenario stands as high on a loud
        policy as on a silent one."""
        days = self._settings.baseline_days
        return Baseline({}, moment, days, self._is_workday, days)

    def write(self) -> None:
        """Store what was taken in."""
        changed = [self._known[document_id] for document_id in sorted(self._links)]
        new = [row._asdict() for row in changed if row.document_id not in self._stored]
        newer = [row._asdict() for row in changed if row.document_id in self._stored]
        insert(self._store, self._connection, observations, new)
        if newer:
            upsert(self._store, observations, newer, keys=["document_id"], connection=self._connection)
            self._connection.execute(
                observation_policies.delete().where(
                    observation_policies.c.document_id.in_([row["document_id"] for row in newer])
                )
            )
        links = [
            {
                "document_id": row.document_id,
                "policy_id": policy_id,
                "published_at": row.published_at,
                "confidence": confidence,
            }
            for row in changed
            if not row.exercise
            for policy_id, confidence in sorted(self._links[row.document_id].items())
        ]
        insert(self._store, self._connection, observation_policies, links)
        self._write_hours()

    def _pick(self, rows: Sequence[Observation]) -> list[Observation]:
        versions = {document_id: row.version for document_id, row in self._known.items()}
        fresh = []
        for row in rows:
            if row.version > versions.get(row.document_id, -1):
                versions[row.document_id] = row.version
                fresh.append(row)
        return fresh

    def _load_known(self, ids: Sequence[str]) -> dict[str, Observation]:
        found: dict[str, Observation] = {}
        for start in range(0, len(ids), _CHUNK):
            query = sa.select(observations).where(observations.c.document_id.in_(ids[start : start + _CHUNK]))
            found.update((row.document_id, row) for row in fetch(self._store, self._connection, query))
        return found

    def _load_events(self, ids: Sequence[str]) -> None:
        since = self._earliest - lookback(self._settings)
        letters_since = self._earliest - timedelta(days=self._settings.slow_days)
        self._events = {event_id: EventHistory() for event_id in ids}
        for start in range(0, len(ids), _CHUNK):
            query = (
                sa.select(observations)
                .where(
                    observations.c.event_id.in_(ids[start : start + _CHUNK]),
                    sa.or_(
                        observations.c.published_at >= since,
                        sa.and_(observations.c.published_at >= letters_since, observations.c.kind == "message"),
                    ),
                )
                .order_by(observations.c.published_at, observations.c.document_id)
            )
            for row in fetch(self._store, self._connection, query):
                self._events[row.event_id].add(row)

    def _load_policies(self, ids: Sequence[str]) -> None:
        since = self._earliest - policy_lookback(self._settings)
        self._policies = {policy_id: EventHistory() for policy_id in ids}
        for start in range(0, len(ids), _CHUNK):
            query = (
                sa.select(observations)
                .where(
                    observations.c.policy_id.in_(ids[start : start + _CHUNK]),
                    observations.c.published_at >= since,
                    observations.c.source != EXERCISE,
                )
                .order_by(observations.c.published_at, observations.c.document_id)
            )
            for row in fetch(self._store, self._connection, query):
                assert row.policy_id is not None
                self._policies[row.policy_id].add(row)

    def _count(self, row: Observation, step: int) -> None:
        """Keep the days of all and the policy's hours up to date. Drills are no part of any past."""
        if row.exercise:
            return
        day = row.published_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._hours[_EVERYTHING, day, False] += step
        self._watched.add(day.date(), step)
        if row.policy_id is None or not counts_as_usual(row):
            return
        hour = row.published_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._hours[row.policy_id, hour, row.concerned] += step
        if row.concerned and row.policy_id in self._baselines:
            self._baselines[row.policy_id][hour] += step

    def _load_days(self) -> list[tuple[datetime, int]]:
        since = self._earliest - timedelta(days=self._settings.baseline_days + 2)
        query = sa.select(policy_hours.c.hour, policy_hours.c.voices).where(
            policy_hours.c.policy_id == _EVERYTHING, policy_hours.c.hour >= since
        )
        return [(row.hour, row.voices) for row in self._connection.execute(query)]

    def _load_hours(self, policy_id: str) -> Counter[datetime]:
        since = self._earliest - timedelta(days=self._settings.baseline_days + 2)
        query = sa.select(policy_hours.c.hour, policy_hours.c.concerned).where(
            policy_hours.c.policy_id == policy_id, policy_hours.c.hour >= since
        )
        counts = Counter({row.hour: row.concerned for row in self._connection.execute(query)})
        for (policy, hour, concerned), step in self._hours.items():
            if policy != policy_id:
                continue
            counts[hour] += step if concerned else 0
        return counts

    def _write_hours(self) -> None:
        steps: dict[tuple[str, datetime], list[int]] = {}
        for (policy_id, hour, concerned), step in self._hours.items():
            both = steps.setdefault((policy_id, hour), [0, 0])
            both[0] += step
            both[1] += step if concerned else 0
        rows = [
            {"policy_id": policy_id, "hour": hour, "voices": both[0], "concerned": both[1]}
            for (policy_id, hour), both in sorted(steps.items())
            if any(both)
        ]
        if not rows:
            return
        dialect = postgresql if self._store.name == "postgresql" else sqlite_dialect
        statement = dialect.insert(policy_hours)
        added = statement.on_conflict_do_update(
            index_elements=["policy_id", "hour"],
            set_={
                "voices": policy_hours.c.voices + statement.excluded.voices,
                "concerned": policy_hours.c.concerned + statement.excluded.concerned,
            },
        )
        self._connection.execute(added, rows)
