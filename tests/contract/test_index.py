"""The index seam: the same answers from the embedded index and from Elasticsearch 8 and 9."""

from __future__ import annotations

import base64
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest

from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from minsheng.exercises import EXERCISE
from minsheng.parts import open_index
from minsheng.records import Duplicate, Engagement, Grouped
from minsheng.settings import load_settings
from search.embedded import characters, codes, sealing, selection
from search.index import FACETS, Bucket, Filters, Index, Page, Search
from search.query import And, Near, Node, Not, Or, Sources, Term, parse
from search.suggestions import suggest
from search.understanding import Vocabulary
from tests.search.corpus import START, STEP, TEXTS, corpus, grouped, numbers

ENGINES = [
    "embedded",
    pytest.param("elasticsearch", marks=pytest.mark.elasticsearch),
    pytest.param("elasticsearch9", marks=pytest.mark.elasticsearch),
]


@pytest.fixture(scope="module", params=ENGINES)
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of the engine under test, in the form of environment variables."""
    if request.param == "embedded":
        return {}
    address = request.getfixturevalue("servers").address(request.param)
    return {"MINSHENG_SEARCH__KIND": "elasticsearch", "MINSHENG_SEARCH__URLS": f'["{address}"]'}


Opener = Callable[[], Index]


def _opened(environ: dict[str, str], folder: Path, name: str) -> Iterator[Opener]:
    settings = load_settings(folder, environ={**environ, "MINSHENG_SEARCH__INDEX_PREFIX": name})
    opened: list[Index] = []

    def open_one() -> Index:
        opened.append(open_index(settings))
        return opened[-1]

    yield open_one
    if environ:
        remove(open_one(), name)
    for index in opened:
        index.close()


def remove(index: Any, name: str) -> None:
    """Leave nothing behind on a server that other tests use."""
    client = index._client
    for found in client.indices.get(index=f"{name}-*").body:
        client.indices.delete(index=found)
    client.options(ignore_status=404).indices.delete_index_template(name=f"{name}-documents")


@pytest.fixture
def opener(environ: dict[str, str], tmp_path: Path, unique: str) -> Iterator[Opener]:
    """Opens the same empty index, as often as asked."""
    yield from _opened(environ, tmp_path, unique)


@pytest.fixture
def index(opener: Opener) -> Index:
    opened = opener()
    opened.ensure()
    return opened


@pytest.fixture(scope="module")
def filled(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """An index that holds the corpus; to be read only."""
    import secrets

    for opener in _opened(environ, tmp_path_factory.mktemp("index"), f"t{secrets.token_hex(6)}"):
        index = opener()
        index.ensure()
        shuffled = corpus()
        random.Random(7).shuffle(shuffled)
        assert {written.outcome for written in index.write(shuffled)} == {"stored"}
        index.refresh()
        yield index


def found(index: Index, query: str | Node = "", **options: Any) -> list[int]:
    """Native ids of all that matches, newest first unless told otherwise."""
    node = parse(query) if isinstance(query, str) else query
    page = index.search(Search(query=node, **{"size": 1_000, **options}))
    answer = numbers([hit.record for hit in page.hits])
    assert page.total == len(answer)
    return answer


def put(index: Index, *records: Grouped) -> list[str]:
    outcomes = [written.outcome for written in index.write(records)]
    index.refresh()
    return list(outcomes)


# What matches


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("医保", [59, 5, 4, 3, 2, 1, 0]),
        ("医保报销", [59, 1, 0]),
        ('"医保，报销"', [2]),
        ("医保、报销", [2]),
        ("医保 报销", [59, 4, 3, 2, 1, 0]),
        ("报销 -医保局 -窗口", [59, 4, 1]),
        ("医保 OR 公积金", [59, 13, 12, 11, 10, 5, 4, 3, 2, 1, 0]),
        ("(公积金 OR 医保) (提取 OR 到账)", [11, 3, 1]),
        ("公积金提取", [11]),
        ("云医保发〔2026〕12号", [4, 0]),
        ("云医保发（２０２６） 12号", [4, 0]),
        ("云岭府办发[2026]8号", [7]),
        ("2026", [7, 4, 0]),
        ("二〇二六年", [58]),
        ("A市", [5]),
        ("a市的医保", [5]),
        ("b", [5]),
        ("市", [35, 14, 5, 0]),
        ("税", [9, 8, 7, 6]),
        ("难", [9]),
        ("停", [46, 45, 44, 42]),
        ("12345", [34, 33]),
        ("1234", []),
        ("3号", [28, 24]),
        ("3号楼", [24]),
        ("32号", [24]),
        ("talent", [39, 36]),
        ("TALENT POLICY", [39, 36]),
        ('"talent policy is"', [36]),
        ("tal", []),
        ("👍", [13, 3]),
        ("👍👍", [13]),
        ("😡", [15]),
        ("𠮷", [49]),
        ("𠮷祥村", [49]),
        ("微笑", [8]),
        ("[微笑]", [8]),
        ("27.5元", [20]),
        ("27", [20]),
        ("￥20", [46]),
        ("强拆强拆", []),
        ("强拆！强拆", [52]),
        ("小区 -了 NOT 公示", [43]),
        ("-医保 双减", [19, 18]),
        ("双减 (托管 OR -了)", [19]),
        ("小区 NOT (改造 NOT 停水)", [42]),
        ("人才 (补贴 OR -公司) -代办", [36, 35]),
        ("醫保報銷", [59, 1, 0]),
        ("“門診”", [59, 4, 0]),
        ("title:医保", [0]),
        ("标题：（公积金 OR 医保）", [10, 0]),
        ("医保 -title:医保", [59, 5, 4, 3, 2, 1]),
        ("title:税", []),
        ("title:关", [30, 7, 0]),
        ("source:gov 医保", [4, 0]),
        ("医保 -source:gov", [59, 5, 3, 2, 1]),
        ("医保 (source:gov OR 到账)", [4, 3, 1, 0]),
        ("医保 (source:gov OR -到账)", [59, 5, 4, 2, 0]),
        ("-(source:gov OR 医保) 税", [9, 8, 6]),
        ("title:人才 OR (source:gov 双减)", [35, 18]),
        ("-(source:forum OR -补偿)", [51]),
        ("source:nowhere", []),
        ("云医保发2026年第12号", [4, 0]),
        ("没有这样的词", []),
        ("", list(range(59, -1, -1))),
        ("！！", list(range(59, -1, -1))),
    ],
)
def test_what_a_query_finds(filled: Index, query: str, expected: list[int]) -> None:
    assert found(filled, query) == expected


def _holds(node: Node | None, number: int) -> bool:
    """Whether a document matches, told by plain search for substrings: right for words of Chinese alone."""
    if node is None:
        return True
    if isinstance(node, Term):
        return any(node.text.lower() in part.replace(" ", "").lower() for part in TEXTS[number])
    if isinstance(node, Not):
        return not _holds(node.part, number)
    holding = (_holds(part, number) for part in node.parts)
    return all(holding) if isinstance(node, And) else any(holding)


def test_random_queries_find_what_plain_search_finds(filled: Index) -> None:
    """Chinese words cut from the corpus, put together at random, against plain search for substrings."""
    chance = random.Random(20261124)

    def word() -> Term:
        while True:
            text = chance.choice(chance.choice(TEXTS))
            start = chance.randrange(len(text) + 1)
            piece = text[start : start + chance.choice((1, 1, 2, 2, 2, 3, 4, 6))]
            if piece and all("\u4e00" <= char <= "\u9fff" for char in piece):
                return Term(piece)

    def tree(depth: int) -> Node:
        kind = chance.random()
        if depth == 0 or kind < 0.3:
            return word()
        if kind < 0.45:
            return Not(tree(depth - 1))
        parts = tuple(tree(depth - 1) for _ in range(chance.choice((2, 2, 3))))
        return And(parts) if kind < 0.7 else Or(parts)

    sizes = set()
    for _ in range(150):
        query = tree(chance.choice((0, 1, 2, 3)))
        expected = [number for number in range(59, -1, -1) if _holds(query, number)]
        assert found(filled, query) == expected, query
        assert sorted(found(filled, query, sort="relevance"), reverse=True) == expected, query
        sizes.add(len(expected))
    assert len(sizes) > 20


def test_near_terms_are_found_within_their_distance(filled: Index) -> None:
    assert found(filled, Near((Term("报销"), Term("到账")))) == [3, 1]
    assert found(filled, Near((Term("到账"), Term("报销")))) == [3, 1]
    assert found(filled, Near((Term("小微企业"), Term("所得税")))) == [7]
    assert found(filled, Near((Term("规定"), Term("异地就医")))) == []


def test_a_term_without_anything_to_look_for_is_passed_over(filled: Index) -> None:
    assert found(filled, And((Term("双减"), Term("！")))) == [19, 18]
    assert len(found(filled, Term(""))) == 60


def test_hits_show_where_they_match(filled: Index) -> None:
    page = filled.search(Search(query=parse("报销比例 -转发")))
    (hit,) = page.hits
    assert [hit.title[slice(*mark)] for mark in hit.title_marks] == ["报销比例"]
    assert hit.record == corpus()[0]
    (rare,) = filled.search(Search(query=parse("𠮷"))).hits
    assert [rare.snippet[slice(*mark)] for mark in rare.snippet_marks] == ["𠮷"]
    assert filled.search(Search(query=parse("报销"), highlight=False)).hits[0].snippet_marks == ()


def test_relevance_puts_titles_first(filled: Index) -> None:
    page = filled.search(Search(query=parse("公积金"), sort="relevance"))
    assert page.hits[0].record.document.title == "公积金贷款额度上调"
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0


# Filters, facets, counts over time


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (Filters(policies=("heating", "talent")), lambda r: {"heating", "talent"} & _policies(r)),
        (Filters(policies=()), lambda r: False),
        (Filters(ids=()), lambda r: False),
        (Filters(sources=("gov",)), lambda r: r.document.source == "gov"),
        (Filters(kinds=("reply", "message")), lambda r: r.document.kind in ("reply", "message")),
        (Filters(sentiments=("negative",)), lambda r: r.assessed.sentiment.label == "negative"),
        (Filters(topics=("医疗",)), lambda r: r.assessed.topic.label == "医疗"),
        (Filters(requests=("inquiry",)), lambda r: r.assessed.request.label == "inquiry"),
        (Filters(stances=("support", "question")), lambda r: _stance(r) in ("support", "question")),
        (Filters(events=("event-2", "event-5")), lambda r: r.event.id in ("event-2", "event-5")),
        (Filters(regions=("城东区",)), lambda r: r.document.region == "城东区"),
        (Filters(areas=("城",)), lambda r: (r.document.region or "").startswith("城")),
        (
            Filters(areas=("城东", "没有"), sources=("forum",)),
            lambda r: (r.document.region or "").startswith("城东") and r.document.source == "forum",
        ),
        (Filters(areas=()), lambda r: False),
        (Filters(areas=("城",), regions=("城西区",)), lambda r: r.document.region == "城西区"),
        (
            Filters(duplicate_groups=(corpus()[7].duplicate.group,)),
            lambda r: r.duplicate.group == corpus()[7].duplicate.group,
        ),
        (Filters(since=START + 10 * STEP, until=START + 20 * STEP), lambda r: 10 <= int(r.document.native_id) < 20),
        (
            Filters(since=START + 10 * STEP + timedelta(milliseconds=1)),
            lambda r: int(r.document.native_id) > 10,
        ),
        (
            Filters(until=START + 10 * STEP + timedelta(milliseconds=1)),
            lambda r: int(r.document.native_id) <= 10,
        ),
        (
            Filters(policies=("outpatient",), sources=("forum",), sentiments=("negative",)),
            lambda r: (
                "outpatient" in _policies(r)
                and r.document.source == "forum"
                and r.assessed.sentiment.label == "negative"
            ),
        ),
        (Filters(sources=("'; DROP TABLE documents; --", '"', "*")), lambda r: False),
    ],
)
def test_filters(filled: Index, filters: Filters, kept: Callable[[Grouped], Any]) -> None:
    expected = numbers([record for record in reversed(corpus()) if kept(record)])
    assert found(filled, filters=filters) == expected
    assert filled.count(filters) == len(expected)
    with_word = [number for number in expected if any("了" in part for part in TEXTS[number])]
    assert found(filled, "了", filters=filters) == with_word
    assert found(filled, "-了", filters=filters) == [number for number in expected if number not in with_word]


def test_facets_count_all_matches(filled: Index) -> None:
    page = filled.search(Search(query=parse("了"), size=0, facets=FACETS))
    matching = [record for record, texts in zip(corpus(), TEXTS, strict=True) if any("了" in text for text in texts)]
    assert page.total == len(matching)
    assert page.hits == ()
    assert page.cursor is None
    expected = {
        "policy": _counted([policy for record in matching for policy in _policies(record)]),
        "source": _counted([record.document.source for record in matching]),
        "outlet": (),
        "kind": _counted([record.document.kind for record in matching]),
        "sentiment": _counted([record.assessed.sentiment.label for record in matching]),
        "topic": _counted([record.assessed.topic.label for record in matching]),
        "request": _counted([record.assessed.request.label for record in matching]),
        "stance": _counted([stance for stance in map(_stance, matching) if stance]),
        "event": _counted([record.event.id for record in matching]),
        "region": _counted([record.document.region for record in matching if record.document.region]),
    }
    assert page.facets == expected
    few = filled.search(Search(query=parse("了"), size=0, facets=("event",), facet_size=2))
    assert few.facets["event"] == expected["event"][:2]


def test_facets_are_exact_where_values_are_many(index: Index) -> None:
    """A value that is frequent in both months together but first in none, among thousands."""
    months = (datetime(2026, 9, 10, tzinfo=UTC), datetime(2026, 10, 10, tzinfo=UTC))
    records = []
    for month, at in enumerate(months):
        events = [f"{month}-{number}" for number in range(2_500)] * 2 + ["both"]
        records += [grouped(10_000 * month + number, "x", at=at, event=event) for number, event in enumerate(events)]
    put(index, *records)
    page = index.search(Search(size=0, facets=("event",), facet_size=3))
    assert {bucket.count for bucket in page.facets["event"]} == {2}
    assert "both" in {
        bucket.value for bucket in index.search(Search(size=0, facets=("event",), facet_size=6_000)).facets["event"]
    }
    assert [bucket.value for bucket in page.facets["event"]] == ["0-0", "0-1", "0-10"]


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_counts_over_time_are_in_china_time(index: Index, interval: str) -> None:
    moments = [
        datetime(2026, 10, 31, 15, 59, 59, 999_000, tzinfo=UTC),  # still October and Saturday in China
        datetime(2026, 10, 31, 16, 0, tzinfo=UTC),  # Sunday, 1 November in China
        datetime(2026, 11, 1, 15, 59, tzinfo=UTC),
        datetime(2026, 11, 1, 16, 0, tzinfo=UTC),  # Monday
        datetime(2026, 11, 1, 16, 30, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1956, 3, 1, 3, 0, tzinfo=UTC),
        datetime(1988, 7, 1, 15, 30, tzinfo=UTC),  # summer time
        datetime(1899, 5, 3, 2, 10, tzinfo=UTC),  # local mean time, eight hours and five minutes ahead
        datetime(1000, 2, 1, 2, 10, tzinfo=UTC),
    ]
    records = [
        grouped(number, "税", at=at, sentiment="negative" if number % 2 else "positive", source=f"s{number}")
        for number, at in enumerate(moments)
    ]
    put(index, *records)
    starts = [_step(record.document.published_at, interval) for record in records]
    expected = tuple(
        Bucket(
            value=start,
            count=starts.count(start),
            split=dict(
                sorted(
                    (bucket.value, bucket.count)
                    for bucket in _counted(
                        [
                            record.assessed.sentiment.label
                            for record, other in zip(records, starts, strict=True)
                            if other == start
                        ]
                    )
                )
            ),
        )
        for start in sorted(set(starts))
    )
    for query in ("", "税"):
        page = index.search(
            Search(query=parse(query), size=0, histogram=interval, histogram_split="sentiment")  # type: ignore[arg-type]
        )
        assert page.histogram == expected
        plain = index.search(Search(query=parse(query), histogram=interval)).histogram  # type: ignore[arg-type]
        assert [(bucket.value, bucket.count, bucket.split) for bucket in plain] == [
            (bucket.value, bucket.count, {}) for bucket in expected
        ]


def _step(moment: datetime, interval: str) -> str:
    local = moment.astimezone(CHINA).replace(minute=0, second=0, microsecond=0)
    if interval != "hour":
        local = local.replace(hour=0)
    if interval == "week":
        local -= timedelta(days=local.weekday())
    if interval == "month":
        local = local.replace(day=1)
    return local.isoformat()


def _policies(record: Grouped) -> set[str]:
    return {link.policy_id for link in record.assessed.policies}


def _stance(record: Grouped) -> str | None:
    return record.assessed.stance.label if record.assessed.stance else None


def _counted(values: list[str]) -> tuple[Bucket, ...]:
    counts = {value: values.count(value) for value in values}
    return tuple(
        Bucket(value=value, count=count)
        for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def test_counts_stay_exact_whatever_is_written_changed_and_dropped(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded index keeps values in blocks beside the documents: here of a few rows each."""
    for name, value in (("LOOSE", 12), ("WORTH", 3), ("MOST_LOOSE", 40), ("FULL", 24)):
        monkeypatch.setattr(sealing, name, value)
    chance = random.Random(8)
    monkeypatch.setattr(codes, "FEW_NAMES", 3)
    monkeypatch.setattr(characters, "TURNED", 10)
    kept: dict[int, Grouped] = {}
    for step in range(14):
        monkeypatch.setattr(selection, "FEW", chance.choice((0, 5, 1_000)))
        put(index, *(_remember(kept, chance, opinion=step + 1) for _ in range(chance.choice((1, 5, 30, 60)))))
        if step in (5, 10):
            limit = START + timedelta(days=31 * (step - 4))
            dropped = [number for number, record in kept.items() if _month(record) < _month_of(limit)]
            assert index.drop_before(limit) == len(dropped)
            for number in dropped:
                del kept[number]
        for filters, holds in _some_filters(chance):
            # 水, 来 and 通 are among the characters that the embedded index tells by columns; 停 is not.
            for word in (
                "",
                "停水",
                "-停水",
                chance.choice(("来", "-来", "停", "来 水", "停 OR 来", "title:通", "通 停水")),
            ):
                matching = [record for record in kept.values() if holds(record) and _says(record, word)]
                _compare(index, Search(query=parse(word), filters=filters), matching, chance)


