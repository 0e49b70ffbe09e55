"""Reports on one matter: a special report (专报) on an event or a policy, and two days or two policies compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from briefings import words
from briefings.change import versus
from briefings.events import key_posts
from briefings.evidence import EvidenceBook, Line, Number, post
from briefings.facts import Facts, TicketFact
from briefings.model import ShareLine
from briefings.period import share_lines
from briefings.periodical import blind, clock_words, is_late, recommended, share_paragraph
from briefings.report import Cell, Chart, Part, Report
from briefings.responses import recommendations
from briefings.tickets import is_open
from briefings.writing import Writer, derived
from minsheng.clock import CHINA
from search.index import Facet, Filters, Index, Page, Search

_FACETS: tuple[Facet, ...] = ("sentiment", "request", "source", "region")
_READ = 200
_ALL = 1_000


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of: its name in words, and how its documents are found in its time."""

    name: str
    filters: Filters

    @property
    def since(self) -> datetime:
        assert self.filters.since is not None
        return self.filters.since

    @property
    def until(self) -> datetime:
        assert self.filters.until is not None
        return self.filters.until


def special(
    index: Index, side: Side, facts: Facts, tickets: Sequence[TicketFact], *, unit: str, made_at: datetime
) -> Report:
    """The special report on one event or policy.

    Parameters
    ----------
    facts:
        Of the time told of: coverage and dead letters are taken from it.
    tickets:
        Those of the matter.
    """
    book, writer = EvidenceBook(index), Writer()
    page = _page(index, side.filters, _READ)
    total = book.documents(f"{side.name}：全部信息", side.filters, page.total)
    sentiments = share_lines(book, page, "sentiment", "sentiments", side.filters, words.SENTIMENTS)
    negative = _count(sentiments, "negative")
    length = side.until - side.since
    before = msgspec.structs.replace(side.filters, since=side.since - length, until=side.since)
    was = index.count(before)
    trend = derived(
        versus(page.total, was, (), "此前同样长的时间").words,
        book.documents("此前同样长的时间", before, was).evidence or total.evidence,
    )
    if page.total:
        share = words.share_words(negative.value, page.total)
        reach = words.interval_words(negative.value, page.total)
        writer.summary(
            f"{side.name}相关信息", total, "条，", trend, "；其中负面", negative, f"条，占{share}（95%区间{reach}）。"
        )
    else:
        writer.summary(f"所述时段内未见{side.name}的相关信息。")
    opened = [one for one in tickets if is_open(one, side.until)]
    numbers = _tickets(book, "相关工单", tickets), _tickets(book, "未办结的相关工单", opened)
    writer.summary(*(["相关工单", numbers[0], "件，未办结", numbers[1], "件。"] if tickets else ["没有相关工单。"]))

    writer.section("基本情况")
    days = [(datetime.fromisoformat(bucket.value).astimezone(CHINA).date(), bucket.count) for bucket in page.histogram]
    writer.paragraph(f"{_span_words(side)}，", *([total, "条，", trend, "。"] if page.total else ["没有信息。"]))
    if days and page.total:
        labels = tuple(f"{day.month}.{day.day}" for day, _ in days)
        writer.chart(
            Chart(id="", shape="columns", title="信息量（每日）", labels=labels,
                  values=tuple(float(count) for _, count in days))
        )  # fmt: skip
        writer.chart(_sentiment_chart(sentiments, page.total))
    for title, facet, field, names in (
        ("信源", "source", "sources", facts.coverage.names),
        ("地区", "region", "regions", {}),
    ):
        if lines := share_lines(book, page, facet, field, side.filters, names):
            share_paragraph(writer, title, lines, page.total)

    writer.section("群众诉求")
    asked = [
        line
        for line in share_lines(book, page, "request", "requests", side.filters, words.REQUESTS)
        if line.label not in ("none", "praise")
    ]
    if asked:
        share_paragraph(writer, "诉求", asked, page.total)
    else:
        writer.paragraph("未见明确诉求。")
    writer.posts([post(record) for record in key_posts([hit.record for hit in page.hits])])

    writer.section("办理情况")
    if not tickets:
        writer.paragraph("尚未立单。")
    for ticket in sorted(tickets, key=lambda one: (list(words.LEVELS).index(one.level), one.opened_at, one.number)):
        closed = ticket.closed_at is not None and ticket.closed_at <= side.until
        stands = f"{words.time_words(ticket.closed_at)}办结。" if closed and ticket.closed_at else ""
        writer.paragraph(
            f"{words.LEVEL_NAMES[ticket.level]}　{ticket.title}（{ticket.number}，{ticket.status}，"
            f"{ticket.unit or '未定责任单位'}）：{stands or clock_words(side.until, ticket.deadlines)}",
            tone="late" if not closed and is_late(side.until, ticket.deadlines) else "",
        )
        writer.paragraph(ticket.why, style="note")
        if ticket.graded:
            writer.paragraph(f"回应评估：{ticket.graded}。", style="note")
    _unseen(writer, book, facts, side.since, side.until)
    recommended(writer, recommendations(tickets, side.until))
    return writer.report(
        "special", side.name, unit=unit, since=side.since, until=side.until, made_at=made_at, evidence=book.all(),
        complete=side.until <= made_at, sources=facts.coverage.names,
    )  # fmt: skip


