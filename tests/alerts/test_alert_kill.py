"""The alert stage killed (SIGKILL) in the middle of its work, again and again: the same tickets, nothing twice."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from pathlib import Path

from alerts.plans import PlanBook
from minsheng.clock import ManualClock
from minsheng.settings import Settings
from minsheng.store import Store
from tests.alerts.conftest import NOW, World
from tests.alerts.test_alert_stage import picture, stream

MakeWorld = Callable[..., World]


def work(url: str, folder: str) -> None:
    """A process that reads the whole log from the start, as one does whose position was never committed."""
    store = Store(url)
    world = World(store, Settings(data_dir=Path(folder)), ManualClock(NOW), PlanBook.from_folder())
    world.take(stream(), batch=4)


def test_killed_at_random_moments(make_world: MakeWorld, tmp_path: Path) -> None:
    undisturbed = make_world()
    undisturbed.clock.set(NOW)
    undisturbed.take(stream(), batch=4)

    store = Store(f"sqlite:///{tmp_path / 'killed.db'}")
    store.create_all()
    processes = multiprocessing.get_context("spawn")
    chance = random.Random(5)
    killed = 0
    while True:
        process = processes.Process(target=work, args=(str(store.url), str(tmp_path)))
        process.start()
        reached = count(store)
        while killed < 5 and process.is_alive() and count(store) < reached + chance.randrange(10, 50):
            time.sleep(0.002)
        if killed < 5 and process.is_alive():
            process.kill()
            killed += 1
        process.join()
        if process.exitcode == 0:
            break
    assert killed >= 2
    assert picture(store) == picture(undisturbed.store)
    store.close()


def count(store: Store) -> int:
    return len(picture(store)["observations"])
