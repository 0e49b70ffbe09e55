"""`minsheng search`: find documents."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer

from minsheng.cli import context
from minsheng.errors import Unavailable, WrongUse
from minsheng.records import KINDS, PERSON
from search.index import FACETS, Interval, Sort

if TYPE_CHECKING:
    from rich.text import Text

    from minsheng.records import Assessed
    from search.index import Hit, Page
    from search.understanding import Vocabulary

T = TypeVar("T")

_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{8}")
_BAR = 40


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUERY]...",
            help='Words, "phrases", AND OR NOT, -word, title:, source:, (brackets); nothing: every document.',
        ),
    ] = None,
    policy: Annotated[list[str] | None, typer.Option(help="Only about this policy (its id). Repeatable.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only from this source. Repeatable.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help=f"{', '.join(KINDS)}. Repeatable.")] = None,
    sentiment: Annotated[list[str] | None, typer.Option(help="positive, neutral or negative. Repeatable.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only on this topic. Repeatable.")] = None,
    request: Annotated[list[str] | None, typer.Option(help="complaint, inquiry, ... Repeatable.")] = None,
    stance: Annotated[
        list[str] | None, typer.Option(help="To the linked policy: support, against, question or neutral. Repeatable.")
    ] = None,
    event: Annotated[list[str] | None, typer.Option(help="Only of this event (its id). Repeatable.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only of this region. Repeatable.")] = None,
    area: Annotated[
        list[str] | None, typer.Option(help="A region and all in it, from the province down: 湖南省长沙市. Repeatable.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Published at or after: 2026-11-24, 2026-11-24T08:00, or 12h, 2d ago.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Published before; a date alone includes that day.")] = None,
    sort: Annotated[Sort, typer.Option(help="Newest first, best match, or most reach.")] = "newest",
    size: Annotated[int, typer.Option(min=0, max=1_000, help="Documents a page.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="CURSOR", help="The page after this cursor.")] = None,
    facet: Annotated[list[str] | None, typer.Option(help=f"Count values: {', '.join(FACETS)}. Repeatable.")] = None,
    histogram: Annotated[Interval | None, typer.Option(help="Count over time, in steps of China time.")] = None,
    together: Annotated[bool, typer.Option("--together", help="Each group of copies once, counted.")] = False,
    exact: Annotated[bool, typer.Option("--exact", help="The words as typed, without synonyms.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Find documents, newest first.

    Words beside each other must all be found. A Chinese word is found wherever it stands, and so are its synonyms and
    the other names of a policy; where too little is found, documents with most of the words are, too.
    """
    from minsheng.cli.times import parse_time
    from minsheng.parts import open_index
    from search.index import Filters, Search
    from search.query import named, parse
    from search.understanding import chosen, enough_for, understood

    query = parse(" ".join(words or ()))
    wanted = Search(
        filters=Filters(
            policies=_given(policy),
            sources=_given(source),
            kinds=_known("kind", kind, KINDS) or None,
            sentiments=_given(sentiment),
            topics=_given(topic),
            requests=_given(request),
            stances=_given(stance),
            events=families(event),
            regions=_given(region),
            areas=_given(area),
            since=parse_time(since) if since else None,
            until=_end(until, parse_time(until)) if until else None,
        ),
        sort=sort,
        size=size,
        after=after,
        facets=_known("facet", facet, FACETS),
        histogram=histogram,
        together=together,
    )
    widened = False
    with closing(open_index(context.settings())) as index:
        if query is not None:
            names, vocabulary = _names()
            query = named(query, names)
            if not exact:
                query, widened = chosen(
                    understood(query, vocabulary),
                    lambda one: index.search(Search(query=one, filters=wanted.filters, size=0)).total,
                    enough_for(sort),
                )
        page = index.search(msgspec.structs.replace(wanted, query=query))
    if widened:
        context.errors().print("few documents have all the words: shown are those with most of them, too")
    if json:
        context.print_json(
            {
                "total": page.total,
                "groups": page.groups,
                "hits": [_plain(hit) for hit in page.hits],
                "cursor": page.cursor,
                "facets": page.facets,
                "histogram": page.histogram,
            }
        )
    else:
        _show(page)


def _names() -> tuple[dict[str, str], Vocabulary]:
    """The sources' names by id, and the names of the policies; without these where the store is away."""
    from crawlers.sources import read_folder
    from minsheng.policies import PolicyRegister
    from search.understanding import Vocabulary

    sources, _ = read_folder(context.settings().path("sources"))
    names = {one: source.name or one for one, (source, _) in sources.items()}
    try:
        with closing(context.store()) as store:
            return names, Vocabulary.of(PolicyRegister(store).all())
    except Unavailable as error:
        context.errors().print(f"without the policies' other names: {error}", markup=False)
        return names, Vocabulary.of()


