"""Which clause a comment is about: single situations, and a measure over written letters."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import pytest

from answers.clauses import clauses_of
from answers.encoding import encoder
from consultations.folding import Folder, differ
from consultations.placing import Placer
from tests.consultations.conftest import DRAFT, TITLE

ITEMS = """云岭市优化服务工作方案（征求意见稿）
为优化服务，制定本方案。
一、推行一窗受理。
（一）政务大厅设综合窗口，受理所有事项。
（二）乡镇便民中心每周六上午开放。
二、压缩办理时限。企业开办压缩到半个工作日。
"""


@cache
def placer() -> Placer:
    return Placer(TITLE, clauses_of(DRAFT), encoder())


@pytest.mark.parametrize(
    ("text", "clause", "how"),
    [
        ("建议将第3条的三十日改为六十日。", "第三条", "number"),
        ("《行政处罚法》第九条、第十四条已有规定，本办法第五条不必重复罚款。", "第五条", "number"),
        ("《云岭市电动自行车管理办法》第八条应当写明谁出钱。", "第八条", "number"),
        ("第九十九条写得不清楚", "", "none"),
        ("“禁止携带电动自行车或者电池进入电梯轿厢”谁来管？", "第九条", "quotation"),
        ("不得以算法等方式变相鼓励驾驶人超速，这一句好，我支持", "第十一条", "quotation"),
        ("好", "", "none"),
        ("🙂🙂", "", "none"),
        ("𠮷㐂", "", "none"),
    ],
)
def test_a_clause_is_told_by_the_surest_sign(text: str, clause: str, how: str) -> None:
    (part,) = placer().parts(text)
    assert (part.clause, part.how) == (clause, how)


def test_a_letter_on_several_clauses_is_cut_into_parts() -> None:
    letter = "您好，提几点意见：\n1.第三条的三十日太短。外地人来不及。\n2.第五条罚款太重；\n3.第三条还应写明网上办理。"
    assert [(part.clause, part.text) for part in placer().parts(letter)] == [
        ("第三条", "您好，提几点意见：\n1.第三条的三十日太短。外地人来不及。\n3.第三条还应写明网上办理。"),
        ("第五条", "2.第五条罚款太重；"),
    ]


def test_nothing_of_a_long_letter_is_lost() -> None:
    letter = "".join(f"第{number}条要改。" for number in ("三", "五", "八")) + "另外，" + "很长的话。" * 2_000
    assert "".join(part.text for part in placer().parts(letter)) == letter


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("建议将第二部分的半个工作日改为一个工作日。", "二"),
        ("第一部分（二）周六开放，周日呢？", "一（二）"),
        ("第一点，我支持；第二点，希望快一些。", ""),
    ],
)
def test_a_draft_of_items_is_cited_by_its_parts(text: str, clause: str) -> None:
    made = Placer("云岭市优化服务工作方案", clauses_of(ITEMS), encoder())
    assert made.numbered(text) == clause


def test_of_written_letters_few_are_put_under_a_wrong_clause() -> None:
    """The figures that docs/how-to/run-a-consultation.md gives."""
    cases = tomllib.loads((Path(__file__).parent / "placed.toml").read_text(encoding="utf-8"))["comment"]
    told = [(case["clause"], placer().parts(case["text"])[0]) for case in cases]
    placed = [(wanted, part.clause) for wanted, part in told if part.clause and part.how == "meaning"]
    right = sum(wanted == found for wanted, found in placed)
    about = [part for wanted, part in told if wanted and part.how not in ("number", "quotation")]
    assert right / len(placed) >= 0.9, placed
    assert right / len(about) >= 0.4, (right, len(about))
    assert all(wanted == part.clause for wanted, part in told if part.how in ("number", "quotation"))


SAME = [
    ("头盔罚款太高，先教育为主。", "头盔罚款太高了，先教育为主吧。"),
    ("坚决支持禁止楼道充电", "支持禁止在楼道里充电"),
    ("建议将三十日改为六十日，外地务工人员来不及办理，谢谢。", "建议将三十日改为六十日，外地务工人员来不及办理！"),
]
OTHER = [
    ("建议将三十日改为六十日。", "建议将三十日改为十五日。"),
    ("建议允许带两个孩子。", "建议不允许带两个孩子。"),
    ("建议延长过渡期。", "建议缩短过渡期。"),
    ("头盔罚款太高，先教育为主。", "头盔要有质量标准。"),
    ("外卖平台应当放宽配送时间。", "外卖骑手应当统一着装。"),
]

PAIRS = [*((*pair, True) for pair in SAME), *((*pair, False) for pair in OTHER)]


@pytest.mark.parametrize(("one", "other", "folded"), PAIRS)
def test_only_what_asks_the_same_is_folded(one: str, other: str, folded: bool) -> None:
    vectors = encoder().encode([other])[0]
    assert (Folder(encoder(), [(7, one)]).find(other, vectors) == 7) is folded
    assert not folded or not differ(one, other)
