"""`minsheng run`: the whole road in one process, shown live."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live

from minsheng.cli import context
from minsheng.cli.stage import stop_at_signals

if TYPE_CHECKING:
    from minsheng.live import Picture
    from minsheng.running import Running

REFRESH_SECONDS = 1.0
LINE_SECONDS = 5.0
BRIEFING_SECONDS = 60.0


def run(
    once: Annotated[
        bool, typer.Option("--once", help="Crawl every source once, handle everything, write the briefing and stop.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Load the sample world, serve its site here, and crawl that.")
    ] = False,
) -> None:
    """Run the whole road in one process on the configured parts: crawl, assess, group, index, alert, brief."""
    from contextlib import ExitStack

    from minsheng.clock import SystemClock
    from minsheng.errors import MinshengError
    from minsheng.road import Road, Stopped
    from minsheng.running import Running

    settings = context.settings()
    stop = stop_at_signals()
    clock = SystemClock()
    with ExitStack() as open_things:
        if sample:
            from sample.start import start_sample

            open_things.enter_context(start_sample(settings.data_dir, clock, live=not once))
            # The sample world brings settings of its own, e.g. no pauses between requests to itself.
            settings = context.reload()
        road = Road(settings, clock, stop)
        open_things.callback(road.close)
        try:
            road.prepare()
        except Stopped:
            return
        running = open_things.enter_context(Running(road))
        if once:
            _show_while(running, stop, lambda: _once(running))
        else:
            running.start_crawling()
            _show_while(running, stop, None)
        picture = running.picture()
        briefing = write_briefing(road)
        failed = dict(running.failed)
    _say_goodbye(picture, briefing, settings.data_dir, sample=sample)
    if failed:
        raise MinshengError(
            f"stopped before the end: {', '.join(failed)}", "the reason stands above; minsheng doctor checks the parts"
        )


def _once(running: Running) -> None:
    for report in running.crawl_once():
        if not report.ok:
            context.errors().print(f"source {report.source}: {report.error}", markup=False, soft_wrap=True)
    running.wait_until_done()


def _show_while(running: Running, stop: threading.Event, work: object) -> None:
    """Show the picture until `work` is done, or until the user stops where there is none; briefing kept fresh."""
    done = stop
    if callable(work):
        done = threading.Event()
        trouble: list[BaseException] = []

        def body() -> None:
            try:
                work()
            except BaseException as error:
                trouble.append(error)
            finally:
                done.set()

        threading.Thread(target=body, name="once", daemon=True).start()
    screen = context.console()
    briefed = time.monotonic()
    if screen.is_terminal:
        from minsheng.live import draw

        with Live(console=screen, refresh_per_second=2, transient=False) as live:
            while not done.wait(REFRESH_SECONDS) and not stop.is_set():
                live.update(draw(running.picture()))
                briefed = _keep_fresh(running, briefed)
            live.update(draw(running.picture()))
    else:
        while not done.wait(LINE_SECONDS) and not stop.is_set():
            _line(running.picture())
            briefed = _keep_fresh(running, briefed)
        _line(running.picture())
    if callable(work) and trouble:
        raise trouble[0]


def _keep_fresh(running: Running, briefed: float) -> float:
    """Write today's briefing again each minute, so that it can be read while the road runs."""
    if time.monotonic() - briefed < BRIEFING_SECONDS:
        return briefed
    write_briefing(running.road)
    return time.monotonic()


def _line(picture: Picture) -> None:
    """One line of progress, where the output is no terminal."""
    stages = " ".join(f"{health.stage}={health.processed}" for health in picture.stages)
    context.console().print(
        f"{picture.now:%H:%M:%S} indexed={picture.documents} {stages} tickets={len(picture.tickets)}"
        + (f" problem={picture.problem}" if picture.problem else ""),
        markup=False,
        soft_wrap=True,
    )


def write_briefing(road: object) -> Path | None:
    """Today's briefing, in the data folder; None where the parts can't be read now."""
    from briefings.daily import daily_briefing
    from briefings.gather import gather
    from briefings.html import daily_html
    from minsheng.clock import CHINA
    from minsheng.errors import Unavailable
    from minsheng.policies import PolicyRegister
    from minsheng.road import Road

    assert isinstance(road, Road)
    day = road.clock.now().astimezone(CHINA).date()
    try:
        briefing = daily_briefing(
            day, index=road.index, policies=PolicyRegister(road.store).all(),
            facts=gather(road.store, road.log, day, road.clock), unit=road.settings.briefing.unit, clock=road.clock,
            release_days=road.settings.alert.release_days,
        )  # fmt: skip
    except Unavailable as error:
        context.errors().print(f"no briefing now: {error}", markup=False, soft_wrap=True)
        return None
    target = road.settings.path("briefings") / f"daily-{day}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(daily_html(briefing), encoding="utf-8")
    return target


def _say_goodbye(picture: Picture, briefing: Path | None, data_dir: Path, *, sample: bool) -> None:
    say = context.console()
    say.print()
    for ticket in picture.tickets:
        say.print(f"[{ticket.level}] {ticket.number} {ticket.title}", markup=False, soft_wrap=True)
        say.print(f"    {ticket.why}\n    预案：{ticket.plan}  {ticket.due}", markup=False, soft_wrap=True)
    lines = [
        f"已入库 {picture.documents} 篇，未办结工单 {len(picture.tickets)} 件",
        f"数据 data: {data_dir.resolve()}",
        f"日报 briefing: {briefing.resolve() if briefing else '—'}",
        "",
        "Look further:",
        "  .venv/bin/minsheng tickets list            tickets; then: tickets show NUMBER",
        "  .venv/bin/minsheng search 停车收费          search in Chinese",
        "  .venv/bin/minsheng events list             what is being spoken about",
        "  .venv/bin/minsheng doctor                  how every part is doing",
    ]
    if sample:
        lines += [
            "",
            "Your own sources: choose a new folder, then add policies and sources to it and run.",
            "  export MINSHENG_DATA_DIR=my-data",
            "  .venv/bin/minsheng policies import FOLDER",
            "  .venv/bin/minsheng sources add https://example.org/rss.xml",
            "  .venv/bin/minsheng run",
        ]
    say.print("\n".join(lines), markup=False, soft_wrap=True)
