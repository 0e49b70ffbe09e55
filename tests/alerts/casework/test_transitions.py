"""A ticket's way: what may follow what, whose change is refused, and a timeline that shows a change of its past."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from alerts import timeline
from alerts.casework import actions
from alerts.deadlines import fire_due
from alerts.notify.tables import notices
from alerts.tables import ticket_timeline, tickets, timers
from alerts.tickets import TicketBook
from alerts.transitions import ENDED, NEXT, STATUS_WORDS, STATUSES, TicketConflict, changing
from minsheng.errors import WrongUse
from minsheng.store import Store
from minsheng.store.migrate import downgrade, migrate
from tests.alerts.conftest import NOW, World, burst

T = "T20260310-001"


def kinds(world: World) -> list[str]:
    return [event.kind for event in world.book.timeline(world.book.get(T).id)]


def test_every_status_has_words_and_a_way_out() -> None:
    assert set(STATUS_WORDS) == set(NEXT) == set(STATUSES)
    assert {status for follows in NEXT.values() for status in follows} | {"merged"} == set(STATUSES)
    assert [status for status in STATUSES if status not in ENDED and "closed" not in NEXT[status]] == []


def test_the_whole_way_of_a_ticket(either: World) -> None:
    for status in ("acknowledged", "judging", "responding", "responded", "evaluated"):
        ticket = TicketBook(either.store, either.clock).move(T, status, actor="李敏")
        assert ticket.status == status
    assert all(clock.cancelled_at is not None for clock in ticket.deadlines)
    ticket = TicketBook(either.store, either.clock).move(T, "closed", actor="李敏", reason="已办结")
    assert (ticket.status, ticket.closed_at) == ("closed", either.clock.now())
    assert kinds(either)[-6:] == [
        "acknowledged", "status-changed", "status-changed", "status-changed", "status-changed", "closed",
    ]  # fmt: skip
    assert [chain.problems for chain in timeline.verify(either.store)] == [[]]


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_what_may_not_follow_is_refused_and_changes_nothing(desk: World, before: str, after: str) -> None:
    with desk.store.begin() as connection:
        ended = NOW if before in ENDED else None
        connection.execute(tickets.update().values(status=before, closed_at=ended))
    seen = desk.book.get(T)
    lines = len(kinds(desk))
    if after == "open":
        with pytest.raises(WrongUse, match="reopened with new clocks"):
            desk.book.move(T, after, actor="李敏", reason="原因")
    elif after in NEXT[before]:  # type: ignore[index]
        assert desk.book.move(T, after, actor="李敏", reason="原因").status == after  # type: ignore[arg-type]
        return
    else:
        with pytest.raises(WrongUse, match=f"is {before} and can't become {after}"):
            desk.book.move(T, after, actor="李敏", reason="原因")  # type: ignore[arg-type]
    assert desk.book.get(T) == seen and len(kinds(desk)) == lines


@pytest.mark.parametrize("status", ["closed", "false-alarm"])
def test_an_end_needs_a_reason(desk: World, status: str) -> None:
    with pytest.raises(WrongUse, match="with a reason"):
        desk.book.move(T, status, actor="李敏", reason=" ")  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="somebody who makes it"):
        desk.book.move(T, "acknowledged", actor=" ")


def test_who_comes_too_late_is_told_who_did_what(either: World) -> None:
    seen = either.book.get(T).version
    TicketBook(either.store, either.clock).move(T, "acknowledged", actor="李敏", version=seen)
    actions.comment(either.store, either.clock, T, "已联系水务公司", actor="李敏")
    with pytest.raises(TicketConflict) as refused:
        TicketBook(either.store, either.clock).move(T, "judging", actor="王强", version=seen)
    assert "李敏 已签收" in str(refused.value) and "李敏 批注" in str(refused.value)
    assert (refused.value.seen, refused.value.version) == (seen, seen + 2)
    assert either.book.get(T).status == "acknowledged"


def test_of_two_officers_at_once_one_wins_and_the_other_is_told(either: World) -> None:
    seen = either.book.get(T).version
    others = [Store(either.store.url) for _ in range(6)]
    start = threading.Barrier(6)
    won: list[str] = []
    told: list[TicketConflict] = []

    def act(store: Store, name: str) -> None:
        start.wait()
        try:
            TicketBook(store, either.clock).move(T, "acknowledged", actor=name, version=seen)
            won.append(name)
        except TicketConflict as conflict:
            told.append(conflict)

    threads = [threading.Thread(target=act, args=(store, f"值班员{place}")) for place, store in enumerate(others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in others:
        store.close()
    assert len(won) == 1 and len(told) == 5
    assert all(won[0] in str(conflict) for conflict in told)
    assert kinds(either).count("acknowledged") == 1
    assert either.book.get(T).version == seen + 1


def test_timelines_stay_whole_when_many_write_at_once(either: World) -> None:
    """Officers comment while the schedulers fire clocks and the stage raises the level."""
    stores = [Store(either.store.url) for _ in range(4)]
    start = threading.Barrier(6)
    failed: list[BaseException] = []

    def comments(store: Store, name: str) -> None:
        start.wait()
        for number in range(10):
            actions.comment(store, either.clock, T, f"第{number}条", actor=name)

    def guarded(work: object, *arguments: object) -> None:
        try:
            work(*arguments)  # type: ignore[operator]
        except BaseException as error:
            failed.append(error)

    def raise_level() -> None:
        start.wait()
        either.take(burst(80, minutes=0.3, prefix="more"), batch=5)

    def fire() -> None:
        start.wait()
        for _ in range(5):
            fire_due(either.store, either.clock, either.settings)

    either.clock.advance(hours=60)
    threads = [threading.Thread(target=guarded, args=(comments, store, f"员{n}")) for n, store in enumerate(stores)]
    threads += [threading.Thread(target=guarded, args=(raise_level,)), threading.Thread(target=guarded, args=(fire,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert failed == []
    (chain,) = timeline.verify(either.store)
    assert chain.problems == []
    assert kinds(either).count("comment") == 40 and "level-rose" in kinds(either)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda line: line.update().where(line.c.number == 2).values(actor="别人"), "line 2 (等级上升) was changed"),
        (lambda line: line.update().where(line.c.number == 3).values(detail={"text": "另一句"}), "line 3"),
        (lambda line: line.delete().where(line.c.number == 2), "line 2 is missing"),
        (lambda line: line.delete().where(line.c.number == 4), "the ticket counts 4 lines"),
    ],
)
def test_a_change_in_the_past_shows(either: World, tamper: object, said: str) -> None:
    for text in ("第一句", "第二句"):
        actions.comment(either.store, either.clock, T, text, actor="李敏")
    assert kinds(either) == ["opened", "level-rose", "comment", "comment"]
    before = timeline.verify(either.store)
    assert timeline.differences(before, before, either.store) == []
    with either.store.begin() as connection:
        connection.execute(tamper(ticket_timeline))  # type: ignore[operator]
    (chain,) = timeline.verify(either.store, T)
    assert any(said in problem for problem in chain.problems)


def test_a_whole_chain_made_anew_shows_against_what_was_kept(desk: World) -> None:
    actions.comment(desk.store, desk.clock, T, "真话", actor="李敏")
    kept = timeline.verify(desk.store)
    ticket_id = desk.book.get(T).id
    with desk.store.begin() as connection:
        connection.execute(ticket_timeline.delete().where(ticket_timeline.c.number == 3))
        head = connection.scalar(sa.select(ticket_timeline.c.hash).where(ticket_timeline.c.number == 2))
        connection.execute(tickets.update().values(timeline_length=2, timeline_hash=head))
        timeline.add(connection, ticket_id, "comment", desk.clock.now(), actor="李敏", detail={"text": "假话"})
    now = timeline.verify(desk.store)
    assert now[0].problems == []
    assert timeline.differences(now, kept, desk.store) == [f"{T}: the first 3 lines are not those of before"]


def test_lines_from_before_the_hashes_are_bound_too(either_store: Store) -> None:
    migrate(either_store)
    downgrade(either_store, "0009")
    at = "2026-03-10 12:00:00.000001"
    with either_store.begin() as connection:
        connection.execute(
            sa.text(
                "insert into tickets (id, number, event_id, level, current_level, status, risk_kind, title, why, "
                "score, parts, documents, historical, opened_at, raised_at, created_at, version) "
                "values (7, 'T20260310-001', 'e', 'red', 'red', 'open', 'cost', '题', '因', 0.5, '[]', '[]', false, "
                f"'{at}', '{at}', '{at}', 3)"
            )
        )
        for kind in ("opened", "level-rose"):
            connection.execute(
                sa.text(
                    "insert into ticket_timeline (ticket_id, kind, at, event_time, actor, detail) values "
                    f"(7, '{kind}', '{at}', null, 'system', '{{\"why\": \"声量\", \"n\": 0.25}}')"
                )
            )
        connection.execute(
            sa.text(f"insert into timers (ticket_id, kind, due_at) values (7, 'conference-warning', '{at}')")
        )
    migrate(either_store)
    (chain,) = timeline.verify(either_store)
    assert (chain.length, chain.problems) == (2, [])
    with either_store.read() as connection:
        assert connection.execute(sa.select(timers.c.title, timers.c.round)).one() == ("举行新闻发布会", 1)
        assert connection.execute(sa.select(tickets.c.peak_level, tickets.c.exercise)).one() == ("red", False)


def test_a_level_set_lower_stays_until_something_graver_happens(world: World) -> None:
    records = burst(60, minutes=1.5)
    world.take(records[:40])
    assert world.book.get(T).level == "yellow"
    with pytest.raises(WrongUse, match="with a reason"):
        actions.set_level(world.store, world.clock, world.settings, T, "blue", actor="李敏", reason="")
    ticket = actions.set_level(world.store, world.clock, world.settings, T, "blue", actor="李敏", reason="同一小区")
    assert ticket.level == "blue" and kinds(world)[-1] == "level-set"
    world.take(burst(3, NOW + timedelta(minutes=61), prefix="same"))
    assert world.book.get(T).level == "blue", "nothing graver than what the officer knew"
    world.take(burst(120, NOW + timedelta(minutes=70), minutes=0.2, prefix="graver"))
    assert world.book.get(T).level in ("orange", "red")


def test_clocks_follow_a_level_set_down_and_up(world: World) -> None:
    world.take(burst(12))
    world.take(burst(100, minutes=0.3, prefix="more"))
    orange = world.book.get(T)
    assert orange.level == "orange"

    def running() -> set[str]:
        return {clock.kind for clock in world.book.get(T).deadlines if clock.running}

    down = actions.set_level(world.store, world.clock, world.settings, T, "yellow", actor="李敏", reason="已解释")
    assert running() == {"response", "response-warning"}
    (response,) = [clock for clock in down.deadlines if clock.kind == "response"]
    assert response.due_at == orange.raised_at + timedelta(hours=48)
    up = actions.set_level(world.store, world.clock, world.settings, T, "red", actor="李敏", reason="有人受伤")
    assert up.raised_at == world.clock.now()
    assert running() == {"information", "information-warning", "conference", "conference-warning"}
    assert "worse" in reasons(world)


def reasons(world: World) -> list[str]:
    with world.store.read() as connection:
        return list(connection.scalars(sa.select(notices.c.reason).order_by(notices.c.id)))


def test_a_transferred_ticket_is_acknowledged_anew(either: World) -> None:
    either.book.move(T, "acknowledged", actor="李敏")
    ticket = actions.transfer(
        either.store, either.clock, either.settings, T, "市水务局", actor="李敏", reason="属水务职责"
    )
    assert (ticket.unit, ticket.status, ticket.acknowledged_at) == ("市水务局", "open", None)
    assert any(clock.running for clock in ticket.deadlines)
    assert either.book.list(unit="市水务局") == [either.book.list()[0]]
    with pytest.raises(WrongUse, match="already"):
        actions.transfer(either.store, either.clock, either.settings, T, "市水务局", actor="李敏", reason="再转")


def test_a_ticket_reopens_when_its_event_flares_up(either: World) -> None:
    either.clock.set(NOW + timedelta(hours=1))
    either.book.move(T, "closed", actor="李敏", reason="已回应")
    either.take(burst(6, NOW + timedelta(minutes=30), prefix="rest"))
    assert [one.status for one in either.tickets()] == ["closed"]
    either.clock.advance(hours=3)
    either.take(burst(20, NOW + timedelta(hours=2), prefix="anew"), batch=1)
    (ticket,) = either.tickets()
    assert (ticket.status, ticket.round, ticket.acknowledged_at, ticket.closed_at) == ("open", 2, None, None)
    assert {clock.round for clock in ticket.deadlines if clock.running} == {2}
    assert kinds(either).count("reopened") == 1
    assert reasons(either).count("new") == 2
    again = [event for event in either.book.timeline(ticket.id) if event.kind == "reopened"]
    assert again[0].detail["from"] == "closed"


def test_a_reopening_does_not_depend_on_batches(make_world: object) -> None:
    found = []
    for size in (1, 7, 500):
        world: World = make_world()  # type: ignore[operator]
        world.clock.set(NOW + timedelta(minutes=40))
        world.take(burst(30, minutes=1), batch=size)
        world.clock.set(NOW + timedelta(hours=1))
        world.book.move(T, "closed", actor="李敏", reason="已回应")
        world.clock.set(NOW + timedelta(hours=5))
        world.take(burst(60, NOW + timedelta(hours=2), minutes=0.5, prefix="anew"), batch=size)
        found.append((world.tickets(), timeline.verify(world.store)))
    assert found[0] == found[1] == found[2]


def test_after_the_watch_period_another_ticket_opens(make_world: object) -> None:
    world: World = make_world(reopen_days=2.0)  # type: ignore[operator]
    world.take(burst(30, minutes=1))
    world.book.move(T, "false-alarm", actor="李敏", reason="营销号")
    later = NOW + timedelta(days=3)
    world.clock.set(later + timedelta(hours=2))
    world.take(burst(20, later, prefix="anew"))
    assert [one.status for one in world.tickets()] == ["open", "false-alarm"]


def test_an_officer_reopens_with_new_clocks(either: World) -> None:
    either.book.move(T, "closed", actor="李敏", reason="误点")
    either.clock.advance(hours=1)
    with pytest.raises(WrongUse, match="with a reason"):
        actions.reopen(either.store, either.clock, either.settings, T, actor="李敏", reason="")
    ticket = actions.reopen(either.store, either.clock, either.settings, T, actor="李敏", reason="仍有诉求")
    assert (ticket.status, ticket.round, ticket.raised_at) == ("open", 2, either.clock.now())
    (response,) = [clock for clock in ticket.deadlines if clock.kind == "response" and clock.running]
    assert response.due_at == either.clock.now() + timedelta(hours=48)


def test_an_ended_ticket_takes_comments_only(desk: World) -> None:
    desk.book.move(T, "closed", actor="李敏", reason="已回应")
    actions.comment(desk.store, desk.clock, T, "三个月后回访", actor="李敏")
    for act in (
        lambda: actions.pause(desk.store, desk.clock, T, actor="李敏", reason="等"),
        lambda: actions.transfer(desk.store, desk.clock, desk.settings, T, "甲", actor="李敏", reason="等"),
        lambda: actions.set_level(desk.store, desk.clock, desk.settings, T, "red", actor="李敏", reason="等"),
    ):
        with pytest.raises(WrongUse, match="has ended"):
            act()


def test_a_change_that_fails_leaves_nothing(desk: World) -> None:
    before = desk.book.get(T), kinds(desk)
    with pytest.raises(RuntimeError), changing(desk.store, desk.clock, T, actor="李敏") as change:
        change.write("comment", {"text": "半句"}, unit="别处")
        raise RuntimeError
    assert (desk.book.get(T), kinds(desk)) == before
