"""Short texts that are one matter, and short texts that only look like it."""

from __future__ import annotations

from tests.grouping.test_grouping_memory import assessed, memory
from training.event_situations import Half, matters_of, read_situations, score_situations

SITUATIONS = read_situations()
FLOORS: dict[Half, float] = {"tune": 0.67, "report": 0.53}
"""Below what is asked of a person: two in one blackout may name nothing (docs/reference/events.md)."""


def test_the_set_is_large_enough_and_well_formed() -> None:
    assert len(SITUATIONS) >= 120
    assert len({one.name for one in SITUATIONS}) == len(SITUATIONS)
    together = sum(one.together for one in SITUATIONS)
    assert 0.45 <= together / len(SITUATIONS) <= 0.55
    for one in SITUATIONS:
        assert len(one.matters) == len(one.texts) in (2, 3, 4)
        assert matters_of(one.matters) == one.matters
    assert min(sum(one.half == half for one in SITUATIONS) for half in ("tune", "report")) >= 60


def test_situations_are_grouped_no_worse_than_they_were() -> None:
    for half, least in FLOORS.items():
        assert score_situations(SITUATIONS, half)["right"] >= least


def test_an_outcry_over_one_measure_stays_together_whatever_each_names() -> None:
    """Each post names another line, or another sum: apart they would be singles, and nobody would be told."""
    forms = (
        "坐{}路被收钱，公交免费骗人的吗",
        "公交免费取消太坑人了，老人每天多花{}块",
        "公交免费说停就停，{}路司机还赶人下车，投诉无门",
    )
    groups = memory()
    placed = [groups.place(assessed(forms[n % 3].format(n), minutes=2 * n, key=str(n))).member.event for n in range(40)]
    assert len({groups.today(event) for event in placed}) <= len(forms)
