"""`minsheng searches`: searches that are kept and run again for what is new."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from minsheng.cli import context
from minsheng.records import KINDS

app = typer.Typer(help="Saved searches and watch topics.", no_args_is_help=True)

OWNER = typer.Option("--owner", help="Whose searches.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What it is called; one of the same owner and name is changed.")],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[QUERY]...", help="As in minsheng search.", show_default=False)
    ] = None,
    owner: Annotated[str, OWNER] = "operator",
    exclude: Annotated[list[str] | None, typer.Option(help="A word that must not stand there. Repeatable.")] = None,
    policy: Annotated[list[str] | None, typer.Option(help="Only about this policy (its id). Repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only from this source. Repeatable.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help=f"{', '.join(KINDS)}. Repeatable.")] = None,
    sentiment: Annotated[list[str] | None, typer.Option(help="positive, neutral or negative. Repeatable.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only on this topic. Repeatable.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only of this region. Repeatable.")] = None,
    area: Annotated[
        list[str] | None, typer.Option(help="A region and all in it, from the province down: 湖南省长沙市. Repeatable.")
    ] = None,
    notify: Annotated[bool, typer.Option("--notify", help="A watch topic: its owner is to be told.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Keep a search. What is fetched from now on and matches is new."""
    from minsheng.cli.search import _known
    from search.index import Filters
    from search.saved import SavedSearches

    def given(values: list[str] | None) -> tuple[str, ...] | None:
        return tuple(values) if values else None

    filters = Filters(
        policies=given(policy),
        sources=given(source),
        kinds=_known("kind", kind, KINDS) or None,
        sentiments=given(sentiment),
        topics=given(topic),
        regions=given(region),
        areas=given(area),
    )
    with closing(context.store()) as store:
        saved = SavedSearches(store).save(owner, name, " ".join(words or ()), filters, exclude or (), notify=notify)
    if json:
        context.print_json(saved)
    else:
        context.console().print(f"saved as {saved.id}: {saved.name}", markup=False)


@app.command("list")
def list_searches(
    owner: Annotated[str | None, OWNER] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """List the saved searches."""
    from search.saved import SavedSearches

    with closing(context.store()) as store:
        found = SavedSearches(store).all(owner)
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{len(found)} saved searches",
        ("id", "owner", "name", "query", "without", "watched", "asked last"),
        [
            (one.id, one.owner, one.name, one.query, " ".join(one.exclude), "yes" if one.notify else "",
             context.local_time(one.ran_at))
            for one in found
        ],
    )  # fmt: skip


@app.command()
def run(
    number: Annotated[int, typer.Argument(metavar="ID", help="Which; see list.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Show what is new since the last time, and remember that it was shown."""
    from functools import partial

    from console.searching import as_of_today
    from minsheng.cli.search import _plain
    from minsheng.parts import open_index
    from search.saved import SavedSearches

    with closing(context.store()) as store, closing(open_index(context.settings())) as index:
        searches = SavedSearches(store)
        news = searches.news(searches.get(number), index, partial(as_of_today, store=store))
    if json:
        context.print_json({"hits": [_plain(hit) for hit in news.hits], "more": news.more})
        return
    context.print_table(
        f"{len(news.hits)} new",
        ("published", "source", "title and text"),
        [
            (context.local_time(hit.record.document.published_at), hit.record.document.source,
             f"{hit.title} {hit.snippet}".strip())
            for hit in news.hits
        ],
    )  # fmt: skip
    if news.more:
        context.console().print("there is more: run it again")


@app.command()
def remove(number: Annotated[int, typer.Argument(metavar="ID", help="Which; see list.")]) -> None:
    """Remove a saved search."""
    from search.saved import SavedSearches

    with closing(context.store()) as store:
        SavedSearches(store).remove(number)
    context.console().print(f"removed {number}")
