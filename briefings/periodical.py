"""The daily, weekly and monthly briefing in words. All text is made by rules, or quoted from posts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from briefings import words
from briefings.change import Change
from briefings.edition import wide
from briefings.evidence import Number
from briefings.facts import Coverage, DeadlineFact
from briefings.model import EventLine, Figures, LevelLine, Recommendation, ShareLine
from briefings.report import Cell, Chart, Part, Report
from briefings.spans import BEFORE, UNIT, Span
from briefings.summary import against
from briefings.writing import Writer, derived
from minsheng.policies.titles import quoted

LISTED = 5
"""Policies with a row of their own; of the others only those whose count changed."""
TICKETS = 8
SHARES = 6
_LABEL = 8
"""Chinese characters, or as wide, of a name beside a bar."""


def periodical(figures: Figures) -> Report:
    """The report of these figures."""
    writer = Writer()
    for sentence in figures.summary:
        writer.summary(*sentence.parts)
    if not figures.complete:
        writer.summary(
            f"所述时段尚未结束：以上为截至{words.time_words(figures.until)}的情况，与此前各期的相同时段比较。"
        )
    _risks(writer, figures)
    _events(writer, figures)
    _releases(writer, figures)
    _policies(writer, figures)
    _responses(writer, figures)
    _figures(writer, figures)
    blind(writer, figures.coverage, figures.watched, figures.unseen, figures.dead_letters)
    recommended(writer, figures.recommendations)
    return writer.report(
        figures.kind,
        Span(kind=figures.kind, first=figures.day, last=figures.last_day).words,
        unit=figures.unit,
        since=figures.since,
        until=figures.until,
        made_at=figures.made_at,
        evidence=figures.evidence,
        complete=figures.complete,
        sources=figures.coverage.names,
    )


def _risks(writer: Writer, figures: Figures) -> None:
    writer.section("风险研判")
    before = {"daily": "昨日末", "weekly": "上周末", "monthly": "上月末"}[figures.kind]
    writer.table(
        ("等级", "新增", "办结", "未办结", f"较{before}"),
        [
            (
                Cell(parts=(words.LEVELS[line.level],), tone=line.level),
                line.opened,
                line.closed,
                line.open,
                _difference(line),
            )
            for line in figures.levels
        ],
        right=(1, 2, 3, 4),
    )
    if not figures.open_tickets:
        writer.paragraph("没有未办结的风险工单。")
    for place, ticket in enumerate(figures.open_tickets[:TICKETS]):
        historical = "（历史信息）" if ticket.historical else ""
        writer.paragraph(
            f"{words.LEVEL_NAMES[ticket.level]}　{ticket.title}（{ticket.number}，{ticket.status}{historical}，"
            f"{ticket.unit or '未定责任单位'}）：{clock_words(figures.until, ticket.deadlines)}",
            tone="late" if is_late(figures.until, ticket.deadlines) else "",
            style="body" if place < 3 else "note",
            weight=2 + place if place else 0,
        )
        writer.paragraph(ticket.why, style="note", weight=7)
    if len(figures.open_tickets) > TICKETS:
        writer.paragraph(f"另有{len(figures.open_tickets) - TICKETS}件未办结，见工单列表。", style="note", weight=2)


def _difference(line: LevelLine) -> Part:
    moved = line.open.value - line.before.value
    evidence = line.before.evidence or line.open.evidence
    return derived(f"{moved:+d}件" if moved else "持平", evidence)


def clock_words(until: datetime, clocks: Sequence[DeadlineFact]) -> str:
    """How a ticket's clocks stand at a moment."""
    if not clocks:
        return "没有时限。"
    found = []
    for clock in clocks:
        if clock.settled_at and clock.settled_at <= until:
            ended = "不再需要" if clock.met_at is None else "已完成" if clock.kept else "逾期完成"
            found.append(f"{clock.name}{ended}")
        elif clock.due_at <= until:
            late = words.duration_words((until - clock.due_at).total_seconds())
            found.append(f"{clock.name}应于{words.time_words(clock.due_at)}前，已逾期 {late}")
        else:
            left = words.duration_words((clock.due_at - until).total_seconds())
            found.append(f"{clock.name}限{words.time_words(clock.due_at)}前，剩余 {left}")
    return "；".join(found) + "。"


def is_late(until: datetime, clocks: Sequence[DeadlineFact]) -> bool:
    """Whether one of them was missed."""
    return any(clock.due_at <= until and not (clock.settled_at and clock.settled_at <= until) for clock in clocks)


def _events(writer: Writer, figures: Figures) -> None:
    writer.section("重点舆情")
    if not figures.events:
        writer.paragraph("没有三条以上信息的事件。")
    for place, event in enumerate(figures.events):
        weight = 0 if place < 2 else 1 + place
        writer.paragraph(f"{place + 1}. {event.title}", style="head", weight=weight)
        writer.paragraph(*_event_parts(figures, event), weight=weight)
        writer.posts(event.key_posts[:1], weight=2 + place if place < 2 else weight + 1)
        writer.posts(event.key_posts[1:], weight=8)


