"""The report of a drill (演练评估报告) as every format shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alerts.drills.report import ClockLine, DrillReport, Step
from alerts.levels import CHINESE
from alerts.notices import REASONS
from alerts.transitions import STATUS_WORDS
from briefings.report import Block, Cell, Paragraph, Report, Section, Table, Tone
from minsheng.clock import CHINA
from minsheng.policies.titles import quoted


def report_of(drill: DrillReport, unit: str, policy: str) -> Report:
    """The report.

    Parameters
    ----------
    unit:
        Who makes it.
    policy:
        What the policy that was drilled is called, as `PolicyTitles.of` gives it.
    """
    day = drill.started_at.astimezone(CHINA)
    sections = [
        Section(title="各环节用时", blocks=(_steps(drill),)),
        Section(title="时限和任务", blocks=tuple(_lines(drill))),
        Section(title="通知到达", blocks=(_told(drill),)),
        Section(title="存在的问题", blocks=tuple(_findings(drill))),
    ]
    return Report(
        kind="special",
        name="演练评估报告",
        subject=f"{drill.title}（{drill.number}，{day:%Y年%m月%d日}）",
        unit=unit,
        since=drill.started_at,
        until=drill.ended_at or drill.made_at,
        made_at=drill.made_at,
        complete=drill.ended_at is not None,
        summary=(_text("summary", summary_of(drill, policy)),),
        sections=tuple(sections),
        evidence=(),
    )


def summary_of(drill: DrillReport, policy: str) -> str:
    """The drill in some sentences."""
    start = drill.started_at.astimezone(CHINA)
    said = f"{start:%Y年%m月%d日 %H:%M}，由 {drill.actor} 发起演练“{drill.title}”，"
    said += f"涉及{quoted(policy)}，共投放 {drill.posts} 条演练信息。"
    if not drill.ticket:
        return said + ("演练结束时没有生成工单。" if drill.ended_at else "尚未生成工单。")
    said += f"生成工单 {drill.ticket}，等级{CHINESE[drill.level]}（想定{CHINESE[drill.expected]}），"
    said += f"随单预案“{drill.plan}”。" if drill.plan else "没有匹配的预案。"
    kept, judged = drill.in_time
    state = (
        f"演练结束，结果为{STATUS_WORDS[drill.outcome]}"
        if drill.ended_at
        else f"演练仍在进行，工单{STATUS_WORDS[drill.outcome]}"
    )
    return f"{said}有时限的 {judged} 项中按时完成 {kept} 项。{state}。"


def seconds_words(seconds: float | None) -> str:
    """A length of time in Chinese: 4.2 秒, 12 分 30 秒, 1 小时 5 分."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.1f} 秒"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} 分 {rest} 秒"
    return f"{minutes // 60} 小时 {minutes % 60} 分"


def met_words(line: Step | ClockLine, drill: DrillReport) -> str:
    """Whether it was in time, in Chinese."""
    if drill.pending(line):
        return "未到时限"
    done = line.at if isinstance(line, Step) else line.done_at
    if line.due_at is None:
        return "—"
    return "未完成" if done is None else "按时" if line.met else "超时"


def time_words(moment: datetime | None) -> str:
    return f"{moment.astimezone(CHINA):%m-%d %H:%M:%S}" if moment is not None else "—"


def _steps(drill: DrillReport) -> Table:
    return Table(
        id="steps",
        columns=("环节", "完成时间", "距上一环节", "应于", "结果"),
        rows=tuple(
            (
                _cell(step.title, small=step.limit),
                _cell(time_words(step.at)),
                _cell(seconds_words(step.seconds)),
                _cell(time_words(step.due_at)),
                _verdict(step, drill),
            )
            for step in drill.steps
        ),
    )


def _lines(drill: DrillReport) -> Iterator[Block]:
    lines = [*drill.clocks, *drill.tasks]
    if not lines:
        yield _text("no-clocks", "没有时限和任务。")
        return
    yield Table(
        id="clocks",
        columns=("事项", "责任人", "时限", "完成时间", "结果"),
        rows=tuple(
            (
                _cell(line.title),
                _cell(line.who or "—"),
                _cell(time_words(line.due_at)),
                _cell(time_words(line.done_at)),
                _verdict(line, drill),
            )
            for line in lines
        ),
    )


def _told(drill: DrillReport) -> Block:
    if not drill.told:
        return _text("nobody", "没有发出通知。")
    return Table(
        id="told",
        columns=("事由", "对象", "送达", "打开链接", "签收"),
        rows=tuple(
            (
                _cell(REASONS.get(one.reason, one.reason)),  # type: ignore[call-overload]
                _cell(one.person or "渠道", small=one.channel),
                _cell(time_words(one.sent_at), tone="late" if one.sent_at is None else "", small=one.error[:60]),
                _cell(time_words(one.read_at)),
                _cell(time_words(one.acknowledged_at)),
            )
            for one in drill.told
        ),
    )


def _findings(drill: DrillReport) -> Iterator[Block]:
    if not drill.findings:
        yield _text("no-findings", "没有发现问题。" if drill.ended_at else "目前没有发现问题。")
    for number, one in enumerate(drill.findings, 1):
        yield _text(f"finding-{number}", f"（{number}）{one}")


def _verdict(line: Step | ClockLine, drill: DrillReport) -> Cell:
    said = met_words(line, drill)
    return _cell(said, tone="late" if said in ("未完成", "超时") else "")


def _cell(text: str, *, tone: Tone = "", small: str = "") -> Cell:
    return Cell(parts=(text,), tone=tone, small=small)


def _text(name: str, text: str) -> Paragraph:
    return Paragraph(id=name, parts=(text,))
