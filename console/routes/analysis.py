"""检索 → 分析、比较: hot words and spread of a search, and two policies or periods beside each other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response

from console import words
from console.access import Visit, needs
from console.comparing import COMPARED, LISTED, Side, hot_words_of, places_of, side_of, spread_of
from console.days import begin_of
from console.layers import DEEPEST, Layers, layers_of
from console.problems import in_words
from console.rendering import show
from console.routes.documents import names
from console.searching import Asked, meant, wider
from console.tiles import map_of
from grouping.hot_documents import HotWords
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from search.index import Filters, Search

router = APIRouter()
Searcher = Annotated[Visit, needs("search")]


@router.get("/search/analysis")
def analysis(visit: Searcher, words: bool = False) -> Response:
    """Of the same search as `/search`. The hot words and the layers, which take longer, are asked for by the page
    itself; `words`: they are there at once, for a browser without scripts."""
    asked = Asked.read(visit.request.query_params.multi_items())
    try:
        search = _searched(visit, asked)
    except WrongUse as error:
        return show(
            visit,
            "analysis.html.j2",
            code=400,
            asked=asked,
            problem=in_words(error),
            spread=None,
            hot=None,
            names=names(visit.view),
        )
    spread = spread_of(visit.view.index, search.query, search.filters)
    total = sum(count for _, count, _ in spread.steps)
    visit.record("searched", asked.words, {**asked.plain(), "analysis": True, "total": total})
    return show(
        visit, "analysis.html.j2", asked=asked, problem="", spread=spread, names=names(visit.view), deepest=DEEPEST,
        places=places_of(visit.view.index, search.query, search.filters),
        map=map_of(visit, search.query, search.filters, asked.given.get("area", ())),
        hot=_hot_words(visit, asked, search) if words else None,
        layers=_layers(visit, asked, search) if words else None,
    )  # fmt: skip


@router.get("/search/analysis/words")
def analysis_words(visit: Searcher) -> Response:
    """The hot words alone, a part of that page."""
    asked = Asked.read(visit.request.query_params.multi_items())
    hot = _hot_words(visit, asked, _searched(visit, asked))
    visit.record("searched", asked.words, {**asked.plain(), "analysis": "words", "total": hot.total})
    return show(visit, "analysis_words.html.j2", asked=asked, hot=hot)


@router.get("/search/analysis/layers")
def analysis_layers(visit: Searcher) -> Response:
    """How deep it has gone, a part of that page."""
    asked = Asked.read(visit.request.query_params.multi_items())
    layers = _layers(visit, asked, _searched(visit, asked))
    visit.record("searched", asked.words, {**asked.plain(), "analysis": "layers", "total": layers.total})
    return show(visit, "analysis_layers.html.j2", layers=layers, deepest=DEEPEST)


def _searched(visit: Visit, asked: Asked) -> Search:
    """The search, widened where it finds too little: once for the page and its parts. Raises `WrongUse`."""
    return visit.console.widened.get(
        (visit.view.grant, asked.address()), lambda: wider(asked.search(visit.view, facets=False), visit.view)[0]
    )


def _layers(visit: Visit, asked: Asked, search: Search) -> Layers:
    """Kept as the words are."""
    return visit.console.layers.get(
        (visit.view.grant, asked.address()), lambda: layers_of(visit.view.index, search.query, search.filters)
    )


def _hot_words(visit: Visit, asked: Asked, search: Search) -> HotWords:
    """Kept for a minute for all who see the same."""
    return visit.console.hot_words.get(
        (visit.view.grant, asked.address()), lambda: hot_words_of(visit.view.index, search.query, search.filters)
    )


@router.get("/search/compare")
def compare(
    visit: Searcher,
    q: str = "",
    first: str = "",
    second: str = "",
    first_since: str = "",
    first_until: str = "",
    second_since: str = "",
    second_until: str = "",
) -> Response:
    """Two policies (`first`, `second`), or two periods of one, or of a search (`q`)."""
    today = visit.console.clock.now().astimezone(CHINA).date()
    given = {
        "q": q[:500], "first": first, "second": second,
        "first_since": first_since or (today - timedelta(days=29)).isoformat(),
        "first_until": first_until or today.isoformat(),
    }  # fmt: skip
    given["second_since"] = second_since or given["first_since"]
    given["second_until"] = second_until or given["first_until"]
    mine = visit.view.policies
    sides: list[Side] = []
    problem = ""
    try:
        if visit.request.query_params:
            query = meant(given["q"], visit.view)
            for name in ("first", "second"):
                since, until = _day(given[f"{name}_since"]), _day(given[f"{name}_until"]) + timedelta(days=1)
                if until <= since:
                    raise WrongUse("结束日期早于开始日期。")
                # A policy that is not the viewer's gives what one that is not there gives: nothing.
                filters = Filters(policies=(given[name],) if given[name] else None)
                sides.append(side_of(visit.view.index, query, filters, since, until))
            totals = [one.total for one in sides]
            visit.record(
                "searched", given["q"], {**{key: value for key, value in given.items() if value}, "totals": totals}
            )
    except WrongUse as error:
        sides, problem = [], in_words(error)
    titles = [f"《{mine[given[name]].title}》" if given[name] in mine else "" for name in ("first", "second")]
    values = {
        facet: sorted(
            {value for one in sides for value in one.facets.get(facet, {})},
            key=lambda value: (-sum(one.facets.get(facet, {}).get(value, 0) for one in sides), value),
        )[:LISTED]
        for facet in COMPARED
    }
    return show(
        visit, "compare.html.j2", code=400 if problem else 200, given=given, sides=sides, values=values,
        searches=[
            Asked(
                words=given["q"], given={"policy": (given[name],)} if given[name] else {},
                since=given[f"{name}_since"], until=given[f"{name}_until"],
            )
            for name in ("first", "second")
        ],
        problem=problem, titles=titles, names=names(visit.view), facets=words.FACETS,
        policies=sorted((one.id, one.title) for one in mine.values()),
    )  # fmt: skip


def _day(text: str) -> datetime:
    found = begin_of(text)
    assert found is not None
    return found