def comparison(index: Index, first: Side, second: Side, facts: Facts, *, unit: str, made_at: datetime) -> Report:
    """Two days, or two policies, side by side: what differs more than chance would have it, and what does not."""
    book, writer = EvidenceBook(index), Writer()
    pages = [_page(index, side.filters, 0) for side in (first, second)]
    totals = [
        book.documents(f"{side.name}：全部信息", side.filters, page.total)
        for side, page in zip((first, second), pages, strict=True)
    ]
    same_time = first.since == second.since
    moved = _difference(pages[0].total, pages[1].total, first.name, same_time)
    writer.summary(f"{first.name}", totals[0], f"条，{second.name}", totals[1], f"条，{moved}。")
    if same_time:
        writer.summary(f"所述时段：{_span_words(first)}。")
    elif first.until - first.since < timedelta(days=1):
        today = max((first, second), key=lambda side: side.until)
        writer.summary(f"{today.name}尚未结束，两日均只计到{today.until.astimezone(CHINA):%H:%M}。")
    shares = [
        share_lines(book, page, "sentiment", "sentiments", side.filters, words.SENTIMENTS)
        for side, page in zip((first, second), pages, strict=True)
    ]
    negative = [_count(lines, "negative") for lines in shares]
    writer.summary(*_share_difference((first, second), negative, totals))

    writer.section("逐项对比")
    moved = _difference(pages[0].total, pages[1].total, "前者", same_time)
    rows: list[tuple[Cell | Part, ...]] = [("全部信息", *totals, _moved_cell(moved))]
    for facet, field, names in (
        ("sentiment", "sentiments", words.SENTIMENTS),
        ("request", "requests", words.REQUESTS),
        ("source", "sources", facts.coverage.names),
        ("region", "regions", {}),
    ):
        both = [
            {line.label: line for line in share_lines(book, page, facet, field, side.filters, names)}
            for side, page in zip((first, second), pages, strict=True)
        ]
        labels = sorted(
            {*both[0], *both[1]},
            key=lambda label: (-sum(side[label].count.value for side in both if label in side), label),
        )
        for label in labels[:6]:
            name = next(side[label].name for side in both if label in side)
            counts = [side[label].count if label in side else Number(value=0) for side in both]
            rows.append((name, *counts, _moved_cell(_difference(counts[0].value, counts[1].value, "前者", same_time))))
    writer.table(("指标", first.name, second.name, "差异" if same_time else "变化"), rows, right=(1, 2))
    writer.paragraph(f"差异在随机波动范围以内的，均写作“{'差异' if same_time else '变化'}不显著”。", style="note")
    for side, page, lines in zip((first, second), pages, shares, strict=True):
        if page.total:
            writer.chart(msgspec.structs.replace(_sentiment_chart(lines, page.total), title=f"{side.name}：情感占比"))
    since, until = min(first.since, second.since), max(first.until, second.until)
    _unseen(writer, book, facts, since, until)
    return writer.report(
        "comparison", f"{first.name}与{second.name}", unit=unit, since=since, until=until, made_at=made_at,
        evidence=book.all(), sources=facts.coverage.names,
    )  # fmt: skip