def _remember(kept: dict[int, Grouped], chance: random.Random, opinion: int) -> Grouped:
    number = chance.randrange(150)
    # The month of a document stays, as with most revisions.
    at = kept[number].document.published_at if number in kept else START + timedelta(hours=chance.randrange(24 * 150))
    record = grouped(
        number,
        chance.choice(("停水了", "来水了", "没电")),
        title=chance.choice(("", "通知", "来信")),
        at=at,
        source=f"s{number % 4}" if number % 23 else EXERCISE,
        sentiment=chance.choice(("positive", "negative")),
        topic=chance.choice(("社会", "教育", f"话题{opinion}")),
        stance=chance.choice(("support", None)),
        policies=tuple(f"p{one}" for one in range(12) if chance.random() < 0.1),
        event=f"event-{chance.randrange(40)}",
        opinion=opinion,
        outlet=chance.choice((None, "云岭日报")),
        region=chance.choice(("城东区", "城西区", None)),
    )
    record = msgspec.structs.replace(record, duplicate=Duplicate(group=f"g{chance.randrange(30)}"))
    if record.version > (kept[number].version if number in kept else -1):
        kept[number] = record
    return record


def _month_of(moment: datetime) -> tuple[int, int]:
    local = moment.astimezone(CHINA)
    return local.year, local.month


