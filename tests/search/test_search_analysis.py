"""Folding, units and tokens."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import analysis, tokens
from search.analysis import BREAK, fold, locate, phrase

TEXTS = st.text(alphabet=st.characters(codec=None, exclude_categories=())) | st.text(
    alphabet="医保报销A市２０2 〔[（,，。…é\u0301ß👍🏽\u200d❤\ufe0f𠮷\ud800\u200b①㎡\n-_"
)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("医保，报销", ["医", "保", BREAK, "报", "销"]),
        ("医 保\n报　销", ["医", "保", "报", "销"]),
        ("A市２０２３年", ["a", "市", "2023", "年"]),
        ("Open-Source CAFÉ cafe\u0301", ["open", BREAK, "source", "cafe", "cafe"]),
        ("27.5元", ["27", BREAK, "5", "元"]),
        ("好👍🏽❤️", ["好", "👍", "🏽", "❤"]),
        ("𠮷祥", ["𠮷", "祥"]),
        ("医\u200b保\ufeff", ["医", "保"]),
        ("a\ud800b", ["ab"]),
        ("５０㎡ ￥20", ["50m2", "¥", "20"]),
        ("二〇二六", ["二", "〇", "二", "六"]),
        ("！！！……", [BREAK]),
        ("x" * 130, ["x" * 64, "x" * 64, "xx"]),
        ("", []),
    ],
)
def test_text_becomes_units(text: str, units: list[str]) -> None:
    assert fold(text) == units


@pytest.mark.parametrize(
    "spelling",
    [
        "川办发[2023]12号",
        "川办发(2023)12号",
        "川办发【2023】12号",
        "川办发（２０２３）１２号",
        "川办发 〔2023〕 12 号",
        "川办发﹝2023﹞12号",
    ],
)
def test_an_official_number_is_the_same_in_every_spelling(spelling: str) -> None:
    assert phrase(spelling) == phrase("川办发〔2023〕12号")


def test_punctuation_around_a_phrase_does_not_count() -> None:
    assert phrase("《医保》") == ("医", "保")
    assert phrase("……") == ()


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_places_belong_to_the_same_units(text: str) -> None:
    units, starts, ends = locate(text)
    assert units == fold(text)
    assert all(0 <= start < end <= len(text) for start, end in zip(starts, ends, strict=True))
    assert all(before <= after for before, after in pairwise(starts))


@given(TEXTS, st.data())
@settings(max_examples=600, deadline=None)
def test_spans_are_those_of_the_located_units(text: str, data: st.DataObject) -> None:
    located = locate(text)
    if not located.units:
        return
    phrases = []
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(located.units) - 1))
        end = data.draw(st.integers(start + 1, len(located.units)))
        phrases.append(phrase(" ".join(located.units[start:end]).replace(BREAK, ",")))
    expected = {span for units in phrases if units for span in analysis.find(located, units)}
    assert analysis.spans(text, phrases) == sorted(expected)


def test_no_sign_changes_where_a_word_is_found() -> None:
    """Texts of plain signs are looked through as they stand: tried with each sign of the first plane."""
    wanted = phrase("医保")
    for code in [*range(0x20, 0xD800), *range(0xE000, 0xFFFE), 0x1F600, 0x20000, 0x2F800, 0xE0100, 0x10FFFF]:
        text = f"医{chr(code)}保，医保{chr(code)}"
        assert analysis.spans(text, [wanted]) == analysis.find(locate(text), wanted), hex(code)


def test_spans_of_long_runs_and_overlapping_words() -> None:
    assert analysis.spans("哈哈哈", [phrase("哈哈")]) == [(0, 2), (1, 3)]
    assert analysis.spans("x" * 70 + " ab", [phrase("ab"), phrase("x" * 64)]) == [(0, 64), (71, 73)]
    assert analysis.spans("税 收，；政策", [phrase("收。政")]) == [(2, 6)]
    assert analysis.spans("abc ab", [phrase("ab")]) == [(4, 6)]


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    once = fold(text)
    assert fold(" ".join(once).replace(f" {BREAK} ", ",")) == once


@given(TEXTS, st.data())
@settings(max_examples=300, deadline=None)
def test_a_piece_of_a_text_is_found_in_its_tokens(text: str, data: st.DataObject) -> None:
    """What is asked for stands in what is indexed, token by token, the last one perhaps as a prefix."""
    units = fold(text)
    if not units:
        return
    start = data.draw(st.integers(0, len(units) - 1))
    end = data.draw(st.integers(start + 1, len(units)))
    piece = " ".join(units[start:end]).replace(BREAK, ",")
    if not phrase(piece):
        return
    asked = tokens.of_phrase(piece)
    indexed = tokens.of_text(text).split()
    length = len(asked.tokens)
    windows = [indexed[place : place + length] for place in range(len(indexed) - length + 1)]
    assert any(
        window[:-1] == asked.tokens[:-1]
        and (window[-1].startswith(asked.tokens[-1]) if asked.open else window[-1] == asked.tokens[-1])
        for window in windows
    )


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=300, deadline=None)
def test_many_texts_at_once_have_the_tokens_of_each(texts: list[str]) -> None:
    assert tokens.of_texts(texts) == [tokens.of_text(text) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "\n",
            "。。， ，",
            "A市医保，难",
            "医 \n保",
            "医\u200b保",
            "㎡约12.5㎡",
            "等等……好",
            "\ud83d好",
            "a" * 65,
            "a b" * 40,
        ),
        *("ﹼ标", "😀👍🏽", "x_y", "ⅧＡ1"),
    ],
)
def test_texts_in_company_have_their_own_tokens(text: str) -> None:
    assert tokens.of_texts(["医", text, text, "。保"]) == [
        "医", tokens.of_text(text), tokens.of_text(text), f"{BREAK} 保"
    ]  # fmt: skip


def test_many_texts_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    characters = analysis.characters

    def noted(texts: list[str]) -> analysis.Characters:
        looked_at.append(sum(map(len, texts)))
        return characters(texts)

    monkeypatch.setattr(tokens, "TOGETHER", 10)
    monkeypatch.setattr(analysis, "characters", noted)
    texts = ["医保" * 3, "医", "难", "", "水价" * 20, "", "A市"]
    assert tokens.of_texts(texts) == [tokens.of_text(text) for text in texts]
    assert looked_at == [8, 40, 2], "none beyond ten, but for one text that is longer"


def test_each_character_has_one_token() -> None:
    assert tokens.of_text("A市医保，难").split() == ["a", "市医", "医保", "保", BREAK, "难"]
    assert tokens.of_phrase("医保") == (["医保"], False)
    assert tokens.of_phrase("市医保") == (["市医", "医保"], False)
    assert tokens.of_phrase("医") == (["医"], True)
    assert tokens.of_phrase("A市") == (["a", "市"], True)


def test_found_places_are_those_of_the_original_text() -> None:
    text = "全角ＡＢＣ，医\u200b 保好"
    (span,) = analysis.find(locate(text), phrase("医保"))
    assert text[slice(*span)] == "医\u200b 保"
    (span,) = analysis.find(locate(text), phrase("abc"))
    assert text[slice(*span)] == "ＡＢＣ"


def test_both_readings_of_every_character_are_one() -> None:
    """Also of those that become a space and marks (U+FC5E), and of those beyond the first 65,536."""
    for code in (*range(0x10000), *range(0x1D000, 0x20000), *range(0x2F800, 0x2FA20), *range(0xE0000, 0xE0200)):
        text = f"医{chr(code)}a"
        assert locate(text).units == fold(text), hex(code)
