"""The stage: the same tickets in whatever batches, nothing twice, and races that the database decides."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from alerts.notify.tables import notices
from alerts.stage import AlertStage
from alerts.tables import observations, policy_hours, ticket_timeline, tickets, timers
from crawlers.recording import record_run
from crawlers.run import RunReport
from crawlers.sources import Source, save
from minsheng.records import Grouped, scores_of
from minsheng.store import Store
from tests.alerts.conftest import NOW, World, burst, record
from tests.stores import made_store

MakeWorld = Callable[..., World]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )
    opened = made_store(url)
    yield opened
    opened.close()


def stream(seed: int = 1) -> list[Grouped]:
    """Bursts, letters, copies and background, mixed as they might come in, some of them late or corrected."""
    chance = random.Random(seed)
    found = burst(60, minutes=1.5, event="burst")
    found += burst(30, NOW + timedelta(hours=5), event="second", prefix="s", policy=None, sentiment="negative")
    found += [
        record(f"l{n}", NOW - timedelta(hours=30 - 2 * n), kind="message", event="letters", policy=None)
        for n in range(14)
    ]
    found += [
        record(f"n{n}", NOW + timedelta(minutes=n), kind="news", sentiment="neutral", group="n0", event="press")
        for n in range(40)
    ]
    found += [record(f"z{n}", NOW + timedelta(minutes=3 * n), event=f"single-{n}") for n in range(80)]
    found.sort(key=lambda one: one.document.published_at)
    for _ in range(60):
        here, there = chance.randrange(len(found)), chance.randrange(len(found))
        found[here], found[there] = found[there], found[here]
    corrected = [
        record(f"b{n}", NOW + timedelta(minutes=1.5 * n), event="burst", sentiment="neutral", request="none", opinion=2)
        for n in range(0, 20, 5)
    ]
    return found + corrected


def picture(store: Store) -> dict[str, Any]:
    """Everything that a replay must leave as it is."""
    with store.read() as connection:
        return {
            table.name: [
                {name: value for name, value in row.items() if name not in ("id", "ticket_id")}
                for row in connection.execute(sa.select(table).order_by(*order)).mappings()
            ]
            for table, order in (
                (tickets, [tickets.c.event_id]),
                (ticket_timeline, [ticket_timeline.c.id]),
                (timers, [timers.c.due_at, timers.c.kind]),
                (notices, [notices.c.key]),
                (policy_hours, [policy_hours.c.policy_id, policy_hours.c.hour]),
                (observations, [observations.c.document_id]),
            )
        }


def test_the_size_of_batches_leaves_no_trace(make_world: MakeWorld) -> None:
    found = []
    for size in (1, 7, 500):
        world = make_world()
        world.take(stream(), batch=size)
        found.append(picture(world.store))
    assert {row["event_id"] for row in found[0]["tickets"]} == {"burst", "second", "letters"}
    assert found[0] == found[1] == found[2]


def test_reading_the_log_again_changes_nothing(make_world: MakeWorld, store: Store) -> None:
    world = make_world(store)
    world.take(stream(), batch=50)
    before = picture(store)
    assert before["tickets"]
    world.clock.advance(days=3)
    world.take(stream(), batch=33)
    assert picture(store) == before


def test_sqlite_and_postgresql_agree(make_world: MakeWorld, store: Store) -> None:
    other = make_world()
    other.take(stream(2), batch=40)
    world = make_world(store)
    world.take(stream(2), batch=40)
    assert picture(store) == picture(other.store)


def test_a_corrected_opinion_takes_the_place_of_the_first_one(world: World) -> None:
    world.take([record("one", NOW), record("one", NOW, opinion=2, sentiment="positive", event="event-2")])
    (row,) = picture(world.store)["observations"]
    assert (row["sentiment"], row["event_id"]) == ("positive", "event-2")
    world.take([record("one", NOW, opinion=1)])
    assert picture(world.store)["observations"] == [row]


def corrected(records: list[Grouped], at: datetime, **more: Any) -> list[Grouped]:
    """The same documents with labels that a person has set at that moment."""
    again = []
    for one in records:
        assessed = msgspec.structs.replace(one.assessed, opinion=one.assessed.opinion + 1, assessed_at=at, **more)
        again.append(msgspec.structs.replace(one, assessed=assessed))
    return again


def test_a_corrected_label_does_not_tell_of_the_same_matter_twice(world: World) -> None:
    documents = burst(30, minutes=1)
    world.take(documents)
    before = picture(world.store)
    assert len(before["tickets"]) == 1 and before["notices"]
    at = NOW + timedelta(hours=1)
    certain = corrected(documents[:10], at, sentiment=scores_of("negative"))
    mild = corrected(certain[:5], at, sentiment=scores_of("neutral"), request=scores_of("none"))
    back = corrected(mild, at, sentiment=scores_of("negative"), request=scores_of("complaint"))
    for step in (certain, mild, back):
        world.take(step)
    after = picture(world.store)
    assert after["notices"] == before["notices"]
    assert [row["number"] for row in after["tickets"]] == [row["number"] for row in before["tickets"]]
    world.book.move(before["tickets"][0]["number"], "closed", actor="duty", reason="done")
    closed = picture(world.store)
    world.take(corrected(back, at))
    assert picture(world.store)["tickets"] == closed["tickets"]
    assert picture(world.store)["notices"] == closed["notices"]


def test_a_label_put_right_days_later_wakes_nobody(world: World) -> None:
    """What turns out to have been a burst of grievances last week gets a ticket for the record, and no notice."""
    mild = burst(30, minutes=1, sentiment="neutral", request="none", policy=None)
    world.take(mild)
    assert world.tickets() == []
    world.take(
        corrected(mild, NOW + timedelta(days=5), sentiment=scores_of("negative"), request=scores_of("complaint"))
    )
    (ticket,) = world.tickets()
    assert ticket.historical
    assert picture(world.store)["notices"] == []


def test_a_label_put_right_at_once_can_raise_the_alarm(world: World) -> None:
    mild = burst(30, minutes=1, sentiment="neutral", request="none", policy=None)
    world.take(mild)
    world.take(
        corrected(mild, NOW + timedelta(hours=1), sentiment=scores_of("negative"), request=scores_of("complaint"))
    )
    (ticket,) = world.tickets()
    assert not ticket.historical and picture(world.store)["notices"]


def test_two_processes_with_the_same_documents_open_one_ticket(make_world: MakeWorld, store: Store) -> None:
    world = make_world(store)
    documents = burst(60, minutes=1)
    other = Store(store.url)
    stages = [world.stage(), AlertStage(other, world.plans, world.register, world.settings, world.clock)]
    start = threading.Barrier(2)
    failed: list[BaseException] = []

    def run(stage: AlertStage, size: int) -> None:
        try:
            start.wait()
            for first in range(0, len(documents), size):
                stage.work(documents[first : first + size])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(stage, size)) for stage, size in zip(stages, (3, 4), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert failed == []
    found = picture(store)
    assert len(found["tickets"]) == 1
    assert len(found["observations"]) == 60
    assert [row["kind"] for row in found["ticket_timeline"]].count("opened") == 1
    assert len({row["key"] for row in found["notices"]}) == len(found["notices"])


def test_the_database_refuses_a_second_open_ticket_of_an_event(make_world: MakeWorld, store: Store) -> None:
    world = make_world(store)
    world.take(burst(12))
    with store.read() as connection:
        row = dict(connection.execute(sa.select(tickets)).mappings().one())
    row.pop("id")
    row["number"] = "T20260310-999"
    with pytest.raises(sa.exc.IntegrityError), store.begin() as connection:
        connection.execute(tickets.insert().values(**row))
    row["closed_at"] = NOW
    with store.begin() as connection:
        connection.execute(tickets.insert().values(**row))


def test_nothing_of_a_batch_stays_when_the_transaction_fails(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patch:
        patch.setattr("alerts.desk.set_timers", fail)
        with pytest.raises(RuntimeError):
            world.take(burst(20))
    assert not any(picture(world.store).values())
    world.take(burst(20))
    assert len(world.tickets()) == 1


def test_the_stage_says_when_notices_wait(make_world: MakeWorld) -> None:
    world = make_world()
    told: list[int] = []
    stage = AlertStage(
        world.store, world.plans, world.register, world.settings, world.clock, on_notice=lambda: told.append(1)
    )
    stage.work(burst(5))
    assert told == []
    stage.work(burst(20))
    assert told == [1]


def test_programs_get_a_stable_shape(world: World) -> None:
    world.take(burst(20))
    plain = msgspec.json.decode(msgspec.json.encode(world.tickets()[0]))
    assert set(plain) == {
        "id", "number", "level", "current_level", "status", "policy", "event", "risk_kind", "title", "why", "score",
        "parts", "documents", "plan", "deadlines", "historical", "opened_at", "raised_at", "created_at",
        "acknowledged_at", "closed_at", "version", "unit", "exercise", "round", "posts", "last_post_at", "responded_at",
        "paused_at",
    }  # fmt: skip


def test_a_ticket_says_what_could_not_be_seen_when_it_opened(make_world: Callable[..., World]) -> None:
    seeing, blind = make_world(), make_world()
    for world in (seeing, blind):
        source = Source(id="weibo", kind="feed", url="http://h/", name="微博搜索")
        with world.store.begin() as connection:
            save(world.store, [(source, None)], connection)
        asked = world.clock.now() - timedelta(hours=0 if world is seeing else 5)
        record_run(world.store, source, RunReport(source="weibo", ok=True, looked=True), asked, asked)
        world.take(burst(30, minutes=1))
    opened = [
        next(event for event in world.book.timeline(world.tickets()[0].id) if event.kind == "opened")
        for world in (seeing, blind)
    ]
    assert "coverage" not in opened[0].detail
    assert opened[1].detail["coverage"].endswith("1个信源中0个可见；看不到：微博搜索（迟到，自03-10 17:00）")