def _month(record: Grouped) -> tuple[int, int]:
    return _month_of(record.document.published_at)


def _says(record: Grouped, word: str) -> bool:
    title, text = record.document.title, record.document.text
    if " OR " in word:
        return any(_says(record, part) for part in word.split(" OR "))
    if word.startswith("title:"):
        return word.removeprefix("title:") in title
    return all((part.lstrip("-") in f"{title} {text}") != part.startswith("-") for part in word.split())


def _some_filters(chance: random.Random) -> list[tuple[Filters, Callable[[Grouped], Any]]]:
    scope = tuple(chance.sample([f"p{one}" for one in range(12)], 3))
    since = START + timedelta(minutes=chance.randrange(60 * 24 * 100))
    event = f"event-{chance.randrange(40)}"

    def real(record: Grouped) -> bool:
        return record.document.source != EXERCISE

    return [
        (Filters(), real),
        (Filters(policies=scope), lambda r: real(r) and _policies(r) & {*scope}),
        (
            Filters(policies=scope, regions=("城东区",), since=since),
            lambda r: real(r) and _policies(r) & {*scope} and r.assessed.region == "城东区" and _at(r) >= since,
        ),
        (
            Filters(sentiments=("negative",), until=since),
            lambda r: real(r) and _mood(r) == "negative" and _at(r) < since,
        ),
        (Filters(sources=("s1", EXERCISE)), lambda r: r.document.source in ("s1", EXERCISE)),
        (Filters(events=(event,)), lambda r: r.event.id == event),
        (Filters(stances=("support",), kinds=("post",)), lambda r: real(r) and _stance(r) == "support"),
    ]


