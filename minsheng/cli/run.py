"""`minsheng run`: the whole road by one command, shown live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live

from minsheng.cli import context
from minsheng.cli.stage import stop_at_signals

if TYPE_CHECKING:
    from minsheng.live import Picture
    from minsheng.road import Road
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
    """Run the whole road on the configured parts: crawl, assess, group, index, alert, brief."""
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
            _serve_console(road, open_things)
            _show_while(running, stop, None)
        picture = running.picture()
        briefing = _write_briefing(road)
        failed = dict(running.failed)
    _say_goodbye(picture, briefing, settings.data_dir, sample=sample)
    if failed:
        raise MinshengError(
            f"stopped before the end: {', '.join(failed)}", "the reason stands above; minsheng doctor checks the parts"
        )


def _serve_console(road: Road, open_things: ExitStack) -> None:
    """The console beside the road, where the settings want it. Its port being taken does not stop the road."""
    if not road.settings.console.run:
        return
    from console.serving import ConsoleServer
    from minsheng.cli.console import announce
    from minsheng.errors import MinshengError

    try:
        announce(open_things.enter_context(ConsoleServer(road.settings, road.clock)))
    except MinshengError as error:
        context.errors().print(f"no console: {error}", markup=False, soft_wrap=True)


def _once(running: Running) -> None:
    for report in running.crawl_once():
        if not report.ok:
            context.errors().print(f"source {report.source}: {report.error}", markup=False, soft_wrap=True)
    running.wait_until_done()


def _show_while(running: Running, stop: threading.Event, work: Callable[[], None] | None) -> None:
    """Show the picture until `work` is done, or until the user stops where there is none; briefing kept fresh."""
    done, trouble = stop, []
    if work is not None:
        done = threading.Event()

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                trouble.append(error)
            finally:
                done.set()

        threading.Thread(target=guarded, name="once", daemon=True).start()
    screen = context.console()
    show = Live(console=screen, refresh_per_second=2) if screen.is_terminal else None
    with show or nullcontext():
        pause, briefed = (REFRESH_SECONDS if show else LINE_SECONDS), time.monotonic()
        while not done.wait(pause) and not stop.is_set():
            _show(running.picture(), show)
            if time.monotonic() - briefed >= BRIEFING_SECONDS:
                # So that today's page can be read while the road runs.
                _write_briefing(running.road)
                briefed = time.monotonic()
        _show(running.picture(), show)
    if trouble:
        raise trouble[0]


def _show(picture: Picture, show: Live | None) -> None:
    """The whole picture on a terminal, elsewhere one line of progress."""
    if show is not None:
        from minsheng.live import draw

        show.update(draw(picture))
        return
    stages = " ".join(f"{health.stage}={health.processed}" for health in picture.stages)
    context.console().print(
        f"{picture.now:%H:%M:%S} indexed={picture.documents} {stages} tickets={len(picture.tickets)}"
        + (f" problem={picture.problem}" if picture.problem else ""),
        markup=False,
        soft_wrap=True,
    )


def _write_briefing(road: Road) -> Path | None:
    """Today's briefing, in the data folder; None where the parts can't be read now."""
    from briefings.making import write_daily
    from minsheng.clock import CHINA
    from minsheng.errors import Unavailable

    try:
        return write_daily(road, road.clock.now().astimezone(CHINA).date())
    except Unavailable as error:
        context.errors().print(f"no briefing now: {error}", markup=False, soft_wrap=True)
        return None


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
        "  .venv/bin/minsheng console                 all of it in a browser",
        "  .venv/bin/minsheng doctor                  how every part is doing",
    ]
    if sample:
        lines += ["", "Your own sources: choose a new folder, then add policies and sources to it and run.",
                  "  export MINSHENG_DATA_DIR=my-data"]  # fmt: skip
    elif not picture.sources:
        lines += ["", "There are no sources yet."]
    if sample or not picture.sources:
        lines += [
            "  .venv/bin/minsheng policies import FOLDER",
            "  .venv/bin/minsheng sources add https://example.org/rss.xml",
            "  .venv/bin/minsheng run",
        ]
    say.print("\n".join(lines), markup=False, soft_wrap=True)
