"""Tickets when two events turn out to be one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import sqlalchemy as sa

from alerts.event_merges import merge_event, move_documents
from alerts.notify.tables import notices
from alerts.outbox import Outbox
from alerts.tables import (
    observation_policies,
    observations,
    outbox,
    policy_hours,
    ticket_timeline,
    tickets,
    timers,
)
from minsheng.records import EventRef, Grouped
from tests.alerts.conftest import NOW, World, burst, record
from tests.alerts.test_alert_stage import picture


def two_bursts() -> list[Grouped]:
    """Two events with a ticket each; the last document shows that they are one."""
    found = burst(40, minutes=1.5, event="older")
    found += burst(40, NOW + timedelta(hours=3), minutes=1.5, event="younger", prefix="y", policy=None)
    bridge = record("bridge", NOW + timedelta(hours=5), event="younger")
    found.append(msgspec.structs.replace(bridge, event=EventRef(id="younger", merged=("older",))))
    return found


def test_the_older_ticket_stays_and_both_say_so(world: World) -> None:
    records = two_bursts()
    world.take(records[:-1])
    older, younger = sorted(world.book.list(), key=lambda ticket: ticket.opened_at)
    assert (older.event, younger.event) == ("older", "younger")
    world.take(records[-1:])
    older, younger = world.book.get(older.number), world.book.get(younger.number)
    assert (older.status, younger.status) == ("open", "merged")
    assert older.event == younger.event == "younger"
    assert {one.document.id for one in records} <= set(older.documents), "it is the ticket of the whole event"
    (told,) = [line for line in world.book.timeline(younger.id) if line.kind == "merged"]
    assert told.detail["into"] == older.number
    (told,) = [line for line in world.book.timeline(older.id) if line.kind == "merged"]
    assert told.detail["took"] == younger.number
    with world.store.read() as connection:
        running = sa.select(timers.c.id).where(timers.c.ticket_id == younger.id, timers.c.cancelled_at.is_(None))
        assert connection.execute(running).first() is None
    Outbox(world.store, world.settings, world.clock).deliver()
    with world.store.read() as connection:
        assert connection.execute(sa.select(outbox.c.id).where(outbox.c.ticket_id == younger.id)).first() is None


def test_what_comes_after_belongs_to_the_ticket_that_stayed(world: World) -> None:
    world.take(two_bursts())
    late = record("late", NOW + timedelta(hours=6), event="younger")
    world.take([late])
    (ticket,) = world.book.list(status="unclosed")
    assert late.document.id in world.book.get(ticket.number).documents


def test_the_ticket_that_stayed_still_rises_by_what_was_said_before_the_merge(world: World) -> None:
    alone = burst(60, minutes=1.5, event="whole")
    world.take(alone)
    (ticket,) = world.book.list()
    parted = [
        msgspec.structs.replace(one, event=EventRef(id="older" if place % 2 else "younger"))
        for place, one in enumerate(alone)
    ]
    parted[-1] = msgspec.structs.replace(parted[-1], event=EventRef(id="younger", merged=("older",)))
    with world.store.begin() as connection:
        for table in (ticket_timeline, timers, notices, tickets, observation_policies, observations, policy_hours):
            connection.execute(table.delete())
    world.take(parted)
    (stayed,) = world.book.list(status="unclosed")
    assert stayed.level == ticket.level


def test_batches_and_replays_leave_no_trace_of_a_merge(make_world: Callable[..., World]) -> None:
    found = []
    for size in (1, 9, 500):
        world = make_world()
        world.take(two_bursts(), batch=size)
        found.append(picture(world.store))
    assert found[0] == found[1] == found[2]
    world.take(two_bursts(), batch=13)
    assert picture(world.store) == found[0]


def test_merging_where_only_one_event_has_a_ticket_keeps_it(world: World) -> None:
    world.take([*burst(40, minutes=1.5, event="loud"), record("lone", NOW, event="quiet")])
    for _ in range(2):
        with world.store.begin() as connection:
            merge_event(connection, "loud", "quiet", NOW, actor="李敏", reason="同一件事")
    (ticket,) = world.book.list()
    assert (ticket.event, ticket.status) == ("quiet", "open")
    with world.store.read() as connection:
        assert set(connection.scalars(sa.select(observations.c.event_id))) == {"quiet"}


def test_moved_documents_leave_the_ticket_where_it_is(world: World) -> None:
    records = burst(40, minutes=1.5, event="whole")
    world.take(records)
    moved = [one.document.id for one in records[:3]]
    with world.store.begin() as connection:
        move_documents(connection, moved, "part")
    with world.store.read() as connection:
        where = sa.select(observations.c.document_id).where(observations.c.event_id == "part")
        assert set(connection.scalars(where)) == set(moved)
        assert set(connection.scalars(sa.select(tickets.c.event_id))) == {"whole"}
