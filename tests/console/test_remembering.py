"""What is dear to make is made once, and beside those who ask where an older one will do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from console.remembering import Remembered
from minsheng.clock import ManualClock
from minsheng.errors import Unavailable


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to hold")


def test_it_is_made_anew_when_its_time_is_over(clock: ManualClock) -> None:
    kept = Remembered[int](clock, 60.0)
    assert [kept.get("a", lambda: 1), kept.get("a", lambda: 2), kept.get("b", lambda: 3)] == [1, 1, 3]
    clock.sleep(60)
    assert kept.get("a", lambda: 4) == 4


def test_those_who_ask_at_once_wait_for_one_making(clock: ManualClock) -> None:
    kept, made, asked, go = Remembered[int](clock, 60.0), list[int](), list[int](), threading.Event()

    def make() -> int:
        go.wait(10)
        made.append(1)
        return len(made)

    threads = [threading.Thread(target=lambda: asked.append(kept.get("a", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert kept.get("b", lambda: 7) == 7, "who asks for something else does not wait"
    go.set()
    for thread in threads:
        thread.join(10)
    assert (made, asked) == ([1], [1, 1, 1, 1])


def test_an_older_one_is_given_while_a_new_one_is_made(clock: ManualClock) -> None:
    kept, making, go = Remembered[int](clock, 60.0, 240.0), list[int](), threading.Event()

    def slowly() -> int:
        making.append(1)
        go.wait(10)
        return 2

    assert kept.get("a", lambda: 1) == 1
    clock.sleep(61)
    assert [kept.get("a", slowly) for _ in range(3)] == [1, 1, 1], "nobody waits"
    until(lambda: making == [1])
    go.set()
    until(lambda: kept.get("a", lambda: 3) == 2)
    assert making == [1], "one making for all who ask"
    clock.sleep(301)
    assert kept.get("a", lambda: 4) == 4, "too old to be given at all"


def test_a_making_that_fails_leaves_the_older_one_and_is_tried_again(clock: ManualClock) -> None:
    kept, tries = Remembered[int](clock, 60.0, 240.0), list[int]()

    def away() -> int:
        tries.append(1)
        raise Unavailable("the index", "it is away")

    assert kept.get("a", lambda: 1) == 1
    clock.sleep(61)
    for number in (1, 2):
        assert kept.get("a", away) == 1
        until(lambda number=number: len(tries) == number)  # type: ignore[misc]
        until(lambda: not any(one.name == "remembering" for one in threading.enumerate()))
    clock.sleep(240)
    with pytest.raises(Unavailable):
        kept.get("a", away)