def _event_parts(figures: Figures, event: EventLine) -> list[Part]:
    names = [figures.coverage.names.get(source, source) for source in event.sources]
    where = "、".join(names[:3]) + (f"等{len(names)}处" if len(names) > 3 else "")
    found: list[Part] = [
        event.count, "条，其中负面", event.negative,
        f"条；{words.time_words(event.first_at)}至{words.time_words(event.last_at)}；见于{where}；",
        derived(event.trend, event.before.evidence or event.count.evidence), "。",
    ]  # fmt: skip
    if event.policies:
        found.append(f"涉及{'、'.join(map(quoted, event.policies[:3]))}。")
    if event.demands:
        found.append("群众诉求：")
        for line in event.demands[:3]:
            found += [line.name, line.count, "条、"]
        found[-1] = "条。"
    if event.tickets:
        found.append(f"工单{'、'.join(event.tickets)}，承办：{'、'.join(event.units) or '未定'}")
        if event.deadline is not None:
            late = "，已逾期" if event.deadline.due_at <= figures.until else ""
            found.append(f"，{event.deadline.name}限{words.time_words(event.deadline.due_at)}前{late}")
        found.append("。")
    else:
        found.append("尚未立单。")
    return found


def _releases(writer: Writer, figures: Figures) -> None:
    writer.section("政策发布")
    if not figures.releases:
        writer.paragraph("近期没有发布、待发布或征求意见的政策。")
    for line in figures.releases[:6]:
        missing = f"尚缺：{'、'.join(line.missing)}" if line.missing else "各项准备齐全"
        writer.paragraph(
            f"《{line.title}》（{line.department or '未定责任部门'}）：{line.when}；{missing}。",
            tone="late" if line.missing else "",
            weight=0 if line.missing else 4,
        )


def _policies(writer: Writer, figures: Figures) -> None:
    if not figures.policies:
        writer.paragraph("没有涉及在册政策的信息。" if figures.silent_policies.value else "政策库中没有政策。")
        return
    listed = [line for place, line in enumerate(figures.policies) if place < LISTED or moved(line.change)]
    unit = UNIT[figures.kind]
    days = figures.total_change.days
    writer.table(
        ("政策讨论量", "信息", "负面", f"较前{days}{unit}平均" if days else "变化"),
        [
            (
                Cell(
                    parts=(f"《{line.title}》",),
                    small="　".join(
                        part
                        for part in (
                            line.number,
                            line.department,
                            line.stage,
                            f"发布第{line.released_days + 1}天" if line.released_days is not None else "",
                        )
                        if part
                    ),
                ),
                line.count,
                line.negative,
                Cell(
                    parts=(derived(line.change.words, line.change.evidence),),
                    tone={"up": "up", "down": "down", "noise": "soft", "unknown": "soft"}[line.change.direction],  # type: ignore[arg-type]
                ),
            )
            for line in listed
        ],
        right=(1, 2),
        weight=5,
    )
    rest = [line for line in figures.policies if line not in listed]
    if rest:
        parts: list[Part] = ["其余"]
        for line in rest:
            parts += [f"《{line.title}》", line.count, "条、"]
        parts[-1] = "条，变化均不显著。"
        writer.paragraph(*parts, style="note", weight=9)
    if figures.silent_policies.value:
        writer.paragraph("在册其余", figures.silent_policies, "项政策未见讨论。", style="note", weight=6)


def moved(change: Change) -> bool:
    return change.direction in ("up", "down")


def _responses(writer: Writer, figures: Figures) -> None:
    writer.section("回应办理")
    line = figures.responses
    if not line.due.value and not line.given.value:
        writer.paragraph("没有到期的时限，也没有新作出的回应。", weight=3)
        return
    parts: list[Part] = []
    if line.due.value:
        parts += ["到期时限", line.due, "项，按时完成", line.kept, "项，逾期", line.late, "项。"]
    if line.given.value:
        parts += ["作出回应", line.given, "件，已评估", line.judged, "件"]
        parts += ["，其中较好以上", line.well, "件。"] if line.judged.value else ["。"]
    writer.paragraph(*parts, tone="late" if line.late.value else "")


