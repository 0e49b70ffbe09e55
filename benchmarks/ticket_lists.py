"""Lists and counts of tickets, where 10,000 are open and the timelines have a million lines.

    python -m benchmarks.ticket_lists [--open 10000] [--ended 10000] [--rows 1000000] [--postgresql [URL]]

The store is made anew: an SQLite file in a temporary folder, and with `--postgresql` a database of a development server
that is started for it, or, where a URL is given, the tables of that database, which has to be empty (they are taken
away again). Tickets are as large as real ones: the shipped plans, nine parts with
twenty documents each, and the clocks of their levels. Each question is asked as the console, the API and the commands
ask it. Beside each list stands what reading its whole tickets takes. Exits with 1 where a list takes 100 ms or more at
the 95th percentile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from alerts.plans import PlanBook
from alerts.tables import ticket_timeline, tickets, timers
from alerts.ticket_counts import kept_in_time, open_counts, open_state, overdue
from alerts.tickets import TicketBook
from deploy.servers import fresh_database
from minsheng.clock import SystemClock
from minsheng.store import Store, metadata

GOAL = 100.0
"""Milliseconds, at the 95th percentile."""
LEVELS = ("blue",) * 12 + ("yellow",) * 5 + ("orange",) * 2 + ("red",)
POLICIES = 50
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
BATCH = 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, default=10_000, help="tickets that have not ended")
    parser.add_argument("--ended", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000, help="lines of all timelines together")
    parser.add_argument("--times", type=int, default=30, help="how often each question is asked")
    parser.add_argument(
        "--postgresql", nargs="?", const="", metavar="URL",
        help="on PostgreSQL, too: postgresql+pg8000://..., of an empty database; without: on a server of its own",
    )  # fmt: skip
    chosen = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        urls = [f"sqlite:///{Path(folder) / 'store.db'}"]
        if chosen.postgresql is not None:
            urls.append(chosen.postgresql or started_database(opened))
        for url in urls:
            with made(url) as store:
                started = time.perf_counter()
                fill(store, chosen.open, chosen.ended, chosen.rows)
                filled = round(time.perf_counter() - started, 1)
                asked = {what: timed(ask, chosen.times) for what, ask in questions(store).items()}
                rows.append({"store": store.name, "filled_in_seconds": filled, "milliseconds": asked})
    load = [round(value, 1) for value in os.getloadavg()]
    show(rows, f"{chosen.open:,} open and {chosen.ended:,} ended tickets, {chosen.rows:,} lines")
    print(json.dumps({**vars(chosen), "postgresql": chosen.postgresql is not None, "processors": os.cpu_count(),
                      "load": load, "rows": rows}))  # fmt: skip
    slow = [
        f"{row['store']}: {what}"
        for row in rows
        for what, (_median, late) in row["milliseconds"].items()
        if late >= GOAL and not what.startswith("  ")
    ]
    if slow:
        print(f"{GOAL:.0f} ms or more: {', '.join(slow)}", file=sys.stderr)
    return 1 if slow else 0


def started_database(opened: ExitStack) -> str:
    """An empty database on a development server, both gone when `opened` is closed."""
    from benchmarks.road import servers  # with all that a whole road needs

    address = servers(opened, ("postgresql",))["postgresql"]
    return opened.enter_context(fresh_database(address))


@contextmanager
def made(url: str) -> Iterator[Store]:
    """A store with all its tables, which are gone afterwards."""
    store = Store(url)
    try:
        store.create_all()
        yield store
        if store.name != "sqlite":  # a file's folder goes as a whole
            with store.begin() as connection:
                metadata.drop_all(connection)
    finally:
        store.close()


def fill(store: Store, opened: int, ended: int, lines: int) -> None:
    """Tickets, their clocks and their timelines."""
    plans = [msgspec.to_builtins(plan) for plan in PlanBook.from_folder().plans.values()]
    count = opened + ended
    with store.begin() as connection:
        for start in range(0, count, BATCH):
            made = [_ticket(number, number >= ended, plans) for number in range(start, min(start + BATCH, count))]
            insert(store, connection, tickets, made)
            insert(store, connection, timers, [clock for ticket in made for clock in _clocks(ticket)])
        numbers = sa.select(sa.literal(1).label("number")).cte("numbers", recursive=True)
        each = max(1, lines // max(1, count))
        numbers = numbers.union_all(sa.select(numbers.c.number + 1).where(numbers.c.number < each))
        line = {
            "ticket_id": tickets.c.id,
            "number": numbers.c.number,
            "kind": sa.literal("commented"),
            "at": tickets.c.created_at,
            "event_time": sa.null(),
            "actor": sa.literal("li"),
            "detail": sa.literal({"text": "已联系供水企业核实，正在等待书面答复。"}, sa.JSON),
            "version": sa.literal(3),
            "hash": tickets.c.timeline_hash,
        }
        chosen = sa.select(*(value.label(name) for name, value in line.items())).select_from(
            tickets.join(numbers, sa.true())
        )
        connection.execute(ticket_timeline.insert().from_select(list(line), chosen, include_defaults=False))
        connection.execute(tickets.update().values(timeline_length=each))
    if store.name == "postgresql":  # its autovacuum does it in its own time; on SQLite nobody does
        raw = store.engine.raw_connection()
        try:
            raw.rollback()  # of what made sure that the connection lives: no VACUUM goes within a transaction
            raw.driver_connection.autocommit = True
            raw.cursor().execute("VACUUM ANALYZE")
        finally:
            raw.invalidate()


def insert(store: Store, connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Many rows at once. pg8000 sends an executemany row by row; one statement of many rows is much faster."""
    if store.name == "sqlite":
        connection.execute(table.insert(), rows)
        return
    for start in range(0, len(rows), 500):
        connection.execute(table.insert().values(rows[start : start + 500]))


