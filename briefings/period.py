"""The figures of a day, week or month: what moved, what is at risk, what was done, what could not be seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from briefings import words
from briefings.change import Change, change, versus
from briefings.events import top_events
from briefings.evidence import EvidenceBook, Line, Number
from briefings.facts import Facts, ReadinessFact
from briefings.model import Figures, PolicyLine, ReleaseLine, ShareLine
from briefings.responses import recommendations, response_line
from briefings.spans import BEFORE, UNIT, Span, span
from briefings.summary import summary
from briefings.tickets import level_lines, open_ticket_lines
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.policies import Policy
from minsheng.problems import Problem
from search.index import Bucket, Filters, Index, Page, Search

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
) -> Figures:
    """The figures of one day, China time; the parameters are those of `period_figures`."""
    return period_figures(
        span("daily", day),
        index=index,
        policies=policies,
        facts=facts,
        unit=unit,
        clock=clock,
        release_days=release_days,
    )


def period_figures(
    period: Span,
    *,
    index: Index,
    policies: Sequence[Policy],
    facts: Facts,
    unit: str,
    clock: Clock,
    release_days: int = 30,
) -> Figures:
    """Count what a briefing tells of.

    Parameters
    ----------
    period:
        Where it is not over, the time so far is told, and compared with as much of the earlier ones.
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
        If it lies in the future.
    """
    now = clock.now()
    since = period.since
    if since > now:
        raise WrongUse(Problem("day-not-here", day=period.first), "choose today or an earlier day")
    # Whole seconds, as the command lines of the evidence have them.
    until = min(period.end, now.replace(microsecond=0))
    filters = Filters(since=since, until=until)
    page = index.search(
        Search(
            filters=filters,
            size=0,
            facets=("policy", "source", "sentiment", "topic", "request", "event", "region"),
            facet_size=ALL,
            histogram="hour" if period.kind == "daily" else "day",
            highlight=False,
        )
    )
    negative = counts_of(
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
    earlier = _earlier(index, period, until)
    book = EvidenceBook(index)
    total = book.documents("全部信息", filters, page.total)
    total_change = _moved(book, "全部信息", page.total, [(name, one, count) for name, one, count, _ in earlier], period)
    before = earlier[-1] if earlier and earlier[-1][0] == _name(period.before()) else None
    policy_lines = _policy_lines(book, policies, page, negative["policy"], earlier, filters, period, release_days)
    events = top_events(book, index, page.facets.get("event", ()), negative["event"], facts, policies, since, until)
    hours = _hours(page.histogram) if period.kind == "daily" else ()
    levels = level_lines(book, facts.tickets, since, until)
    sentiments = share_lines(book, page, "sentiment", "sentiments", filters, words.SENTIMENTS)
    unseen = book.lines(
        "未能正常采集的信源",
        "minsheng sources list",
        [Line(at=source.last_seen_at, text=f"{source.name}：{source.reason}") for source in facts.coverage.unseen],
    )
    watched = book.told("监测的信源", "minsheng sources list", facts.coverage.sources)
    letters = [letter for letter in facts.dead_letters if since <= letter.at < until]
    dead_letters = book.lines(
        "未能处理的记录",
        "minsheng deadletters list",
        [Line(at=letter.at, text=f"{letter.stage}：{letter.reason}") for letter in letters],
    )
    past = [count for _, _, count, _ in earlier]
    against = versus(page.total, before[2], past, BEFORE[period.kind]) if before else None
    return Figures(
        kind=period.kind,
        unit=unit,
        day=period.first,
        last_day=period.last,
        since=since,
        until=until,
        complete=until == period.end,
        made_at=now,
        summary=summary(
            total, total_change, against, policy_lines, levels, sentiments, facts.coverage, watched, unseen,
            dead_letters, UNIT[period.kind],
        ),
        total=total,
        total_change=total_change,
        against=against,
        before=book.documents(f"{BEFORE[period.kind]}全部信息", before[1], before[2]) if before else None,
        hours=hours,
        days=tuple((bucket.value[:10], bucket.count) for bucket in page.histogram) if period.kind != "daily" else (),
        earlier=tuple((name, count) for name, _, count, _ in earlier),
        busiest=_busiest(book, hours, since, until) if hours else None,
        policies=policy_lines,
        silent_policies=book.told("未见讨论的在册政策", "minsheng policies list", len(policies) - len(policy_lines)),
        releases=_releases(policies, facts.readiness, period, release_days),
        events=events,
        levels=levels,
        open_tickets=open_ticket_lines(facts.tickets, until),
        responses=response_line(book, facts.tickets, since, until),
        recommendations=recommendations(facts.tickets, until),
        sentiments=sentiments,
        requests=share_lines(book, page, "request", "requests", filters, words.REQUESTS),
        topics=share_lines(book, page, "topic", "topics", filters, {}),
        sources=share_lines(book, page, "source", "sources", filters, facts.coverage.names),
        regions=share_lines(book, page, "region", "regions", filters, {}),
        coverage=facts.coverage,
        watched=watched,
        unseen=unseen,
        dead_letters=dead_letters,
        evidence=book.all(),
    )  # fmt: skip


Earlier = list[tuple[str, Filters, int, dict[str, int]]]
"""For earlier stretches of time, oldest first: name, what to ask, how many documents in all, and by policy."""


def _name(period: Span) -> str:
    if period.kind == "daily":
        return f"{period.first.month}月{period.first.day}日"
    return period.words


def _earlier(index: Index, period: Span, until: datetime) -> Earlier:
    """As much of each earlier one; those before the first document are left out: nobody was looking then."""
    found: Earlier = []
    passed = until - period.since
    for one in period.earlier():
        filters = Filters(since=one.since, until=one.end if until == period.end else min(one.since + passed, one.end))
        page = index.search(Search(filters=filters, size=0, facets=("policy",), facet_size=ALL, highlight=False))
        if found or page.total:
            found.append((_name(one), filters, page.total, counts_of(page)["policy"]))
    return found


def _moved(
    book: EvidenceBook, name: str, count: int, earlier: Sequence[tuple[str, Filters, int]], period: Span
) -> Change:
    """How the count moved against these earlier ones, which become its evidence."""
    moved = change(count, [number for _, _, number in earlier])
    if moved.mean is None:
        return moved
    title = f"{name}：前{len(earlier)}{UNIT[period.kind]}合计"
    return msgspec.structs.replace(moved, evidence=book.earlier(title, earlier))


def counts_of(page: Page) -> dict[str, dict[str, int]]:
    return {facet: {bucket.value: bucket.count for bucket in buckets} for facet, buckets in page.facets.items()}


def _policy_lines(
    book: EvidenceBook,
    policies: Sequence[Policy],
    page: Page,
    negative: dict[str, int],
    earlier: Earlier,
    span_filters: Filters,
    period: Span,
    release_days: int,
) -> tuple[PolicyLine, ...]:
    """Policies that were spoken of, or that fell silent, most spoken of first."""
    counts = counts_of(page).get("policy", {})
    lines = []
    for policy in policies:
        count = counts.get(policy.id, 0)
        before = [
            (name, msgspec.structs.replace(filters, policies=(policy.id,)), by_policy.get(policy.id, 0))
            for name, filters, _, by_policy in earlier
        ]
        if not count and change(count, [number for _, _, number in before]).direction != "down":
            continue
        filters = msgspec.structs.replace(span_filters, policies=(policy.id,))
        bad = msgspec.structs.replace(filters, sentiments=("negative",))
        age = (period.last - policy.released_on).days if policy.released_on else None
        lines.append(
            PolicyLine(
                id=policy.id,
                title=policy.title,
                number=policy.number,
                department=policy.department,
                stage=policy.stage_words,
                count=book.documents(f"涉及《{policy.title}》", filters, count),
                negative=book.documents(f"涉及《{policy.title}》的负面信息", bad, negative.get(policy.id, 0)),
                change=_moved(book, f"涉及《{policy.title}》", count, before, period),
                released_days=age if age is not None and 0 <= age <= release_days else None,
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.count.value, line.id)))


def _releases(
    policies: Sequence[Policy], readiness: Sequence[ReadinessFact], period: Span, release_days: int
) -> tuple[ReleaseLine, ...]:
    """Policies released of late or soon, or open for comments, and what each still lacks."""
    ready = {one.policy: one for one in readiness}
    lines = []
    for policy in policies:
        when = _release_words(policy, period.last, release_days)
        if not when:
            continue
        there = ready.get(policy.id)
        missing = []
        if there is not None and not there.plans:
            missing.append("应对预案")
        if there is not None and not there.answers and policy.stage != "draft":
            missing.append("政策问答")
        if there is not None and there.materials == 0 and policy.stage != "draft":
            missing.append("解读材料")
        if not policy.department:
            missing.append("责任部门")
        if policy.stage == "draft" and not policy.consultation_closes:
            missing.append("征求意见期限")
        lines.append(
            ReleaseLine(
                id=policy.id, title=policy.title, department=policy.department, when=when, missing=tuple(missing)
            )
        )
    return tuple(lines)


def _release_words(policy: Policy, day: date, release_days: int) -> str:
    if policy.released_on and timedelta(0) <= day - policy.released_on <= timedelta(days=release_days):
        return f"发布第{(day - policy.released_on).days + 1}天"
    if policy.released_on and timedelta(0) < policy.released_on - day <= timedelta(days=release_days):
        return f"{(policy.released_on - day).days}天后发布"
    opens, closes = policy.consultation_opens, policy.consultation_closes
    if policy.stage == "draft" and closes and (not opens or opens <= day) and day <= closes:
        return f"征求意见，{(closes - day).days}天后截止" if closes > day else "征求意见，今日截止"
    return ""


def share_lines(
    book: EvidenceBook, page: Page, facet: str, field: str, span_filters: Filters, names: dict[str, str]
) -> tuple[ShareLine, ...]:
    """How the documents divide by a label: in the order of `names`, or the most frequent first."""
    counts = counts_of(page).get(facet, {})
    order = [label for label in names if label in counts] if facet in ("sentiment", "request") else []
    order += [label for label in counts if label not in order]
    return tuple(
        ShareLine(
            label=label,
            name=names.get(label, label),
            count=book.documents(
                f"{_FACETS[facet]}：{names.get(label, label)}", _with(span_filters, field, label), counts[label]
            ),
        )
        for label in order[:SHARES]
    )


SHARES = 30
"""Values told of a label that may have any number of them, such as regions and sources."""

_FACETS = {"sentiment": "情感", "request": "诉求", "topic": "领域", "source": "信源", "region": "地区"}


def _with(span_filters: Filters, field: str, value: str) -> Filters:
    return msgspec.structs.replace(span_filters, **{field: (value,)})


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