def _at(record: Grouped) -> datetime:
    return record.document.published_at


def _mood(record: Grouped) -> str:
    return record.assessed.sentiment.label


def _compare(index: Index, search: Search, matching: list[Grouped], chance: random.Random) -> None:
    """Everything that a search tells with what plain counting over `matching` gives."""
    matching = sorted(matching, key=lambda r: (_at(r), r.document.id), reverse=True)
    page = index.search(
        msgspec.structs.replace(
            search, size=1_000, facets=FACETS, facet_size=1_000, histogram="day", histogram_split="sentiment"
        )
    )
    assert page.total == len(matching)
    assert numbers([hit.record for hit in page.hits]) == numbers(matching)
    assert page.facets == {
        "policy": _counted([policy for record in matching for policy in _policies(record)]),
        "source": _counted([record.document.source for record in matching]),
        "outlet": _counted([record.document.outlet for record in matching if record.document.outlet]),
        "kind": _counted([record.document.kind for record in matching]),
        "sentiment": _counted([_mood(record) for record in matching]),
        "topic": _counted([record.assessed.topic.label for record in matching]),
        "request": _counted([record.assessed.request.label for record in matching]),
        "stance": _counted([stance for stance in map(_stance, matching) if stance]),
        "event": _counted([record.event.id for record in matching]),
        "region": _counted([record.assessed.region for record in matching if record.assessed.region]),
    }
    few = index.search(msgspec.structs.replace(search, size=0, facets=("event", "topic"), facet_size=3)).facets
    assert few == {facet: page.facets[facet][:3] for facet in few}
    days = [_step(_at(record), "day") for record in matching]
    assert [(step.value, step.count) for step in page.histogram] == [(day, days.count(day)) for day in sorted({*days})]
    assert all(step.count == sum(step.split.values()) for step in page.histogram)
    by_reach = sorted(matching, key=lambda r: (r.document.engagement.total(), _at(r), r.document.id), reverse=True)
    farthest = index.search(msgspec.structs.replace(search, size=1_000, sort="reach"))
    assert numbers([hit.record for hit in farthest.hits]) == numbers(by_reach)
    sort, order = chance.choice((("newest", matching), ("reach", by_reach)))
    groups = [record.duplicate.group for record in order]
    first = [record for place, record in enumerate(order) if record.duplicate.group not in groups[:place]]
    together = index.search(msgspec.structs.replace(search, size=7, sort=sort, together=True))
    assert together.groups == len(first)
    assert numbers([hit.record for hit in together.hits]) == numbers(first[:7])
    assert [hit.copies for hit in together.hits] == [groups.count(record.duplicate.group) for record in first[:7]]


