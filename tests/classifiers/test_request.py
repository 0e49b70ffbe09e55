"""The request rules."""

from __future__ import annotations

import pytest

from classifiers.model import Text
from classifiers.request import RequestRules

RULES = RequestRules()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("投诉物业乱收费，多次反映无果", "complaint"),
        ("请问落户需要哪些材料？", "inquiry"),
        ("建议在路口增设红绿灯", "suggestion"),
        ("感谢社区工作人员，太方便了", "praise"),
        ("实名举报村干部套取资金", "report"),
        ("求助！孩子走丢了，请大家帮帮忙", "help"),
        ("今天气温二十度", "none"),
        ("《关于受理投诉举报若干问题的规定》印发", "none"),
        ("监督举报电话：12345", "none"),
        ("真是谢谢啊[微笑]", "complaint"),
    ],
)
def test_cues_decide(text: str, label: str) -> None:
    assert RULES.judge(Text("", text)).label == label


def test_the_title_counts_more_than_the_text() -> None:
    assert RULES.judge(Text("咨询入学", "建议公布")).label == "inquiry"


def test_a_cue_counts_once() -> None:
    once, often = (RULES.judge(Text("", "建议改" * times)).scores for times in (1, 50))
    assert once == often
