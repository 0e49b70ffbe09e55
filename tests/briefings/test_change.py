"""When a count has changed, and when it only seems so."""

from __future__ import annotations

import random
import statistics

import pytest

from briefings.change import change


@pytest.mark.parametrize(
    ("count", "earlier", "direction", "words"),
    [
        (10, [], "unknown", "历史数据不足，暂不比较"),
        (10, [3], "unknown", "历史数据不足，暂不比较"),
        (3, [0] * 7, "noise", "变化不显著"),
        (4, [0] * 7, "up", "由零上升（+4条）"),
        (0, [0] * 7, "noise", "变化不显著"),
        (140, [100] * 7, "up", "上升40.0%（+40条）"),
        (60, [100] * 7, "down", "下降40.0%（-40条）"),
        (120, [100] * 7, "noise", "变化不显著"),
        (140, [40, 160, 90, 100, 140, 60, 110], "noise", "变化不显著"),
        (290, [100] * 7, "up", "上升190.0%（+190条）"),
        (340, [100] * 7, "up", "上升至约3.4倍（+240条）"),
        (9, [0, 1, 0, 1, 0, 1, 0], "up", "由不足1条上升（+9条）"),
        (1000, [100] * 7, "up", "上升至约10倍（+900条）"),
        (0, [100] * 7, "down", "下降100.0%（-100条）"),
    ],
)
def test_a_count_against_earlier_days(count: int, earlier: list[int], direction: str, words: str) -> None:
    moved = change(count, earlier)
    assert (moved.direction, moved.words, moved.days) == (direction, words, len(earlier))
    assert moved.mean == (statistics.fmean(earlier) if direction != "unknown" else None)


def test_days_without_any_news_are_rarely_called_changed() -> None:
    """Of 2,000 policies whose counts come from the same distribution every day, hardly one in a hundred is named."""
    chance = random.Random(5)

    def poisson(mean: float) -> int:
        count, at = 0, chance.expovariate(mean)
        while at < 1:
            count, at = count + 1, at + chance.expovariate(mean)
        return count

    named = sum(
        change(poisson(mean), [poisson(mean) for _ in range(7)]).direction != "noise"
        for mean in (0.3, 1, 4, 30)
        for _ in range(500)
    )
    assert named <= 20
