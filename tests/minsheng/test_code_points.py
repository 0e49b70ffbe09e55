"""Text as numbers."""

from __future__ import annotations

from minsheng.code_points import code_points


def test_every_character_is_one_number() -> None:
    text = "a医𠮷\U0010ffff\0"
    assert code_points(text).tolist() == [ord(char) for char in text]
    assert code_points("").tolist() == []


def test_half_a_character_is_one_too() -> None:
    assert code_points("\ud83d好").tolist() == [0xD83D, ord("好")]
