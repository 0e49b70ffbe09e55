"""What every command shares: settings, output as table or JSON, errors as exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from minsheng.clock import CHINA
from minsheng.logs import configure_logs
from minsheng.settings import Settings, load_settings

if TYPE_CHECKING:
    from minsheng.store import Store

JSON_OPTION = typer.Option(False, "--json", help="Print JSON for programs instead of a table for people.")

NARROW = 24
"""Cells; a table's column with nothing wider is never broken."""

_chosen: dict[str, Path | None] = {"data_dir": None, "settings": None}
_loaded: list[Settings] = []


def choose(data_dir: Path | None, settings_file: Path | None) -> None:
    """Remember the global options; called once by the application's callback."""
    _chosen.update(data_dir=data_dir, settings=settings_file)
    _loaded.clear()


def settings() -> Settings:
    """The settings of this run, read at first use."""
    if not _loaded:
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


def local_time(moment: datetime | None) -> str:
    """A time as duty rooms write it: China time, to the minute; empty for None."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") if moment else ""


def console() -> Console:
    """Where tables and progress bars go: progress to standard error, so that output can be piped."""
    return Console(highlight=False)


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
        # Ids, numbers and times stay whole, so that they can be copied; long texts take the room that is left.
        narrow = all(row[place].cell_len <= NARROW for row in shown)
        table.add_column(column, overflow="fold", no_wrap=narrow)
    for row in shown:
        table.add_row(*row)
    console().print(table)


def plain_text(value: Any) -> Any:
    from rich.text import Text

    return Text("" if value is None else str(value))
