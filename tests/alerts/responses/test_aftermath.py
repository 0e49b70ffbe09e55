"""What public opinion did after a response."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alerts.observations import Observation, observe
from alerts.responses.aftermath import Interval, aftermath_of, difference, parts_of, ratio, wilson
from tests.alerts.conftest import NOW, record


def rows(count: int, start: datetime, hours: float, **more: str) -> list[Observation]:
    prefix = more.pop("prefix", f"{start:%d%H}")
    step = timedelta(hours=hours) / max(1, count)
    return [
        observe(record(f"{prefix}-{number}", start + step * (number + 1), **more), 2)  # type: ignore[arg-type]
        for number in range(count)
    ]


def score(name: str, observations: list[Observation], now: datetime) -> tuple[float | None, str]:
    part = next(part for part in parts_of(aftermath_of(observations, NOW, now)) if part.name == name)
    return part.score, part.value


def test_nothing_is_said_on_the_first_day() -> None:
    assert aftermath_of(rows(50, NOW - timedelta(hours=40), 40), NOW, NOW + timedelta(hours=23)) is None
    assert score("aftermath", [], NOW + timedelta(hours=23))[0] is None


def test_a_fall_that_chance_does_not_make() -> None:
    before = rows(80, NOW - timedelta(hours=47), 46)
    after = rows(8, NOW, 47, sentiment="neutral", request="none")
    value, words = score("aftermath", before + after, NOW + timedelta(days=3))
    assert value is not None and value > 0.7
    assert "80 → 8 位，明显减少" in words and "负面占比 100% → 0%，明显下降" in words


def test_a_change_within_chance_is_called_so() -> None:
    before, after = rows(12, NOW - timedelta(hours=47), 46), rows(8, NOW, 47)
    value, words = score("aftermath", before + after, NOW + timedelta(days=3))
    assert value == 0.5 and "变化不显著" in words and "减少" not in words


def test_more_anger_afterwards_is_bad() -> None:
    before = rows(30, NOW - timedelta(hours=47), 46, sentiment="neutral", request="none")
    after = rows(120, NOW, 47)
    value, words = score("aftermath", before + after, NOW + timedelta(days=3))
    assert value is not None and value < 0.3 and "明显增加" in words and "明显上升" in words


def test_few_voices_are_not_compared() -> None:
    value, words = score("aftermath", rows(2, NOW - timedelta(hours=20), 19), NOW + timedelta(days=3))
    assert value is None and "不作比较" in words


def test_who_asks_again_counts_once_and_only_later() -> None:
    early = rows(5, NOW, 40)
    again = rows(6, NOW + timedelta(days=5), 48, author="one person")
    other = rows(1, NOW + timedelta(days=9), 1)
    praise = rows(3, NOW + timedelta(days=9), 1, prefix="p", sentiment="positive", request="praise")
    value, words = score("repeats", early + again + other + praise, NOW + timedelta(days=40))
    assert value == pytest.approx(0.6) and "2 人再次反映" in words and "未满" not in words
    assert "未满 30 天" in score("repeats", early, NOW + timedelta(days=4))[1]
    assert score("repeats", early, NOW + timedelta(hours=30))[0] is None


def test_intervals_against_published_values() -> None:
    # Newcombe 1998, table II, column 10: 56/70 - 48/80 → 0.0524 to 0.3339.
    gap = difference(wilson(56, 70, 1.96), wilson(48, 80, 1.96))
    assert (gap.low, gap.high) == pytest.approx((0.0524, 0.3339), abs=2e-4)
    assert ratio(3, 2) is None
    assert ratio(9, 0) is not None and ratio(0, 9) == Interval(0.0, 0.0, pytest.approx(0.737, abs=0.01))
