"""`minsheng console`: the console in the browser, as a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context

if TYPE_CHECKING:
    from console.serving import ConsoleServer


def console(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: console.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on, 0: any free one; default: console.port.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, max=32, help="Processes, 0: one for two processors, at most 4; default: console.workers."),
    ] = None,
) -> None:
    """Serve the console: desk, tickets, search, events, policies, sources, briefings and administration in a browser.

    Where there is no administrator yet, it prints a link that can be used once to become the first one.
    """
    from msgspec.structs import replace

    from console.serving import ConsoleServer, workers_of
    from minsheng.cli.stage import stop_at_signals
    from minsheng.clock import SystemClock
    from minsheng.errors import MinshengError
    from minsheng.road import Road

    settings = context.settings()
    stop = stop_at_signals()
    clock = SystemClock()
    road = Road(settings, clock, stop)
    try:
        road.prepare()  # waits for servers that are away
    finally:
        road.close()
    chosen = settings.console if workers is None else replace(settings.console, workers=workers)
    with ConsoleServer(settings, clock, host=host, port=port, workers=workers_of(chosen)) as server:
        announce(server)
        while not stop.wait(1.0):
            if not server.serves:
                raise MinshengError("the console has ended", "the reason stands above")


def announce(server: ConsoleServer) -> None:
    """Say where the console is, and how the first administrator gets in."""
    say = context.console()
    say.print(f"控制台 console: {server.url}", markup=False, soft_wrap=True)
    link = server.first_link()
    if link is not None:
        say.print(f"第一位管理员（链接只能用一次）first administrator, once: {link}", markup=False, soft_wrap=True)
