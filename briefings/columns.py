"""How wide the columns of a printed table are: the same in PDF and Word, so that nothing is wider than the sheet."""

from __future__ import annotations

from briefings.edition import wide
from briefings.evidence import Number
from briefings.report import Part, Table

_ROOM = 1.12
"""Fonts differ, and Word sets digits apart from Chinese characters."""
_BROKEN = 4.5
"""Characters from which the heading of a column of numbers may be broken; a number never is."""


def column_widths(block: Table, whole: float) -> list[float]:
    """Widths that add up to `whole`, in the same unit: characters.

    Each column is as wide as what stands in it. What there is not room for is taken from the widest; what is left over
    goes to the first.
    """
    wanted = []
    for place, title in enumerate(block.columns):
        cells = [wide("".join(_words(part) for part in row[place].parts)) for row in block.rows]
        cells += [0.8 * wide(row[place].small) for row in block.rows]
        # A number's code stands behind it, half as large.
        codes = 1.5 if any(isinstance(part, Number) for row in block.rows for part in row[place].parts) else 0.0
        heading = min(wide(title), _BROKEN) if place in block.right else wide(title)
        wanted.append(_ROOM * max([heading, *(one + codes for one in cells)]) + 1.0)
    most = max(wanted)
    while sum(wanted) > whole and most > 2:
        most *= 0.97
        wanted = [min(one, most) for one in wanted]
    share = whole / max(sum(wanted), whole)
    wanted = [share * one for one in wanted]
    wanted[0] += whole - sum(wanted)
    return wanted


def _words(part: Part) -> str:
    return part if isinstance(part, str) else part.text
