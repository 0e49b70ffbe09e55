"""Files that commands write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from minsheng.cli import context
from minsheng.errors import MinshengError, WrongUse


def write_file(target: Path, content: bytes) -> None:
    """Write a file and say where it is. Raises `MinshengError` where it can't be written."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as error:
        raise MinshengError(f"{target} can't be written: {error.strerror}", "choose another file with -o") from error
    context.errors().print(f"written to {target}", markup=False, soft_wrap=True)


def check_table(file: Path) -> None:
    """Refuse a file that is not to hold a table for a spreadsheet. Raises `WrongUse`.

    Asked before the work is done, so that a wrong name costs nothing.
    """
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise WrongUse(f"{file.name}: files of this kind are not written", "name it .xlsx or .csv")


def write_table(file: Path, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows as .csv or .xlsx, by the file's name; `title` is what the sheet is called."""
    from minsheng.spreadsheets import as_csv, as_xlsx

    check_table(file)
    is_csv = file.suffix.lower() == ".csv"
    write_file(file, b"".join(as_csv(columns, rows)) if is_csv else as_xlsx(title, columns, rows))
