"""Clocks: working time, pausing, and several schedulers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from alerts.casework import actions
from alerts.casework.reminders import note_overdue
from alerts.casework.tasks import tasks_of
from alerts.deadlines import fire_due
from alerts.ticket_counts import Kept, kept_in_time
from alerts.tickets import Deadline
from minsheng.clock import CHINA
from minsheng.errors import WrongSettings, WrongUse
from minsheng.settings import ClockSettings, load_settings
from minsheng.store import Store
from tests.alerts.conftest import NOW, World, burst

T = "T20260310-001"
FIRST_REPORT = ClockSettings(kind="first-report", title="向上级首报", hours=2, working=True, source="省办规定")


def clocks(world: World) -> dict[str, Deadline]:
    return {clock.kind: clock for clock in world.book.get(T).deadlines if clock.cancelled_at is None}


def missed(world: World) -> list[str]:
    return [
        event.detail["deadline"]
        for event in world.book.timeline(world.book.get(T).id)
        if event.kind == "deadline-missed"
    ]


def test_a_clock_of_a_units_own_counts_working_time(make_world: Callable[..., World]) -> None:
    """The ticket opens on Tuesday evening, China time: two working hours are over on Wednesday at eleven."""
    world = make_world(clocks=(FIRST_REPORT,))
    world.take(burst(12))
    clock = clocks(world)["first-report"]
    assert clock.title == "向上级首报"
    assert clock.due_at == datetime(2026, 3, 11, 11, 0, tzinfo=CHINA)
    world.clock.set(clock.due_at)
    fire_due(world.store, world.clock, world.settings)
    assert missed(world) == ["first-report"]


def test_a_clock_says_whether_another_level_replaced_it_also_after_a_reopening(desk: World) -> None:
    """What the ticket's row says of its end is gone with the reopening; what is counted must not change with it."""
    level = partial(actions.set_level, desk.store, desk.clock, desk.settings, T, actor="李敏", reason="复核")
    since = desk.clock.now() - timedelta(days=1)
    every = {(clock.kind, clock.round) for clock in desk.book.get(T).deadlines}

    def ended() -> dict[str, bool]:
        return {
            clock.kind: clock.replaced
            for clock in desk.book.get(T).deadlines
            if clock.cancelled_at is not None and clock.round == 1 and not clock.kind.endswith("-warning")
        }

    assert ("response", 1) in every
    desk.clock.advance(minutes=5)
    level(level="orange")
    assert ended() == {"response": True}
    level(level="yellow")
    assert ended() == {"information": True, "conference": True}, "the first one runs again"
    level(level="orange")
    actions.set_status(desk.store, desk.clock, T, "responded", actor="李敏")
    wanted = {"response": True, "information": False, "conference": False}
    assert ended() == wanted
    actions.set_status(desk.store, desk.clock, T, "closed", actor="李敏", reason="已答复")
    actions.reopen(desk.store, desk.clock, desk.settings, T, actor="李敏", reason="又来电")
    assert ended() == wanted
    desk.clock.advance(days=3)
    with desk.store.read() as connection:
        assert kept_in_time(connection, since, desk.clock.now()) == Kept(due=4, kept=2), "two rounds of two clocks"


def test_paused_clocks_keep_the_time_they_had_left(make_world: Callable[..., World]) -> None:
    world = make_world(clocks=(FIRST_REPORT,))
    world.take(burst(12))
    due = clocks(world)["response"].due_at
    world.clock.set(datetime(2026, 3, 11, 10, 0, tzinfo=CHINA))
    with pytest.raises(WrongUse, match="with a reason"):
        actions.pause(world.store, world.clock, T, actor="李敏", reason=" ")
    actions.pause(world.store, world.clock, T, actor="李敏", reason="等待上级批复")
    with pytest.raises(WrongUse, match="stand still already"):
        actions.pause(world.store, world.clock, T, actor="李敏", reason="再停")
    world.clock.advance(days=30)
    assert fire_due(world.store, world.clock, world.settings) == 0
    actions.resume(world.store, world.clock, world.settings, T, actor="李敏")
    assert clocks(world)["response"].due_at == due + timedelta(days=30)
    # One working hour was left; it is 10 o'clock on Friday the tenth of April.
    assert clocks(world)["first-report"].due_at == datetime(2026, 4, 10, 11, 0, tzinfo=CHINA)
    world.clock.set(due + timedelta(days=30))
    fire_due(world.store, world.clock, world.settings)
    fire_due(world.store, world.clock, world.settings)
    assert missed(world) == ["first-report", "response"]


def test_what_becomes_worse_does_not_wait(world: World) -> None:
    world.take(burst(12))
    actions.pause(world.store, world.clock, T, actor="李敏", reason="等待")
    world.take(burst(100, minutes=0.3, prefix="more"))
    ticket = world.book.get(T)
    assert ticket.level == "orange" and ticket.paused_at is None
    assert all(clock.running for clock in clocks(world).values())
    assert [event.kind for event in world.book.timeline(ticket.id)].count("resumed") == 1


def test_many_schedulers_fire_each_clock_and_note_each_task_once(
    make_world: Callable[..., World], either_store: Store
) -> None:
    world = make_world(either_store)
    for number in range(4):
        world.take(burst(12, event=f"e{number}", prefix=f"p{number}", policy=None))
    world.clock.advance(days=30)
    stores = [Store(either_store.url) for _ in range(4)]
    start = threading.Barrier(4)
    fired: list[int] = []
    noted: list[int] = []
    failed: list[BaseException] = []

    def schedule(store: Store) -> None:
        try:
            start.wait()
            fired.append(fire_due(store, world.clock, world.settings))
            noted.append(note_overdue(store, world.clock, world.settings))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=schedule, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert failed == []
    assert sum(fired) == 8
    waiting = [task for ticket in world.tickets() for task in tasks_of(either_store, ticket.number)]
    assert sum(noted) == len([task for task in waiting if task.due_at]) > 0
    for ticket in world.tickets():
        told = [event.kind for event in world.book.timeline(ticket.id)]
        assert told.count("deadline-missed") == 1 and told.count("deadline-warning") == 0
        assert told.count("task-overdue") == len([t for t in tasks_of(either_store, ticket.number) if t.due_at])


def test_a_clock_that_jumps_back_notes_nothing_again(world: World) -> None:
    world.take(burst(12))
    world.clock.set(NOW + timedelta(days=3))
    assert note_overdue(world.store, world.clock, world.settings) > 0
    world.clock.set(NOW)
    assert note_overdue(world.store, world.clock, world.settings) == 0
    world.clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    assert fire_due(world.store, world.clock, world.settings) == 2
    assert note_overdue(world.store, world.clock, world.settings) == 0 or tasks_of(world.store, T)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{ kind = "First report", title = "首报", hours = 2 }', "is no short name"),
        ('{ kind = "first-report", title = "首报", hours = 0 }', "hours above 0"),
        ('{ kind = "response", title = "首报", hours = 2 }', "given twice"),
    ],
)
def test_clocks_that_make_no_sense_are_refused(tmp_path: object, text: str, said: str) -> None:
    (tmp_path / "minsheng.toml").write_text(f"[alert]\nclocks = [{text}]\n", encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(WrongSettings) as error:
        load_settings(tmp_path, environ={})  # type: ignore[arg-type]
    assert said in str(error.value)
