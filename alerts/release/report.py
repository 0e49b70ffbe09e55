"""The first reports after a policy's release: what was said in its first hours, kept as it was found then."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.levels import SHORT, Level, rank
from alerts.observations import Observation
from alerts.release.tables import release_reports as table
from alerts.responses.aftermath import Interval, ratio, wilson
from alerts.responses.demands import Asked, demands_of
from alerts.tables import observation_policies, observations, tickets
from alerts.transitions import STATUS_WORDS
from crawlers.health import coverage_at
from minsheng.clock import CHINA, Clock
from minsheng.policies import Policy
from minsheng.records import Grouped
from minsheng.store import Store, insert_or_ignore
from search.index import Filters, Index, Search

MOST_READ = 5_000
"""Posts whose stance and text are looked at: the newest ones."""
MOST_LISTED = 5
"""Questions, and demands, that a report lists."""
SENTIMENTS = {"negative": "负面", "neutral": "中性", "positive": "正面"}
STANCES = {"against": "反对", "support": "支持", "question": "疑问", "neutral": "中立"}
_Z = 1.96


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One label: how many voices have it, of `total`; `share` lies between `low` and `high` (Wilson, 95 of 100)."""

    label: str
    title: str
    count: int
    total: int
    share: float
    low: float
    high: float


class Typical(msgspec.Struct, frozen=True, kw_only=True):
    """A question or demand in the words of one post (masked), and how many posts put it."""

    text: str
    document_id: str
    asked: int


class OpenTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of the policy that has not ended."""

    number: str
    level: Level
    title: str
    status: str


class ReleaseReport(msgspec.Struct, frozen=True, kw_only=True):
    """A first report. All of it is what was known at `made_at`; it never changes afterwards.

    Attributes
    ----------
    policy_id, title, number, department:
        The policy as it stood; `number` is its 文号, empty where it has none.
    hours:
        How long after the release: it tells of what was published from `since` (the release) until `until`, that not
        included; of less where `partial` is true, because it was asked for before that time was over.
    documents, voices, concerned:
        Documents that surely name the policy; distinct authors among them (an unsigned document is its own); those of
        the authors who are negative or ask for something.
    before:
        Voices in the same stretch of time before the release; `change`: voices after as a multiple of those, with a
        99 % interval; None where too few spoke to say.
    hourly:
        Documents an hour, (start in China time, count), without empty hours.
    sentiment, stance:
        Shares over voices, by each voice's newest document, most first. Stances of what could be read of the index.
    sources, regions:
        Documents each, most first; at most ten.
    questions, demands:
        What people ask, and what they want, most asked first; at most five each.
    tickets:
        Open ones of the policy, gravest first.
    unseen:
        The sources that could not be seen, by name; `coverage` says it in one Chinese sentence.
    missing:
        What was not there: keys of `alerts.release.readiness.PARTS`.
    limits:
        In Chinese, what this report could not look at; empty: nothing.
    summary:
        Three Chinese sentences at most.
    """

    policy_id: str
    title: str
    number: str
    department: str
    released_on: date
    hours: int
    since: datetime
    until: datetime
    made_at: datetime
    partial: bool
    documents: int
    voices: int
    concerned: int
    before: int
    change: Interval | None
    hourly: tuple[tuple[datetime, int], ...]
    sentiment: tuple[Share, ...]
    stance: tuple[Share, ...]
    sources: tuple[tuple[str, int], ...]
    regions: tuple[tuple[str, int], ...]
    questions: tuple[Typical, ...]
    demands: tuple[Typical, ...]
    tickets: tuple[OpenTicket, ...]
    unseen: tuple[str, ...]
    coverage: str
    missing: tuple[str, ...]
    limits: tuple[str, ...]
    summary: str


def release_report(
    store: Store,
    index: Index | None,
    clock: Clock,
    policy: Policy,
    released_at: datetime,
    hours: int,
    missing: Sequence[str] = (),
) -> ReleaseReport:
    """Put a first report together, as things stand now; it is not kept: `keep` does that.

    Counts come from the alert stage's observations, texts and stances from the index.

    Parameters
    ----------
    index:
        None: it can't be reached, and the report says so.
    released_at:
        The moment of the release, with its zone: `alerts.release.readiness.released_at`.
    hours:
        How long after it.
    missing:
        `Readiness.missing`.

    Raises
    ------
    Unavailable
        The store, or the index, can't be reached.
    """
    now = clock.now()
    end = released_at + timedelta(hours=hours)
    until = min(end, max(now, released_at))
    rows = _observed(store, policy.id, released_at, until)
    before = _observed(store, policy.id, released_at - (until - released_at), released_at)
    newest = {row.author: row for row in rows}
    labels = Counter(row.sentiment for row in newest.values())
    hourly = Counter(row.published_at.astimezone(CHINA).replace(minute=0, second=0, microsecond=0) for row in rows)
    limits: list[str] = []
    records: list[Grouped] = []
    if index is None:
        limits.append("检索库暂不可用，未统计立场，未列举典型疑问和诉求")
    else:
        records, more = _read(index, policy.id, released_at, until)
        if more:
            limits.append(f"发言超过 {MOST_READ} 条，立场、疑问和诉求按最新 {MOST_READ} 条统计")
    questions, demands = _typical(records)
    seen = coverage_at(store, now, released_at, max(until, released_at + timedelta(hours=1)))
    change = ratio(len(newest), len({row.author for row in before}))
    found = ReleaseReport(
        policy_id=policy.id,
        title=policy.title,
        number=policy.number or "",
        department=policy.department or "",
        released_on=released_at.astimezone(CHINA).date(),
        hours=hours,
        since=released_at,
        until=until,
        made_at=now,
        partial=until < end,
        documents=len(rows),
        voices=len(newest),
        concerned=len({row.author for row in rows if row.concerned}),
        before=len({row.author for row in before}),
        # JSON knows no infinity: from nobody to many is no multiple.
        change=change if change is None or max(change) < float("inf") else None,
        hourly=tuple(sorted(hourly.items())),
        sentiment=_shares(labels, SENTIMENTS),
        stance=_shares(_stances(records), STANCES),
        sources=tuple(Counter(row.source for row in rows).most_common(10)),
        regions=tuple(Counter(row.region for row in rows if row.region).most_common(10)),
        questions=questions,
        demands=demands,
        tickets=_open_tickets(store, policy.id),
        unseen=tuple(one.name for one in seen.unseen),
        coverage=seen.sentence() if seen.total else "未登记信源",
        missing=tuple(missing),
        limits=tuple(limits),
        summary="",
    )
    return msgspec.structs.replace(found, summary=_summary(found))


def keep(store: Store, connection: Connection, report: ReleaseReport) -> None:
    """Keep a report, once for a policy's release and its hours; one that is there stays as it is."""
    content = msgspec.json.encode(report, order="deterministic").decode()
    row = {
        "policy_id": report.policy_id,
        "released_on": report.released_on,
        "hours": report.hours,
        "made_at": report.made_at,
        "content": content,
        "digest": hashlib.sha256(content.encode()).hexdigest(),
    }
    insert_or_ignore(store, table, [row], connection=connection)


def kept_reports(
    store: Store, policy_id: str | None = None, hours: int | None = None
) -> list[tuple[ReleaseReport, str]]:
    """The kept reports of a policy, or of all (of those `hours`), oldest release first, each with the SHA-256 of its
    content."""
    query = sa.select(table).order_by(table.c.policy_id, table.c.released_on, table.c.hours)
    if policy_id is not None:
        query = query.where(table.c.policy_id == policy_id)
    if hours is not None:
        query = query.where(table.c.hours == hours)
    with store.read() as connection:
        rows = connection.execute(query).all()
    return [(msgspec.json.decode(row.content, type=ReleaseReport), row.digest) for row in rows]


def _observed(store: Store, policy_id: str, since: datetime, until: datetime) -> list[Observation]:
    """What names the policy surely, oldest first; backfill too: it was said then."""
    named = sa.select(observation_policies.c.document_id).where(
        observation_policies.c.policy_id == policy_id,
        observation_policies.c.published_at >= since,
        observation_policies.c.published_at < until,
        observation_policies.c.confidence >= 0.5,
    )
    query = (
        sa.select(*[observations.c[name] for name in Observation._fields])
        .where(observations.c.document_id.in_(named))
        .order_by(observations.c.published_at, observations.c.document_id)
    )
    with store.read() as connection:
        return [Observation(*row) for row in connection.execute(query)]


