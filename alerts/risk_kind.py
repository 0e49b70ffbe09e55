"""What kind of risk a text hints at, by plain cues; the kind decides which plan is taken.

It is a hint, no judgement of facts: an event's kind is what most of its voices hint at, and the officer decides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal, get_args

RiskKind = Literal[
    "rumour",
    "privacy",
    "safety",
    "enforcement",
    "cost",
    "execution",
    "service",
    "misreading",
    "other",
]
RISK_KINDS: tuple[RiskKind, ...] = get_args(RiskKind)

CHINESE: dict[str, str] = {
    "misreading": "政策误读",
    "execution": "执行偏差",
    "service": "服务中断",
    "safety": "安全健康",
    "rumour": "不实信息",
    "enforcement": "执法冲突",
    "cost": "收费价格",
    "privacy": "隐私数据",
    "other": "其他诉求",
}

_CUES: dict[RiskKind, str] = {
    "rumour": "谣言|辟谣|传言|谣传|网传|听说要|据说要|假消息|不实信息|真的假的|是真的吗",
    "privacy": "信息泄露|泄露.{0,4}(信息|隐私|数据)|隐私|个人信息|数据泄漏|身份证.{0,6}(泄|卖)|人脸",
    "safety": ("安全隐患|坍塌|倒塌|起火|火灾|爆炸|中毒|伤亡|死亡|受伤|污染|恶臭|食品安全|传染|疫情|感染|漏电|燃气泄漏"),
    "enforcement": "暴力执法|粗暴执法|野蛮执法|强拆|强制拆除|城管|乱执法|选择性执法|执法人员|推搡|打人|殴打|拘留",
    "cost": (
        "收费|涨价|价格|太贵|贵了|费用|涨到|负担|罚款|乱收|多交|多扣|缴费|水价|电价|气价|票价|学费|自付|退费|降薪"
    ),
    "execution": (
        "一刀切|不公平|不公正|区别对待|不兑现|不落实|没落实|推诿|踢皮球|不给办|不予办理|层层加码|说法不一"
        "|执行不|变相|形式主义|走后门|拖着不|迟迟不|没到账|不按规定|不符合.{0,6}规定|违规"
    ),
    "service": (
        "系统崩溃|崩溃|崩了|打不开|登不上|登录不|瘫痪|停水|停电|停气|停运|断网|排队|预约不|约不上|挂不上"
        "|无法办理|办不了|办不成|卡住|无人接听|打不通|故障"
    ),
    "misreading": (
        "看不懂|什么意思|是不是意味着|是不是就是|以后都要|不明白|搞不清|弄不清|解释一下|解读|误解|误读|不清楚|到底怎么"
    ),
}
_PATTERNS = {kind: re.compile(cues) for kind, cues in _CUES.items()}
_ANY = re.compile("|".join(f"(?P<{kind}>{cues})" for kind, cues in _CUES.items()))
_READ = 500
"""Characters of a text that are looked at: what it is about stands in front."""


def kind_hint(text: str) -> RiskKind | None:
    """The kind whose cues stand in the text most often; on a tie the graver one. None where there is no cue.

    Examples
    --------
    >>> kind_hint("办事大厅的系统又崩溃了，预约不上")
    'service'
    """
    head = text[:_READ]
    if _ANY.search(head) is None:
        return None
    counts = {kind: sum(1 for _ in pattern.finditer(head)) for kind, pattern in _PATTERNS.items()}
    return max(counts, key=lambda kind: counts[kind])  # the dictionary's order breaks ties


def kind_of(hints: Iterable[str | None]) -> RiskKind:
    """An event's kind, from the hints of its voices: the most frequent, if at least a fifth of all voices give it."""
    listed = list(hints)
    counts = Counter(hint for hint in listed if hint in RISK_KINDS)
    if not counts:
        return "other"
    kind, count = min(counts.items(), key=lambda item: (-item[1], RISK_KINDS.index(item[0])))
    return kind if count * 5 >= len(listed) else "other"