def _ticket(number: int, is_open: bool, plans: list[dict[str, Any]]) -> dict[str, Any]:
    mark = sha256(str(number).encode()).hexdigest()
    level = LEVELS[int(mark[:4], 16) % len(LEVELS)]
    at = NOW - timedelta(minutes=7 * (number % 5_000), seconds=number % 59)
    documents = [sha256(f"{number} {place}".encode()).hexdigest()[:32] for place in range(60)]
    status = ("open", "open", "acknowledged", "judging", "responding", "responded")[number % 6] if is_open else "closed"
    return {
        "id": number + 1,
        "number": f"T{number // 1_000:08d}-{number % 1_000:03d}",
        "event_id": mark[:32],
        "policy_id": f"policy-{number % POLICIES}" if number % 5 else None,
        "unit": "市住房和城乡建设局",
        "level": level,
        "peak_level": level,
        "current_level": level,
        "status": status,
        "risk_kind": "service",
        "title": f"《云江省城镇居民生活用水阶梯价格管理办法》水费扣收引发集中投诉（{number}）",
        "why": "6 小时内 128 位发言者中 93 位负面或提出诉求，是常态的 7 倍；涉及 5 个信源；处于政策发布窗口期",
        "score": 0.5 + (number % 50) / 100,
        "parts": [
            {"name": f"part-{place}", "title": "声量", "score": 0.7, "weight": 0.1, "value": "6 小时 93 位发言者",
             "documents": documents[place : place + 20]}
            for place in range(9)
        ],
        "documents": documents,
        "plan": plans[number % len(plans)],
        "historical": number % 40 == 0,
        "exercise": number % 200 == 1,
        "posts": 128,
        "last_post_at": at,
        "opened_at": at,
        "raised_at": at,
        "created_at": at,
        "acknowledged_at": None if status == "open" else at,
        "responded_at": at if status in ("responded", "closed") else None,
        "closed_at": None if is_open else at + timedelta(hours=9),
        "version": 1 + number % 7,
        "timeline_length": 0,
        "timeline_hash": mark,
    }  # fmt: skip


