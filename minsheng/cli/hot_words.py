"""`minsheng events hot-words`: what is said now and was not said before."""

from __future__ import annotations

from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.cli.search import families
from minsheng.errors import WrongUse


def hot_words(
    event: Annotated[
        list[str] | None, typer.Option(help="The words of this event (its id); may be given again.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Documents published since then: a date, a time, or 2d, 12h. Default: 1d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only documents published before then.")] = None,
    policy: Annotated[str | None, typer.Option(help="Only documents about this policy (its id).")] = None,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="Compared with so many weeks before.")] = 4,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many words, hottest first.")] = 20,
    json: bool = context.JSON_OPTION,
) -> None:
    """Print the hot words of a time or an event: said more than in the weeks before, new words among them."""
    from grouping.hot_documents import find_hot_words
    from minsheng.cli.times import parse_time
    from minsheng.parts import open_index
    from search.index import Filters

    start = parse_time(since) if since else None if event else parse_time("1d")
    end = parse_time(until) if until else None
    if start and end and start >= end:
        raise WrongUse("--since is not before --until")
    filters = Filters(events=families(event), policies=(policy,) if policy else None, since=start, until=end)
    found = find_hot_words(open_index(context.settings()), filters, weeks=weeks, limit=limit)
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{len(found.words)} hot words of {found.documents} texts, against {found.before} of the weeks before",
        ("word", "texts", "before", "growth", "score"),
        [
            (one.word, one.documents, one.before, "new" if not one.before else f"× {one.growth:g}", f"{one.score:.0f}")
            for one in found.words
        ],
    )  # fmt: skip
