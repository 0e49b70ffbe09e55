"""Which policies are for enterprises, and on what: told by the words of their titles, so that nobody need mark them."""

from __future__ import annotations

import re
from typing import Literal

from minsheng.policies.model import Policy

Area = Literal["tax", "finance", "industry", "supervision", "general"]
AREA_WORDS: dict[Area, str] = {
    "tax": "税费", "finance": "融资", "industry": "产业", "supervision": "监管和审批", "general": "综合",
}  # fmt: skip

FOR_ENTERPRISES = "涉企"
"""A topic of the register that puts a policy among those for enterprises, whatever its title says."""

_ENTERPRISES = re.compile(
    r"企业|市场主体|经营主体|个体工商户|小微|民营|民间投资|营商|纳税人|惠企|涉企|厂商|商户|招商|产业|工业|制造业"
    r"|专精特新|外贸|公平竞争"
)
_AREAS: tuple[tuple[Area, re.Pattern[str]], ...] = (
    ("tax", re.compile(r"税|降费|减费|收费|社保费|费用减免")),
    ("finance", re.compile(r"融资|贷款|信贷|担保|贴息|金融|基金|上市|债券|保险")),
    ("supervision", re.compile(r"监管|监督|执法|检查|许可|审批|登记|注销|营商|公平竞争|信用|处罚")),
    ("industry", re.compile(r"产业|工业|制造|招商|园区|数字经济|科技|创新|专精特新|外贸|进出口|物流|消费|投资")),
)


def area_of(policy: Policy) -> Area | None:
    """What a policy for enterprises is on; None where it is for everybody.

    Examples
    --------
    >>> area_of(Policy(id="a", title="关于支持中小微企业纾困发展的若干税费措施"))
    'tax'
    >>> area_of(Policy(id="b", title="关于优化住房公积金提取和贷款政策的若干措施")) is None
    True
    """
    titles = " ".join((policy.title, *policy.aliases))
    if FOR_ENTERPRISES not in policy.topics and not _ENTERPRISES.search(titles):
        return None
    return next((area for area, words in _AREAS if words.search(titles)), "general")
