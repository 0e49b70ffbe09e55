"""The first reports after a policy's release (2, 24, 72 hours) in the form of a briefing.

Their numbers were counted and kept when the report was made (`alerts.release.report`), and stay so here: the evidence
gives the query that was counted, not a count of today.
"""

from __future__ import annotations

from alerts.levels import SHORT
from alerts.release.readiness import PARTS
from alerts.release.report import ReleaseReport, Share, Typical
from briefings import words
from briefings.evidence import EvidenceBook, Number, search_command
from briefings.report import Chart, Part, Report
from briefings.writing import Writer
from minsheng.clock import CHINA
from search.index import Filters, Index


def release_briefing(index: Index, kept: ReleaseReport, *, unit: str) -> Report:
    """The briefing of a kept report."""
    book, writer = EvidenceBook(index), Writer()
    filters = Filters(policies=(kept.policy_id,), since=kept.since, until=kept.until)
    total = book.told(f"《{kept.title}》发布后{kept.hours}小时的信息", search_command(filters), kept.documents)
    for sentence in kept.summary.rstrip("。").split("。"):
        writer.summary(f"{sentence}。")
    if kept.partial:
        writer.summary(f"所述时段尚未结束：以上为截至{words.time_words(kept.until)}的情况。")

    writer.section("发布情况")
    number = f"（{kept.number}）" if kept.number else ""
    missing = "、".join(PARTS[part] for part in kept.missing)  # type: ignore[index]
    writer.paragraph(
        f"《{kept.title}》{number}，{kept.department or '未定责任部门'}，{words.time_words(kept.since)}发布；"
        f"{f'发布时尚缺：{missing}' if missing else '各项准备齐全'}。",
        tone="late" if missing else "",
    )
    writer.section("传播情况")
    change = "发声人数与发布前同样长的时间相比，人数太少，不作比较。"
    if kept.change is not None:
        low, value, high = kept.change.low, kept.change.value, kept.change.high
        change = f"发声人数为发布前同样长时间（{kept.before}位）的{value:.1f}倍（99%区间{low:.1f}至{high:.1f}）。"
    writer.paragraph("相关信息", total, f"条，发言者{kept.voices}位，其中负面或有诉求的{kept.concerned}位。{change}")
    if kept.hourly:
        writer.chart(
            Chart(id="", shape="columns", title="信息量（每小时）",
                  labels=tuple(f"{at.astimezone(CHINA):%d日%H时}" for at, _ in kept.hourly),
                  values=tuple(float(count) for _, count in kept.hourly))
        )  # fmt: skip
    if kept.sentiment:
        writer.chart(_shares("情感占比及95%区间（按发言者）", kept.sentiment))
    for title, shares in (("情感", kept.sentiment), ("立场", kept.stance)):
        if shares:
            told = "、".join(
                f"{one.title}{one.count}位（{100 * one.share:.1f}%，95%区间{100 * one.low:.1f}%—{100 * one.high:.1f}%）"
                for one in shares
            )
            writer.paragraph(f"{title}：{told}。", style="note")
    for title, counts in (("信源", kept.sources), ("地区", kept.regions)):
        if counts:
            writer.paragraph(f"{title}：{'、'.join(f'{name}{count}条' for name, count in counts)}。", style="note")
    for title, items in (("典型疑问", kept.questions), ("典型诉求", kept.demands)):
        writer.section(title)
        if not items:
            writer.paragraph("未见。")
        for place, one in enumerate(items, 1):
            writer.paragraph(f"{place}. “{one.text}”（", _asked(book, title, place, one), "条）")
    writer.section("办理情况")
    for ticket in kept.tickets:
        writer.paragraph(f"{SHORT[ticket.level]}　{ticket.title}（{ticket.number}）")
    if not kept.tickets:
        writer.paragraph("没有未办结的工单。")
    writer.section("监测盲区")
    writer.paragraph(f"{kept.coverage.rstrip('。')}。", tone="late" if kept.unseen else "")
    for limit in kept.limits:
        writer.paragraph(f"{limit}。", style="note")
    return writer.report(
        "release", f"《{kept.title}》发布后{kept.hours}小时", unit=unit, since=kept.since, until=kept.until,
        made_at=kept.made_at, evidence=book.all(), complete=not kept.partial,
    )  # fmt: skip


def _asked(book: EvidenceBook, title: str, place: int, one: Typical) -> Part:
    """How many put it; a click opens the post whose words they are."""
    shown = book.documents(f"{title}{place}的原帖", Filters(ids=(one.document_id,)), 1)
    return Number(value=one.asked, evidence=shown.evidence, shown=str(one.asked))


def _shares(title: str, shares: tuple[Share, ...]) -> Chart:
    return Chart(
        id="",
        shape="shares",
        title=title,
        labels=tuple(one.title for one in shares),
        values=tuple(100 * one.share for one in shares),
        keys=tuple(one.label for one in shares),
        low=tuple(100 * one.low for one in shares),
        high=tuple(100 * one.high for one in shares),
        unit="%",
    )
