"""The alert stage and the scheduler killed (SIGKILL) at twenty random statements: no ticket lost or doubled, each
notice at least once, none after its ticket was closed.

A child is forked, not started anew, so that twenty deaths cost little; it kills itself before the k-th statement that
it would send to the store, commits among them. What the next one finds is the store, the position that was committed,
and what had been sent.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts import timeline
from alerts.deadlines import fire_due
from alerts.notices import Notice
from alerts.notify.tables import notices
from alerts.outbox import Outbox
from alerts.plans import PlanBook
from alerts.stage import AlertStage
from alerts.tables import observations, outbox, ticket_timeline, tickets
from alerts.tickets import TicketBook
from minsheng.clock import ManualClock
from minsheng.policies import PolicyRegister
from minsheng.records import Grouped
from minsheng.settings import ChannelSettings, NotifySettings, Settings
from minsheng.store import Store
from tests.alerts.conftest import NOW, World, burst
from tests.stores import made_store

KILLS = 20
BATCH = 5
FORK = multiprocessing.get_context("fork")


def stream() -> list[Grouped]:
    """Twelve matters, one beginning while the one before goes on."""
    found = [
        one
        for n in range(12)
        for one in burst(
            16, NOW + timedelta(minutes=30 * n), minutes=3, event=f"e{n}", prefix=f"p{n}-", policy=None,
            sentiment="negative",
        )
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.document.published_at, one.document.id))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )


class ToFile:
    """A channel whose other side keeps what reached it."""

    precedence = 0

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def accepts(cls, url: str) -> bool:
        return False

    def send(self, notice: Notice) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{notice.ticket} {notice.reason}\n")


def work(url: str, folder: Path, run: int, dies_at: int | None) -> None:
    """The stage from the position that was committed, the scheduler's looks in between."""
    store = Store(url)
    if dies_at is not None:
        left = [dies_at]

        def count(*_: object) -> None:
            left[0] -= 1
            if left[0] <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

        sa.event.listen(store.engine, "before_cursor_execute", count)
        sa.event.listen(store.engine, "commit", count)
    settings = settings_in(folder)
    # Every deadline is over, and what a dead one had claimed is free again.
    clock = ManualClock(NOW + timedelta(hours=60, minutes=2 * run))
    stage = AlertStage(store, PlanBook.from_folder(), PolicyRegister(store, clock), settings, clock)
    stage.start()
    box = Outbox(store, settings, clock, {"duty": ToFile(folder / "sent")})
    records, position = stream(), folder / "position"
    at = int(position.read_text()) if position.exists() else 0
    while True:
        if at < len(records):
            stage.work(records[at : at + BATCH])
            at += BATCH
            position.with_suffix(".new").write_text(str(at))
            position.with_suffix(".new").replace(position)
        fired = fire_due(store, clock, settings, limit=20)
        sent = box.deliver()
        if at >= len(records) and not fired and not sent:
            break
    store.close()


def settings_in(folder: Path) -> Settings:
    channel = ChannelSettings(name="duty", url="terminal://", per_minute=100_000)
    return Settings(data_dir=folder, notify=NotifySettings(terminal=False, channels=(channel,)))


def run_until_dead_or_done(url: str, folder: Path, run: int, dies_at: int | None) -> int:
    process = FORK.Process(target=work, args=(url, folder, run, dies_at))
    process.start()
    process.join(timeout=60)
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def test_killed_at_twenty_points(url: str, tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    killed = tmp_path / "killed"
    for folder in (undisturbed, killed):
        folder.mkdir()
    calm = f"sqlite:///{undisturbed / 'store.db'}"
    for one in (calm, url):
        prepare(one, tmp_path)
    assert run_until_dead_or_done(calm, undisturbed, 0, None) == 0

    chance = random.Random(20)
    store = Store(url)
    deaths, closed = 0, ""
    for run in range(KILLS * 2):
        # About sixty statements a batch and its looks: a death in each of them, sooner or later.
        code = run_until_dead_or_done(url, killed, run, chance.randrange(1, 110) if deaths < KILLS else None)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        deaths += 1
        if not closed and deaths >= KILLS // 2:
            closed = close_one(store, run)
            reached = Counter(lines(killed))
    assert deaths == KILLS and code == 0 and closed
    told = Counter(lines(killed))
    assert {line: count for line, count in told.items() if line.startswith(closed)} == {
        line: count for line, count in reached.items() if line.startswith(closed)
    }, "nothing after it was closed"
    now, then = found_in(store), found_in(Store(calm))
    assert now["events"] == then["events"] and len(now["events"]) == len(set(now["events"])) == 12
    assert now["documents"] == then["documents"]
    kept = [key for key in then["notices"] if not key.startswith(closed)]
    assert [key for key in now["notices"] if not key.startswith(closed)] == kept
    # Each message that counts as sent was received, and so often that each death repeated at most one.
    assert set(now["sent"]) <= set(told)
    assert sum(told.values()) <= len(now["sent"]) + KILLS
    assert {key.split("/")[0] for key in kept} <= {line.split()[0] for line in told}
    assert now["waiting"] == 0 and now["missed twice"] == 0
    assert not [chain for chain in timeline.verify(store) if chain.problems]
    store.close()


def prepare(url: str, folder: Path) -> None:
    store = made_store(url)
    World(store, settings_in(folder), ManualClock(NOW), PlanBook.from_folder())
    store.close()


def close_one(store: Store, run: int) -> str:
    """Close a ticket."""
    book = TicketBook(store, ManualClock(NOW + timedelta(hours=60, minutes=2 * run + 1)))
    ticket = book.list(status="unclosed")[-1]  # the oldest: no more posts of it come, which would reopen it
    book.move(ticket.number, "closed", actor="a", reason="误报")
    return ticket.number


def lines(folder: Path) -> list[str]:
    path = folder / "sent"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def found_in(store: Store) -> dict[str, object]:
    with store.read() as connection:
        query = sa.select(ticket_timeline).where(ticket_timeline.c.kind == "deadline-missed")
        missed = [(row.ticket_id, row.detail["deadline"]) for row in connection.execute(query)]
        number = {row.id: row.number for row in connection.execute(sa.select(tickets.c.id, tickets.c.number))}
        return {
            "events": sorted(connection.scalars(sa.select(tickets.c.event_id))),
            "documents": sorted(connection.scalars(sa.select(observations.c.document_id))),
            "notices": sorted(connection.scalars(sa.select(notices.c.key))),
            "sent": [
                f"{number[row.ticket_id]} {row.reason}"
                for row in connection.execute(
                    sa.select(outbox.c.ticket_id, outbox.c.reason).where(outbox.c.sent_at.is_not(None))
                )
            ],
            "waiting": connection.scalar(
                sa.select(sa.func.count()).where(outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None))
            ),
            "missed twice": len(missed) - len(set(missed)),
        }