def _given(values: list[Any] | None) -> tuple[str, ...] | None:
    return tuple(values) if values else None


def families(events: list[str] | None) -> tuple[str, ...] | None:
    """All ids that are one with these events today."""
    if not events:
        return None
    from grouping.history import History

    history = History.read(context.store())
    return tuple(dict.fromkeys(name for event in events for name in history.family(event)))


def _known(option: str, values: list[str] | None, known: tuple[T, ...]) -> tuple[T, ...]:
    """The values given, each once, if all of them are known."""
    for value in values or ():
        if value not in known:
            raise WrongUse(f"--{option}: there is no {option} '{value}'", f"known are: {', '.join(map(str, known))}")
    return tuple(one for one in known if one in (values or ()))


def _end(text: str, moment: datetime) -> datetime:
    return moment + timedelta(days=1) if _DATE.fullmatch(text.strip()) else moment


def _plain(hit: Hit) -> dict[str, Any]:
    document, assessed = hit.record.document, hit.record.assessed
    return {
        "id": document.id,
        "title": hit.title,
        "title_marks": hit.title_marks,
        "snippet": hit.snippet,
        "snippet_marks": hit.snippet_marks,
        "source": document.source,
        "kind": document.kind,
        "url": document.url,
        "native_id": document.native_id,
        "published_at": document.published_at,
        "region": assessed.region,
        "places": assessed.places,
        "units": assessed.units,
        "sentiment": assessed.sentiment.label,
        "emotion": assessed.emotion.label,
        "topic": assessed.topic.label,
        "request": assessed.request.label,
        "stance": assessed.stance.label if assessed.stance else None,
        "unsure": [head for head, judgement in assessed.judgements.items() if judgement.unsure],
        "corrected": [head for head, version in assessed.models.items() if version == PERSON],
        "policies": list(assessed.filed_under),
        "event": hit.record.event.id,
        "duplicate_group": hit.record.duplicate.group,
        "copies": hit.copies,
        "reach": document.engagement.total(),
        "score": hit.score,
    }


def _judged(assessed: Assessed) -> str:
    """The labels below each other, and beside each who set it or whether the model stands by it."""
    lines = []
    for head in ("sentiment", "request", "topic", "stance"):
        judgement = assessed.judgements.get(head)
        if judgement is not None:
            by_person = assessed.models.get(head) == PERSON
            mark = " 人工" if by_person else " 不确定" if judgement.unsure else ""
            lines.append(f"{judgement.label}{mark}")
    return "\n".join(lines)


def _show(page: Page) -> None:
    from rich.table import Table
    from rich.text import Text

    console = context.console()
    table = Table(title=Text(f"{page.total:,} documents"), title_justify="left")
    table.add_column("published", no_wrap=True)
    for column in ("source", "title and text", "judged", "policies"):
        table.add_column(column, overflow="fold")
    for hit in page.hits:
        document, assessed = hit.record.document, hit.record.assessed
        shown = _marked(hit.title, hit.title_marks, "bold")
        if hit.title and hit.snippet:
            shown.append("\n")
        shown.append_text(_marked(hit.snippet, hit.snippet_marks))
        if hit.copies > 1:
            shown.append(f"\n同文 {hit.copies:,} 篇", style="dim")
        table.add_row(
            context.local_time(document.published_at),
            Text(document.source),
            shown,
            Text(_judged(assessed)),
            Text("\n".join(assessed.filed_under)),
        )
    if page.hits or not page.total:
        console.print(table)
    for facet, found in page.facets.items():
        context.print_table(facet, ("value", "documents"), [(bucket.value, bucket.count) for bucket in found])
    if page.histogram:
        highest = max(bucket.count for bucket in page.histogram)
        context.print_table(
            "over time",
            ("from", "documents", ""),
            [
                (bucket.value[:16].replace("T", " "), bucket.count, "█" * max(1, bucket.count * _BAR // highest))
                for bucket in page.histogram
            ],
        )
    if page.cursor:
        console.print(f"more: --after {page.cursor}", markup=False, soft_wrap=True)


def _marked(text: str, marks: tuple[tuple[int, int], ...], style: str = "") -> Text:
    from rich.text import Text

    shown = Text(text, style=style)
    for start, end in marks:
        shown.stylize("bold red", start, end)
    return shown
