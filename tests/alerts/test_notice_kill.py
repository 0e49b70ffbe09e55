"""The process that decides about notices and sends them, killed (SIGKILL) again and again: each arrives at least once,
is decided about once, and nothing comes after its ticket is closed."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.notices import Notice
from alerts.notify.tables import notices
from alerts.outbox import Outbox
from alerts.plans import PlanBook
from alerts.tables import outbox
from minsheng.clock import ManualClock
from minsheng.settings import ChannelSettings, NotifySettings, Settings
from minsheng.store import Store
from tests.alerts.conftest import NOW, World, burst

MakeWorld = Callable[..., World]
TICKETS = 30


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )


class ToFile:
    """A channel that adds a line to a file, and takes its time."""

    precedence = 0

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def accepts(cls, url: str) -> bool:
        return False

    def send(self, notice: Notice) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(notice.ticket + "\n")
        time.sleep(0.004)


def settings_in(folder: Path) -> Settings:
    channel = ChannelSettings(name="duty", url="terminal://", per_minute=100_000)
    return Settings(data_dir=folder, notify=NotifySettings(terminal=False, channels=(channel,)))


def work(url: str, folder: str, now_minutes: int) -> None:
    """A sender at a time at which what dead ones had claimed is free again."""
    store = Store(url)
    clock = ManualClock(NOW)
    clock.advance(hours=8, minutes=now_minutes)
    settings = settings_in(Path(folder))
    box = Outbox(store, settings, clock, {"duty": ToFile(Path(folder) / "sent")})
    for _ in range(20):
        box.deliver()


def test_killed_at_random_moments(make_world: MakeWorld, url: str, tmp_path: Path) -> None:
    store = Store(url)
    store.create_all()
    world = World(store, settings_in(tmp_path), ManualClock(NOW), PlanBook.from_folder())
    world.clock.advance(hours=7)
    world.take([one for n in range(TICKETS) for one in burst(9, event=f"e{n}", prefix=f"p{n}-")])
    closed = world.tickets()[0].number
    world.book.move(closed, "closed", actor="a", reason="误报")
    sent = tmp_path / "sent"
    processes = multiprocessing.get_context("spawn")
    chance = random.Random(7)
    killed = 0
    for round_number in range(20):
        process = processes.Process(target=work, args=(url, str(tmp_path), 10 * round_number))
        process.start()
        before = lines(sent)
        goal = before + chance.randrange(1, 9)
        while killed < 4 and process.is_alive() and lines(sent) < goal:
            time.sleep(0.001)
        if killed < 4 and process.is_alive():
            process.kill()
            killed += 1
        process.join()
        if process.exitcode == 0:
            break
    assert killed >= 3
    arrived = Counter(sent.read_text(encoding="utf-8").split())
    assert set(arrived) == {ticket.number for ticket in world.tickets()} - {closed}
    assert sum(arrived.values()) <= TICKETS + killed, "one more for each death at most"
    with store.read() as connection:
        undecided = connection.scalar(sa.select(sa.func.count()).where(notices.c.decided_at.is_(None)))
        unsent = connection.scalar(sa.select(sa.func.count()).where(outbox.c.sent_at.is_(None)))
    assert (undecided, unsent) == (0, 0)
    store.close()


def lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n") if path.exists() else 0
