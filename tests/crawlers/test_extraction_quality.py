"""The extraction on the evaluation pages: no score below its floor, and the pages are those it was measured on."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from typing import Any

import pytest

from benchmarks.extraction import NOW, obstacles_told, ours, pages_of, quality, row_of
from benchmarks.extraction_pages import (
    FOLDER,
    EvaluationPage,
    Extracted,
    fingerprint,
    hide_names,
    load_pages,
    load_pairings,
    load_real_pages,
    score,
    sets_whole_text,
    token_f1,
)
from crawlers.charset import decode
from crawlers.extraction import NoArticle, Page, extract, join
from tests.shared_data import shared_data

FLOORS: dict[str, Any] = tomllib.loads((FOLDER / "floors.toml").read_text(encoding="utf-8"))
PAGES = {page.name: page for page in load_pages()}
ARTICLES = [name for name, page in PAGES.items() if not page.truth.obstacle]
OBSTACLES = [name for name, page in PAGES.items() if page.truth.obstacle]


@pytest.mark.parametrize("which", sorted(FLOORS["floors"]))
def test_no_score_is_below_its_floor(which: str) -> None:
    if which == "real":
        shared_data("pages")
    reached = row_of(quality(pages_of(which), ours))
    lost = {
        name: (getattr(reached, name), floor)
        for name, floor in FLOORS["floors"][which].items()
        if getattr(reached, name) < floor
    }
    assert not lost


def test_layouts_are_read_right_with_texts_of_others() -> None:
    reached = row_of(quality(load_pairings(3, seed=7), ours))
    floors: dict[str, float] = FLOORS["pairings"]
    assert reached.pages > 500
    assert not {name: getattr(reached, name) for name, floor in floors.items() if getattr(reached, name) < floor}


@pytest.mark.parametrize(
    ("layout", "whole"),
    [
        ("""<div>{{ paras('<p style="text-indent:2em; color:rgb(1, 2, 3)">', '</p>') }}</div>""", True),
        ("<div>{{ brs() }}</div>", True),
        ("<div>{{ paras('<p>', '</p>', 0, 4) }}</div>", False),
        ("<div>{{ paras(start=1) }}</div>", False),
        ("<div>{{ paras() }}</div><div>{{ paras() }}</div>", False),
        ("<p>{{ body[0] }}</p><div>{{ paras() }}</div>", False),
        ("<div>{{ title }}</div>", False),
    ],
)
def test_layouts_that_set_a_whole_text_are_told(layout: str, whole: bool) -> None:
    assert sets_whole_text(layout) == whole


def test_pairings_are_of_foreign_texts_and_the_same_for_a_seed() -> None:
    pairs = load_pairings(3, seed=7)
    own = {name.partition("~")[0]: {page.truth.article, *page.truth.also} for name, page in PAGES.items()}
    assert not [page.name for page in pairs if page.truth.article in own[page.name.partition("~")[0]]]
    assert [page.name for page in pairs] == [page.name for page in load_pairings(3, seed=7)]
    assert [page.name for page in pairs] != [page.name for page in load_pairings(3, seed=8)]


def test_the_floors_are_of_these_pages() -> None:
    assert fingerprint() == FLOORS["pages"], "the pages have changed: measure anew, then write their hash and floors"


def test_there_are_enough_pages_on_both_sides() -> None:
    assert len(ARTICLES) >= 60
    sides = Counter(PAGES[name].tuned for name in ARTICLES)
    assert min(sides.values()) >= 25
    assert len(OBSTACLES) >= 12


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_stands_in_the_place_of_an_article_is_told(name: str) -> None:
    page = PAGES[name]
    with pytest.raises(NoArticle) as told:
        extract(decode(page.html), page.truth.url, NOW)
    assert told.value.obstacle == page.truth.obstacle


def test_all_obstacles_are_counted() -> None:
    told, all_of_them = obstacles_told()
    assert told == all_of_them == len(OBSTACLES)


@pytest.mark.parametrize("name", [name for name in ARTICLES if PAGES[name].truth.pages > 1])
def test_an_article_over_several_pages_is_one(name: str) -> None:
    page = PAGES[name]
    url: str | None = page.truth.url
    read: list[Page] = []
    while url is not None:
        read.append(extract(decode(page.bodies[url]), url, NOW))
        url = read[-1].next_page
    assert len(read) == page.truth.pages
    whole = join(read)
    got = score(page, Extracted(title=whole.title, time=page.truth.time, text=whole.text), page.whole)
    assert got.whole_and_clean, got
    assert whole.next_page is None


@pytest.mark.parametrize("name", [name for name in ARTICLES if PAGES[name].truth.pages == 1])
def test_an_article_on_one_page_does_not_go_on(name: str) -> None:
    page = PAGES[name]
    assert extract(decode(page.html), page.truth.url, NOW).next_page is None


@pytest.mark.parametrize("name", [name for name in ARTICLES if PAGES[name].truth.attachments])
def test_files_of_an_article_are_its_attachments(name: str) -> None:
    page = PAGES[name]
    files = extract(decode(page.html), page.truth.url, NOW).attachments
    assert len(files) == page.truth.attachments
    assert all(file.url.startswith(("http://", "https://")) and file.name for file in files)


def test_outlet_and_author_are_mostly_right() -> None:
    """No claim is made of these two; still they must not rot."""
    outlets, authors = Counter[bool](), Counter[bool]()
    for name in ARTICLES:
        page = PAGES[name]
        found = extract(decode(page.html), page.truth.url, NOW)
        if page.truth.outlet:
            outlets[found.outlet == page.truth.outlet] += 1
        if page.truth.author not in ("", "admin", "pricing"):
            authors[found.author == page.truth.author] += 1
    assert outlets[True] / outlets.total() >= FLOORS["outlet"]
    assert authors[True] / authors.total() >= FLOORS["author"]


# ---- that the measure itself can fail


def truth_of(page: EvaluationPage, **changed: str) -> Extracted:
    right = {"title": page.truth.title, "time": page.truth.time, "text": "\n".join(page.lines)}
    return Extracted(**{**right, **changed})


@pytest.fixture
def page() -> EvaluationPage:
    return PAGES["portal_netease_like"]


def test_what_is_true_of_a_page_scores_full(page: EvaluationPage) -> None:
    got = score(page, truth_of(page))
    assert (got.title, got.time, got.date, got.f1, got.whole_and_clean) == (True, True, True, 1.0, True)


def test_captions_may_be_there_or_not(page: EvaluationPage) -> None:
    assert page.optional
    assert score(page, truth_of(page, text="\n".join((page.optional[0], *page.lines)))).f1 == 1.0


def test_each_fault_is_seen(page: EvaluationPage) -> None:
    assert not score(page, truth_of(page, title=f"{page.truth.title}_网门新闻")).title
    day = score(page, truth_of(page, time=page.truth.time[:10]))
    assert day.date and not day.time
    assert not score(page, truth_of(page, text="\n".join(page.lines[:-1]))).whole
    assert not score(page, truth_of(page, text="\n".join(page.lines[1:]))).whole
    leaked = score(page, truth_of(page, text="\n".join((*page.lines, page.noise[-1]))))
    assert not leaked.clean and leaked.leaked == [page.noise[-1]]


def test_tokens_count_as_often_as_they_occur() -> None:
    assert token_f1("水费水费", "水费") == (pytest.approx(2 / 3), 0.5, 1.0)
    assert token_f1("水费", "电价") == (0.0, 0.0, 0.0)
    assert token_f1("GDP 5.3%", "GDP 5.3") == (1.0, 1.0, 1.0)


def test_hidden_names_leave_no_name_and_all_words(page: EvaluationPage) -> None:
    hidden = hide_names(page).html.decode()
    assert "post_body" in page.html.decode() and "post_body" not in hidden
    assert re.sub(r"<[^>]*>", "", hidden) == re.sub(r"<[^>]*>", "", page.html.decode())


@pytest.mark.shared_data
def test_a_real_page_that_is_read_wrong_scores_less() -> None:
    shared_data("pages")
    from benchmarks.extraction_pages import score_real

    for real in load_real_pages():
        found = ours(real.html, real.url)
        assert score_real(real, found).whole_and_clean
        cut = score_real(real, Extracted(title=found.title[3:], time="", text=found.text[: len(found.text) // 2]))
        assert not (cut.title or cut.time or cut.date or cut.whole)
        more = score_real(real, Extracted(text=found.text + "\n" + found.text[::-1]))
        assert not more.clean
