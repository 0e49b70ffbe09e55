"""What a query means beyond its letters."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minsheng.policies import Policy
from search.embedded import EmbeddedIndex
from search.index import Search
from search.query import And, Near, Node, Not, Or, Term, parse, pruned
from search.understanding import Vocabulary, chosen, synonyms, understood, widened
from tests.search.corpus import corpus, grouped, numbers

POLICIES = (
    Policy(id="a", title="云岭市职工医疗保障办法", number="云医保发〔2026〕12号", aliases=("医保新规",)),
    Policy(id="b", title="云岭市居民医疗保障办法", aliases=("医保新规", "居民医保")),
)
VOCABULARY = Vocabulary.of(POLICIES)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedIndex:
    index = EmbeddedIndex(Path(tmp_path_factory.mktemp("index")) / "index.db")
    index.write(corpus())
    index.write(
        [
            grouped(100, "按职工医疗保障办法，云岭市职工医疗保障办法第三条，报销提高"),
            grouped(101, "小区里车位太少，停车难得很"),
            grouped(102, "停车难，每个小区都一样"),
        ]
    )
    return index


def found(index: EmbeddedIndex, typed: str) -> set[int]:
    page = index.search(Search(query=understood(parse(typed), VOCABULARY), size=100))
    return set(numbers([hit.record for hit in page.hits]))


def test_any_name_of_a_policy_finds_it(index: EmbeddedIndex) -> None:
    assert found(index, "医保新规") == {0, 4, 100}
    assert found(index, "云医保发2026年12号") == {0, 4, 100}
    assert found(index, '"医保新规"') == set()
    assert found(index, "云岭市职工医疗保障办法") == {0, 4, 100}


def test_synonyms_are_found_and_not_excluded(index: EmbeddedIndex) -> None:
    assert found(index, "供热") == found(index, "暖气") == {20, 21, 22, 23, 24}
    assert found(index, '"暖气"') == {21, 23, 24}
    assert found(index, "暖气 -供热") == {20, 21, 22, 23, 24}
    assert found(index, "title:供热") == {20}


def test_words_run_together_are_found_apart(index: EmbeddedIndex) -> None:
    assert found(index, "小区停车难怎么办") == {101, 102}
    assert found(index, '"小区停车难"') == set()
    assert found(index, "请问公积金贷款条件") == {12}


def test_what_stands_together_comes_first(index: EmbeddedIndex) -> None:
    index.write([grouped(200, "水价 " + "无关的话，" * 30 + " 上涨"), grouped(201, "无关的话，" * 30 + "水价上涨")])
    page = index.search(Search(query=understood(parse("水价 上涨"), VOCABULARY), sort="relevance"))
    assert numbers([hit.record for hit in page.hits]) == [201, 200]


def test_too_few_hits_widen_the_query(index: EmbeddedIndex) -> None:
    def count(query: Node) -> int:
        return index.search(Search(query=query, size=0)).total

    query, wide = chosen(understood(parse("公积金 贷款 星球"), VOCABULARY), count, enough=1)
    assert wide
    page = index.search(Search(query=query, sort="relevance"))
    assert set(numbers([hit.record for hit in page.hits])) == {10, 12}
    query, wide = chosen(understood(parse("公积金 贷款"), VOCABULARY), count, enough=1)
    assert not wide
    query, wide = chosen(understood(parse('公积金 贷款 "星球"'), VOCABULARY), count, enough=1)
    assert not wide
    assert count(query or Term("")) == 0
    query, wide = chosen(understood(parse("公积金 贷款 星球 -额度"), VOCABULARY), count, enough=1)
    assert wide
    assert count(query or Term("")) == 1
    assert chosen(None, count) == (None, False)


def test_a_compound_is_found_apart_before_words_are_left_out() -> None:
    query = understood(parse("食品安全 举报"), VOCABULARY)
    first, second, third = widened(query)
    assert isinstance(first, Or)
    assert first.parts[0] == query
    assert isinstance(first.parts[1], And)
    assert first.parts[1].parts[0] == Or((Term("食品安全"), Near((Term("食品"), Term("安全")))))
    assert isinstance(second, Or)
    assert second.parts == (first, first.parts[1].parts[0])  # the longer word says more than the shorter
    assert isinstance(third, Or)
    assert third.parts[0] == second
    assert widened(understood(parse('"食品安全"'), VOCABULARY)) == []


def test_a_denial_means_any_that_says_the_same() -> None:
    assert understood(parse("没有回应"), Vocabulary([])) == Or(
        (Term("没有回应"), *(Term(word, exact=True) for word in ("没回应", "未回应", "无回应")))
    )
    assert understood(parse("不合理"), Vocabulary([])) == Term("不合理")


def test_synonyms_and_pairs_of_characters_are_words() -> None:
    assert understood(parse("路灯不亮"), Vocabulary([])) == Or(
        (Term("路灯不亮", exact=True), And((Term("路灯"), Term("不亮"))))
    )
    assert understood(parse("加分政策"), Vocabulary([])) == Or(
        (Term("加分政策", exact=True), And((Term("加分"), Term("政策"))))
    )


def test_wider_queries_find_all_that_narrower_ones_do() -> None:
    query = understood(parse("公积金 贷款 上调 额度"), VOCABULARY)
    steps = widened(query)
    assert len(steps) == 2
    assert all(isinstance(step, Or) and step.parts[0] == query for step in steps)


def test_a_single_character_is_no_neighbour() -> None:
    assert understood(parse("水 价"), VOCABULARY) == And((Term("水"), Term("价")))
    assert isinstance(understood(parse("水价 上涨"), VOCABULARY), Or)
    assert Near((Term("水价"), Term("上涨"))) in understood(parse("水价 上涨"), VOCABULARY).parts  # type: ignore[union-attr]
    assert understood(parse("-暖气"), VOCABULARY) == Not(Term("暖气"))


def test_no_synonym_stands_in_two_groups() -> None:
    words = [word for group in synonyms() for word in group]
    assert sorted(words) == sorted(set(words))
    assert all(len(group) > 1 for group in synonyms())


@given(st.text(alphabet='title:source:小区停车难怎么办医保ANDORNT "“”()-&|12〔〕2026号发', max_size=50))
@settings(max_examples=150, deadline=None)
def test_nothing_typed_breaks_it(index: EmbeddedIndex, text: str) -> None:
    query = understood(parse(text), VOCABULARY)
    for step in (query, *widened(query)):
        index.search(Search(query=pruned(step), sort="relevance", size=3))
