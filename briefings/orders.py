"""Reports that somebody asks for: special, release and shift reports, comparisons, statements and what was
taken up of a consultation; made, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from alerts.evidence import indexed, is_of_policy
from alerts.release.report import kept_reports
from briefings.consultation import adoption
from briefings.facts import TicketFact
from briefings.gather import gather_between
from briefings.kept import Kept
from briefings.looks import Look
from briefings.making import Parts
from briefings.releases import release_briefing
from briefings.report import Report
from briefings.shelf import BriefingShelf
from briefings.shifts import shift_summary
from briefings.statement import statement as response_statement
from briefings.topical import Side, comparison, day_sides, special
from consultations.book import ConsultationBook
from consultations.deadline import standing
from grouping.history import History
from grouping.tables import events
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from minsheng.policies import Policy, PolicyRegister
from minsheng.problems import Problem
from search.index import Filters, Index, Search

WEEK = timedelta(days=7)
SHIFT = timedelta(hours=12)
MONTH = timedelta(days=30)
_CHUNK = 500


class Made(NamedTuple):
    """A report, and what it is about: `event:ID`, `policy:ID`, or empty."""

    report: Report
    matter: str


def keep(parts: Parts, made: Made, *, actor: str) -> Kept:
    """Keep it as a draft, numbered by the day it is made."""
    code = made.report.made_at.astimezone(CHINA).strftime("%Y%m%d")
    shelf = BriefingShelf(parts.store, parts.settings, parts.clock)
    look = Look.from_settings(parts.settings)
    return shelf.keep(made.report, look, code=code, actor=actor, matter=made.matter)


def special_report(
    parts: Parts,
    *,
    event: str = "",
    policy: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Made:
    """On one event or one policy; by default on the last seven days.

    Raises
    ------
    WrongUse
        Neither or both are named, there is no such thing, or the time is empty.
    """
    if bool(event) == bool(policy):
        raise WrongUse(Problem("special-one"), "give --event or --policy")
    begin, end = _time(parts, since, until, WEEK)
    facts = gather_between(parts.store, parts.log, begin, end, parts.clock, parts.settings.path("plans"))
    if event:
        history = History.read(parts.store)
        ids = history.family(event)
        with parts.store.read() as connection:
            title = connection.scalar(sa.select(events.c.title).where(events.c.id == ids[0]))
        if title is None:
            raise WrongUse(Problem("event-unknown", event=event), "see minsheng events list")
        side = Side(name=f"“{title}”", filters=Filters(events=ids, since=begin, until=end))
        tickets = [one for one in facts.tickets if one.event in ids]
        matter = f"event:{ids[0]}"
    else:
        found = _policy(parts, policy)
        side = Side(name=f"《{found.title}》", filters=Filters(policies=(found.id,), since=begin, until=end))
        tickets = [one for one in facts.tickets if one.policy == found.id]
        matter = f"policy:{found.id}"
    report = special(parts.index, side, facts, tickets, unit=parts.settings.briefing.unit, made_at=parts.clock.now())
    return Made(report, matter)


def release(parts: Parts, policy: str, hours: int) -> Made:
    """Of the report that was kept so many hours after a policy's newest release. Raises `WrongUse` where none was."""
    found = _policy(parts, policy)
    kept = kept_reports(parts.store, found.id, hours)
    if not kept:
        raise WrongUse(
            Problem("release-report-missing", hours=hours, policy=found.id),
            "see minsheng policies watch: it is made when its time comes",
        )
    return Made(release_briefing(parts.index, kept[-1][0], unit=parts.settings.briefing.unit), f"policy:{found.id}")


def shift(parts: Parts, since: datetime | None = None) -> Made:
    """Of the shift that began then; by default twelve hours ago."""
    begin, end = _time(parts, since, None, SHIFT)
    facts = gather_between(parts.store, parts.log, begin, end, parts.clock, parts.settings.path("plans"))
    unit = parts.settings.briefing.unit
    report = shift_summary(parts.index, facts, since=begin, until=end, unit=unit, made_at=parts.clock.now())
    return Made(report, "")


