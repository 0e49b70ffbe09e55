"""The daily briefing: what moved, what is at risk, what was done, what could not be seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import msgspec

from briefings import words
from briefings.change import Change, change
from briefings.events import top_events
from briefings.evidence import EvidenceBook, Line, Number
from briefings.facts import Facts
from briefings.model import DailyBriefing, PolicyLine, ShareLine
from briefings.summary import summary
from briefings.tickets import level_lines, open_ticket_lines
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.policies import Policy
from search.index import Bucket, Filters, Index, Page, Search

BASELINE_DAYS = 7
ALL = 10_000
"""Facet values asked for where all are wanted."""


def daily_briefing(
    day: date,
    *,
    index: Index,
    policies: Sequence[Policy],
    facts: Facts,
    unit: str,
    clock: Clock,
    release_days: int = 30,
) -> DailyBriefing:
    """Make the briefing of one day, China time.

    Parameters
    ----------
    day:
        Today or an earlier day. Of today, the hours so far are told, and compared with the same hours of earlier days.
    policies:
        The register.
    facts:
        Tickets, coverage and dead letters, as `briefings.gather` reads them.
    unit:
        The issuing unit in the masthead.
    release_days:
        How long after its release a policy is marked as newly released: `alert.release_days` of the settings.

    Raises
    ------
    WrongUse
        If the day lies in the future.
    """
    now = clock.now()
    since = datetime.combine(day, time(), CHINA)
    if since > now:
        raise WrongUse(f"{day} is not here yet", "choose today or an earlier day")
    # Whole seconds, as the command lines of the evidence have them.
    until = min(since + timedelta(days=1), now.replace(microsecond=0))
    span = Filters(since=since, until=until)
    page = index.search(
        Search(
            filters=span,
            size=0,
            facets=("policy", "source", "sentiment", "topic", "request", "event"),
            facet_size=ALL,
            histogram="hour",
            highlight=False,
        )
    )
    negative = _counts(
        index.search(
            Search(
                filters=Filters(since=since, until=until, sentiments=("negative",)),
                size=0,
                facets=("policy", "event"),
                facet_size=ALL,
                highlight=False,
            )
        )
    )
    earlier = _earlier(index, since, until)
    book = EvidenceBook(index)
    total = book.documents("全部信息", span, page.total)
    total_change = _moved(book, "全部信息", page.total, [(day, count) for day, count, _ in earlier], span)
    policy_lines = _policy_lines(book, policies, page, negative["policy"], earlier, span, release_days)
    events = top_events(book, index, page.facets.get("event", ()), negative["event"], facts, policies, since, until)
    hours = _hours(page.histogram)
    levels = level_lines(book, facts.tickets, since, until)
    sentiments = _shares(book, page, "sentiment", "sentiments", span, words.SENTIMENTS)
    unseen = book.lines(
        "未能正常采集的信源",
        "minsheng sources list",
        [Line(at=source.last_seen_at, text=f"{source.name}：{source.reason}") for source in facts.coverage.unseen],
    )
    letters = [letter for letter in facts.dead_letters if since <= letter.at < until]
    dead_letters = book.lines(
        "未能处理的记录",
        "minsheng deadletters list",
        [Line(at=letter.at, text=f"{letter.stage}：{letter.reason}") for letter in letters],
    )
    return DailyBriefing(
        unit=unit,
        day=day,
        since=since,
        until=until,
        complete=until == since + timedelta(days=1),
        made_at=now,
        summary=summary(total, total_change, policy_lines, levels, sentiments, facts.coverage, unseen, dead_letters),
        total=total,
        total_change=total_change,
        hours=hours,
        busiest=_busiest(book, hours, since, until),
        policies=policy_lines,
        silent_policies=len(policies) - len(policy_lines),
        events=events,
        levels=levels,
        open_tickets=open_ticket_lines(facts.tickets, until),
        sentiments=sentiments,
        requests=_shares(book, page, "request", "requests", span, words.REQUESTS),
        topics=_shares(book, page, "topic", "topics", span, {}),
        sources=_shares(book, page, "source", "sources", span, facts.coverage.names),
        coverage=facts.coverage,
        unseen=unseen,
        dead_letters=dead_letters,
        evidence=book.all(),
    )


Earlier = list[tuple[date, int, dict[str, int]]]
"""For earlier days, oldest first: how many documents in all, and by policy."""


def _earlier(index: Index, since: datetime, until: datetime) -> Earlier:
    """The same hours of each earlier day; days before the first document are left out: nobody was looking then."""
    days: Earlier = []
    for back in range(BASELINE_DAYS, 0, -1):
        shift = timedelta(days=back)
        page = index.search(
            Search(
                filters=Filters(since=since - shift, until=until - shift),
                size=0,
                facets=("policy",),
                facet_size=ALL,
                highlight=False,
            )
        )
        if days or page.total:
            days.append(((since - shift).date(), page.total, _counts(page)["policy"]))
    return days


def _moved(book: EvidenceBook, name: str, count: int, days: Sequence[tuple[date, int]], filters: Filters) -> Change:
    """How the count moved against these earlier days, which become its evidence."""
    moved = change(count, [earlier for _, earlier in days])
    if moved.mean is None or filters.since is None or filters.until is None:
        return moved
    listed = []
    for day, earlier in days:
        shift = filters.since.date() - day
        before = msgspec.structs.replace(filters, since=filters.since - shift, until=filters.until - shift)
        listed.append((day, before, earlier))
    return msgspec.structs.replace(moved, evidence=book.earlier(f"{name}：前{len(days)}日合计", listed))


def _counts(page: Page) -> dict[str, dict[str, int]]:
    return {facet: {bucket.value: bucket.count for bucket in buckets} for facet, buckets in page.facets.items()}


def _policy_lines(
    book: EvidenceBook,
    policies: Sequence[Policy],
    page: Page,
    negative: dict[str, int],
    earlier: Earlier,
    span: Filters,
    release_days: int,
) -> tuple[PolicyLine, ...]:
    """Policies that were spoken of, or that fell silent, most spoken of first."""
    counts = _counts(page).get("policy", {})
    assert span.since is not None
    day = span.since.date()
    lines = []
    for policy in policies:
        count = counts.get(policy.id, 0)
        before = [(then, by_policy.get(policy.id, 0)) for then, _, by_policy in earlier]
        if not count and change(count, [number for _, number in before]).direction != "down":
            continue
        filters = msgspec.structs.replace(span, policies=(policy.id,))
        bad = msgspec.structs.replace(filters, sentiments=("negative",))
        age = (day - policy.released_on).days if policy.released_on else None
        lines.append(
            PolicyLine(
                id=policy.id,
                title=policy.title,
                number=policy.number,
                department=policy.department,
                stage=policy.stage_words,
                count=book.documents(f"涉及《{policy.title}》", filters, count),
                negative=book.documents(f"涉及《{policy.title}》的负面信息", bad, negative.get(policy.id, 0)),
                change=_moved(book, f"涉及《{policy.title}》", count, before, filters),
                released_days=age if age is not None and 0 <= age <= release_days else None,
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.count.value, line.id)))


def _shares(
    book: EvidenceBook, page: Page, facet: str, field: str, span: Filters, names: dict[str, str]
) -> tuple[ShareLine, ...]:
    """How the documents of the day divide by a label: in the order of `names`, or the most frequent first."""
    counts = _counts(page).get(facet, {})
    order = [label for label in names if label in counts] if facet in ("sentiment", "request") else []
    order += [label for label in counts if label not in order]
    return tuple(
        ShareLine(
            label=label,
            name=names.get(label, label),
            count=book.documents(
                f"{_FACETS[facet]}：{names.get(label, label)}", _with(span, field, label), counts[label]
            ),
        )
        for label in order
    )


_FACETS = {"sentiment": "情感", "request": "诉求", "topic": "领域", "source": "信源"}


def _with(span: Filters, field: str, value: str) -> Filters:
    return msgspec.structs.replace(Filters(since=span.since, until=span.until), **{field: (value,)})


def _busiest(book: EvidenceBook, hours: Sequence[int], since: datetime, until: datetime) -> tuple[int, Number] | None:
    hour = hours.index(max(hours))
    if not hours[hour]:
        return None
    start = since + timedelta(hours=hour)
    filters = Filters(since=start, until=min(start + timedelta(hours=1), until))
    return hour, book.documents(f"{hour}时的信息", filters, hours[hour])


def _hours(histogram: Sequence[Bucket]) -> tuple[int, ...]:
    """24 counts, one an hour of the day."""
    hours = [0] * 24
    for bucket in histogram:
        hours[datetime.fromisoformat(bucket.value).astimezone(CHINA).hour] += bucket.count
    return tuple(hours)
