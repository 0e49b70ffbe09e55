"""What `minsheng run` shows: the stages, the sources, what came in, and the open tickets with why and plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from crawlers.health import SourceState
from crawlers.states import WORDS
from minsheng.clock import CHINA
from minsheng.records import Grouped
from stream.health import Health

STAGE_WORDS = {"crawl": "采集", "assess": "研判", "group": "归并", "index": "入库", "alert": "预警"}
STATE_WORDS = {"starting": "启动中", "running": "正常", "waiting": "等待", "stopped": "已停"}
SENTIMENT_WORDS = {"positive": ("正面", "green"), "neutral": ("中性", "white"), "negative": ("负面", "red")}
LEVEL_STYLES = {"red": "bold white on red", "orange": "bold black on dark_orange", "yellow": "bold black on yellow",
                "blue": "bold white on blue"}  # fmt: skip
LEVEL_WORDS = {"red": "红色", "orange": "橙色", "yellow": "黄色", "blue": "蓝色"}


class TicketLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a ticket."""

    number: str
    level: str
    title: str
    why: str
    documents: int
    plan: str
    due: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything shown at one moment. `problem` says why part of it could not be read."""

    now: datetime
    stages: Sequence[Health]
    sources: Sequence[SourceState]
    documents: int
    newest: Sequence[Grouped]
    tickets: Sequence[TicketLine]
    policies: dict[str, str]
    problem: str = ""


def draw(picture: Picture, rows: int = 8) -> RenderableType:
    """The picture for a terminal. Texts from outside are never read as markup."""
    clock = picture.now.astimezone(CHINA).strftime("%H:%M:%S")
    parts: list[RenderableType] = [
        Rule(Text(f"民声 · 已入库 {picture.documents} 篇 · {clock}"), style="cyan"),
        _stages(picture.stages),
        _sources(picture.sources),
        _newest(picture.newest[:rows], picture.policies),
    ]
    if picture.tickets:
        parts.append(Rule("风险工单", style="red"))
        parts.extend(_ticket(ticket) for ticket in picture.tickets[:4])
        if len(picture.tickets) > 4:
            parts.append(Text(f"……另有 {len(picture.tickets) - 4} 件，见 minsheng tickets list", style="dim"))
    if picture.problem:
        parts.append(Text(picture.problem, style="yellow"))
    return Group(*parts)


def _stages(stages: Sequence[Health]) -> Table:
    table = _table("环节", "状态", "已处理", "积压", "条/秒", "说明")
    for health in stages:
        troubled = health.state == "waiting" or (health.state == "stopped" and health.reason)
        style = "yellow" if troubled else ""
        table.add_row(
            STAGE_WORDS.get(health.stage, health.stage),
            Text(STATE_WORDS[health.state], style=style),
            str(health.processed),
            "—" if health.behind is None else str(health.behind),
            f"{health.rate:.0f}",
            Text(_short(health.reason, 60)),
        )
    return table


def _sources(sources: Sequence[SourceState]) -> Table:
    table = _table("信源", "状态", "上次采集", "新增", "说明")
    for source in sources:
        style = "" if source.state in ("well", "off") else "yellow"
        seen = source.last_ok_at.astimezone(CHINA).strftime("%H:%M:%S") if source.last_ok_at else "—"
        table.add_row(
            Text(source.name or source.id),
            Text(WORDS[source.state], style=style),
            seen,
            str(source.items),
            Text(_short(source.last_error, 60)),
        )
    return table


def _newest(records: Sequence[Grouped], policies: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim")
    for column, width in (("时间", 11), ("情感", 4), ("最新内容", None), ("政策", 16)):
        table.add_column(column, width=width, ratio=None if width else 1, no_wrap=True, overflow="ellipsis")
    for record in records:
        document = record.document
        word, style = SENTIMENT_WORDS.get(record.assessed.sentiment.label, ("", ""))
        links = "、".join(policies.get(link.policy_id, link.policy_id) for link in record.assessed.policies[:2])
        table.add_row(
            document.published_at.astimezone(CHINA).strftime("%m-%d %H:%M"),
            Text(word, style=style),
            Text(_short(document.title or document.text, 100)),
            Text(links, style="cyan"),
        )
    return table


def _ticket(ticket: TicketLine) -> RenderableType:
    head = Text()
    head.append(f" {LEVEL_WORDS.get(ticket.level, ticket.level)} ", style=LEVEL_STYLES.get(ticket.level, ""))
    head.append(f" {ticket.number}  {ticket.title}（{ticket.documents} 篇）", style="bold")
    body = Text(f"  研判：{ticket.why}\n  预案：{ticket.plan}    {ticket.due}")
    return Group(head, body)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, expand=False, header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    return table


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
