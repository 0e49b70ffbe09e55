"""Saved searches give what is new, once, however late it comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from crawlers.sources import Source, save
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.records import Grouped
from search import saved as module
from search.embedded import EmbeddedIndex
from search.index import Filters
from search.saved import LOOK_BACK, SavedSearches
from tests.search.corpus import START, grouped, numbers
from tests.stores import made_store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def searches(tmp_path: Path, clock: ManualClock) -> Iterator[SavedSearches]:
    store = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield SavedSearches(store, clock)
    store.close()


@pytest.fixture
def index(tmp_path: Path) -> EmbeddedIndex:
    return EmbeddedIndex(tmp_path / "index.db")


def fetched(number: int, text: str, minutes: int, **more: object) -> Grouped:
    """A document published at START and fetched so many minutes later."""
    record = grouped(number, text, at=START, **more)  # type: ignore[arg-type]
    document = msgspec.structs.replace(record.document, fetched_at=START + timedelta(minutes=minutes))
    return msgspec.structs.replace(record, assessed=msgspec.structs.replace(record.assessed, document=document))


def test_each_hit_is_new_once_however_late_it_comes(
    searches: SavedSearches, index: EmbeddedIndex, clock: ManualClock
) -> None:
    index.write([fetched(1, "停水了", -1)])
    saved = searches.save("李敏", "停水", "停水", exclude=("演练", " "))
    assert saved.exclude == ("演练",)

    def news() -> list[int]:
        return numbers([hit.record for hit in searches.news(searches.get(saved.id), index).hits])

    assert news() == []
    clock.advance(hours=1)
    index.write([fetched(2, "又停水了", 30), fetched(3, "停水演练", 30), fetched(4, "停电", 30)])
    assert news() == [2]
    assert news() == []
    clock.advance(hours=20)
    index.write([fetched(5, "停水，没人管", 40)])  # fetched before the last run, indexed after it
    index.write([fetched(2, "又停水了", 30, opinion=2, sentiment="neutral")])  # judged anew, not new
    assert news() == [5]
    clock.advance(days=9)
    late = int((clock.now() - START).total_seconds() // 60) - 10
    index.write([fetched(6, "还停水", late)])
    assert news() == [6]
    assert news() == []


def test_scope_and_filters_hold(searches: SavedSearches, index: EmbeddedIndex, clock: ManualClock) -> None:
    saved = searches.save("李敏", "城东", "停水", Filters(regions=("城东区",)), notify=True)
    clock.advance(hours=1)
    index.write(
        [
            fetched(1, "停水", 5, region="城东区", policies=("water",)),
            fetched(2, "停水", 5, region="城西区", policies=("water",)),
            fetched(3, "停水", 5, region="城东区"),
        ]
    )
    news = searches.news(saved, index, lambda filters: msgspec.structs.replace(filters, policies=("water",)))
    assert numbers([hit.record for hit in news.hits]) == [1]
    assert not news.more


def test_many_new_hits_come_in_several_runs(
    searches: SavedSearches, index: EmbeddedIndex, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_NEW", 30)
    monkeypatch.setattr(module, "MAX_SIZE", 7)
    saved = searches.save("李敏", "停水", "停水")
    clock.advance(hours=1)
    index.write([fetched(number, "停水", 5) for number in range(70)])
    given: list[int] = []
    more = []
    for _ in range(4):
        news = searches.news(searches.get(saved.id), index)
        given += numbers([hit.record for hit in news.hits])
        more.append(news.more)
    assert sorted(given) == list(range(70))
    assert more == [True, True, False, False]


def test_synonyms_are_new_too_and_words_in_quotes_are_as_typed(
    searches: SavedSearches, index: EmbeddedIndex, clock: ManualClock
) -> None:
    meant, typed = searches.save("李敏", "停水", "停水"), searches.save("李敏", "原话", '"停水"')
    clock.advance(hours=1)
    index.write([fetched(1, "停水", 5), fetched(2, "断水", 5)])
    assert len(searches.news(meant, index).hits) == 2
    assert numbers([hit.record for hit in searches.news(typed, index).hits]) == [1]


def test_sources_are_known_by_name(searches: SavedSearches, index: EmbeddedIndex, clock: ManualClock) -> None:
    forum = Source(id="forum-7", kind="feed", name="云岭论坛", url="https://forum.example/feed")
    with searches._store.begin() as connection:
        save(searches._store, [(forum, None)], connection)
    by_name, without = (
        searches.save("李敏", "论坛", "信源:云岭论坛 停水"),
        searches.save("李敏", "别处", "停水 -信源:云岭论坛"),
    )
    clock.advance(hours=1)
    index.write(
        [fetched(1, "停水", 5, source="forum-7"), fetched(2, "停水", 5), fetched(3, "修路", 5, source="forum-7")]
    )
    assert numbers([hit.record for hit in searches.news(by_name, index).hits]) == [1]
    assert numbers([hit.record for hit in searches.news(without, index).hits]) == [2]


def test_they_are_kept_changed_listed_and_removed(
    searches: SavedSearches, index: EmbeddedIndex, clock: ManualClock
) -> None:
    first = searches.save("李敏", " 停水 ", "停水 OR")
    searches.save("王强", "停水", '"停水')
    assert [one.owner for one in searches.all()] == ["李敏", "王强"]
    assert searches.all("李敏") == [first]
    clock.advance(hours=1)
    index.write([fetched(1, "停水", 5), fetched(2, "修路", 5)])
    assert len(searches.news(first, index).hits) == 1
    again = searches.save("李敏", "停水", "修路", notify=True)
    assert (again.id, again.query, again.notify) == (first.id, "修路", True)
    assert again.ran_at == clock.now()
    assert numbers([hit.record for hit in searches.news(again, index).hits]) == [2]
    with pytest.raises(WrongUse, match="no saved search"):
        searches.remove(first.id, "王强")
    searches.remove(first.id, "李敏")
    assert [one.owner for one in searches.all()] == ["王强"]
    with pytest.raises(WrongUse, match="no saved search"):
        searches.get(first.id)
    for name in ("", "长" * 201):
        with pytest.raises(WrongUse, match="name"):
            searches.save("李敏", name, "停水")
    assert timedelta(hours=12) < LOOK_BACK
