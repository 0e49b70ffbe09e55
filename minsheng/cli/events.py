"""`minsheng events`: what is being spoken about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from minsheng.cli import context, hot_words
from minsheng.cli.labels import By
from minsheng.cli.labels import who_says as who
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from grouping.by_hand import EventDesk
    from grouping.detail import EventDetail
    from search.index import Bucket, Index

app = typer.Typer(help="Events: documents about the same matter.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why; kept in the history.")]

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
    event: Annotated[str, typer.Argument(metavar="ID", help="The event's id; one that was merged shows the whole.")],
    members: Annotated[bool, typer.Option("--members", help="Also list every document of it.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show one event: what it is about, how many documents, since when, where, and how they sound.

    Authors are counted, never named.
    """
    from grouping.detail import event_detail
    from minsheng.parts import open_index

    with closing(open_index(context.settings())) as index:
        found = event_detail(context.store(), index, event)
        if found is None:
            raise WrongUse(Problem("event-unknown", event=event), "minsheng events list shows them")
        documents = list(_members(index, found.ids)) if members else []
    if json:
        shown: dict[str, Any] = msgspec.structs.asdict(found)
        if members:
            shown["members"] = documents
        context.print_json(shown)
        return
    context.print_table(found.title, ("", ""), _lines(found))
    if members:
        context.print_table(
            f"{len(documents)} documents",
            ("id", "published", "source", "sentiment", "title or text"),
            [
                (document["id"], document["published_at"][:16], document["source"], document["sentiment"],
                 document["title"] or document["snippet"])
                for document in documents
            ],
        )  # fmt: skip


@app.command("merge")
def merge_events(
    one: Annotated[str, typer.Argument(metavar="ID", help="An event.")],
    other: Annotated[str, typer.Argument(metavar="ID", help="Another event.")],
    reason: Reason,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Make two events one. The larger one's id goes on; the other id keeps its meaning and shows the whole event.

    Of two open tickets the older one stays, the other is marked as merged; both say so in their timelines.
    """
    with _desk() as desk:
        kept, lost = desk.merge(one, other, by=who(by), reason=reason)
    _said({"event": kept, "merged": lost}, f"{lost} 已并入 {kept}", json)


@app.command("part")
def part_event(
    event: Annotated[str, typer.Argument(metavar="ID", help="An event that was merged into another one.")],
    reason: Reason,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Take a merge back: the event is one of its own again, and is never merged with the other by the machine."""
    with _desk() as desk:
        left = desk.part(event, by=who(by), reason=reason)
    _said({"event": event, "left": left}, f"{event} 已从 {left} 分出", json)


@app.command("split")
def split_event(
    event: Annotated[str, typer.Argument(metavar="ID", help="The event.")],
    documents: Annotated[list[str], typer.Argument(metavar="DOCUMENT...", help="Ids of those that belong elsewhere.")],
    reason: Reason,
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Make a new event of some documents of an event; copies of their texts go with them.

    They go through the log again. Search shows them in the new event as soon as they were grouped.
    """
    with _desk() as desk:
        new, moved = desk.split(event, documents, by=who(by), reason=reason)
    _said({"event": new, "left": event, "documents": moved}, f"{len(moved)} 篇已从 {event} 分为新事件 {new}", json)


@app.command("history")
def event_history(
    event: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only of this event and what is part of it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, newest first.")] = 50,
    json: bool = context.JSON_OPTION,
) -> None:
    """List what became of events: merges, partings and splits, with who, when and why."""
    from grouping.history import History, list_changes

    store = context.store()
    ids = [*History.read(store).family(event), event] if event else None
    found = list_changes(store, ids, limit=limit)
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{len(found)} changes",
        ("at", "what", "event", "other", "by", "why"),
        [
            (context.local_time(change.at), change.kind, change.event, change.other, change.actor,
             change.reason or f"{change.document} ({change.score})")
            for change in found
        ],
    )  # fmt: skip


def _lines(found: EventDetail) -> list[tuple[str, Any]]:
    def counts(buckets: Sequence[Bucket]) -> str:
        return "、".join(f"{bucket.value} {bucket.count}" for bucket in buckets)

    width = 10 if found.step == "day" else 13
    return [
        ("id", found.id),
        *((("also", "、".join(found.ids[1:])),) if found.ids[1:] else ()),
        ("key sentence", found.key_sentence),
        ("documents", f"{found.documents} ({found.copies} copies)"),
        ("authors", found.authors if found.authors is not None else ""),
        ("first", context.local_time(found.first_at)),
        ("last", context.local_time(found.last_at)),
        ("policies", "、".join(f"{policy} {count}" for policy, count in found.policies.items())),
        ("source", counts(found.sources)),
        ("kind", counts(found.kinds)),
        ("region", counts(found.regions)),
        ("sentiment", counts(found.sentiments)),
        ("request", counts(found.requests)),
        (f"by {found.step}", "、".join(f"{bucket.value[:width]} {bucket.count}" for bucket in found.timeline)),
    ]


@contextmanager
def _desk() -> Iterator[EventDesk]:
    from grouping.by_hand import EventDesk
    from minsheng.clock import SystemClock
    from minsheng.parts import open_index, open_log, topic_partitions

    settings = context.settings()
    with closing(open_index(settings)) as index, closing(open_log(settings)) as log:
        log.ensure_topics(topic_partitions(settings))
        yield EventDesk(context.store(), index, log, SystemClock())


def _said(plain: dict[str, Any], sentence: str, json: bool) -> None:
    if json:
        context.print_json(plain)
    else:
        context.console().print(sentence, markup=False, soft_wrap=True)


def _members(index: Index, events: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Every document of the event, newest first."""
    from search.index import Filters, Search

    cursor = None
    while True:
        page = index.search(Search(filters=Filters(events=events), size=PAGE, after=cursor, highlight=False))
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
