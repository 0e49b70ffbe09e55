"""Folding by a table is folding."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minsheng.character_map import CharacterMap


def slowly(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("\u200b", "").lower()


quickly = CharacterMap(slowly)
MARKS = "".join(chr(point) for point in range(0x20000) if unicodedata.combining(chr(point)))
HANGUL = "".join(map(chr, (*range(0x1100, 0x1200), *range(0x3131, 0x318F), *range(0xAC00, 0xAC40))))
KANA = "".join(map(chr, (*range(0x3041, 0x3100), *range(0xFF61, 0xFFA0))))


def test_every_character_alone() -> None:
    characters = map(chr, range(sys.maxunicode + 1))
    assert [one for one in characters if quickly(one) != slowly(one)] == []


@given(st.text(st.one_of(st.sampled_from(MARKS), st.sampled_from(HANGUL), st.sampled_from(KANA), st.characters())))
def test_neighbours_that_join_or_change_places(text: str) -> None:
    assert quickly(text) == slowly(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("ＡＢ，医保①", "ab,医保1"),
        ("ΟΔΟΣ ΣΑΣ", "οδος σας"),  # the small sigma at a word's end is another one
        ("e\u0301e", "ée"),
        ("ｶﾞ", "ガ"),
        ("\u1112\u1161\u11ab", "한"),
        ("半\ud83d个", "半\ud83d个"),
        ("a\u200bb", "ab"),
        ("a\0b㎡", "a\0bm2"),
    ],
)
def test_what_it_makes_of(text: str, folded: str) -> None:
    assert quickly(text) == folded == slowly(text)