# Paging


def _pages(index: Index, between: Callable[[], object] = lambda: None, **options: Any) -> Iterator[Page]:
    cursor = None
    while True:
        page = index.search(Search(after=cursor, **options))
        yield page
        cursor = page.cursor
        if cursor is None:
            return
        between()


@pytest.mark.parametrize("sort", ["newest", "relevance", "reach"])
def test_pages_keep_their_place_while_documents_arrive(index: Index, sort: str) -> None:
    arrived = iter(range(1_000, 2_000))

    def arrive() -> None:
        for place, number in zip(range(1, 4), arrived, strict=False):
            at = START + timedelta(days=90, minutes=number)
            put(index, grouped(number, "了" * place, title="新来的，都说了", at=at))

    put(index, *corpus())
    for query in ("", "了", "-了"):
        expected = found(index, query, sort=sort)
        pages = list(_pages(index, arrive, query=parse(query), sort=sort, size=7))
        assert numbers([hit.record for page in pages for hit in page.hits]) == expected
        assert all(len(page.hits) == 7 for page in pages[:-1])
        assert len(pages) > 2


def test_pages_hold_many_documents_of_one_moment(index: Index) -> None:
    """A file imported with dates but no times: thousands at the same midnight, in the order of their ids."""
    records = [grouped(number, "税", at=START) for number in range(1_500)]
    records += [grouped(5_000 + number, "税", at=START - timedelta(seconds=number)) for number in range(100)]
    put(index, *records)
    expected = sorted(records, key=lambda r: (r.document.published_at, r.document.id), reverse=True)
    for query in ("", "税"):
        pages = list(_pages(index, query=parse(query), size=700))
        assert [hit.record.document.id for page in pages for hit in page.hits] == [
            record.document.id for record in expected
        ]


def test_the_last_page_has_no_cursor(index: Index) -> None:
    put(index, *corpus()[:10])
    for sort in ("newest", "relevance"):
        pages = list(_pages(index, query=parse("医保 OR 税 OR 报销 OR 难"), size=5, sort=sort))
        assert [len(page.hits) for page in pages] == [5, 5]


def test_traditional_texts_are_found_by_simplified_words(index: Index) -> None:
    put(index, grouped(1, "這裡的醫療費用太貴了，門診報銷比例低"), grouped(2, "这里的医疗费用太贵了"))
    assert found(index, "医疗费用") == found(index, "醫療費用") == [2, 1]
    (hit,) = index.search(Search(query=parse("门诊报销"))).hits
    assert [hit.snippet[slice(*mark)] for mark in hit.snippet_marks] == ["門診報銷"]


def test_greatest_reach_comes_first(index: Index) -> None:
    """The corpus' likes are the documents' numbers."""
    chance = random.Random(3)
    records = corpus()
    chance.shuffle(records)
    put(index, *records)
    assert found(index, "", sort="reach") == list(range(59, -1, -1))
    again = grouped(3, TEXTS[3][1], at=START + 3 * STEP, opinion=2, source="gov")
    put(index, again, *(grouped(number, "同样多", at=START, source="x") for number in (5, 5_000)))
    pages = list(_pages(index, query=parse("医保 OR 同样多"), sort="reach", size=3))
    assert numbers([hit.record for page in pages for hit in page.hits]) == [5_000, 59, 5, 5, 4, 3, 3, 2, 1, 0]
    assert [hit.score for page in pages for hit in page.hits][:2] == [5_000, 59]
    assert [hit.record.document.source for page in pages for hit in page.hits][2:4] == ["forum", "x"]


def _copies(count: int) -> list[Grouped]:
    """A story in five hundred copies between single posts, and another one of two, over two months."""
    records = []
    for number in range(count):
        record = grouped(number, "停水了" if number % 3 else "停水了，快来修", at=START + number * timedelta(hours=2))
        group = "story" if number % 2 else "pair" if number in (10, count - 10) else record.duplicate.group
        records.append(msgspec.structs.replace(record, duplicate=Duplicate(group=group)))
    return records


@pytest.mark.parametrize("sort", ["newest", "relevance", "reach"])
def test_groups_of_duplicates_are_shown_once_with_all_their_copies_counted(index: Index, sort: str) -> None:
    records = _copies(400)
    put(index, *records)
    for filters, kept in (
        (Filters(), records),
        (Filters(since=START + timedelta(hours=150), until=START + timedelta(hours=700)), records[75:350]),
    ):
        for query in ("停水", "停水 -快", "source:forum"):
            order = [hit.record for page in _pages(index, query=parse(query), sort=sort, filters=filters, size=300)
                     for hit in page.hits]  # fmt: skip
            groups = [record.duplicate.group for record in order]
            first = [record for place, record in enumerate(order) if record.duplicate.group not in groups[:place]]
            pages = list(_pages(index, query=parse(query), sort=sort, filters=filters, size=35, together=True))
            hits = [hit for page in pages for hit in page.hits]
            assert numbers([hit.record for hit in hits]) == numbers(first)
            assert [hit.copies for hit in hits] == [groups.count(record.duplicate.group) for record in first]
            assert {(page.total, page.groups) for page in pages} == {(len(order), len(set(groups)))}
            assert len(order) <= len(kept)
    assert index.search(Search(query=parse("停水"))).groups is None


