"""`minsheng`: the application, its global options, and how errors end it."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from minsheng import __version__
from minsheng.cli import context, loading
from minsheng.errors import MinshengError

# Every command, then every group of commands, as the help lists them: its module here, and its name in there.
COMMANDS = {
    "run": "run:run",
    "stage": "stage:stage",
    "console": "console:console",
    "import": "importing:import_file",
    "receive": "receive:receive",
    "extract": "sources:extract",
    "classify": "classify:classify",
    "evaluate": "evaluate:evaluate",
    "search": "search:search",
    "replay": "replay:replay",
    "doctor": "doctor:doctor",
    "users": "users:app",
    "tokens": "tokens:app",
    "webhooks": "webhooks:app",
    "units": "users:units_app",
    "audit": "users:audit_app",
    "policies": "policies:app",
    "qa": "qa:app",
    "consultation": "consultation:app",
    "deadletters": "deadletters:app",
    "events": "events:app",
    "index": "index:app",
    "searches": "searches:app",
    "sources": "source_health:app",
    "responses": "responses:app",
    "authors": "authors:app",
    "briefing": "briefing:app",
    "labels": "labels:app",
    "sample": "sample:app",
    "tickets": "tickets:app",
    "rules": "rules:app",
    "notices": "notices:app",
    "roster": "roster:app",
    "channels": "channels:app",
    "silences": "silences:app",
    "plans": "plans:app",
    "drill": "drills:app",
    "disclosure": "disclosure:app",
    "grassroots": "grassroots:grassroots",
}


class Minsheng(TyperGroup):
    """The program, whose commands are imported and built when they are asked for."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = loading.places("minsheng.cli", COMMANDS)


app = typer.Typer(
    name="minsheng",
    cls=Minsheng,
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


@cache
def program() -> Minsheng:
    """The program as it is called, made once a process."""
    made = typer.main.get_command(app)
    assert isinstance(made, Minsheng)
    return made


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 the work failed, 2 wrong use, 130 stopped by the user."""
    try:
        program()()
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
    except OSError as error:
        if error.filename is None:
            raise  # not a file of the user's: the trace says more than the message
        context.errors().print(f"minsheng: {error.filename}: {error.strerror}", markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