def day_sides(first: date, second: date, now: datetime) -> tuple[Side, Side]:
    """Two days in China; where one is not over, both up to the same hour: a morning against a day says nothing."""
    begins = [datetime(day.year, day.month, day.day, tzinfo=CHINA) for day in (first, second)]
    length = min(timedelta(days=1), *(now.replace(microsecond=0) - begin for begin in begins))
    # The year where it tells them apart.
    year = "" if first.year == second.year else "{}年"
    one, other = (
        Side(name=f"{year.format(begin.year)}{begin.month}月{begin.day}日",
             filters=Filters(since=begin, until=begin + length))
        for begin in begins
    )  # fmt: skip
    return one, other


def _difference(before: int, count: int, name: str, same_time: bool) -> str:
    """How the second count stands to the first: moved since, or, of the same time, more or less than it."""
    moved = versus(count, before, (), name)
    if not same_time:
        return moved.words
    if moved.direction == "noise":
        return f"与{name}差异不显著"
    return f"较{name}{'多' if moved.direction == 'up' else '少'}{abs(count - before)}条"


def _moved_cell(said: str) -> Cell:
    return Cell(parts=(said,), tone="soft" if "不显著" in said else "")


def _page(index: Index, filters: Filters, size: int) -> Page:
    return index.search(
        Search(filters=filters, size=size, facets=_FACETS, facet_size=_ALL, histogram="day", highlight=False)
    )


def _count(lines: Sequence[ShareLine], label: str) -> Number:
    return next((line.count for line in lines if line.label == label), Number(value=0))


def _share_difference(sides: Sequence[Side], negative: Sequence[Number], totals: Sequence[Number]) -> list[Part]:
    if not all(one.value for one in totals):
        return ["至少一方没有信息，不比较负面占比。"]
    found: list[Part] = ["负面占比："]
    for side, bad, total in zip(sides, negative, totals, strict=True):
        share, reach = words.share_words(bad.value, total.value), words.interval_words(bad.value, total.value)
        found += [f"{side.name}", bad, f"条，{share}（95%区间{reach}）；"]
    low, high = zip(*(words.interval(b.value, t.value) for b, t in zip(negative, totals, strict=True)), strict=True)
    apart = low[1] > high[0] or low[0] > high[1]
    return [*found, "两者差异显著。" if apart else "两个区间重叠，差异不显著。"]


def _sentiment_chart(lines: Sequence[ShareLine], total: int) -> Chart:
    reach = [words.interval(line.count.value, total) for line in lines]
    return Chart(
        id="",
        shape="shares",
        title="情感占比及95%区间",
        labels=tuple(line.name for line in lines),
        values=tuple(100 * line.count.value / total for line in lines),
        keys=tuple(line.label for line in lines),
        low=tuple(100 * low for low, _ in reach),
        high=tuple(100 * high for _, high in reach),
        unit="%",
    )


def _unseen(writer: Writer, book: EvidenceBook, facts: Facts, since: datetime, until: datetime) -> None:
    seen = facts.coverage
    lines = [Line(at=one.last_seen_at, text=f"{one.name}：{one.reason}") for one in seen.unseen]
    letters = [
        Line(at=one.at, text=f"{one.stage}：{one.reason}") for one in facts.dead_letters if since <= one.at < until
    ]
    blind(
        writer,
        seen,
        book.told("监测的信源", "minsheng sources list", seen.sources),
        book.lines("未能正常采集的信源", "minsheng sources list", lines),
        book.lines("未能处理的记录", "minsheng deadletters list", letters),
    )


def _tickets(book: EvidenceBook, title: str, tickets: Sequence[TicketFact]) -> Number:
    lines = [
        Line(at=one.opened_at, text=f"{one.number}　{one.title}", command=f"minsheng tickets show {one.number}")
        for one in tickets
    ]
    return book.lines(title, "", lines)


def _span_words(side: Side) -> str:
    return f"{words.time_words(side.since)}至{words.time_words(side.until)}"