def test_what_was_fetched_late_is_found_by_that(index: Index) -> None:
    late = grouped(1, "停水", at=START)
    late = msgspec.structs.replace(
        late,
        assessed=msgspec.structs.replace(
            late.assessed,
            document=msgspec.structs.replace(late.document, fetched_at=START + timedelta(days=9), outlet="云岭日报"),
        ),
    )
    put(index, late, grouped(2, "停水", at=START + timedelta(days=8)))
    assert found(index, filters=Filters(fetched_since=START + timedelta(days=9))) == [1]
    assert found(index, "停水", filters=Filters(fetched_since=START + timedelta(days=9, milliseconds=1))) == []
    assert found(index, "停水", filters=Filters(outlets=("云岭日报",))) == [1]
    assert index.search(Search(facets=("outlet",))).facets["outlet"] == (Bucket(value="云岭日报", count=1),)


# Suggestions


def test_suggestions_come_from_what_the_filters_allow_alone(filled: Index) -> None:
    vocabulary = Vocabulary([("公积金", "住房公积金"), ("医保", "医疗保险"), ("双减",), ("没人说过的事",)])

    def texts(typed: str, **filters: Any) -> list[str]:
        return [one.text for one in suggest(filled, typed, vocabulary, Filters(**filters))]

    assert texts("公") == ["公积金", "住房公积金"]
    assert texts("gjj") == texts("gongji") == ["公积金"]
    assert texts("yb") == [*texts("ybx"), "医保"] == ["医保"]
    assert texts("没人") == []
    assert texts("公积") == ["公积金", "住房公积金", "公积金贷款额度上调"]
    assert texts("公积", sources=("forum",)) == ["公积金", "住房公积金"]
    assert texts("公积", policies=("talent",)) == []
    assert suggest(filled, "双", vocabulary)[0].documents == 2
    assert suggest(filled, "双", vocabulary, Filters(sources=("gov",)))[0].documents == 1
    assert texts("") == texts("，") == []


# Making it anew


def test_a_rebuild_keeps_everything_while_others_search_and_write(index: Index, opener: Opener) -> None:
    records = [grouped(number, f"第{number}号 停水", at=START + number * timedelta(hours=1)) for number in range(2_500)]
    put(index, *records)
    other = opener()
    seen: list[tuple[str, int, int]] = []

    def progress(what: str, done: int, total: int) -> None:
        seen.append((what, done, total))
        assert other.search(Search(query=parse("停水"), size=1)).total >= 2_500
        put(other, grouped(10_000 + len(seen), "停水", at=START), grouped(20_000 + len(seen), "停水", at=DECEMBER))
        put(other, grouped(len(seen), "改了 停水", at=START, revision=2))
        put(other, grouped(2_400 + len(seen), "改了 停水", at=START, revision=2))

    assert index.rebuild(progress) >= 2_490
    index.refresh()
    assert len(seen) >= 3
    assert all(done <= total for _, done, total in seen)
    assert index.search(Search(query=parse("停水"), size=0)).total == 2_500 + 2 * len(seen)
    assert index.search(Search(query=parse("改了"), size=0)).total == 2 * len(seen)
    assert found(index, "第2401号") == found(index, "第1号") == []
    before = index.search(Search(query=parse("停水"), size=200, facets=FACETS, histogram="day"))
    assert set(put(other, *records)) == {"conflict"}
    assert index.search(Search(query=parse("停水"), size=200, facets=FACETS, histogram="day")) == before
    assert index.drop_before(datetime(2026, 12, 1, tzinfo=UTC)) > 700
    assert index.rebuild(lambda *_: None) == index.count(Filters()) > 0


def test_a_rebuild_that_was_stopped_goes_on(index: Index, opener: Opener) -> None:
    put(index, *(grouped(number, "停水", at=START + number * timedelta(hours=1)) for number in range(2_500)))

    class Stop(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        index.rebuild(stop)
    put(index, grouped(1, "改了", at=START, revision=2), grouped(9_999, "停水", at=START))
    seen: list[int] = []
    assert opener().rebuild(lambda what, done, total: seen.append(done)) >= 2_499
    index.refresh()
    assert index.search(Search(query=parse("停水"), size=0)).total == 2_500
    assert found(index, "改了") == [1]


@pytest.mark.parametrize("cursor", ["nonsense", "", "WzFd", "WyJhIiwiYiJd", "é", "[]"])
@pytest.mark.parametrize("sort", ["newest", "relevance", "reach"])
def test_a_cursor_of_something_else_is_refused(filled: Index, cursor: str, sort: str) -> None:
    with pytest.raises(WrongUse, match="cursor"):
        filled.search(Search(query=parse("医保"), after=cursor, sort=sort))  # type: ignore[arg-type]


def _typed(plain: str) -> str:
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "plain",
    [
        "[" * 60_000,
        f'[{10**30}, "x"]',
        f'[{-(10**30)}, "x"]',
        f'[1, {10**30}, "x"]',
        f"[5, {10**30}]",
        "[-5, 5]",
        "[5, -5]",
        f'[[1.5, {10**30}, "x", 1], "x"]',
        '[[1.5, 1, "x", 1], "no point in time"]',
        '[[], ""]',
    ],
)
@pytest.mark.parametrize("sort", ["newest", "relevance", "reach"])
def test_a_cursor_made_up_by_hand_is_refused(filled: Index, plain: str, sort: str) -> None:
    with pytest.raises(WrongUse, match="cursor"):
        filled.search(Search(query=parse("医保"), after=_typed(plain), sort=sort))  # type: ignore[arg-type]


