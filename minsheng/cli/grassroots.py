"""`minsheng grassroots`: the same figures for each unit below one (基层视图)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.cli.files import check_table, write_table
from minsheng.cli.times import parse_day
from minsheng.clock import SystemClock


def grassroots(
    unit: Annotated[
        str | None, typer.Option(help="Whose units below, by its name or number; default: the one that stands highest.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="First day that counts: 2026-11-01; default: 30 days.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day that counts; default: today.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it as .xlsx or .csv.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show tickets, responses, tasks passed down, applications and consultations of each unit below one."""
    from console.grassroots import GROUPS, HEADINGS, Grassroots, Span, sheet_rows
    from console.scope import Views
    from console.units import Grant, UnitBook
    from minsheng.policies import PolicyRegister

    if output is not None:
        check_table(output)
    store, clock = context.store(), SystemClock()
    book = UnitBook(store, clock)
    tree = book.tree()
    highest = tree.below(None)
    chosen = book.find(unit) if unit is not None else highest[0] if len(highest) == 1 else None
    with context.index() as index:
        views = Views(store, index, clock, PolicyRegister(store, clock).all)
        everything = views.of(lambda policies: Grant(policies=None))
        ground = Grassroots(store, clock, context.settings(), views, everything, tree, None)
        span = Span.of(parse_day(since), parse_day(until), ground.today)
        table = ground.table(chosen, span)
    if output is not None:
        write_table(output, "基层视图", HEADINGS, sheet_rows(table))
        return
    if json:
        context.print_json(table)
        return
    name = chosen.name if chosen else "全部单位"
    rows = sheet_rows(table)
    titles = HEADINGS
    start = 1
    # Four narrow tables are read more easily than one that no screen is wide enough for.
    for title, names in GROUPS.values():
        end = start + len(names)
        context.print_table(
            f"{name} {span.words} {title}",
            (titles[0], *names.values()),
            [(row[0], *row[start:end]) for row in rows],
        )
        start = end
