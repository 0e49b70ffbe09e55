"""Tests that lie beside a rule file: made-up documents, and the tickets that the rules must open for them.

A test file is TOML. Its documents carry their labels, so that no model is needed, and go through the same judge as the
live ones; see docs/how-to/write-a-rule.md.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from alerts.levels import Level
from alerts.observations import observe
from alerts.replay import Replay, ReplayedTicket
from alerts.rules.model import RuleSet
from alerts.rules.reading import default_rules, read_file
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from minsheng.policies import Policy
from minsheng.records import Assessed, Document, Duplicate, Engagement, EventRef, Grouped, Kind, PolicyLink, scores_of
from minsheng.settings import Settings
from minsheng.workdays import WorkCalendar

SHIPPED = "shipped"


class Series(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Documents of one kind, one every `every_minutes`, in `events` events by turns, by one author each unless `author`
    is given; `weeks` repeats them in the weeks before."""

    start: datetime
    count: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 1
    every_minutes: float = 5.0
    weeks: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0
    text: str = ""
    title: str = ""
    kind: Kind = "post"
    source: str = "weibo"
    sources: Annotated[int, msgspec.Meta(ge=1)] = 1
    author: str = ""
    sentiment: Literal["positive", "neutral", "negative"] = "negative"
    request: str = "complaint"
    harm: bool = False
    advert: bool = False
    topic: str = "城乡建设"
    policy: str | None = None
    event: str = "event"
    events: Annotated[int, msgspec.Meta(ge=1)] = 1
    copies: bool = False
    region: str | None = None
    outlet: str | None = None
    likes: int = 0


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ticket: what is given must be so."""

    policy: str | None = None
    event: str | None = None
    level: Level | None = None
    rule: str | None = None
    opened_by: datetime | None = None
    opened_after: datetime | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One test: exactly these tickets, in the order they open. `since`: only those opened from then on."""

    name: str
    documents: tuple[Series, ...]
    expect: tuple[Expected, ...] = ()
    since: datetime | None = None


class NamedPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy that the documents may name."""

    id: str
    title: str = ""
    department: str | None = None
    topics: tuple[str, ...] = ()
    released_on: date | None = None
    sensitivity: Literal["low", "normal", "high"] = "normal"


class RuleTests(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of tests for the rules of `rules`, a file beside it, or `shipped`."""

    rules: str = SHIPPED
    policies: tuple[NamedPolicy, ...] = ()
    tests: Annotated[tuple[Case, ...], msgspec.Meta(min_length=1)]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one test; `problem` is empty where it holds."""

    name: str
    problem: str = ""


def run_file(path: Path, settings: Settings | None = None) -> list[Outcome]:
    """Run the tests of a file. Raises `BadInput` where it, or its rule file, can't be read."""
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), RuleTests)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadInput(f"{path}: {error}", "see docs/how-to/write-a-rule.md for what a test file holds") from error
    rules = default_rules() if file.rules == SHIPPED else read_file(path.parent / file.rules)
    return [_run(case, file, rules, settings or Settings()) for case in file.tests]


def _run(case: Case, file: RuleTests, rules: RuleSet, settings: Settings) -> Outcome:
    policies = {
        one.id: Policy(
            id=one.id,
            title=one.title or one.id,
            department=one.department,
            topics=one.topics,
            released_on=one.released_on,
            sensitivity=one.sensitivity,
        )
        for one in file.policies
    }
    engine = Replay(settings.alert, rules, policies, WorkCalendar.from_settings(settings).is_workday)
    records = [one for number, series in enumerate(case.documents) for one in _records(series, number)]
    for record in sorted(records, key=lambda one: (one.document.published_at, one.document.id)):
        engine.take(observe(record, settings.alert.backfill_days, rules.words_in))
    since = _aware(case.since) if case.since else None
    made = [ticket for ticket in engine.finish() if since is None or ticket.opened_at >= since]
    told = "; ".join(_told(ticket) for ticket in made) or "none"
    if len(made) != len(case.expect):
        return Outcome(name=case.name, problem=f"{len(case.expect)} tickets expected, {len(made)} opened: {told}")
    for number, (ticket, wanted) in enumerate(zip(made, case.expect, strict=True), 1):
        for name, value in _differences(ticket, wanted):
            return Outcome(name=case.name, problem=f"ticket {number}: {name} {value} expected; opened: {told}")
    return Outcome(name=case.name)


def _differences(ticket: ReplayedTicket, wanted: Expected) -> list[tuple[str, object]]:
    checks = (
        ("policy", wanted.policy, ticket.policy == wanted.policy),
        ("event", wanted.event, ticket.event == wanted.event),
        ("level", wanted.level, ticket.level == wanted.level),
        ("rule", wanted.rule, any(one.rule == wanted.rule for one in ticket.raised)),
        ("opened_by", wanted.opened_by, wanted.opened_by is None or ticket.opened_at <= _aware(wanted.opened_by)),
        ("opened_after", wanted.opened_after, _not_before(ticket, wanted.opened_after)),
    )  # fmt: skip
    return [(name, value) for name, value, right in checks if value is not None and not right]


def _not_before(ticket: ReplayedTicket, moment: datetime | None) -> bool:
    return moment is None or ticket.opened_at >= _aware(moment)


def _told(ticket: ReplayedTicket) -> str:
    at = ticket.opened_at.astimezone(CHINA)
    return f"{ticket.level} for {ticket.policy or ticket.event} at {at:%Y-%m-%d %H:%M} by {ticket.raised[-1].rule}"


def _records(series: Series, place: int) -> list[Grouped]:
    found = []
    for week in range(series.weeks, -1, -1):
        for number in range(series.count):
            key = f"s{place}-{week}-{number}"
            at = _aware(series.start) + timedelta(minutes=series.every_minutes * number) - timedelta(weeks=week)
            document = Document(
                id=key,
                source=series.source if series.sources == 1 else f"{series.source}-{number % series.sources}",
                kind=series.kind,
                published_at=at,
                fetched_at=at,
                title=series.title,
                text=series.text or "说明",
                author_key=series.author or f"author-{key}",
                engagement=Engagement(likes=series.likes),
                region=series.region,
                outlet=series.outlet,
            )
            links = (PolicyLink(policy_id=series.policy, reason="alias", confidence=0.9),) if series.policy else ()
            assessed = Assessed(
                document=document,
                sentiment=scores_of(series.sentiment),
                emotion=scores_of("neutral"),
                topic=scores_of(series.topic),
                request=scores_of(series.request),
                harm=scores_of("harm" if series.harm else "none"),
                advert=scores_of("advert" if series.advert else "none"),
                policies=links,
                assessed_at=at,
            )
            event = series.event if series.events == 1 else f"{series.event}-{number % series.events}"
            group = f"s{place}-{week}-0" if series.copies else key
            found.append(Grouped(assessed=assessed, duplicate=Duplicate(group=group), event=EventRef(id=event)))
    return found


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)
