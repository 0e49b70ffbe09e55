"""`minsheng deadletters`: what the stages could not handle, and sending it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from stream.log import Log

app = typer.Typer(help="Records that a stage could not handle.", no_args_is_help=True)


@app.command("list")
def list_letters(
    stage: Annotated[str | None, typer.Option(help="Only those of this stage.")] = None,
    resent: Annotated[bool, typer.Option("--resent", help="Also those that were sent again.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List the dead letters, oldest first, each with its reason."""
    from minsheng.clock import CHINA
    from stream.dead_letters import list_dead_letters

    with _log() as log:
        letters = list_dead_letters(log, include_resent=resent, stage=stage)
    if json:
        context.print_json(letters)
        return
    context.print_table(
        f"{len(letters)} dead letters",
        ("id", "at", "record", "reason", "sent again"),
        [
            (
                letter.id,
                letter.at.astimezone(CHINA).strftime("%m-%d %H:%M"),
                letter.key,
                letter.reason,
                letter.resent_at.astimezone(CHINA).strftime("%m-%d %H:%M") if letter.resent_at else "",
            )
            for letter in letters
        ],
    )


@app.command()
def resend(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Which; see list.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that were not sent again yet.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Send dead letters to their stage again, after the cause was put right."""
    from minsheng.clock import SystemClock
    from stream.dead_letters import resend as send_again

    if bool(ids) == everything:
        raise WrongUse("say which dead letters to send again", "give their ids, or --all")
    with _log() as log:
        sent = send_again(log, None if everything else ids, SystemClock())
    if json:
        context.print_json([letter.id for letter in sent])
    else:
        context.console().print(f"{len(sent)} sent again", markup=False)


@contextmanager
def _log() -> Iterator[Log]:
    from minsheng.parts import open_log, topic_partitions

    settings = context.settings()
    log = open_log(settings)
    try:
        log.ensure_topics(topic_partitions(settings))
        yield log
    finally:
        log.close()
