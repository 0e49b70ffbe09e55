"""The shift summary (交班摘要): what happened since the shift began, and what the next one has to keep an eye on."""

from __future__ import annotations

from datetime import datetime, timedelta

from briefings import words
from briefings.evidence import EvidenceBook, Line
from briefings.facts import Facts
from briefings.periodical import blind, clock_words, is_late
from briefings.report import Cell, Report
from briefings.tickets import level_lines, open_ticket_lines
from briefings.writing import Writer
from search.index import Filters, Index

SOON = timedelta(hours=24)
"""Clocks that end within this time are named."""


def shift_summary(
    index: Index, facts: Facts, *, since: datetime, until: datetime, unit: str, made_at: datetime
) -> Report:
    """The summary of what came since `since`. `facts`: of this time, as `briefings.gather` reads them."""
    book, writer = EvidenceBook(index), Writer()
    filters = Filters(since=since, until=until)
    total = book.documents("本班信息", filters, index.count(filters))
    bad = Filters(since=since, until=until, sentiments=("negative",))
    negative = book.documents("本班负面信息", bad, index.count(bad))
    levels = level_lines(book, facts.tickets, since, until)
    tickets = open_ticket_lines(facts.tickets, until)
    count = {name: sum(getattr(line, name).value for line in levels) for name in ("opened", "closed", "open")}
    writer.summary("本班收到信息", total, "条，其中负面", negative, "条。")
    writer.summary(f"新增工单{count['opened']}件，办结{count['closed']}件，移交未办结{count['open']}件。")

    writer.section("未了事项")
    writer.table(
        ("等级", "新增", "办结", "未办结"),
        [
            (Cell(parts=(words.LEVELS[line.level],), tone=line.level), line.opened, line.closed, line.open)
            for line in levels
        ],
        right=(1, 2, 3),
    )
    for ticket in tickets:
        writer.paragraph(
            f"{words.LEVEL_NAMES[ticket.level]}　{ticket.title}（{ticket.number}，{ticket.status}，"
            f"{ticket.unit or '未定责任单位'}）：{clock_words(until, ticket.deadlines)}",
            tone="late" if is_late(until, ticket.deadlines) else "",
        )
    if not tickets:
        writer.paragraph("没有未办结的工单。")

    writer.section("接班后要盯的")
    running = sorted(
        (clock.due_at, clock.name, ticket.number, ticket.title)
        for ticket in tickets
        for clock in ticket.deadlines
        if not (clock.settled_at and clock.settled_at <= until) and clock.due_at <= until + SOON
    )
    for due, name, number, title in running:
        late = "，已逾期" if due <= until else ""
        writer.paragraph(f"{words.time_words(due)}前{name}：{title}（{number}）{late}。",
                         tone="late" if late else "")  # fmt: skip
    if not running:
        writer.paragraph("24小时内没有到期的时限。")

    unseen = [Line(at=one.last_seen_at, text=f"{one.name}：{one.reason}") for one in facts.coverage.unseen]
    letters = [
        Line(at=one.at, text=f"{one.stage}：{one.reason}") for one in facts.dead_letters if since <= one.at < until
    ]
    blind(
        writer,
        facts.coverage,
        book.told("监测的信源", "minsheng sources list", facts.coverage.sources),
        book.lines("未能正常采集的信源", "minsheng sources list", unseen),
        book.lines("未能处理的记录", "minsheng deadletters list", letters),
    )
    return writer.report(
        "shift", f"{words.time_words(since)}至{words.time_words(until)}", unit=unit, since=since, until=until,
        made_at=made_at, evidence=book.all(), sources=facts.coverage.names,
    )  # fmt: skip
