"""The sentences that a leader reads first. Each says what was counted; none claims a change within noise."""

from __future__ import annotations

from collections.abc import Sequence

from briefings.change import Change
from briefings.evidence import Number
from briefings.facts import Coverage
from briefings.model import LevelLine, PolicyLine, Sentence, ShareLine
from briefings.words import LEVELS, share_words


def summary(
    total: Number,
    total_change: Change,
    policies: Sequence[PolicyLine],
    levels: Sequence[LevelLine],
    sentiments: Sequence[ShareLine],
    coverage: Coverage,
    unseen: Number,
    dead_letters: Number,
) -> tuple[Sentence, ...]:
    """What came in and moved, what is at risk, what was not seen."""
    return tuple(
        Sentence(parts=tuple(parts))
        for parts in (
            [*_volume(total, total_change, sentiments), *_moved(total, policies)],
            _risk(levels),
            _blind(coverage, unseen, dead_letters),
        )
    )


Parts = list[str | Number]


def against(moved: Change) -> str:
    """较前7日日均（41.3篇）上升12.3%（+5篇）"""
    return moved.words if moved.mean is None else f"较前{moved.days}日日均（{moved.mean:.1f}篇）{moved.words}"


def _volume(total: Number, total_change: Change, sentiments: Sequence[ShareLine]) -> Parts:
    if not total.value:
        return ["未收到任何信息。"]
    negative = next((line.count for line in sentiments if line.label == "negative"), Number(value=0))
    share = share_words(negative.value, total.value)
    return ["共收到信息", total, f"篇，{against(total_change)}；其中负面", negative, f"篇，占{share}。"]


def _moved(total: Number, policies: Sequence[PolicyLine]) -> Parts:
    up = [line for line in policies if line.change.direction == "up"]
    if not total.value:
        return []
    if not policies:
        return ["没有涉及在册政策的信息。"]
    if not up:
        return ["各项政策的讨论量均无显著上升。"]
    parts: Parts = [f"讨论量显著上升的政策{len(up)}项："]
    for line in up[:3]:
        parts += [f"《{line.title}》", line.count, f"篇，{line.change.words}；"]
    parts[-1] = f"{str(parts[-1])[:-1]}{'等' if len(up) > 3 else ''}。"
    return parts


def _risk(levels: Sequence[LevelLine]) -> Parts:
    parts: Parts = []
    for name, verb in (("opened", "新增"), ("closed", "办结"), ("open", "未办结")):
        numbers = [(LEVELS[line.level], getattr(line, name)) for line in levels if getattr(line, name).value]
        if not numbers:
            continue
        parts.append(f"，{verb}风险工单" if not parts else f"，{verb}")
        if len(numbers) > 1:
            parts.append(f"{sum(number.value for _, number in numbers)}件（")
        for level, number in numbers:
            parts += [level, number, "件、"]
        parts[-1] = "件）" if len(numbers) > 1 else "件"
    if not parts:
        return ["无新增、办结和未办结的风险工单。"]
    return [str(parts[0])[1:], *parts[1:], "。"]


def _blind(coverage: Coverage, unseen: Number, dead_letters: Number) -> Parts:
    if not coverage.sources:
        parts: Parts = ["尚未配置信源，以上情况只反映导入的信息"]
    elif coverage.unseen:
        names = "、".join(source.name for source in coverage.unseen[:5]) + ("等" if len(coverage.unseen) > 5 else "")
        parts = [f"{coverage.sources}个信源中有", unseen, f"个未能正常采集（{names}），其内容未计入以上情况"]
    else:
        parts = [f"{coverage.sources}个信源均正常采集"]
    return [*parts, "；另有", dead_letters, "条记录未能处理。"] if dead_letters.value else [*parts, "。"]