def _read(index: Index, policy_id: str, since: datetime, until: datetime) -> tuple[list[Grouped], bool]:
    """The newest posts and messages, and whether there are more."""
    filters = Filters(policies=(policy_id,), kinds=("post", "reply", "message"), since=since, until=until)
    found: list[Grouped] = []
    after: str | None = None
    while len(found) < MOST_READ:
        page = index.search(Search(filters=filters, size=min(1000, MOST_READ), after=after, highlight=False))
        found += [hit.record for hit in page.hits]
        after = page.cursor
        if after is None:
            return found, False
    return found[:MOST_READ], True


def _stances(records: Iterable[Grouped]) -> Counter[str]:
    by_author: dict[str, str] = {}
    for record in records:  # newest first
        if record.assessed.stance is not None:
            by_author.setdefault(record.document.author_key or record.document.id, record.assessed.stance.label)
    return Counter(by_author.values())


def _typical(records: Sequence[Grouped]) -> tuple[tuple[Typical, ...], tuple[Typical, ...]]:
    def asks(record: Grouped) -> bool:
        stance = record.assessed.stance
        return record.assessed.request.label == "inquiry" or (stance is not None and stance.label == "question")

    def wants(record: Grouped) -> bool:
        return record.assessed.sentiment.label == "negative" or record.assessed.request.label in (
            "complaint", "help", "report", "suggestion",
        )  # fmt: skip

    def typical(fits: Callable[[Grouped], bool]) -> tuple[Typical, ...]:
        posts = [
            Asked(text=record.document.text, title=record.document.title, document_id=record.document.id)
            for record in records
            if fits(record)
        ]
        return tuple(
            Typical(text=one.text, document_id=one.document_id, asked=one.asked)
            for one in demands_of(posts)[:MOST_LISTED]
        )

    return typical(asks), typical(lambda record: wants(record) and not asks(record))


def _open_tickets(store: Store, policy_id: str) -> tuple[OpenTicket, ...]:
    query = sa.select(tickets.c.number, tickets.c.level, tickets.c.title, tickets.c.status).where(
        tickets.c.policy_id == policy_id,
        tickets.c.closed_at.is_(None),
        tickets.c.exercise.is_(False),
        tickets.c.historical.is_(False),
    )
    with store.read() as connection:
        rows = connection.execute(query.order_by(tickets.c.id)).all()
    found = [OpenTicket(number=row.number, level=row.level, title=row.title, status=row.status) for row in rows]
    return tuple(sorted(found, key=lambda one: -rank(one.level)))


def _shares(counts: Counter[str], titles: dict[str, str]) -> tuple[Share, ...]:
    total = sum(counts.values())
    found = []
    for label, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        share = wilson(count, total, _Z)
        bounds = {name: round(value, 4) for name, value in share._asdict().items() if name != "value"}
        title = titles.get(label, label)
        found.append(Share(label=label, title=title, count=count, total=total, share=round(share.value, 4), **bounds))
    return tuple(found)


def _summary(found: ReleaseReport) -> str:
    if not found.documents:
        said = f"发布后 {found.hours} 小时，监看范围内未见与本政策明确相关的发言"
    else:
        said = f"发布后 {found.hours} 小时，相关信息 {found.documents} 条，发言者 {found.voices} 位"
        negative = next((one for one in found.sentiment if one.label == "negative"), None)
        if negative is not None:
            said += f"，负面占 {negative.share:.0%}（95% 区间 {negative.low:.0%} 至 {negative.high:.0%}）"
        else:
            said += "，未见负面"
    sentences = [said]
    if found.questions or found.demands:
        first = (found.questions or found.demands)[0]
        what = "疑问" if found.questions else "诉求"
        sentences.append(f"最集中的{what}：“{first.text[:60]}”（{first.asked} 条）")
    if found.tickets:
        worst = found.tickets[0]
        sentences.append(
            f"未办结工单 {len(found.tickets)} 件，最高为{SHORT[worst.level]} {worst.number}"
            f"（{STATUS_WORDS.get(worst.status, worst.status)}）"
        )
    if found.unseen and len(sentences) < 3:
        sentences.append(f"有 {len(found.unseen)} 个信源看不到，实际情况可能更多")
    return "。".join(sentences) + "。"
