"""Old observations of the store against rules, beside what really happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

import msgspec
import sqlalchemy as sa

from alerts.bulk import fetch
from alerts.evidence import policy_key
from alerts.observations import Observation, joined_words
from alerts.replay import Replay, ReplayedTicket
from alerts.risk import lookback
from alerts.rules import RuleSet
from alerts.tables import observations, tickets
from minsheng.exercises import EXERCISE
from minsheng.policies import Policy
from minsheng.settings import Settings
from minsheng.store import Store
from minsheng.workdays import WorkCalendar

FALSE_ALARM = ("false-alarm", "false_alarm")
_PAGE = 20_000
_NEAR = timedelta(hours=48)
"""A replayed ticket of the same policy this close to a real one is for the same matter."""

TextsOf = Callable[[Sequence[str]], Mapping[str, str]]
"""Document ids → their texts, of those that are known."""


class RealTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of the store, as far as it is compared."""

    number: str
    event: str
    policy: str | None
    level: str
    status: str
    opened_at: datetime
    closed_at: datetime | None
    documents: list[str]

    @property
    def false_alarm(self) -> bool:
        return self.status in FALSE_ALARM


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A replayed ticket beside the real one, either of which may be missing."""

    replayed: ReplayedTicket | None
    real: RealTicket | None

    @property
    def outcome(self) -> str:
        """`both`, `new`, `missed`; `noise` for a real false alarm that opens again, `spared` for one that does not."""
        if self.replayed is None:
            assert self.real is not None
            return "spared" if self.real.false_alarm else "missed"
        if self.real is None:
            return "new"
        return "noise" if self.real.false_alarm else "both"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay of the store says.

    Attributes
    ----------
    documents:
        Observations that were judged, the time before `since` that the baselines need not counted.
    delay_minutes, real_delay_minutes:
        Median from the first voice behind a ticket to its opening.
    false_alarm_share:
        Of the tickets with a known end, how many were false alarms; None where none has come to an end.
    texts_missing:
        Whether watch words were looked for in headlines alone, since the index was not there to give the texts.
    """

    rules: str
    since: datetime
    until: datetime
    documents: int
    tickets: list[Compared]
    delay_minutes: float | None
    real_delay_minutes: float | None
    false_alarm_share: float | None
    real_false_alarm_share: float | None
    texts_missing: bool

    def count(self, outcome: str) -> int:
        return sum(one.outcome == outcome for one in self.tickets)


def replay_store(
    store: Store,
    settings: Settings,
    rules: RuleSet,
    policies: Mapping[str, Policy],
    since: datetime,
    until: datetime,
    texts_of: TextsOf | None = None,
) -> Report:
    """Replays what was published from `since` until `until`, with the weeks before for what is usual.

    Parameters
    ----------
    texts_of:
        Gives the texts that the rules' watch words are looked for in. Without it the headlines must do.
    """
    engine = Replay(settings.alert, rules, policies, WorkCalendar.from_settings(settings).is_workday)
    documents = 0
    first_voice: dict[str, datetime] = {}
    for row in _rows(store, since - lookback(settings.alert), until, rules, texts_of):
        engine.take(row)
        documents += row.published_at >= since
        first_voice[row.document_id] = row.published_at
    made = [one for one in engine.finish() if since <= one.opened_at <= until and not one.historical]
    real = _real(store, since, until)
    compared = compare(made, real)

    def delay(found: Sequence[tuple[datetime, Sequence[str]]]) -> float | None:
        waits = [
            (at - min(first_voice[one] for one in ids if one in first_voice)).total_seconds() / 60
            for at, ids in found
            if any(one in first_voice for one in ids)
        ]
        return round(median(waits), 1) if waits else None

    return Report(
        rules=f"{rules.version} ({rules.digest})",
        since=since,
        until=until,
        documents=documents,
        tickets=compared,
        delay_minutes=delay([(one.opened_at, one.opened_by) for one in made]),
        real_delay_minutes=delay([(one.opened_at, one.documents) for one in real]),
        false_alarm_share=_false_share([one.real for one in compared if one.replayed and one.real]),
        real_false_alarm_share=_false_share(real),
        texts_missing=bool(rules.words) and texts_of is None,
    )


def compare(made: Sequence[ReplayedTicket], real: Sequence[RealTicket]) -> list[Compared]:
    """Pairs tickets: of the same event first, then of the same policy at nearly the same time. In order of time."""
    left = list(real)
    pairs: list[Compared] = []
    for by_event in (True, False):
        for one in made:
            if any(pair.replayed is one for pair in pairs):
                continue
            found = [
                other
                for other in left
                if (other.event == one.event if by_event else _same_policy(one, other))
                and abs(other.opened_at - one.opened_at) <= _NEAR
            ]
            if found:
                best = min(found, key=lambda other: abs(other.opened_at - one.opened_at))
                left.remove(best)
                pairs.append(Compared(replayed=one, real=best))
    paired = [pair.replayed for pair in pairs]
    pairs += [Compared(replayed=one, real=None) for one in made if not any(one is other for other in paired)]
    pairs += [Compared(replayed=None, real=one) for one in left]

    def at(pair: Compared) -> datetime:
        ticket = pair.replayed or pair.real
        assert ticket is not None
        return ticket.opened_at

    return sorted(pairs, key=at)


def _same_policy(one: ReplayedTicket, other: RealTicket) -> bool:
    if one.policy is None or one.policy != other.policy:
        return False
    return policy_key(one.policy) in (one.event, other.event) or bool(set(one.documents) & set(other.documents))


def _false_share(found: Sequence[RealTicket | None]) -> float | None:
    ended = [one for one in found if one is not None and one.closed_at is not None]
    return round(sum(one.false_alarm for one in ended) / len(ended), 3) if ended else None


def _rows(
    store: Store, since: datetime, until: datetime, rules: RuleSet, texts_of: TextsOf | None
) -> Iterator[Observation]:
    """The observations in order of time, their watch words found anew."""
    after: tuple[datetime, str] = (since, "")
    place = sa.tuple_(observations.c.published_at, observations.c.document_id)
    with store.read() as connection:
        while True:
            query = (
                sa.select(observations)
                .where(
                    place > sa.tuple_(*after), observations.c.published_at <= until, observations.c.source != EXERCISE
                )
                .order_by(observations.c.published_at, observations.c.document_id)
                .limit(_PAGE)
            )
            page = list(fetch(store, connection, query))
            if not page:
                return
            concerned = [row.document_id for row in page if row.concerned]
            texts = texts_of(concerned) if texts_of is not None and rules.words else {}
            for row in page:
                words = rules.words_in(texts.get(row.document_id, row.headline)) if row.concerned else ""
                yield row._replace(words=joined_words(words, row.marks))
            after = (page[-1].published_at, page[-1].document_id)


def _real(store: Store, since: datetime, until: datetime) -> list[RealTicket]:
    query = (
        sa.select(tickets)
        .where(
            tickets.c.opened_at.between(since, until),
            tickets.c.historical.is_(False),
            tickets.c.exercise.is_(False),
            tickets.c.status != "merged",
        )
        .order_by(tickets.c.opened_at, tickets.c.id)
    )
    with store.read() as connection:
        return [
            RealTicket(
                number=row["number"],
                event=row["event_id"],
                policy=row["policy_id"],
                level=row["level"],
                status=row["status"],
                opened_at=row["opened_at"],
                closed_at=row["closed_at"],
                documents=row["documents"],
            )
            for row in connection.execute(query).mappings()
        ]
