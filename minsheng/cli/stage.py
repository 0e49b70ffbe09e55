"""`minsheng stage`: one stage of the road as a process."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse


def stage(
    name: Annotated[str, typer.Argument(help="crawl, assess, group, index or alert.")],
    from_start: Annotated[
        bool,
        typer.Option(
            "--from-start", help="Read the whole log again (replay). Only while no other process runs this stage."
        ),
    ] = False,
) -> None:
    """Run one stage until it is told to stop (SIGTERM or Ctrl+C); it then finishes its batch and leaves cleanly."""
    from minsheng.clock import SystemClock
    from minsheng.road import WORKERS, Road, Stopped

    if name != "crawl" and name not in WORKERS:
        raise WrongUse(f"there is no stage '{name}'", f"stages are crawl, {', '.join(WORKERS)}")
    if from_start and name == "crawl":
        raise WrongUse("crawl reads no log", "minsheng sources run fetches sources again")
    stop = stop_at_signals()
    road = Road(context.settings(), SystemClock(), stop)
    try:
        road.prepare(index=name == "index")
        if name == "crawl":
            from crawlers.stage import CrawlStage
            from minsheng.metrics import MetricsServer

            with MetricsServer(road.settings, road.store, road.clock):
                CrawlStage(road.settings, road.store, road.log, road.clock).run(stop)
            return
        if from_start:
            road.replay(name)  # type: ignore[arg-type]
        if name == "alert":
            from alerts.service import AlertService
            from briefings.schedule import chores as briefing_chores
            from console.owners import Owners
            from minsheng.retention import RetentionClock

            owners = Owners(road.store, road.index, road.clock)
            more = briefing_chores(road)
            service = AlertService(road.store, road.settings, road.clock, index=road.index, scopes=owners, chores=more)
            with service, RetentionClock(road):
                road.on_notice = service.wake
                road.worker(name).run(stop)
        else:
            road.worker(name).run(stop)
    except Stopped:
        return
    finally:
        road.close()


def stop_at_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; a second one ends the process at once."""
    stop = threading.Event()

    def asked(number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    return stop
