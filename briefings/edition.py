"""What of a report is printed, and how densely, so that a daily briefing stays on two sheets.

Lines are counted as GB/T 9704 lays a page out: 22 lines of 28 characters. What is left out stays on the page for
screens, and the print says so.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from typing import Literal

import msgspec

from briefings.report import Block, Chart, Paragraph, Report, Section, Table

PAGES: dict[str, int] = {"daily": 2}
"""Kind → the most pages it may have; the others have as many as they need."""

Density = Literal["standard", "compact"]
LINE = 28
"""Characters a line of the standard."""
_SHAPE: dict[Density, tuple[int, int]] = {"standard": (22, LINE), "compact": (29, 32)}
"""Density → lines a page, characters a line."""
_AROUND = 11.0
"""Lines that masthead, headings' space and the closing lines take, of the first density."""
LEAST = 3
"""Print with less than what has this weight, and printing more densely is better."""
_HIGHEST = 9


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it is printed: its blocks up to `weight`, of the heaviest maybe only the first ones; `shortened`
    where there are more."""

    report: Report
    density: Density
    weight: int
    shortened: bool


def whole(report: Report) -> Edition:
    return Edition(report=report, density="standard", weight=_HIGHEST, shortened=False)


def editions(report: Report) -> Iterator[Edition]:
    """Editions from the fullest on; the first that fits is to be taken."""
    if report.kind not in PAGES:
        yield whole(report)
        return
    densities: tuple[Density, ...] = ("standard", "compact")
    for density in densities:
        lowest = LEAST if density == "standard" else 0
        for weight in range(_HIGHEST, lowest - 1, -1):
            alike = [block for block in report.blocks() if block.weight == weight]
            if not alike and weight > lowest:
                continue  # the next one says the same
            yield _cut(report, density, weight, len(alike))
            # Then ever fewer of this weight, but what must be there; no heading without what it heads.
            for most in range(len(alike) - 1, 0, -1) if weight else ():
                last = alike[most - 1]
                if not (isinstance(last, Paragraph) and last.style == "head"):
                    yield _cut(report, density, weight, most)


def printed(report: Report) -> Edition:
    """The fullest edition that fits by count."""
    found = whole(report)
    for found in editions(report):
        if report.kind not in PAGES or lines(found) <= PAGES[report.kind] * _SHAPE[found.density][0]:
            return found
    return found


def lines(edition: Edition) -> float:
    """How many lines of its density an edition takes, about."""
    _, width = _SHAPE[edition.density]
    total = _AROUND * (1.0 if edition.density == "standard" else 1.3)
    total += sum(_lines(block, width) for block in edition.report.blocks())
    return total + len(edition.report.sections)


def _lines(block: Block, width: int) -> float:
    if isinstance(block, Paragraph):
        if block.style == "note":
            return 0.65 * math.ceil(wide(block.text) / (width * 4 / 3))
        return math.ceil((wide(block.text) + 2) / width)
    if isinstance(block, Table):
        return 0.75 * (1 + sum(1 + 0.6 * any(cell.small for cell in row) for row in block.rows)) + 0.4
    if isinstance(block, Chart):
        rows = max(1.0, len(block.labels) / 4) if block.shape != "columns" else 1.0  # bars stand one above the other
        return rows * (2.0 if width == _SHAPE["standard"][1] else 2.5)
    return sum(0.65 * math.ceil((wide(post.title + post.excerpt) + 22) / (width * 4 / 3)) for post in block.posts)


def wide(text: str) -> float:
    """Its length in Chinese characters; others take about half as much."""
    return sum(1.0 if unicodedata.east_asian_width(one) in "WFA" else 0.55 for one in text)


def _cut(report: Report, density: Density, weight: int, most: int) -> Edition:
    """`most`: so many of the blocks of just this weight, from the first on."""
    sections = []
    dropped = False
    last = 0
    for section in report.sections:
        blocks = []
        for block in section.blocks:
            last += block.weight == weight
            if block.weight < weight or (block.weight == weight and last <= most):
                blocks.append(block)
        kept = tuple(blocks)
        dropped = dropped or len(kept) < len(section.blocks)
        sections.append(Section(title=section.title, blocks=kept))
    return Edition(
        report=msgspec.structs.replace(report, sections=tuple(section for section in sections if section.blocks)),
        density=density,
        weight=weight,
        shortened=dropped,
    )