def compared(
    parts: Parts,
    *,
    days: Sequence[date] = (),
    policies: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Made:
    """Two days, or two policies in the same time (by default the last seven days). Raises `WrongUse` for else."""
    now = parts.clock.now()
    if len(days) == 2 and not policies:
        first, second = day_sides(days[0], days[1], now)
        if first.since >= now or second.since >= now or days[0] == days[1]:
            raise WrongUse(Problem("compare-days"), "choose earlier days")
    elif len(policies) == 2 and not days:
        begin, end = _time(parts, since, until, WEEK)
        found = [_policy(parts, one) for one in policies]
        first, second = (
            Side(name=f"《{one.title}》", filters=Filters(policies=(one.id,), since=begin, until=end)) for one in found
        )
    else:
        raise WrongUse(Problem("compare-two"), "give --date twice, or --policy twice")
    begin, end = min(first.since, second.since), max(first.until, second.until)
    facts = gather_between(parts.store, parts.log, begin, end, parts.clock, parts.settings.path("plans"))
    return Made(comparison(parts.index, first, second, facts, unit=parts.settings.briefing.unit, made_at=now), "")


def statement(parts: Parts, *, since: datetime | None = None, until: datetime | None = None, region: str = "") -> Made:
    """Of what was asked and answered in that time, by default in the last thirty days, everywhere or in one region.

    Raises
    ------
    WrongUse
        The time is empty, or nothing bears that region.
    """
    begin, end = _time(parts, since, until, MONTH)
    if since is None:  # the public is told of days
        begin = datetime.combine(begin.astimezone(CHINA), time(), CHINA)
    facts = gather_between(parts.store, parts.log, begin, end, parts.clock, parts.settings.path("plans"))
    history = History.read(parts.store)
    families = {one.event: history.family(one.event) for one in facts.tickets}
    tickets: Sequence[TicketFact] = facts.tickets
    if region:
        if not parts.index.count(Filters(regions=(region,))):
            raise WrongUse(Problem("region-unknown", region=region), "write it as minsheng search --facet region does")
        here = _events_of(parts.index, region, {name for family in families.values() for name in family})
        tickets = [
            one
            for one in facts.tickets
            if here.intersection(families[one.event])
            or (is_of_policy(one.event) and parts.index.count(_of_policy(one, region)))
        ]
    return Made(
        response_statement(
            parts.index, facts, tickets, families,
            PolicyRegister(parts.store, parts.clock).titles(),
            since=begin, until=end, region=region, unit=parts.settings.briefing.unit, made_at=parts.clock.now(),
        ),
        "",
    )  # fmt: skip


def consultation(parts: Parts, name: str) -> Made:
    """Of what was taken up of the opinions on a draft, as things stand. Raises `WrongUse` for an unknown one."""
    book = ConsultationBook(parts.store, parts.clock)
    one = book.get(name)
    now = parts.clock.now()
    stands = standing(one, now.astimezone(CHINA).date(), parts.settings.consultation)
    report = adoption(
        parts.index, one, book.opinions(one), book.letters(one), stands, unit=parts.settings.briefing.unit, made_at=now
    )
    return Made(report, f"consultation:{one.number}")


def _of_policy(ticket: TicketFact, region: str) -> Filters:
    """What is said of a policy in a region, where the ticket is for all that is said of it."""
    said = indexed(ticket.event, ticket.policy, ticket.opened_at)
    return msgspec.structs.replace(said, regions=(region,))


def _events_of(index: Index, region: str, names: set[str]) -> set[str]:
    """Those of these events that have documents of a region."""
    found: set[str] = set()
    ordered = sorted(names)
    for start in range(0, len(ordered), _CHUNK):
        chunk = tuple(ordered[start : start + _CHUNK])
        search = Search(filters=Filters(events=chunk, regions=(region,)), size=0, facets=("event",), facet_size=_CHUNK)
        found.update(bucket.value for bucket in index.search(search).facets.get("event", ()))
    return found


def _time(parts: Parts, since: datetime | None, until: datetime | None, length: timedelta) -> tuple[datetime, datetime]:
    now = parts.clock.now().replace(microsecond=0)
    end = min(until or now, now)
    begin = since or end - length
    if begin >= end:
        raise WrongUse(Problem("span-empty"), "let --since lie before --until, and before now")
    return begin, end


def _policy(parts: Parts, name: str) -> Policy:
    found = PolicyRegister(parts.store, parts.clock).find(name)
    if found is None:
        raise WrongUse(Problem("policy-unknown", policy=name), "minsheng policies list shows them")
    return found
