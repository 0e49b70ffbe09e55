"""Clocks: working time, pausing, and several schedulers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from alerts.casework import actions
from alerts.casework.clocks import meet_clock, waive_clock
from alerts.casework.reminders import note_overdue
from alerts.casework.tasks import tasks_of
from alerts.deadlines import fire_due
from alerts.responses.worked import worked
from alerts.tables import timers
from alerts.ticket_counts import Kept, ended_clocks, kept_in_time, overdue
from alerts.tickets import Deadline, TicketBook
from minsheng.clock import CHINA
from minsheng.errors import WrongSettings, WrongUse
from minsheng.settings import ClockSettings, load_settings
from minsheng.store import Store
from minsheng.store.migrate import downgrade, migrate
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
    TicketBook(desk.store, desk.clock).move(T, "responded", actor="李敏")
    assert ended() == {"response": True, "information": False}, "nobody has held a conference yet"
    TicketBook(desk.store, desk.clock).move(T, "closed", actor="李敏", reason="已答复")
    wanted = {"response": True, "information": False, "conference": False}
    assert ended() == wanted
    actions.reopen(desk.store, desk.clock, desk.settings, T, actor="李敏", reason="又来电")
    assert ended() == wanted
    desk.clock.advance(days=3)
    with desk.store.read() as connection:
        assert kept_in_time(connection, since, desk.clock.now()) == Kept(due=3, kept=1), (
            "two rounds of two clocks, of which one ended with its ticket before its time"
        )
        lists = [ended_clocks(connection, since, desk.clock.now(), kept=kept, limit=9) for kept in (None, True, False)]
    assert [len(one) for one in lists] == [3, 1, 2]
    (kept,) = lists[1]
    assert (kept.number, kept.clock.name, kept.clock.kept) == (T, "发布权威信息", True)


def of(world: World, kind: str) -> Deadline:
    """The newest clock of a kind."""
    return max((one for one in world.book.get(T).deadlines if one.kind == kind), key=lambda one: one.round)


@pytest.fixture
def grave(desk: World) -> World:
    """An orange ticket: information within five hours, a press conference within a day."""
    actions.set_level(desk.store, desk.clock, desk.settings, T, "orange", actor="李敏", reason="复核")
    return desk


def month(world: World) -> tuple[int, int]:
    with world.store.read() as connection:
        now = world.clock.now()
        (one,) = worked(connection, now - timedelta(days=30), now + timedelta(days=1), now)
    return one.kept, one.late


def test_an_answer_is_no_press_conference(grave: World) -> None:
    raised = grave.book.get(T).raised_at
    grave.clock.set(raised + timedelta(hours=4))
    TicketBook(grave.store, grave.clock).move(T, "responded", actor="李敏")
    assert of(grave, "information").kept is True
    conference = of(grave, "conference")
    assert (conference.running, conference.kept) == (True, None)
    grave.clock.set(raised + timedelta(hours=25))
    fire_due(grave.store, grave.clock, grave.settings)
    assert missed(grave) == ["conference"]
    assert month(grave) == (1, 1)
    meet_clock(grave.store, grave.clock, T, "conference", actor="李敏")
    assert of(grave, "conference").kept is False, "held too late"
    assert month(grave) == (1, 1)
    with grave.store.read() as connection:
        assert overdue(connection, grave.clock.now()) == 0, "held late, it is no longer waited for"


def test_a_conference_that_was_held_in_time_counts_also_when_it_is_recorded_late(grave: World) -> None:
    raised = grave.book.get(T).raised_at
    grave.clock.set(raised + timedelta(hours=30))
    fire_due(grave.store, grave.clock, grave.settings)
    held = raised + timedelta(hours=20)
    meet_clock(grave.store, grave.clock, T, "conference", actor="李敏", at=held, note="市政府新闻办")
    assert (of(grave, "conference").met_at, of(grave, "conference").kept) == (held, True)
    last = grave.book.timeline(grave.book.get(T).id)[-1]
    assert (last.kind, last.detail["at"], last.detail["note"]) == ("clock-met", held.isoformat(), "市政府新闻办")
    with pytest.raises(WrongUse, match="no clock conference"):
        meet_clock(grave.store, grave.clock, T, "conference", actor="李敏")


@pytest.mark.parametrize("hours", [-1, 3], ids=["before the first post", "still to come"])
def test_a_clock_is_not_met_at_an_absurd_time(grave: World, hours: int) -> None:
    at = grave.book.get(T).opened_at + timedelta(hours=hours)
    with pytest.raises(WrongUse, match="between the ticket's first post and now"):
        meet_clock(grave.store, grave.clock, T, "information", actor="李敏", at=at)
    assert of(grave, "information").waiting


def test_a_conference_that_is_not_needed_is_neither_kept_nor_missed(grave: World) -> None:
    raised = grave.book.get(T).raised_at
    with pytest.raises(WrongUse, match="with a reason"):
        waive_clock(grave.store, grave.clock, T, "conference", actor="李敏", reason=" ")
    waive_clock(grave.store, grave.clock, T, "conference", actor="李敏", reason="市领导批准以书面通报代替")
    grave.clock.set(raised + timedelta(hours=4))
    TicketBook(grave.store, grave.clock).move(T, "responded", actor="李敏")
    grave.clock.set(raised + timedelta(hours=26))
    assert fire_due(grave.store, grave.clock, grave.settings) == 0, "neither it nor its warning"
    assert month(grave) == (1, 0)


def test_one_that_was_missed_stays_missed_when_it_is_waived(grave: World) -> None:
    grave.clock.set(grave.book.get(T).raised_at + timedelta(hours=26))
    fire_due(grave.store, grave.clock, grave.settings)
    waive_clock(grave.store, grave.clock, T, "conference", actor="李敏", reason="不再需要")
    assert of(grave, "conference").kept is False
    assert month(grave) == (0, 2)


def test_the_first_word_may_be_out_before_all_is_answered(grave: World) -> None:
    raised = grave.book.get(T).raised_at
    grave.clock.set(raised + timedelta(hours=2))
    meet_clock(grave.store, grave.clock, T, "information", actor="李敏")
    grave.clock.set(raised + timedelta(hours=10))
    TicketBook(grave.store, grave.clock).move(T, "responded", actor="李敏")
    assert of(grave, "information").met_at == raised + timedelta(hours=2), "the answer does not make it late"
    assert missed(grave) == []


def test_an_answer_counts_from_when_it_was_published(grave: World) -> None:
    raised = grave.book.get(T).raised_at
    grave.clock.set(raised + timedelta(hours=6))
    fire_due(grave.store, grave.clock, grave.settings)
    TicketBook(grave.store, grave.clock).move(T, "responded", actor="李敏", answered_at=raised + timedelta(hours=4))
    assert of(grave, "information").kept is True


def test_a_lower_level_takes_the_conference_off_an_answered_ticket(grave: World) -> None:
    TicketBook(grave.store, grave.clock).move(T, "responded", actor="李敏")
    actions.set_level(grave.store, grave.clock, grave.settings, T, "blue", actor="李敏", reason="已平息")
    assert of(grave, "conference").replaced
    assert not any(one.running for one in grave.book.get(T).deadlines)


def test_a_clock_of_a_units_own_may_stand_apart(make_world: Callable[..., World]) -> None:
    world = make_world(clocks=(replace(FIRST_REPORT, apart=True),))
    world.take(burst(12))
    TicketBook(world.store, world.clock).move(T, "responded", actor="李敏")
    assert clocks(world)["first-report"].apart
    assert "response" not in clocks(world)


def test_two_who_settle_one_clock_at_once_settle_it_once(grave: World) -> None:
    done: list[str] = []

    def settle() -> None:
        try:
            meet_clock(grave.store, grave.clock, T, "conference", actor="李敏")
        except WrongUse as error:
            done.append(str(error))
        else:
            done.append("met")

    threads = [threading.Thread(target=settle) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert done.count("met") == 1
    assert [one.kind for one in grave.book.timeline(grave.book.get(T).id)].count("clock-met") == 1


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


def test_what_old_answers_stopped_counts_as_met_after_the_change(either_store: Store) -> None:
    """As it was taken to be: a store of before holds no word of when a conference was held."""
    migrate(either_store)
    downgrade(either_store, "0034")
    at = "2026-03-10 12:00:00.000001"
    rows = {
        ("information", 1): ("null", f"'{at}'", "false"),  # running when the answer came
        ("conference", 1): (f"'{at}'", "null", "false"),  # missed before
        ("response", 1): ("null", f"'{at}'", "true"),
        ("information-warning", 1): ("null", f"'{at}'", "false"),
        ("response", 0): ("null", f"'{at}'", "false"),
    }
    with either_store.begin() as connection:
        connection.execute(
            sa.text(
                "insert into tickets (id, number, event_id, level, current_level, peak_level, status, risk_kind, "
                "title, why, score, parts, documents, historical, opened_at, raised_at, created_at, responded_at, "
                "version) values (7, 'T20260310-001', 'e', 'red', 'red', 'red', 'responded', 'cost', '题', '因', 0.5, "
                f"'[]', '[]', false, '{at}', '{at}', '{at}', '{at}', 3)"
            )
        )
        for (kind, turn), (fired, cancelled, replaced) in rows.items():
            connection.execute(
                sa.text(
                    "insert into timers (ticket_id, kind, round, due_at, fired_at, cancelled_at, replaced) values "
                    f"(7, '{kind}', {turn}, '{at}', {fired}, {cancelled}, {replaced})"
                )
            )
    migrate(either_store)
    with either_store.read() as connection:
        found = {(row.kind, row.round): row for row in connection.execute(sa.select(timers))}
    met = {name for name, row in found.items() if row.met_at is not None}
    assert met == {("information", 1), ("conference", 1)}
    assert found["conference", 1].cancelled_at is not None
    assert {kind for (kind, _), row in found.items() if row.apart} == {"conference"}


def test_a_clock_is_called_by_its_own_title_or_by_its_kind() -> None:
    due = datetime(2026, 5, 8, tzinfo=UTC)
    names = {
        ("information", ""): "发布权威信息", ("information-warning", ""): "发布权威信息（预警）",
        ("first-report", "首报"): "首报", ("first-report-warning", "首报"): "首报（预警）", ("unknown", ""): "unknown",
    }  # fmt: skip
    for (kind, title), name in names.items():
        assert Deadline(kind=kind, title=title, due_at=due).name == name
