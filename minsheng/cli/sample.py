"""`minsheng sample`: an invented province to try everything on."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from minsheng.cli import context
from sample import DEFAULT_PORT

app = typer.Typer(help="The sample world: an invented province, its policies, and what is said about them.")


@app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.")] = DEFAULT_PORT,
    live: Annotated[
        bool, typer.Option("--live", help="Let the world's last hour play out in a minute and a half from now on.")
    ] = False,
) -> None:
    """Serve the sample site until stopped: feeds, articles, a Weibo-like search, a message board."""
    from minsheng.cli.stage import stop_at_signals
    from minsheng.clock import SystemClock
    from sample import DEFAULT_MAIL_PORT
    from sample.mailbox import FOLDER, PASSWORD, USER, sample_mailbox
    from sample.site import SampleSite

    context.settings()
    stop = stop_at_signals()
    with (
        SampleSite(host, port, clock=SystemClock(), live=live) as site,
        sample_mailbox(site.site, DEFAULT_MAIL_PORT if port == DEFAULT_PORT else 0) as mailbox,
    ):
        context.console().print(
            f"The sample site is at {site.base_url} until you stop it with Ctrl-C.\n"
            f"In another terminal: minsheng sample load --url {site.base_url}{' --live' if live else ''}"
            ", then: minsheng run\n"
            f"Its mailbox is at {mailbox.url}: user {USER}, password {PASSWORD}, folder {FOLDER}.",
            markup=False,
            soft_wrap=True,
        )
        stop.wait()


@app.command("load")
def load(
    url: Annotated[str, typer.Option(help="Where the sample site is served.")] = f"http://127.0.0.1:{DEFAULT_PORT}",
    live: Annotated[bool, typer.Option("--live", help="The site is served live: crawl it every few seconds.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also where there are policies of your own.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Put the sample's policies, plans and sources into the data folder."""
    from minsheng.clock import SystemClock
    from sample.load import Served, load_sample

    settings = context.settings()
    served = Served(anchor=SystemClock().now(), live=live, base_url=url.rstrip("/"))
    loaded = load_sample(settings, context.store(), served, force=force)
    if json:
        context.print_json(msgspec.structs.asdict(loaded))
        return
    context.console().print(
        f"{loaded.policies} policies, {loaded.plans} plans and {loaded.sources} sources are in {loaded.data_dir}.\n"
        f"With the sample site at {served.base_url} (minsheng sample serve), start: minsheng run",
        markup=False,
        soft_wrap=True,
    )
