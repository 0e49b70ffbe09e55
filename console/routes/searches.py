"""检索 → 已保存的检索: kept searches and watch topics (关注专题), and what is new of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from console.access import Visit, needs
from console.problems import in_words
from console.rendering import show
from console.routes.documents import names
from console.searching import MANY, Asked, as_of_today
from minsheng.errors import WrongUse
from search.saved import News, SavedSearch, SavedSearches

router = APIRouter()
Searcher = Annotated[Visit, needs("search")]
LISTED = 100
"""New hits that the page shows; all are counted."""


@router.get("/searches")
def saved_list(visit: Searcher) -> Response:
    """One's own; the form is filled with the search that the address asks for."""
    pairs = visit.request.query_params.multi_items()
    asked = Asked.read([(key, value) for key, value in pairs if key in ("q", *MANY)])
    return _page(visit, asked, {"q": asked.words})


@router.post("/searches")
def save(visit: Searcher) -> Response:
    """Keep a search: `name`, `q`, filters, `exclude`, `notify` (1). One of the same name is changed."""
    asked = Asked.read([(key, value) for key, value in visit.items() if key in ("q", *MANY)])
    without = visit.field("exclude").replace("，", " ").replace("、", " ").split()
    notify = visit.field("notify") == "1"
    try:
        kept = _book(visit).save(visit.actor, visit.field("name"), asked.words, asked.chosen(), without, notify=notify)
    except WrongUse as error:
        return _page(visit, asked, dict(visit.items()), problem=in_words(error))
    visit.record("search-saved", kept.name, {**asked.plain(), "exclude": without, "notify": notify})
    return RedirectResponse("/searches", 303)


@router.post("/searches/{number}")
def act(visit: Searcher, number: int) -> Response:
    """`do`: `news` (shows what is new since the last time, once) or `remove`."""
    book, do = _book(visit), visit.field("do")
    if do not in ("news", "remove"):
        raise HTTPException(404)
    try:
        one = book.get(number, visit.actor)
        if do == "remove":
            book.remove(number, visit.actor)
            visit.record("search-saved", one.name, {"removed": True})
            return RedirectResponse("/searches", 303)
        news = book.news(one, visit.view.index, partial(as_of_today, store=visit.console.store))
    except WrongUse as error:
        return _page(visit, Asked(), {}, problem=in_words(error))
    visit.record("searched", one.query, {"saved": one.name, "new": len(news.hits)})
    return _page(visit, Asked(), {}, news=news, of=one)


def _book(visit: Visit) -> SavedSearches:
    return SavedSearches(visit.console.store, visit.console.clock)


def _page(
    visit: Visit,
    asked: Asked,
    typed: Mapping[str, str],
    *,
    problem: str = "",
    news: News | None = None,
    of: SavedSearch | None = None,
) -> Response:
    kept = _book(visit).all(visit.actor)
    return show(
        visit, "searches.html.j2", code=400 if problem else 200, saved=[(one, asked_of(one)) for one in kept],
        asked=asked, typed=typed, problem=problem, news=news, of=of, names=names(visit.view),
        listed=LISTED,
    )  # fmt: skip


def asked_of(saved: SavedSearch) -> Asked:
    """The search as an address of the search page asks for it; words that must not stand there among its words."""
    given: dict[str, tuple[str, ...]] = {
        key: values for key, field in MANY.items() if (values := getattr(saved.filters, field))
    }
    return Asked(words=" ".join([*([_bracketed(saved)] if saved.query else []), *_without(saved.exclude)]), given=given)


def _bracketed(saved: SavedSearch) -> str:
    return f"({saved.query})" if saved.exclude and " " in saved.query.strip() else saved.query


def _without(exclude: Sequence[str]) -> list[str]:
    return [f'-"{word}"' for word in exclude]
