"""What came of the matter, as far as the reply says: from settled to put off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from alerts.responses.answers import Answer
from alerts.responses.substance import EMPTY, Statement

Outcome = Literal["settled", "scheduled", "under way", "informed", "explained", "refused", "put off", "nothing"]

CHINESE: dict[Outcome, str] = {
    "settled": "已办成",
    "scheduled": "有明确安排",
    "under way": "正在办理",
    "informed": "已告知",
    "explained": "说明原因",
    "refused": "未予采纳",
    "put off": "转办待复",
    "nothing": "未作实质答复",
}
WORTH: dict[Outcome, float] = {
    "settled": 1.0,
    "scheduled": 0.85,
    "informed": 0.8,
    "under way": 0.65,
    "explained": 0.5,
    "refused": 0.4,
    "put off": 0.1,
    "nothing": 0.0,
}
"""What each is worth to the person who asked, 0 to 1."""

_SETTLED = re.compile(
    r"已(?!经?基本)[^，。；不未]{0,14}(?:整改到位|整改完(?:成|毕)|到位|修复|退还|办结|解决|开通|拆除|取缔|恢复|清理|移交完成|更换|关停|安装到位|完成|分开|延长)"
    r"|(?:排除|退还|解决|拆除|修复)了|同意退还|表示(?:非常)?满意|达成(?:一致|协议)|立即进行整改|责令.{0,14}停止|立案处罚|(?:复查|回访).{0,20}(?:未再|已无|不再)|延长至|可(?:以)?.{0,10}(?:办理|申请|报销|参加|就读)"
)
_REFUSED = re.compile(
    r"暂(?:不|无|未)|不能(?:办理|享受|参与|予以)|不予|短期内无法|没有(?:拓宽|条件)|未(?:纳入|列入)|不具备|无.{0,8}(?:权限|财力|指标)|欠妥|不宜|"
    r"难度(?:极|较)?大|程序.{0,6}复杂|不再|并非|属于市场行为|自主(?:决定|定价)|已无"
)
_ASKED_FOR_WORD = re.compile(r"咨询|请问|[？?]|吗|何时|什么时候|如何|怎么|多少|哪")


def outcome_of(statements: Sequence[Statement], answers: Sequence[Answer]) -> Outcome:
    """What came of the matter.

    Parameters
    ----------
    statements:
        The reply's sentences.
    answers:
        What it answers; tells whether word was asked for or deeds.
    """
    said = [one for one in statements if not EMPTY.search(one.text)]
    if not said or not any(one.signs for one in said):
        return "put off" if any(EMPTY.search(one.text) for one in statements) else "nothing"
    signs = {sign for one in said for sign in one.signs}
    inquiry = _inquires(answers)
    best = max((answer.score for answer in answers), default=0.0)
    if not inquiry and any(_SETTLED.search(one.text) for one in _beside(said, answers)):
        return "settled"
    if "planned" in signs:
        return "scheduled"
    if inquiry and best >= _TREATED and signs & {"grounds", "figures", "contact", "done", "reason"}:
        return "informed"
    if any(_REFUSED.search(one.text) for one in said):
        return "refused"
    if "done" in signs:
        return "under way"
    if signs & {"grounds", "reason"}:
        return "explained"
    return "under way" if signs & {"intended", "found"} else "put off"


_TREATED = 0.25
"""An inquiry that is answered so far was informed: what is asked is often not said again."""


def _beside(statements: Sequence[Statement], answers: Sequence[Answer]) -> list[Statement]:
    """The sentences that come nearest to a demand, and the ones after them: what else is settled is another matter."""
    nearest = {answer.sentence for answer in answers if answer.score > 0}
    return [
        one
        for place, one in enumerate(statements)
        if any(near.text in nearest for near in statements[max(0, place - 1) : place + 1])
    ]


def _inquires(answers: Sequence[Answer]) -> bool:
    """Whether most of what is asked for is word, not deeds."""
    questions = [answer for answer in answers if _ASKED_FOR_WORD.search(answer.demand.text)]
    return 2 * len(questions) > len(answers)
