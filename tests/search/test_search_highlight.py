"""Marks and snippets."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from search.highlight import SNIPPET, hit
from search.index import Hit
from search.query import Near, Or, Term, parse
from tests.search.corpus import grouped


def shown(text: str, query: str, title: str = "", *, highlight: bool = True) -> Hit:
    return hit(grouped(1, text, title=title), 0.0, parse(query), highlight=highlight)


def marked(found: Hit) -> list[str]:
    return [found.snippet[start:end] for start, end in found.snippet_marks]


def test_words_are_marked_in_title_and_text() -> None:
    found = shown("门诊医保可以报销，异地报销要备案", "报销 OR 医保 -备案", title="医保问答")
    assert marked(found) == ["医保", "报销", "报销"]
    assert [found.title[slice(*mark)] for mark in found.title_marks] == ["医保"]


def test_words_near_each_other_are_marked() -> None:
    query = Or((Term("环卫工人"), Near((Term("环卫"), Term("工人")))))
    assert marked(hit(grouped(1, "环卫站的工人"), 0.0, query)) == ["环卫", "工人"]


def test_marks_that_overlap_are_one() -> None:
    assert marked(shown("医保报销比例", "医保报销 报销比例")) == ["医保报销比例"]


def test_marks_follow_folding() -> None:
    assert marked(shown("看ＡＢＣ和 医 保\u200b局", "abc 医保局")) == ["ＡＢＣ", "医 保\u200b局"]


def test_a_phrase_over_a_comma_is_not_marked() -> None:
    assert marked(shown("医保，报销", "医保报销")) == []


def test_the_snippet_surrounds_the_first_match_and_starts_at_a_sentence() -> None:
    text = "开头说了很多别的事情。" * 30 + "后来终于说到医保报销。" + "然后又说别的。" * 60
    found = shown(text, "医保报销")
    assert found.snippet.startswith("…后来终于说到医保报销。")
    assert found.snippet.endswith("…")
    assert SNIPPET - 20 <= len(found.snippet) <= SNIPPET + 20
    assert marked(found) == ["医保报销"]


def test_a_word_without_end_is_cut_short() -> None:
    found = shown("支持" * 50_000, "支持")
    assert 300 < len(found.snippet) < 400
    assert found.snippet_marks == ((0, len(found.snippet) - 1),)
    whole = "一字一句都要对得上的一整段话，" * 12
    assert marked(shown("前" * 500 + whole, f'"{whole}"')) == [whole.removesuffix("，")]


def test_a_short_text_is_shown_whole_on_one_line() -> None:
    found = shown("  第一行\n\n第二行　医保 \n", "医保")
    assert found.snippet == "第一行 第二行 医保"
    assert marked(found) == ["医保"]


def test_without_highlight_the_beginning_is_shown() -> None:
    found = shown("开头。" * 100 + "医保", "医保", highlight=False)
    assert found.snippet.startswith("开头")
    assert found.snippet_marks == ()


def test_a_snippet_does_not_part_a_word() -> None:
    found = shown("word " * 22 + "extraordinarily " + "tail " * 50, "word")
    assert len("word " * 22) < SNIPPET < len("word " * 22 + "extraordinarily")
    assert found.snippet.endswith("extraordinarily…")


@given(st.text(alphabet="医保报销 \n，。a1\u200d👍\u0301", max_size=400), st.sampled_from(["医保", "a", "👍", "保 报"]))
@settings(max_examples=300, deadline=None)
def test_marks_are_always_within_what_is_shown(text: str, query: str) -> None:
    found = shown(text, query)
    spans = found.snippet_marks
    assert all(0 <= start < end <= len(found.snippet) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "\n" not in found.snippet
