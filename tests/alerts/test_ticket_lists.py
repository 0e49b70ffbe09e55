"""Lists and counts of many tickets: right beyond what a page shows, and without reading what is large."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from alerts.clocks import TITLES
from alerts.levels import rank
from alerts.tables import tickets
from alerts.ticket_counts import ended_clocks, kept_in_time, open_counts, open_state, overdue
from alerts.tickets import Ticket, TicketBook
from benchmarks.ticket_lists import NOW, fill
from minsheng.clock import ManualClock
from minsheng.store import Store
from tests.stores import made_store

OPEN, ENDED = 520, 30


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = made_store(f"sqlite:///{tmp_path_factory.mktemp('many') / 'store.db'}")
    fill(opened, OPEN, ENDED, OPEN + ENDED)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def every(store: Store) -> Sequence[Ticket]:
    book = TicketBook(store, ManualClock(NOW))
    return book.whole(book.list(limit=10_000))


def statements(store: Store) -> list[str]:
    """What is asked of the store from now on."""
    asked: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    return asked


def test_a_list_gives_the_ticket_but_what_is_large_and_does_not_read_that(store):
    book, asked = TicketBook(store, ManualClock(NOW)), statements(store)
    lines = [*book.list(status="unclosed", limit=5), *book.pressing(limit=5)]
    assert asked and not [one for one in asked if any(f"tickets.{name}" in one for name in ("plan", "parts", "doc"))]
    for line in lines:
        whole = msgspec.structs.asdict(book.get(line.number))
        assert whole["plan"] and whole["parts"] and whole["documents"]
        assert msgspec.structs.asdict(line) == {
            name: value for name, value in whole.items() if name not in ("plan", "parts", "documents")
        }


def test_a_list_can_be_made_whole(store, every):
    book = TicketBook(store, ManualClock(NOW))
    assert len(every) == OPEN + ENDED, "more than one statement names"
    assert every[0] == book.get(every[0].number)


def test_the_most_pressing_come_first_of_all_that_are_open(store, every):
    def order(one: Ticket) -> tuple[bool, int, bool, bool, float, int]:
        due = [clock.due_at.timestamp() for clock in one.deadlines if not clock.kind.endswith("-warning")]
        return (
            one.historical, -rank(one.level), one.exercise, one.acknowledged_at is not None,
            min(due, default=float("inf")), one.id,
        )  # fmt: skip

    wanted = [one.number for one in sorted((one for one in every if one.closed_at is None), key=order)]
    book = TicketBook(store, ManualClock(NOW))
    assert [one.number for one in book.pressing(limit=10_000)] == wanted
    for limit in (1, 3, 40, 300):  # within the gravest ones, and far beyond them
        assert [one.number for one in book.pressing(limit=limit)] == wanted[:limit]
    policies = {f"policy-{number}" for number in range(1, 50, 5)}
    mine = {one.number for one in every if one.policy in policies}
    scoped = [one.number for one in book.pressing(where=[tickets.c.policy_id.in_(policies)], limit=30)]
    assert scoped == [number for number in wanted if number in mine][:30]
    assert list(book.pressing(where=[tickets.c.policy_id == "no such one"])) == []


def test_all_are_counted(store, every):
    with store.read() as connection:
        counted = open_counts(connection)
        late = overdue(connection, NOW)
    assert {(one.level, one.status, one.historical, one.exercise): one.count for one in counted} == Counter(
        (one.level, one.status, one.historical, one.exercise) for one in every if one.closed_at is None
    )
    assert late == sum(
        any(clock.due_at <= NOW and not clock.kind.endswith("-warning") for clock in one.deadlines)
        for one in every
        if one.closed_at is None
    )


def test_a_warning_is_not_a_clock_that_ran_out(store, every):
    open_ones = [one for one in every if one.closed_at is None]
    at = min(clock.due_at for one in open_ones for clock in one.deadlines if clock.kind.endswith("-warning"))
    with store.read() as connection:
        assert overdue(connection, at) == 0


def test_clocks_are_counted_as_met_by_the_rule_that_the_ticket_page_has(store, every):
    since = NOW - timedelta(days=30)
    due = kept = 0
    for one in every:
        for clock in one.deadlines:
            if clock.kind in TITLES and since < clock.due_at <= NOW:
                if clock.replaced:
                    continue
                if clock.met_at is None and not clock.waiting and clock.kept is None:
                    continue  # its ticket ended before its time
                due += 1
                kept += clock.kept is True
    with store.read() as connection:
        found = kept_in_time(connection, since, NOW)
        lists = [ended_clocks(connection, since, NOW, kept=wanted, limit=10_000) for wanted in (None, True, False)]
        newest = ended_clocks(connection, since, NOW, limit=3)
    assert (found.due, found.kept) == (due, kept)
    assert due > 0
    assert [len(one) for one in lists] == [due, kept, due - kept], "the figure and its list are the same clocks"
    assert all(one.clock.kept for one in lists[1]) and not any(one.clock.kept for one in lists[2])
    assert newest == lists[0][:3] and newest[0].clock.due_at == max(one.clock.due_at for one in lists[0])


def test_the_state_is_another_one_whenever_an_open_ticket_changes(tmp_path: Path):
    store = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    fill(store, 20, 1, 21)
    states = []
    oldest, newest = 2, 21  # the first one has ended

    def after(*changes: sa.UpdateBase) -> None:
        with store.begin() as connection:
            for change in changes:
                connection.execute(change)
        with store.read() as connection:
            states.append(open_state(connection))

    after()
    after(tickets.update().where(tickets.c.id == oldest).values(version=tickets.c.version + 1))
    after(tickets.update().where(tickets.c.id == newest).values(closed_at=NOW))
    # One is opened again while another one of the same version ends: neither count nor sum of versions tell it.
    versions = {"version": 5}
    after(tickets.update().where(tickets.c.id.in_([oldest, newest])).values(**versions))
    after(
        tickets.update().where(tickets.c.id == oldest).values(closed_at=NOW),
        tickets.update().where(tickets.c.id == newest).values(closed_at=None),
    )
    after(tickets.update().where(tickets.c.closed_at.is_(None)).values(closed_at=NOW))
    assert len(set(states)) == len(states)
    assert states[-1].count == 0
    store.close()


def test_counts_read_no_rows_of_tickets(store):
    asked: list[tuple[str, object]] = []
    with store.read() as connection:
        note = lambda *given: asked.append((given[2], given[3]))  # noqa: E731
        sa.event.listen(store.engine, "before_cursor_execute", note)
        open_counts(connection)
        open_state(connection)
        sa.event.remove(store.engine, "before_cursor_execute", note)
        assert len(asked) == 2
        for statement, parameters in asked:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert any("COVERING INDEX ix_tickets_open" in line for line in plan), plan
