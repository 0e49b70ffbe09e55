"""`minsheng events`: what is being spoken about."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from minsheng.cli import context, hot_words
from minsheng.errors import WrongUse

app = typer.Typer(help="Events: documents about the same matter.", no_args_is_help=True)

PAGE = 500
"""Members read from the index at a time."""


@app.command("list")
def list_events(
    since: Annotated[
        str | None, typer.Option(help="Only events with a document since then: a date, a time, or 2d, 12h.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Only events about this policy (its id).")] = None,
    at_least: Annotated[int, typer.Option(min=2, help="Only events of so many documents or more.")] = 2,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, largest first.")] = 50,
    json: bool = context.JSON_OPTION,
) -> None:
    """List events, largest first."""
    from grouping.listing import list_events as read
    from minsheng.cli.times import parse_time

    start = parse_time(since) if since else None
    found = read(context.store(), since=start, at_least=at_least, policy=policy, limit=limit)
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{len(found)} events",
        ("id", "title", "documents", "first", "last", "policies"),
        [
            (event.id, event.title, event.documents, context.local_time(event.first_at),
             context.local_time(event.last_at), "、".join(event.policies))
            for event in found
        ],
    )  # fmt: skip


@app.command("show")
def show_event(
    event: Annotated[str, typer.Argument(metavar="ID", help="The event's id.")],
    members: Annotated[bool, typer.Option("--members", help="Also list every document of it.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show one event: how many documents, since when, where, and how they sound."""
    from grouping.listing import get_events
    from minsheng.parts import open_index
    from search.index import Filters, Search

    index = open_index(context.settings())
    listed = get_events(context.store(), [event]).get(event)
    page = index.search(
        Search(filters=Filters(events=(event,)), size=0, facets=("source", "sentiment", "request"), histogram="day")
    )
    if listed is None and page.total == 0:
        raise WrongUse(f"there is no event {event}", "minsheng events list shows them")
    documents = list(_members(index, event)) if members else []
    if json:
        shown: dict[str, Any] = {"id": event, "total": page.total}
        shown |= msgspec.structs.asdict(listed) if listed else {}
        shown |= {"facets": page.facets, "histogram": page.histogram}
        if members:
            shown["members"] = documents
        context.print_json(shown)
        return
    context.print_table(
        listed.title if listed else event,
        ("", ""),
        [
            ("documents", page.total),
            ("first", context.local_time(listed.first_at) if listed else ""),
            ("last", context.local_time(listed.last_at) if listed else ""),
            *((name, "、".join(f"{bucket.value} {bucket.count}" for bucket in found))
              for name, found in page.facets.items()),
            ("days", "、".join(f"{bucket.value[:10]} {bucket.count}" for bucket in page.histogram if bucket.count)),
        ],
    )  # fmt: skip
    if members:
        context.print_table(
            f"{len(documents)} documents",
            ("native id", "published", "source", "sentiment", "title or text"),
            [
                (document["native_id"], document["published_at"][:16], document["source"], document["sentiment"],
                 document["title"] or document["snippet"])
                for document in documents
            ],
        )  # fmt: skip


def _members(index: Any, event: str) -> Any:
    """Every document of the event, newest first."""
    from search.index import Filters, Search

    cursor = None
    while True:
        page = index.search(Search(filters=Filters(events=(event,)), size=PAGE, after=cursor, highlight=False))
        for hit in page.hits:
            document, judged = hit.record.document, hit.record.assessed
            yield {
                "id": document.id,
                "native_id": document.native_id,
                "source": document.source,
                "kind": document.kind,
                "title": document.title,
                "snippet": document.text[:80],
                "published_at": context.local_time(document.published_at),
                "sentiment": judged.sentiment.label,
                "duplicate_group": hit.record.duplicate.group,
                "duplicate": hit.record.duplicate.kind,
            }
        cursor = page.cursor
        if cursor is None:
            return


app.command("hot-words")(hot_words.hot_words)
