"""The conditions of rules as people read them: 发声者 ≥ 8."""

from __future__ import annotations

from alerts.rules.model import Condition
from console.translation import translate

FACT_WORDS: dict[str, str] = {
    "voices": "发声者", "texts": "不同内容", "alike": "集中于一件事的比例", "known_days": "已有数据的天数",
    "posts": "信息条数",
    "share": "负面和诉求占比", "negativity": "负面强度", "expected": "常态发声者", "excess": "超出常态的标准差",
    "before": "前一时段发声者", "growth": "比前一时段翻倍次数", "acceleration": "加速", "score": "综合得分",
    "grave": "提到人身伤害的发声者", "asks": "投诉求助条数", "reach": "互动人次", "media": "负面报道的媒体",
    "sources": "信源数",
    "outlets": "媒体出处", "regions": "地区数", "release_day": "发布后天数", "sensitivity": "政策敏感度",
    "unanswered_hours": "待回应小时数", "messages": "来信数", "authors": "来信人数", "policy": "涉及政策",
}  # fmt: skip
PART_WORDS: dict[str, str] = {
    "volume": "声量得分", "abnormal": "偏离常态得分", "growth": "增长得分", "acceleration": "加速得分",
    "negative": "负面占比得分",
    "request": "投诉求助得分", "reach": "传播得分", "spread": "扩散面得分", "release": "发布窗口期得分",
    "sensitivity": "政策敏感度得分", "gravity": "严重情形得分", "unanswered": "待回应时间得分",
}  # fmt: skip
_SIGNS = {">=": "≥", "<=": "≤", "==": "=", ">": ">", "<": "<"}


def condition_words(condition: Condition) -> str:
    """A condition in the language of who reads it."""
    if condition.fact == "policy" and condition.comparison == "==":
        return translate("涉及政策" if condition.number else "不涉及政策")
    kind, _, name = condition.fact.partition(".")
    if kind == "words":
        fact = f"{translate('用词')}“{name}”"
    else:
        fact = translate(PART_WORDS.get(name, name) if kind == "part" else FACT_WORDS.get(kind, kind))
    return f"{fact} {_SIGNS[condition.comparison]} {condition.number:g}"