def _clocks(ticket: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The clocks of its level; of every tenth that is grave those as well that it had before it became so."""
    hours = {"information": 5, "conference": 24} if ticket["level"] in ("orange", "red") else {"response": 48}
    risen = len(hours) > 1 and ticket["id"] % 10 == 0
    for kind, span in {**hours, **({"response": 48} if risen else {})}.items():
        for name, share in ((kind, 1.0), (f"{kind}-warning", 0.8)):
            yield {
                "ticket_id": ticket["id"], "kind": name, "round": 1, "title": "作出回应", "working": False,
                "due_at": ticket["opened_at"] + timedelta(hours=span * share), "fired_at": None,
                "cancelled_at": ticket["opened_at"] if kind not in hours else ticket["closed_at"],
                "met_at": ticket["closed_at"] if kind in hours and share == 1.0 else None,
                "replaced": kind not in hours,
            }  # fmt: skip


def questions(store: Store) -> dict[str, Callable[[], object]]:
    """What is asked of the store, by name; two blanks before it: for comparison."""
    book = TicketBook(store, SystemClock())
    real = [tickets.c.historical.is_(False), tickets.c.exercise.is_(False)]
    middle = book.list(status="unclosed", limit=5_000)[-1]
    mine = [tickets.c.policy_id.in_([f"policy-{number}" for number in range(1, POLICIES, 5)])]

    def reading(count: Callable[[sa.Connection], object]) -> Callable[[], object]:
        def ask() -> object:
            with store.read() as connection:
                return count(connection)

        return ask

    return {
        "100 open, newest first": lambda: book.list(status="unclosed", limit=100),
        "  100 open, whole": lambda: book.whole(book.list(status="unclosed", limit=100)),
        "200 of all": lambda: book.list(limit=200),
        "200 red": lambda: book.list(status="unclosed", level="red", limit=200),
        "  200 red, whole": lambda: book.whole(book.list(status="unclosed", level="red", limit=200)),
        "200 being judged": lambda: book.list(status="judging", limit=200),
        "200 of one policy": lambda: book.list(policy="policy-1", limit=200),
        "200 of one unit": lambda: book.list(unit="市住房和城乡建设局", status="unclosed", limit=200),
        "50 from the middle on": lambda: book.list(status="unclosed", before=(middle.opened_at, middle.id), limit=50),
        "the desk: 200, most pressing first": lambda: book.pressing(limit=200),
        "the desk, of ten policies": lambda: book.pressing(where=mine, limit=200),
        "counts by level and status": reading(open_counts),
        "counts, of ten policies": reading(lambda connection: open_counts(connection, mine)),
        "what has changed": reading(open_state),
        "overdue": reading(lambda connection: overdue(connection, NOW)),
        "kept in time, 30 days": reading(lambda connection: kept_in_time(connection, NOW - timedelta(30), NOW, real)),
        "kept in time, of ten policies": reading(
            lambda connection: kept_in_time(connection, NOW - timedelta(30), NOW, [*real, *mine])
        ),
        "one ticket": lambda: book.get(middle.number),
        "its timeline": lambda: book.timeline(middle.id),
    }


def timed(ask: Callable[[], object], times: int) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, after one to warm up."""
    ask()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        taken.append(1_000 * (time.perf_counter() - started))
    taken.sort()
    return round(statistics.median(taken), 1), round(taken[int(0.95 * (len(taken) - 1))], 1)


def show(rows: list[dict[str, Any]], title: str) -> None:
    table = Table(title=f"{title}\nmilliseconds, median and 95th percentile")
    table.add_column("")
    for row in rows:
        table.add_column(f"{row['store']}, filled in {row['filled_in_seconds']} s", justify="right")
    for what in rows[0]["milliseconds"]:
        table.add_row(what, *("{:.1f}  {:.1f}".format(*row["milliseconds"][what]) for row in rows))
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
