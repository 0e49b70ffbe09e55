"""The events of the day that matter most, with the posts that say what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from briefings.change import versus
from briefings.evidence import EvidenceBook, post
from briefings.facts import DeadlineFact, Facts
from briefings.model import EventLine, ShareLine
from briefings.tickets import is_open
from briefings.words import REQUESTS
from minsheng.policies import Policy, PolicyTitles
from minsheng.records import Grouped
from search.index import Bucket, Filters, Index, Search

SHOWN = 5
KEY_POSTS = 3
SMALLEST = 3
"""Fewer documents than this are no event for a leader."""
_READ = 200
"""Documents of an event that key posts are chosen from: the newest."""


def top_events(
    book: EvidenceBook,
    index: Index,
    buckets: Sequence[Bucket],
    negative: dict[str, int],
    facts: Facts,
    policies: Sequence[Policy],
    since: datetime,
    until: datetime,
) -> tuple[EventLine, ...]:
    """The events that somebody has to look after, then the largest ones of the day; negative documents count double, as
    they are what has to be answered."""
    titles = PolicyTitles({policy.id: policy.title for policy in policies}, lambda: facts.gone_policies)
    ticketed = {_today(facts, ticket.event) for ticket in facts.tickets if is_open(ticket, until)}
    events: dict[str, _Event] = {}
    for bucket in buckets:
        name = _today(facts, bucket.value)
        before = events.get(name, _Event(name, (), 0, 0))
        bad = before.negative + negative.get(bucket.value, 0)
        events[name] = _Event(name, (*before.ids, bucket.value), before.size + bucket.count, bad)
    large = [event for event in events.values() if event.size >= SMALLEST]
    large.sort(key=lambda event: (event.id not in ticketed, -(event.size + event.negative), event.id))
    return tuple(_line(book, index, event, facts, titles, since, until) for event in large[:SHOWN])


class _Event(NamedTuple):
    """An event of today, and the ids that its documents of the day bear."""

    id: str
    ids: tuple[str, ...]
    size: int
    negative: int


def _today(facts: Facts, event: str) -> str:
    return facts.merged_events.get(event, event)


def _line(
    book: EvidenceBook,
    index: Index,
    event: _Event,
    facts: Facts,
    titles: PolicyTitles,
    since: datetime,
    until: datetime,
) -> EventLine:
    filters = Filters(events=event.ids, since=since, until=until)
    page = index.search(Search(filters=filters, size=_READ, facets=("source", "policy", "request"), highlight=False))
    records = [hit.record for hit in page.hits]
    chosen = key_posts(records)
    looked = [ticket for ticket in facts.tickets if _today(facts, ticket.event) == event.id]
    before = Filters(events=event.ids, since=since - (until - since), until=since)
    was = index.count(before)
    running = [clock for ticket in looked for clock in ticket.deadlines if not _settled(clock, until)]
    title = facts.event_titles.get(event.id) or chosen[0].document.title or post(chosen[0]).excerpt[:30]
    return EventLine(
        id=event.id,
        title=title,
        count=book.documents(f"事件“{title}”", filters, event.size),
        negative=book.documents(
            f"事件“{title}”的负面信息",
            Filters(events=event.ids, sentiments=("negative",), since=since, until=until),
            event.negative,
        ),
        policies=tuple(titles.of(each.value) for each in page.facets.get("policy", ())),
        sources=tuple(each.value for each in page.facets.get("source", ())),
        first_at=min(record.document.published_at for record in records),
        last_at=max(record.document.published_at for record in records),
        key_posts=tuple(post(record) for record in chosen),
        tickets=tuple(ticket.number for ticket in looked),
        units=tuple(dict.fromkeys(ticket.unit for ticket in looked if ticket.unit)),
        deadline=min(running, key=lambda clock: clock.due_at, default=None),
        demands=tuple(
            ShareLine(
                label=bucket.value,
                name=REQUESTS.get(bucket.value, bucket.value),
                count=book.documents(
                    f"事件“{title}”的{REQUESTS.get(bucket.value, bucket.value)}",
                    Filters(events=event.ids, requests=(bucket.value,), since=since, until=until),
                    bucket.count,
                ),
            )
            for bucket in page.facets.get("request", ())
            if bucket.value not in ("none", "praise")
        ),
        before=book.documents(f"事件“{title}”此前同样长的时间", before, was),
        trend=versus(event.size, was, (), "此前同样长的时间").words,
    )


def _settled(clock: DeadlineFact, until: datetime) -> bool:
    return clock.settled_at is not None and clock.settled_at <= until


def key_posts(records: Sequence[Grouped]) -> list[Grouped]:
    """At most `KEY_POSTS` of these records: those that most people reacted to, one of each group of duplicates.

    Documents with a request of their own come before talk; the rest is decided by engagement, then by time.
    """
    ranked = sorted(
        records,
        key=lambda record: (
            record.assessed.request.label == "none",
            -record.document.engagement.total(),
            record.document.published_at,
            record.document.id,
        ),
    )
    chosen: dict[str, Grouped] = {}
    for record in ranked:
        chosen.setdefault(record.duplicate.group, record)
        if len(chosen) == KEY_POSTS:
            break
    return list(chosen.values())