def _figures(writer: Writer, figures: Figures) -> None:
    total = figures.total.value
    writer.section("数据概览")
    parts: list[Part] = ["共", figures.total, "条信息"]
    if figures.against is not None and figures.before is not None:
        parts += [f"，{BEFORE[figures.kind]}同一时段", figures.before, "条，", figures.against.words]
    unit = UNIT[figures.kind]
    change = figures.total_change
    parts += ["；", derived(against(change, unit), change.evidence), "。"]
    if figures.busiest is not None:
        parts += [f"{figures.busiest[0]}时最多，", figures.busiest[1], "条。"]
    # The summary says most of it: where there is little room the charts come first.
    writer.paragraph(*parts, weight=3)
    if not total:
        return
    labels, values = _series(figures)
    writer.chart(
        Chart(id="", shape="columns", title=f"信息量（{'每小时' if figures.kind == 'daily' else '每日'}）",
              labels=labels, values=values, weight=1)
    )  # fmt: skip
    shares = [words.interval(line.count.value, total) for line in figures.sentiments]
    writer.chart(
        Chart(
            id="",
            shape="shares",
            title="情感占比及95%区间",
            labels=tuple(line.name for line in figures.sentiments),
            values=tuple(100 * line.count.value / total for line in figures.sentiments),
            keys=tuple(line.label for line in figures.sentiments),
            low=tuple(100 * low for low, _ in shares),
            high=tuple(100 * high for _, high in shares),
            unit="%",
            weight=1,
        )
    )
    for title, lines in (("信源", figures.sources), ("地区", figures.regions)):
        if len(lines) > 1:  # one bar says no more than its number
            writer.chart(_ranking(f"{title}（条）", lines))
    for title, lines in (
        ("情感", figures.sentiments),
        ("诉求", figures.requests),
        ("信源", figures.sources),
        ("地区", figures.regions),
        ("领域", figures.topics),
    ):
        if lines:
            share_paragraph(writer, title, lines, total)
    writer.paragraph("情感、诉求和领域由模型判定，个别可能有误，请点开依据核对。", style="note", weight=9)


def _ranking(title: str, lines: Sequence[ShareLine]) -> Chart:
    """The largest of them, as bars; where there is little room the words say the same."""
    shown = sorted(lines, key=lambda line: -line.count.value)[:SHARES]
    return Chart(
        id="",
        shape="bars",
        title=title,
        labels=tuple(_short(line.name) for line in shown),
        values=tuple(float(line.count.value) for line in shown),
        unit="条",
        weight=6,
    )


def _short(name: str) -> str:
    """As much of a name as there is room for beside a bar."""
    if wide(name) <= _LABEL:
        return name
    while wide(name) > _LABEL - 1:
        name = name[:-1]
    return f"{name}…"


def _series(figures: Figures) -> tuple[tuple[str, ...], tuple[float, ...]]:
    if figures.kind == "daily":
        return tuple(f"{hour}时" for hour in range(24)), tuple(float(count) for count in figures.hours)
    days = [(date.fromisoformat(day), count) for day, count in figures.days]
    return tuple(f"{day.month}.{day.day}" for day, _ in days), tuple(float(count) for _, count in days)


def share_paragraph(writer: Writer, title: str, lines: Sequence[ShareLine], total: int) -> None:
    parts: list[Part] = [f"{title}："]
    for line in lines[:SHARES]:
        parts += [line.name, line.count, f"条（{words.share_words(line.count.value, total)}）、"]
    parts[-1] = f"{str(parts[-1])[:-1]}{f'，其余{len(lines) - SHARES}项从略' if len(lines) > SHARES else ''}。"
    writer.paragraph(*parts, style="note", weight=3 if title in ("诉求", "信源") else 6)


def blind(writer: Writer, coverage: Coverage, watched: Number, not_seen: Number, dead_letters: Number) -> None:
    """What could not be seen."""
    writer.section("监测盲区")
    unseen = coverage.unseen
    if not coverage.sources:
        writer.paragraph("尚未配置信源，以上情况只反映导入的信息。")
    elif unseen:
        # Said with care: what was not looked at can't be said to be quiet.
        half = "半数以上信源未能采集，以上数量和变化只能作参考。" if 2 * len(unseen) >= coverage.sources else ""
        writer.paragraph(
            watched,
            "个信源中有",
            not_seen,
            f"个未能正常采集，其内容未计入以上情况，实际数量可能更高。{half}",
            tone="late",
        )
        for source in unseen[:10]:
            last = f"（最近一次采集成功：{words.time_words(source.last_seen_at)}）" if source.last_seen_at else ""
            writer.paragraph(f"{source.name}：{source.reason}{last}", style="note", weight=6)
    else:
        writer.paragraph(watched, "个信源均正常采集。", weight=3)
    if dead_letters.value:
        writer.paragraph("另有", dead_letters, "条记录未能处理，未计入以上情况。", style="note", weight=2)


def recommended(writer: Writer, found: Sequence[Recommendation]) -> None:
    """What plans ask for next."""
    writer.section("工作建议")
    if not found:
        writer.paragraph("按常规做好监测。")
    for place, one in enumerate(found):
        due = ""
        if one.due_at is not None:
            due = f"（限{words.time_words(one.due_at)}前{'，已逾期' if one.late else ''}）"
        source = f"，依据预案《{one.plan}》" if one.plan else ""
        writer.paragraph(f"请{one.who}{one.what}{due}；工单{one.ticket}{source}。", weight=0 if place < 3 else 4)
