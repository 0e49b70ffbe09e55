"""`minsheng`: the application, its global options, and how errors end it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from minsheng import __version__
from minsheng.cli import (
    authors,
    briefing,
    channels,
    classify,
    console,
    context,
    deadletters,
    doctor,
    evaluate,
    events,
    importing,
    index,
    labels,
    notices,
    plans,
    policies,
    qa,
    receive,
    replay,
    responses,
    roster,
    rules,
    run,
    sample,
    search,
    searches,
    silences,
    source_health,
    sources,
    stage,
    tickets,
    tokens,
    users,
)
from minsheng.errors import MinshengError

app = typer.Typer(
    name="minsheng",
    help="民声: public-opinion monitoring and response for government policy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"minsheng {__version__}")
        raise typer.Exit


@app.callback()
def options(
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", envvar="MINSHENG_DATA_DIR", help="Folder that all data lies under."),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", envvar="MINSHENG_SETTINGS", help="Settings file; default: minsheng.toml there."),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    context.choose(data_dir, settings_file)


# Groups of commands. Their modules import their part inside the commands, so that this stays quick.
app.command("run")(run.run)
app.command("stage")(stage.stage)
app.command("console")(console.console)
app.add_typer(users.app, name="users")
app.add_typer(tokens.app, name="tokens")
app.add_typer(users.units_app, name="units")
app.add_typer(users.audit_app, name="audit")
app.add_typer(policies.app, name="policies")
app.add_typer(qa.app, name="qa")
app.add_typer(deadletters.app, name="deadletters")
app.add_typer(events.app, name="events")
app.add_typer(index.app, name="index")
app.add_typer(searches.app, name="searches")
app.command("import")(importing.import_file)
app.command("receive")(receive.receive)
app.command("extract")(sources.extract)
app.add_typer(source_health.app, name="sources")
app.add_typer(responses.app, name="responses")
app.add_typer(authors.app, name="authors")
app.add_typer(briefing.app, name="briefing")
app.command("classify")(classify.classify)
app.command("evaluate")(evaluate.evaluate)
app.command("search")(search.search)
app.add_typer(labels.app, name="labels")
app.add_typer(sample.app, name="sample")
app.add_typer(tickets.app, name="tickets")
app.add_typer(rules.app, name="rules")
app.command("replay")(replay.replay)
app.add_typer(notices.app, name="notices")
app.add_typer(roster.app, name="roster")
app.add_typer(channels.app, name="channels")
app.add_typer(silences.app, name="silences")
app.add_typer(plans.app, name="plans")
app.command("doctor")(doctor.doctor)


@cache
def _command() -> Callable[[], object]:
    """All commands, built once a process: reading their signatures takes a third of a second."""
    return typer.main.get_command(app)


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 the work failed, 2 wrong use, 130 stopped by the user."""
    try:
        _command()()
    except MinshengError as error:
        message = f"minsheng: {error.message}"
        context.errors().print(message, markup=False, soft_wrap=True)
        if error.hint:
            context.errors().print(f"  → {error.hint}", markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); there is nobody left to tell.
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
