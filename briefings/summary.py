"""The sentences that a leader reads first. Each says what was counted; none claims a change within noise."""

from __future__ import annotations

from collections.abc import Sequence

from briefings.change import Change
from briefings.evidence import Number
from briefings.facts import Coverage
from briefings.model import LevelLine, PolicyLine, ShareLine
from briefings.words import LEVELS, share_words


def summary(
    total: Number,
    total_change: Change,
    policies: Sequence[PolicyLine],
    levels: Sequence[LevelLine],
    sentiments: Sequence[ShareLine],
    coverage: Coverage,
    dead_letters: Number,
) -> tuple[str, ...]:
    """What came in and moved, what is at risk, what was not seen."""
    return (
        _volume(total, total_change, sentiments) + _moved(policies),
        _risk(levels),
        _blind(coverage, dead_letters),
    )


def _volume(total: Number, total_change: Change, sentiments: Sequence[ShareLine]) -> str:
    if not total.value:
        return "当日未收到任何信息。"
    negative = sum(line.count.value for line in sentiments if line.label == "negative")
    compared = against(total_change)
    return f"共收到信息{total.value}篇，{compared}；其中负面{negative}篇，占{share_words(negative, total.value)}。"


def against(moved: Change) -> str:
    """较前7日日均（41.3篇）上升12.3%（+5篇）"""
    return moved.words if moved.mean is None else f"较前{moved.days}日日均（{moved.mean:.1f}篇）{moved.words}"


def _moved(policies: Sequence[PolicyLine]) -> str:
    up = [line for line in policies if line.change.direction == "up"]
    if not up:
        return "各项政策的讨论量均无显著上升。" if policies else "没有涉及在册政策的信息。"
    listed = "；".join(f"《{line.title}》{line.count.value}篇，{line.change.words}" for line in up[:3])
    return f"讨论量显著上升的政策{len(up)}项：{listed}。"


def _risk(levels: Sequence[LevelLine]) -> str:
    opened, closed, still = (sum(getattr(line, name).value for line in levels) for name in ("opened", "closed", "open"))
    if not (opened or closed or still):
        return "无风险工单。"
    grave = [f"{LEVELS[line.level]}{line.open.value}件" for line in levels if line.open.value]
    detail = f"（{'、'.join(grave)}）" if grave else ""
    return f"新增风险工单{opened}件，办结{closed}件，未办结{still}件{detail}。"


def _blind(coverage: Coverage, dead_letters: Number) -> str:
    if not coverage.sources:
        sources = "尚未配置信源，以上情况只反映导入的信息"
    elif coverage.unseen:
        names = "、".join(source.name for source in coverage.unseen[:5])
        more = "等" if len(coverage.unseen) > 5 else ""
        sources = (
            f"{coverage.sources}个信源中有{len(coverage.unseen)}个未能正常采集（{names}{more}），其内容未计入以上情况"
        )
    else:
        sources = f"{coverage.sources}个信源均正常采集"
    return sources + (f"；另有{dead_letters.value}条记录未能处理。" if dead_letters.value else "。")
