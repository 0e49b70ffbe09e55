"""The sentences that a leader reads first. Each says what was counted; none claims a change within noise."""

from __future__ import annotations

from collections.abc import Sequence

from briefings.change import Change
from briefings.evidence import Number
from briefings.facts import Coverage
from briefings.model import LevelLine, PolicyLine, Sentence, ShareLine
from briefings.words import LEVELS, interval_words, share_words


def summary(
    total: Number,
    total_change: Change,
    before: Change | None,
    policies: Sequence[PolicyLine],
    levels: Sequence[LevelLine],
    sentiments: Sequence[ShareLine],
    coverage: Coverage,
    watched: Number,
    unseen: Number,
    dead_letters: Number,
    span_unit: str,
) -> tuple[Sentence, ...]:
    """What came in and moved, what is at risk, what was not seen. `span_unit`: 日, 周 or 个月."""
    return tuple(
        Sentence(parts=tuple(parts))
        for parts in (
            [*_volume(total, total_change, before, sentiments, span_unit), *_moved(total, policies)],
            _risk(levels),
            _blind(coverage, watched, unseen, dead_letters),
        )
    )


Parts = list[str | Number]


def against(moved: Change, span_unit: str = "日") -> str:
    """较前7日日均（41.3条）上升12.3%（+5条）"""
    if moved.mean is None:
        return moved.words
    mean = {"日": "日均", "周": "周均", "个月": "月均"}[span_unit]
    return f"较前{moved.days}{span_unit}{mean}（{moved.mean:.1f}条）{moved.words}"


def _volume(
    total: Number, total_change: Change, before: Change | None, sentiments: Sequence[ShareLine], span_unit: str
) -> Parts:
    if not total.value:
        return ["未收到任何信息。"]
    compared = Number(value=0, evidence=total_change.evidence, shown=against(total_change, span_unit))
    first: Parts = ["共收到信息", total, "条，"]
    if before is not None:
        first.append(f"{before.words}，")
    negative = next((line.count for line in sentiments if line.label == "negative"), Number(value=0))
    share = share_words(negative.value, total.value)
    reach = interval_words(negative.value, total.value)
    return [*first, compared, "；其中负面", negative, f"条，占{share}（95%区间{reach}）。"]


def _moved(total: Number, policies: Sequence[PolicyLine]) -> Parts:
    up = [line for line in policies if line.change.direction == "up"]
    if not total.value:
        return []
    if not policies:
        return ["没有涉及在册政策的信息。"]
    if all(line.change.direction == "unknown" for line in policies):
        return ["各项政策尚无足够的历史数据，讨论量的变化暂不比较。"]
    if not up:
        return ["各项政策的讨论量均无显著上升。"]
    parts: Parts = [f"讨论量显著上升的政策{len(up)}项："]
    for line in up[:3]:
        parts += [f"《{line.title}》", line.count, f"条，{line.change.words}；"]
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


def _blind(coverage: Coverage, watched: Number, unseen: Number, dead_letters: Number) -> Parts:
    if not coverage.sources:
        parts: Parts = ["尚未配置信源，以上情况只反映导入的信息"]
    elif coverage.unseen:
        names = "、".join(source.name for source in coverage.unseen[:5]) + ("等" if len(coverage.unseen) > 5 else "")
        parts = [watched, "个信源中有", unseen, f"个未能正常采集（{names}），其内容未计入以上情况"]
    else:
        parts = [watched, "个信源均正常采集"]
    return [*parts, "；另有", dead_letters, "条记录未能处理。"] if dead_letters.value else [*parts, "。"]
