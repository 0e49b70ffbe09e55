"""Whether two texts with headlines are about the same matter: what is looked at, and the model over it."""

from __future__ import annotations

import numpy as np
import pytest

from grouping.joining import Trees, headline, same_matter, trees
from grouping.neighbours import LOOK, Neighbours, Text
from grouping.vectors import vectorise
from grouping.wording import READ, Wording, common, wording

DUST = wording("滨河路拌合站粉尘太大", "拌合站昼夜施工，桂花苑居民不敢开窗，粉尘落满阳台。")
AGAIN = wording("桂花苑旁的拌合站什么时候搬走", "每天粉尘满天，孩子咳嗽，拌合站离居民楼不到五十米。")
BUS = wording("公交线路调整建议", "建议增加一班早高峰的公交车，等车太久。")
NOTHING = wording("", "")


@pytest.mark.parametrize("other", [DUST, AGAIN, BUS, NOTHING])
def test_the_order_of_the_two_makes_no_difference(other: Wording) -> None:
    assert common(DUST, other) == common(other, DUST)


def test_rare_words_in_common_and_repeated_headlines_count() -> None:
    close, far = common(DUST, AGAIN), common(DUST, BUS)
    assert close[0] > far[0] and close[2] > far[2] and close[6] > far[6]
    assert close[4] == 3  # 拌合站
    assert common(NOTHING, DUST) == [0.0] * 8


def test_runs_of_a_headline_in_the_other_text() -> None:
    one, other = wording("甲乙丙丁戊", ""), wording("某某", "丙丁戊甲乙")
    measured = common(one, other)
    assert measured[4:6] == [3, 0]  # 丙丁戊; nothing the other way
    assert measured[6:] == [(2 * 2 + 3 * 3) / 5, 0]
    same = common(one, one)
    assert same[4] == same[5] == 5 and same[6] == same[7] == 5


def test_only_the_start_of_a_body_is_looked_at_and_the_headline_in_it_not_twice() -> None:
    assert len(wording("题", "字" * 5_000).whole) == 2 + READ
    assert wording("甲乙", "甲乙丙丁").whole == "甲乙\n丙丁"


def test_trees_are_walked_to_their_leaves() -> None:
    made = Trees(
        features=np.array([[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]], np.int8),
        thresholds=np.array([[1.0, 5.0, 0, 0, 0], [2.0, 0, 0, 0, 0]]),
        left=np.array([[1, 3, 2, 3, 4], [1, 1, 2, 3, 4]], np.int8),
        right=np.array([[2, 4, 2, 3, 4], [2, 1, 2, 3, 4]], np.int8),
        values=np.array([[0, 0, 3, 1, 2], [0, 10, 20, 0, 0]], np.float32),
        bias=-12.0,
        depth=2,
    )
    rows = np.array([[1.0, 5.0], [1.0, 5.1], [1.1, 2.0]])
    odds = np.array([1 + 20, 2 + 20, 3 + 10]) - 12.0
    assert same_matter(rows, made) == pytest.approx(1 / (1 + np.exp(-odds)))


def test_the_shipped_trees_ask_for_what_they_are_given() -> None:
    made = trees()
    inner = made.left != np.arange(made.left.shape[1])
    assert made.features[inner].max() < 4 + len(common(DUST, BUS))
    assert made.left.max() < made.left.shape[1] and made.right.max() < made.right.shape[1]
    assert trees() is made


def test_texts_are_looked_at_closely_where_a_first_look_is_promising() -> None:
    texts = [
        ("滨河路拌合站粉尘太大", "拌合站昼夜施工，桂花苑居民不敢开窗，粉尘落满阳台。", DUST),
        ("桂花苑旁的拌合站什么时候搬走", "每天粉尘满天，孩子咳嗽，拌合站离居民楼不到五十米。", AGAIN),
        ("公交线路调整建议", "建议增加一班早高峰的公交车，等车太久。", BUS),
    ]
    ring = Neighbours(10)
    for number, (title, text, _) in enumerate(texts):
        ring.add(Text(vectorise(title, text), headline(title), 20_000.0 + number))
    asked: list[int] = []

    def look(number: int) -> list[float]:
        asked.append(number)
        return common(DUST, texts[number][2])

    first = ring.scores(ring.kept(0), [0, 1, 2])
    closely = ring.scores(ring.kept(0), [0, 1, 2], look)
    assert asked == [number for number in range(3) if first[number] >= LOOK]
    assert 1 in asked and 2 not in asked
    assert closely[1] > 0.5 > closely[2] == first[2]
