"""What is typed and what is understood."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minsheng.errors import WrongUse
from search.query import MAX_TERMS, And, Node, Not, Or, Sources, Term, named, parse, pruned, wanted

A, B, C = Term("医保"), Term("报销"), Term("投诉")
NUMBER = Term("云医保发〔2026〕12号", exact=True)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("医保", A),
        ("医保 报销", And((A, B))),
        ("医保　报销", And((A, B))),
        ("医保 AND 报销 && 投诉", And((A, B, C))),
        ("医保 OR 报销 || 投诉", Or((A, B, C))),
        ("医保 报销 OR 投诉", Or((And((A, B)), C))),
        ("医保 (报销 OR 投诉)", And((A, Or((B, C))))),
        ("医保（报销 OR 投诉）", And((A, Or((B, C))))),
        ("医保 -报销", And((A, Not(B)))),
        ("医保 NOT 报销", And((A, Not(B)))),
        ("医保 AND NOT 报销", And((A, Not(B)))),
        ("-(医保 OR 报销)", Not(Or((A, B)))),
        ('-"医保 报销"', Not(Term("医保 报销", exact=True))),
        ("NOT NOT 医保", A),
        ('"医保 OR 报销"', Term("医保 OR 报销", exact=True)),
        ("“医保 报销”", Term("医保 报销", exact=True)),
        ("「医保 报销」", Term("医保 报销", exact=True)),
        ("『医保 报销』", Term("医保 报销", exact=True)),
        ("＂医保＂", Term("医保", exact=True)),
        ("title:医保 报销", And((Term("医保", "title"), B))),
        ("标题：医保", Term("医保", "title")),
        ("title:(医保 OR 报销)", Or((Term("医保", "title"), Term("报销", "title")))),
        ("-title:医保", Not(Term("医保", "title"))),
        ("title:-医保", Not(Term("医保", "title"))),
        ('title:"医保 报销"', Term("医保 报销", "title", exact=True)),
        ("TITLE: 医保", Term("医保", "title")),
        ("source:forum 医保", And((Sources(("forum",)), A))),
        ("信源:(论坛 OR 微博)", Or((Sources(("论坛",)), Sources(("微博",))))),
        ("-来源:forum", Not(Sources(("forum",)))),
        ("12:30", Term("12:30")),
        ("subtitle:医保", Term("subtitle:医保")),
        ("covid-19", Term("covid-19")),
        ("and or not", And((Term("and"), Term("or"), Term("not")))),
        ("云医保发(2026)12号 投诉", And((NUMBER, C))),
        ("云医保发 （2026） １２ 号", NUMBER),
        ("(云医保发〔2026〕12号)", NUMBER),
        ("云医保发【2026】第012号", NUMBER),
        ("云医保发〔2026〕12", NUMBER),
        ("云医保发〖２０２６年〗１２号", NUMBER),
        ("云医保发2026年第12号", NUMBER),
        ("云医保发2026 12号", NUMBER),
        ("云岭2026年12号", Term("云岭2026年12号")),
    ],
)
def test_understood(text: str, node: Node) -> None:
    assert parse(text) == node


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ('"医保 报销', Term("医保 报销", exact=True)),
        ("(医保 报销", And((A, B))),
        ("医保) 报销", And((A, B))),
        (")医保(", A),
        ("((医保", A),
        ("OR 医保", A),
        ("医保 OR", A),
        ("医保 AND", A),
        ("医保 NOT", A),
        ("AND OR NOT", None),
        ("() ( )", None),
        ("！！ ？", None),
        ("医保 ！！", A),
        ("", None),
        ("   ", None),
        ('""', None),
        ("\ud800", None),
        ("-", None),
        ("title:", None),
        ("title: OR 医保", A),
        ("医保 source:", A),
        ("title: title:医保", Term("医保", "title")),
        ("source:！！ 医保", Sources(("医保",))),
    ],
)
def test_unfinished_queries_mean_what_is_nearest(text: str, node: Node | None) -> None:
    assert parse(text) == node


@given(st.text(alphabet='title:source:标题医保ANDORNT "“”「」()（）-&|　\n!〔〕2026号', max_size=60))
@settings(max_examples=500, deadline=None)
def test_nothing_typed_breaks_it(text: str) -> None:
    parse(text)


def test_bounds() -> None:
    assert parse(" ".join(["医"] * MAX_TERMS)) is not None
    for text in (" ".join(["医"] * (MAX_TERMS + 1)), "(" * 30 + "医", "标题: " * 990 + "医", "医" * 5_000):
        with pytest.raises(WrongUse) as raised:
            parse(text)
        assert raised.value.hint
    assert parse("NOT " * 999 + "医保") == Not(A)


def test_terms_under_not_are_not_wanted() -> None:
    node = parse("医保 -报销 NOT (投诉 OR 医保)")
    assert list(wanted(node)) == [A]


def test_pruning_leaves_what_can_be_looked_for() -> None:
    assert pruned(And((A, Term("！"), Not(Term(""))))) == A
    assert pruned(Or((Term("…"), Not(And((Term("。"),)))))) is None
    assert pruned(None) is None


def test_sources_are_found_by_id_or_name() -> None:
    known = {"forum": "云岭论坛", "board": "领导留言板", "news": "云岭日报"}
    assert named(parse("source:Forum 医保"), known) == And((Sources(("forum",)), A))
    assert named(parse("source:云岭"), known) == Sources(("forum", "news"))
    assert named(parse("-source:留言板"), known) == Not(Sources(("board",)))
    assert named(parse("source:没有"), known) == Sources(("没有",))
    assert named(None, known) is None


def test_a_number_may_be_called_one() -> None:
    plain = parse("川办发〔2023〕12号 医保")
    for typed in ("文号:川办发〔2023〕12号 医保", "文号：川办发[2023]12号 医保", "文号： 川办发（2023） 12 号 医保"):
        assert parse(typed) == plain
    assert parse("文号：") is None
    assert parse("怎么查文号") == Term("怎么查文号")
