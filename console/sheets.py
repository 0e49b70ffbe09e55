"""Lists that are taken away as a table: one way for all rooms, each of them in the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.access import Visit
from console.rendering import spreadsheet

FORMATS = ("csv", "xlsx")


def check_format(format: str) -> None:  # noqa: A002
    """404 for a kind of table that there is not: to be asked before rows are read."""
    if format not in FORMATS:
        raise HTTPException(404)


def export_sheet(
    visit: Visit,
    rows: Sequence[Sequence[str]],
    columns: Sequence[str],
    *,
    what: str,
    name: str,
    format: str,  # noqa: A002
    asked: Mapping[str, Any],
    note: str = "",
) -> Response:
    """The table as a file of that name.

    Parameters
    ----------
    what, asked:
        What the audit log calls it, and which list it was.
    note:
        A last line, such as that the file does not hold all.
    """
    check_format(format)
    visit.record("exported", what, {**asked, "rows": len(rows), "format": format})
    return spreadsheet(rows, columns, name, format, note)