# Versions


def test_the_highest_version_stays(index: Index) -> None:
    first, second = grouped(1, "老的"), grouped(1, "新的", opinion=2, sentiment="positive", policies=("heating",))
    assert put(index, first) == ["stored"]
    assert put(index, first) == ["conflict"]
    assert put(index, second) == ["stored"]
    assert put(index, first, second) == ["conflict", "conflict"]
    assert found(index, "老的") == []
    assert found(index, "新的", filters=Filters(policies=("heating",), sentiments=("positive",))) == [1]
    assert index.get([first.document.id]) == {first.document.id: second}
    assert index.count(Filters()) == 1


def test_several_versions_in_one_batch(index: Index) -> None:
    versions = [grouped(1, f"第{opinion}版", opinion=opinion) for opinion in (1, 3, 2, 3, 4)]
    assert put(index, *versions) == ["stored", "stored", "conflict", "conflict", "stored"]
    assert found(index, "版") == [1]
    assert found(index, "第4版") == [1]


OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 15, tzinfo=UTC) for month in (10, 11, 12))


def test_one_copy_stays_where_revisions_change_the_month(opener: Opener) -> None:
    """In each order, in one batch or many, with replays at once and by a process that starts anew."""

    def revisions(number: int) -> list[Grouped]:
        return [
            grouped(number, "原文", at=NOVEMBER),
            grouped(number, "改期", at=OCTOBER, revision=2),
            grouped(number, "再改", at=DECEMBER, revision=3),
        ]

    index = opener()
    orders = list(permutations(range(3)))
    for number, order in enumerate(orders):
        put(index, *(revisions(number)[place] for place in order))
        for place in order:
            put(index, revisions(100 + number)[place])
    everything = [*range(len(orders)), *range(100, 100 + len(orders))]
    for again in (index, opener()):
        for number, order in enumerate(orders):
            for documents in (number, 100 + number):
                assert put(again, *(revisions(documents)[place] for place in order)) == ["conflict"] * 3
        assert sorted(found(again)) == everything
        assert sorted(found(again, "再改")) == everything
        assert found(again, "原文 OR 改期") == []
        assert again.count(Filters(since=DECEMBER)) == len(everything)
        latest = {revisions(number)[2].document.id: revisions(number)[2] for number in everything}
        assert again.get(list(latest)) == latest


def test_replaying_everything_changes_nothing(index: Index) -> None:
    records = [*corpus(), grouped(7, "新的一版", title="新题", opinion=2), grouped(8, "改", revision=2, at=DECEMBER)]
    put(index, *records)
    before = index.search(Search(query=parse("了 OR 新"), size=100, facets=FACETS, histogram="day"))
    assert set(put(index, *records)) == {"conflict"}
    after = index.search(Search(query=parse("了 OR 新"), size=100, facets=FACETS, histogram="day"))
    assert after == before


# Odd input


def test_half_an_emoji_does_not_hold_up_the_others(index: Index) -> None:
    """Texts cut in the middle hold lone surrogates, which neither JSON nor UTF-8 can carry."""
    assert put(index, grouped(1, "好"), grouped(2, "好\ud83d报\ude00销"), grouped(3, "好")) == ["stored"] * 3
    assert sorted(found(index, "好")) == [1, 2, 3]
    assert found(index, "报销") == [2]
    assert put(index, grouped(2, "改", revision=2)) == ["stored"]
    assert found(index, "报销") == []


def test_odd_texts_are_kept_and_found(index: Index) -> None:
    records = [
        grouped(1, "", title=""),
        grouped(2, "税收" * 100_000 + "末尾词"),
        grouped(3, "\x00控制\x1f字符\u2028行"),
        grouped(4, "x" * 100_000),
        grouped(5, "<script>alert(1)</script> \"quoted' \\ %s {}", title="'; DROP TABLE words; --"),
        grouped(6, "年代久远", at=datetime(1000, 1, 2, tzinfo=UTC)),
        grouped(7, "遥远未来", at=datetime(9999, 12, 29, 12, tzinfo=UTC)),
    ]
    assert put(index, *records) == ["stored"] * 7
    assert index.count(Filters()) == 7
    assert found(index, "末尾词") == [2]
    assert found(index, '"控制 字符"') == [3]
    assert found(index, "drop table") == [5]
    assert found(index, "alert") == [5]
    assert found(index)[0] == 7
    assert found(index)[-1] == 6
    assert index.get([record.document.id for record in records]) == {record.document.id: record for record in records}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"published_at": datetime(9999, 12, 31, 20, tzinfo=UTC)}, "published at 9999"),
        ({"published_at": datetime(1, 1, 1, tzinfo=CHINA)}, "published at 0001"),
        ({"fetched_at": datetime(1, 1, 1, tzinfo=CHINA)}, "fetched at 0001"),
        ({"engagement": Engagement(likes=2**63)}, "a count"),
        ({"engagement": Engagement(views=10**30)}, "a count"),
        ({"revision": 2**62}, "version"),
        ({"id": "长" * 200}, "512 bytes"),
    ],
)
def test_what_can_not_be_counted_is_refused_amid_others(index: Index, change: dict[str, Any], why: str) -> None:
    bad = grouped(2, "医保")
    bad = msgspec.structs.replace(
        bad,
        assessed=msgspec.structs.replace(bad.assessed, document=msgspec.structs.replace(bad.document, **change)),
    )
    answers = index.write([grouped(1, "医保"), bad, grouped(3, "医保")])
    assert [answer.outcome for answer in answers] == ["stored", "rejected", "stored"]
    assert why in answers[1].reason
    index.refresh()
    page = index.search(Search(query=parse("医保"), sort="reach", histogram="month"))
    assert numbers([hit.record for hit in page.hits]) == [3, 1]
    assert [step.count for step in page.histogram] == [2]


