"""Intervals of shares, at their ends too: a day on which every post is negative is a day like others."""

from __future__ import annotations

from briefings.charts import Chart, draw
from briefings.words import interval, interval_words


def test_a_share_lies_in_its_interval_whatever_was_counted() -> None:
    wrong = [
        (part, whole)
        for whole in range(1, 200)
        for part in range(whole + 1)
        if not 0 <= interval(part, whole)[0] <= part / whole <= interval(part, whole)[1] <= 1
    ]
    assert wrong == []


def test_the_words_of_an_interval() -> None:
    assert interval_words(20, 94) == "14.2%—30.6%"
    assert interval_words(12, 12) == "75.7%—100.0%"
    assert interval_words(0, 0) == ""


def test_shares_of_nothing_and_of_everything_are_drawn() -> None:
    for whole in (11, 12, 20, 44):
        shares = [interval(part, whole) for part in (whole, 0)]
        chart = Chart(
            id="shares", shape="shares", title="情感占比", labels=("负面", "正面"), values=(100.0, 0.0),
            keys=("negative", "positive"), low=tuple(100 * low for low, _ in shares),
            high=tuple(100 * high for _, high in shares),
        )  # fmt: skip
        assert draw(chart)
