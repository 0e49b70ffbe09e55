"""The alert stage: observations in, tickets, timers and notices out, all of a batch in one transaction.

Documents are judged one by one in the order of the log, each against what was seen before it; so the result does not
depend on where batches begin. A version of a document that is known already, or an older one, changes nothing; so
reading the log again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.desk import TicketDesk
from alerts.event_merges import merge_event
from alerts.evidence import policy_key
from alerts.judging import judge_document
from alerts.memory import Memory
from alerts.observations import Observation, observe
from alerts.plans import PlanBook
from alerts.risk import RiskJudge
from alerts.rules import RuleSet, default_rules
from alerts.rules.book import RuleBook
from alerts.tables import observations, tickets
from minsheng.clock import Clock
from minsheng.logs import get_logger
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import Grouped
from minsheng.settings import Settings
from minsheng.store import Store
from minsheng.workdays import WorkCalendar
from stream.log import GROUPED, Partition
from stream.stage import Result

log = get_logger(__name__)

_TRIES = 5
_CHUNK = 500
_REGISTER_AGE = 30.0
"""Seconds after which policies and rules are read again."""
_LOCK = 0x6D696E73
"""The advisory lock that lets one alert stage at a time write on PostgreSQL."""


class AlertStage:
    """Judges grouped documents and keeps tickets. Implements `stream.stage.Stage`.

    Parameters
    ----------
    on_notice:
        Called after a batch that put notices into the outbox, e.g. to wake `alerts.service.AlertService` up.
    """

    name = "alert"
    input = GROUPED
    output: str | None = None
    record = Grouped

    def __init__(
        self,
        store: Store,
        plans: PlanBook,
        register: PolicyRegister,
        settings: Settings,
        clock: Clock,
        on_notice: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._plans = plans
        self._register = register
        self._settings = settings
        self._clock = clock
        self._on_notice = on_notice
        self._policies: dict[str, Policy] = {}
        self._policies_read: float | None = None
        self._book = RuleBook(store, clock)
        self._rules: RuleSet = default_rules()
        self._is_workday = cache(WorkCalendar.from_settings(settings).is_workday)

    def start(self) -> Mapping[Partition, int] | None:
        self._policies_read = None
        return None

    def work(self, batch: Sequence[Grouped]) -> Result:
        """Take the documents in. Raises `Unavailable` when the store can't be reached."""
        self._refresh_policies()
        rows = [observe(record, self._settings.alert.backfill_days, self._rules.words_in) for record in batch]
        links = {
            (record.document.id, record.version): {link.policy_id: link.confidence for link in record.assessed.policies}
            for record in batch
        }
        merged = {
            (record.document.id, record.version): (record.event.merged, record.event.id)
            for record in batch
            if record.event.merged
        }
        notices = 0
        for attempt in range(1, _TRIES + 1):
            try:
                with self._store.begin() as connection:
                    if self._store.name == "postgresql":
                        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                    notices = 0
                    for part in _parts(rows, merged):
                        if (found := merged.get((part[0].document_id, part[0].version))) is not None:
                            self._merge(connection, part[0], *found)
                        notices += self._take(connection, part, links)
                break
            except sa.exc.IntegrityError as error:
                # Another process wrote the same document, ticket or number first: read what it wrote and go on.
                if attempt == _TRIES:
                    raise
                log.info("alert_batch_repeated", attempt=attempt, cause=str(error.orig)[:200])
        if notices and self._on_notice is not None:
            self._on_notice()
        return Result()

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        return True

    def close(self) -> None:
        pass

    def _take(
        self,
        connection: Connection,
        rows: Sequence[Observation],
        links: Mapping[tuple[str, int], Mapping[str, float]],
    ) -> int:
        memory = Memory(self._store, connection, self._settings.alert, rows, self._is_workday)
        if not memory.fresh:
            return 0
        judge, of_drill = (
            RiskJudge(self._settings.alert, self._rules, self._policies.get, usual, self._is_workday)
            for usual in (memory.baseline_of, memory.quiet)
        )
        desk = TicketDesk(
            self._store,
            connection,
            self._plans,
            self._policies.get,
            self._settings,
            self._clock.now(),
            {row.event_id for row in memory.fresh} | _events_of(connection, sorted(memory.policies)),
        )
        for row in memory.fresh:
            history = memory.take(row, links[row.document_id, row.version])
            if row.exercise:
                judge_document(row, history, None, of_drill, desk)
                continue
            of_policy = memory.of_policy(row.policy_id) if row.policy_id is not None else None
            judge_document(row, history, of_policy, judge, desk)
        memory.write()
        desk.write(memory.moved)
        return desk.notices

    def _merge(self, connection: Connection, row: Observation, events: Sequence[str], into: str) -> None:
        """Make events one that a document showed to be; not again where the document was seen before."""
        seen = sa.select(observations.c.version).where(observations.c.document_id == row.document_id)
        if (connection.scalar(seen) or -1) >= row.version:
            return
        for event in events:
            merge_event(connection, event, into, self._clock.now())

    def _refresh_policies(self) -> None:
        now = self._clock.monotonic()
        if self._policies_read is None or now - self._policies_read > _REGISTER_AGE:
            self._policies = {policy.id: policy for policy in self._register.all()}
            self._rules = self._book.in_force()
            self._policies_read = now


def _events_of(connection: Connection, policies: Sequence[str]) -> set[str]:
    """The events of these policies that have, or had, tickets; and what stands for each policy itself."""
    found = {policy_key(policy) for policy in policies}
    for start in range(0, len(policies), _CHUNK):
        query = (
            sa.select(tickets.c.event_id)
            .where(tickets.c.policy_id.in_(policies[start : start + _CHUNK]), tickets.c.exercise.is_(False))
            .distinct()
        )
        found.update(connection.scalars(query))
    return found


def _parts(
    rows: Sequence[Observation], merged: Mapping[tuple[str, int], tuple[Sequence[str], str]]
) -> Iterator[Sequence[Observation]]:
    """The batch in pieces, each with at most one document that merges events, at its start: what comes before is judged
    before the merge, wherever batches begin."""
    start = 0
    for place, row in enumerate(rows):
        if place > start and (row.document_id, row.version) in merged:
            yield rows[start:place]
            start = place
    if rows[start:]:
        yield rows[start:]
