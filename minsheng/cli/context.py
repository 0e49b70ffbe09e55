"""What every command shares: settings, output as table or JSON, errors as exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from minsheng.clock import CHINA
from minsheng.settings import Settings, load_settings

if TYPE_CHECKING:
    from minsheng.store import Store
    from search.index import Index

JSON_OPTION = typer.Option(False, "--json", help="Print JSON for programs instead of a table for people.")

NARROW = 32
"""Cells; a table's first column with nothing wider is never broken."""

PIPED_WIDTH = 160
"""Cells of a line where the output is no terminal."""

_chosen: dict[str, Path | None] = {"data_dir": None, "settings": None}
_loaded: list[Settings] = []


def choose(data_dir: Path | None, settings_file: Path | None) -> None:
    """Remember the global options; called once by the application's callback."""
    _chosen.update(data_dir=data_dir, settings=settings_file)
    _loaded.clear()


def settings() -> Settings:
    """The settings of this run, read at first use."""
    if not _loaded:
        from minsheng.logs import configure_logs  # here, for the sake of commands that log nothing, such as --help

        loaded = load_settings(_chosen["data_dir"], _chosen["settings"])
        configure_logs(loaded.logs.level, loaded.logs.format)
        _loaded.append(loaded)
    return _loaded[0]


def reload() -> Settings:
    """Read the settings again, after a command has written to the settings file itself."""
    _loaded.clear()
    return settings()


def store() -> Store:
    """The store that the settings name, its tables made or brought up to date."""
    from minsheng.parts import open_store
    from minsheng.store.migrate import migrate

    opened = open_store(settings())
    migrate(opened)
    return opened


@contextmanager
def index() -> Iterator[Index]:
    """The index that the settings name, made where it is not there yet, and closed in the end."""
    from minsheng.parts import open_index

    with closing(open_index(settings())) as opened:
        opened.ensure()
        yield opened


def local_time(moment: datetime | None) -> str:
    """A time as duty rooms write it: China time, to the minute; empty for None."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") if moment else ""


def console() -> Console:
    """Where tables and progress bars go: progress to standard error, so that output can be piped."""
    screen = Console(highlight=False)
    if not screen.is_terminal and "COLUMNS" not in os.environ:
        screen.width = PIPED_WIDTH
    return screen


def errors() -> Console:
    return Console(stderr=True, highlight=False)


def print_json(data: Any) -> None:
    """One JSON value, UTF-8, indented."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def print_json_line(data: Any) -> None:
    """One JSON value on one line."""
    sys.stdout.buffer.write(msgspec.json.encode(data) + b"\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people. Values are shown as they are: text from outside is never read as markup."""
    table = Table(title=title, title_justify="left")
    shown = [[plain_text(value) for value in row] for row in rows]
    for place, column in enumerate(columns):
        # Ids and numbers stand first and stay whole, so that they can be copied; the rest is folded into what is left.
        longest = max((row[0].cell_len for row in shown), default=0) if place == 0 else NARROW + 1
        table.add_column(
            column, overflow="fold", no_wrap=longest <= NARROW, min_width=longest if longest <= NARROW else None
        )
    for row in shown:
        table.add_row(*row)
    console().print(table)


def plain_text(value: Any) -> Any:
    from rich.text import Text

    return Text("" if value is None else str(value))