def test_large_batches_and_large_records(index: Index) -> None:
    """More than one bulk request by size and by number."""
    records = [grouped(number, "大文章" * 60_000) for number in range(8)]
    records += [grouped(100 + number, "小") for number in range(2_300)]
    assert put(index, *records) == ["stored"] * len(records)
    assert index.count(Filters()) == len(records)


def test_get_gives_what_is_there(filled: Index) -> None:
    wanted = [corpus()[3], corpus()[40]]
    ids = [record.document.id for record in wanted]
    assert filled.get([*ids, "nothing", ""]) == dict(zip(ids, wanted, strict=True))
    assert filled.get([]) == {}
    many = filled.get([*(f"none-{number}" for number in range(1_200)), *ids])
    assert set(many) == set(ids)


def test_an_empty_index_answers(opener: Opener) -> None:
    """Also before `ensure`: the first search may come before the first document."""
    index = opener()
    for query in ("", "医保", "-医保"):
        for sort in ("newest", "relevance"):
            page = index.search(
                Search(query=parse(query), sort=sort, facets=("policy",), histogram="day")  # type: ignore[arg-type]
            )
            assert page == Page(total=0, hits=(), facets={"policy": ()})
    assert index.count(Filters()) == 0
    assert index.get(["a"]) == {}
    assert index.write([]) == []
    assert index.drop_before(START) == 0
    assert index.statistics()["documents"] == 0


# Retention, state, several at once


def test_whole_months_are_dropped(index: Index) -> None:
    last = datetime(2026, 10, 31, 15, 59, tzinfo=UTC)  # the last minute of October in China
    records = [
        grouped(1, "九月", at=datetime(2026, 9, 15, tzinfo=UTC)),
        grouped(2, "十月", at=last),
        grouped(3, "十一月", at=last + timedelta(minutes=1)),
        grouped(4, "搬到九月", at=NOVEMBER),
        grouped(4, "搬到九月", at=datetime(2026, 9, 15, tzinfo=UTC), revision=2),
    ]
    put(index, *records)
    assert index.drop_before(datetime(2026, 10, 31, 15, 59, tzinfo=UTC)) == 2
    assert found(index) == [3, 2]
    assert index.drop_before(datetime(2026, 11, 20, tzinfo=UTC)) == 1
    assert found(index) == [3]
    assert found(index, "十月") == []
    assert index.drop_before(datetime(2026, 11, 20, tzinfo=UTC)) == 0
    assert put(index, records[1]) == ["stored"]
    assert found(index, "十月") == [2]


def test_statistics_tell_engine_documents_and_bytes(filled: Index) -> None:
    statistics = filled.statistics()
    assert statistics["documents"] == 60
    assert int(statistics["bytes"]) > 1_000
    assert "SQLite" in str(statistics["engine"]) or "Elasticsearch" in str(statistics["engine"])


def test_ensuring_twice_is_harmless(opener: Opener) -> None:
    first = opener()
    first.ensure()
    put(first, grouped(1, "还在"))
    opener().ensure()
    first.ensure()
    assert found(first, "还在") == [1]


def test_what_one_writes_another_finds(opener: Opener) -> None:
    writer, reader = opener(), opener()
    assert found(reader) == []
    put(writer, grouped(1, "医保"))
    assert found(reader, "医保") == [1]


def test_many_threads_write_and_search(index: Index) -> None:
    failures: list[BaseException] = []

    def write(part: int) -> None:
        try:
            for start in range(0, 200, 20):
                records = [grouped(1_000 * part + number, "并发") for number in range(start, start + 20)]
                assert {answer.outcome for answer in index.write(records)} == {"stored"}
        except BaseException as error:
            failures.append(error)

    def search() -> None:
        try:
            for _ in range(30):
                page = index.search(Search(query=parse("并发"), size=5))
                assert len(page.hits) == min(5, page.total)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(part,)) for part in range(3)]
    threads += [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    index.refresh()
    assert index.count(Filters()) == 600


def test_authors_can_not_be_searched(filled: Index) -> None:
    assert corpus()[0].document.author_key == "0f3a"
    assert found(filled, "0f3a") == []


def test_bounds_of_a_search_are_told() -> None:
    for wrong in ({"size": 1_001}, {"size": -1}, {"facet_size": 0}, {"facet_size": 10_001}):
        with pytest.raises(WrongUse):
            Search(**wrong)  # type: ignore[arg-type]


def test_drills_are_left_out_unless_a_search_names_what_they_are_in(index: Index) -> None:
    real = grouped(1, "供暖又停了", event="heat")
    drill = grouped(2, "供暖又停了，这是演练", event="exercise-D1", source="exercise")
    put(index, real, drill)
    assert found(index) == found(index, "供暖") == found(index, "供暖", sort="relevance") == [1]
    assert found(index, "-演练") == [1]
    assert index.count(Filters()) == 1
    page = index.search(Search(facets=FACETS, histogram="hour", together=True))
    assert (page.total, page.groups, sum(step.count for step in page.histogram)) == (1, 1, 1)
    assert page.facets["source"] == (Bucket(value=real.document.source, count=1),)
    for filters in (
        Filters(sources=("exercise",)),
        Filters(events=("exercise-D1",)),
        Filters(ids=(drill.document.id,)),
        Filters(duplicate_groups=(drill.duplicate.group,)),
    ):
        assert found(index, filters=filters) == [2] and index.count(filters) == 1
    assert found(index, And((Sources(("exercise",)), Term("供暖")))) == [2]
    assert found(index, Not(Sources(("exercise",)))) == [1]
