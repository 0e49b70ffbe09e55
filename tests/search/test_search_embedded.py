"""What only the embedded index has: its file."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from minsheng.errors import MinshengError, Unavailable
from minsheng.records import Duplicate, Grouped
from search.embedded import EmbeddedIndex, characters, file, matches, packing, rows, sealing, selection
from search.embedded import index as index_module
from search.embedded.matches import distinct
from search.index import FACETS, Bucket, Filters, Search
from search.query import parse
from tests.search.corpus import START, STEP, corpus, grouped, numbers


def found(index: EmbeddedIndex, query: str) -> list[int]:
    return numbers([hit.record for hit in index.search(Search(query=parse(query), size=1_000)).hits])


def test_records_are_read_however_they_were_packed() -> None:
    """Files of before hold them as zlib packs; what is too short to pack lies there as it is."""
    record = grouped(1, "路灯坏了没人修" * 40)
    plain = msgspec.json.encode(record)
    packed = packing.pack(plain)
    assert len(packed) < len(plain) / 2
    for kept in (packed, zlib.compress(plain, 1), plain):
        assert packing.unpack(kept) == record
    assert packing.pack(b"{}") == b"{}"


def test_nothing_is_left_of_words_that_were_replaced_or_dropped(tmp_path: Path) -> None:
    """The table of words has no texts of its own: what is forgotten wrongly would be found for ever."""
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write(corpus())
    index.write([grouped(number, "全都改了", at=START + number * STEP, revision=2) for number in range(30)])
    index.write([grouped(number, "搬走", at=START, revision=3) for number in range(10, 20)])
    index.drop_before(START.replace(year=2027))
    assert index.count(Filters()) == 0
    with sqlite3.connect(tmp_path / "index.db") as connection:
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        connection.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'words', 'row')")
        assert connection.execute("SELECT count(*) FROM vocabulary").fetchone() == (0,)
        for table in ("documents", "policies", "records", "blocks", "columns", "characters", "codes", "loose"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_file_of_an_older_analysis_is_indexed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write(corpus())
    before = found(index, "医保 -报销")
    index.close()
    with sqlite3.connect(tmp_path / "index.db") as connection:
        connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
    assert found(EmbeddedIndex(tmp_path / "index.db"), "医保 -报销") == []
    monkeypatch.setattr(file.analysis, "VERSION", file.analysis.VERSION + 1)
    monkeypatch.setattr(file, "LAYOUT", file.LAYOUT + 1)
    assert found(EmbeddedIndex(tmp_path / "index.db"), "医保 -报销") == before != []


def test_a_file_from_before_the_stance_gets_its_column_and_keeps_its_words(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write(corpus())
    before = found(index, "医保 -报销")
    index.close()
    with sqlite3.connect(tmp_path / "index.db") as connection:
        for table in ("blocks", "columns", "codes", "loose"):
            connection.execute(f"DROP TABLE {table}")
        for column in ("stance", "outlet", "reach", "fetched"):
            connection.execute(f"ALTER TABLE documents DROP COLUMN {column}")
        connection.execute(f"PRAGMA user_version = {file.analysis.VERSION}")
    older = EmbeddedIndex(tmp_path / "index.db")
    assert found(older, "医保 -报销") == before != []
    assert older.search(Search(facets=("stance",))).facets == {"stance": ()}
    older.write([grouped(3, "医保", stance="support", opinion=2)])
    assert older.count(Filters(stances=("support",))) == 1
    assert older.search(Search(facets=("stance",))).facets["stance"][0].value == "support"


def test_values_are_taken_into_blocks_and_again_from_an_older_file(tmp_path: Path) -> None:
    """A file of the program before had no blocks, and one that it has written to since has them out of date."""
    index = EmbeddedIndex(tmp_path / "index.db")
    records = [grouped(number, "供暖", at=START + number * STEP / 7, event=f"e{number}") for number in range(3_000)]
    for start in range(0, 3_000, 500):
        index.write(records[start : start + 500])
    whole = Search(facets=FACETS, facet_size=5, histogram="week", histogram_split="source")
    before = index.search(whole)
    with sqlite3.connect(tmp_path / "index.db") as connection:
        (size, loose) = connection.execute("SELECT sum(size), (SELECT count(*) FROM loose) FROM blocks").fetchone()
        assert size + loose == 3_000 and size > 1_500
        connection.execute("CREATE INDEX documents_reach ON documents (reach, published, id)")
        connection.execute("UPDATE documents SET topic = '教育' WHERE event = 'e7'")
        connection.execute(f"PRAGMA user_version = {file.LAYOUT - 100}")
    again = EmbeddedIndex(tmp_path / "index.db").search(whole)
    assert again.facets["topic"] == (Bucket(value="社会", count=2_999), Bucket(value="教育", count=1))
    assert msgspec.structs.replace(again, facets={**again.facets, "topic": ()}) == msgspec.structs.replace(
        before, facets={**before.facets, "topic": ()}
    )
    with sqlite3.connect(tmp_path / "index.db") as connection:
        assert connection.execute("SELECT sum(size) FROM blocks").fetchone() == (3_000,)
        assert connection.execute("SELECT count(*) FROM loose").fetchone() == (0,)
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'documents_reach'").fetchone() is None


def test_a_new_document_takes_no_row_of_one_that_is_written_anew_beside_it(tmp_path: Path) -> None:
    """The row of the last document of its hour is free between its removal and its return."""
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write([grouped(1, "医保"), grouped(2, "医保")])
    answers = index.write([grouped(3, "医保"), grouped(2, "供暖", opinion=2)])
    assert [written.outcome for written in answers] == ["stored", "stored"]
    assert sorted(found(index, "医保")) == [1, 3] and found(index, "供暖") == [2]


def test_common_characters_are_found_in_a_file_of_before_them(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    texts = ("供暖不热", "提供服务", "医保")
    for start in range(0, 1_500, 500):
        index.write(
            [grouped(number, texts[number % 3], at=START + number * STEP) for number in range(start, start + 500)]
        )
    index.write([grouped(number, "换了", at=START + number * STEP, opinion=2) for number in range(0, 30, 3)])
    expected = [number for number in range(1_499, -1, -1) if number % 3 == 1 or (number % 3 == 0 and number >= 30)]
    assert found(index, "供")[:1_000] == expected[:1_000]
    index.close()
    with sqlite3.connect(tmp_path / "index.db") as connection:
        connection.execute("DROP TABLE characters")
        connection.execute("DROP TABLE loose")
        connection.execute("CREATE TABLE loose (row INTEGER PRIMARY KEY)")
        connection.execute(f"PRAGMA user_version = {file.LAYOUT - 100}")
    older = EmbeddedIndex(tmp_path / "index.db")
    assert found(older, "供")[:1_000] == expected[:1_000]
    assert older.search(Search(query=parse("供 -服务"))).total == sum(number % 3 == 0 for number in expected)


def test_common_characters_alone_rank_titles_first(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    titles = {4: "来水", 9: "来电", 11: "来水了"}
    records = [
        grouped(number, "来水来电", title=titles.get(number, ""), at=START + number * STEP) for number in range(15)
    ]
    index.write(records)
    seen: list[int] = []
    cursor = None
    while True:
        page = index.search(Search(query=parse("来 水"), sort="relevance", size=4, after=cursor))
        seen += numbers([hit.record for hit in page.hits])
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [11, 4, 9, 14, 13, 12, 10, 8, 7, 6, 5, 3, 2, 1, 0]
    together = index.search(Search(query=parse("来 水"), sort="relevance", size=4, together=True))
    assert numbers([hit.record for hit in together.hits]) == seen[:4]


def test_relevance_reaches_past_what_is_ranked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best of the newest come first, then the rest by time, each once."""
    monkeypatch.setattr(selection, "RANKED", 10)
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write([grouped(number, "税" * (number % 5 + 1), at=START + number * STEP) for number in range(33)])
    seen: list[int] = []
    cursor = None
    while True:
        page = index.search(Search(query=parse("税"), sort="relevance", size=4, after=cursor))
        seen += numbers([hit.record for hit in page.hits])
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(seen[:10]) == list(range(23, 33))
    assert seen[10:] == list(range(22, -1, -1))


@pytest.mark.parametrize("query", ["税", "税 -房", "source:forum 税"])
def test_a_story_of_thousands_of_copies_takes_a_few_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """By relevance, too, its copies are left out of what is looked at further, and places stay what they are."""
    monkeypatch.setattr(selection, "RANKED", 300)
    index = EmbeddedIndex(tmp_path / "index.db")
    records = [grouped(number, "税" * (number % 5 + 1), at=START + number * STEP) for number in range(3_000)]
    single = {*range(0, 3_000, 60), 2, 3, 4}
    index.write(
        [
            record if number in single else msgspec.structs.replace(record, duplicate=Duplicate(group="story"))
            for number, record in enumerate(records)
        ]
    )
    order = _all_pages(index, query, 1_000, together=False)
    groups = [record.duplicate.group for record in order]
    first = [record for place, record in enumerate(order) if record.duplicate.group not in groups[:place]]
    looks = []
    monkeypatch.setattr(index_module, "bodies", lambda *given: looks.append(1) or rows.bodies(*given))
    assert numbers(_all_pages(index, query, 20, together=True)) == numbers(first)
    assert len(first) == 54
    assert len(looks) < 20


def _all_pages(index: EmbeddedIndex, query: str, size: int, *, together: bool) -> list[Grouped]:
    found: list[Grouped] = []
    cursor = None
    while True:
        page = index.search(
            Search(query=parse(query), sort="relevance", size=size, after=cursor, together=together, highlight=False)
        )
        found += [hit.record for hit in page.hits]
        cursor = page.cursor
        if cursor is None:
            return found


def _write_many(path: Path, part: int) -> None:
    index = EmbeddedIndex(path)
    for start in range(0, 300, 50):
        index.write([grouped(1_000 * part + number, "并行") for number in range(start, start + 50)])
    index.close()


def test_several_processes_write_and_search(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(tmp_path / "index.db", part)) for part in range(3)]
    for process in processes:
        process.start()
    index = EmbeddedIndex(tmp_path / "index.db")
    while any(process.is_alive() for process in processes):
        page = index.search(Search(query=parse("并行"), size=10))
        assert len(page.hits) == min(10, page.total)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert index.search(Search(query=parse("并行"))).total == 900


SMALL_BLOCKS = (
    *((sealing, name, value) for name, value in (("LOOSE", 60), ("WORTH", 4), ("MOST_LOOSE", 200), ("FULL", 250))),
    (characters, "TURNED", 120),
)


def _change(path: Path, part: int, seconds: float) -> None:
    """Write documents over and over, drop months, or make the words anew."""
    until = time.monotonic() + seconds
    for module, name, value in SMALL_BLOCKS:
        setattr(module, name, value)
    index, chance = EmbeddedIndex(path), random.Random(part)
    opinion = 1
    while time.monotonic() < until:
        opinion += 1
        if part == 2:
            index.drop_before(START + timedelta(days=31 * (1 + opinion % 3)))
            time.sleep(0.3)
        elif part == 3:
            index.rebuild(lambda *_: None)
        else:
            chosen = [chance.randrange(800) for _ in range(chance.choice((1, 10, 50)))]
            index.write(
                [
                    grouped(
                        number,
                        chance.choice(("停水了", "来水", "没电")),
                        at=START + timedelta(hours=number * 7919 % (24 * 200)),
                        event=f"e{chance.randrange(60)}",
                        opinion=opinion * 10 + part,
                    )
                    for number in chosen
                ]
            )
    index.close()


def test_searches_are_whole_while_others_write_drop_and_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in SMALL_BLOCKS:
        monkeypatch.setattr(module, name, value)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_change, args=(tmp_path / "index.db", part, 5.0)) for part in range(4)]
    for process in processes:
        process.start()
    index = EmbeddedIndex(tmp_path / "index.db")
    chance, seen = random.Random(9), set()
    while any(process.is_alive() for process in processes):
        query = chance.choice(("", "停水", "水", "来", "-停水", "停水 OR 没电", "来 -停"))
        sort = chance.choice(("newest", "relevance", "reach"))
        page = index.search(
            Search(query=parse(query), size=1_000, sort=sort, facets=("event",), facet_size=1_000, histogram="day")
        )
        ids = [hit.record.document.id for hit in page.hits]
        assert len(set(ids)) == len(ids) == page.total, query
        assert sum(bucket.count for bucket in page.facets["event"]) == page.total, query
        assert sum(bucket.count for bucket in page.histogram) == page.total, query
        if query in ("停水", "水", "来"):
            assert all(query in hit.record.document.text for hit in page.hits)
        seen.add(page.total)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert len(seen) > 5
    index.rebuild(lambda *_: None)
    index.drop_before(START.replace(year=2030))
    with sqlite3.connect(tmp_path / "index.db") as connection:
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        for table in ("documents", "policies", "records", "blocks", "columns", "characters", "codes", "loose"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table


def test_a_file_that_is_no_index_says_so(tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"this is no database at all, but long enough to be looked at" * 40)
    with pytest.raises(Unavailable, match=r"index\.db"):
        EmbeddedIndex(tmp_path / "index.db").ensure()


def test_a_folder_that_can_not_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="index"):
        EmbeddedIndex(tmp_path / "file" / "index.db").write([grouped(1, "医保")])


def test_a_locked_file_is_unavailable_and_loses_nothing(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db", timeout=0.1)
    index.ensure()
    other = sqlite3.connect(tmp_path / "index.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        index.write([grouped(1, "医保")])
    assert found(index, "医保") == []
    other.execute("ROLLBACK")
    assert [written.outcome for written in index.write([grouped(1, "医保")])] == ["stored"]
    assert found(index, "医保") == [1]


def test_it_can_be_used_after_closing(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write([grouped(1, "医保")])
    index.close()
    index.close()
    assert found(index, "医保") == [1]


def test_many_threads_share_few_connections_and_closing_disturbs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web server searches from forty threads: a connection each, with its memory, would be too much."""
    monkeypatch.setattr(index_module, "AT_ONCE", 2)
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write(corpus())
    opened = []
    connect = sqlite3.connect

    def counted(*given: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*given, **options))
        return opened[-1]

    monkeypatch.setattr(index_module.sqlite3, "connect", counted)
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: found(index, "医保 -报销"), range(60)))
    assert all(answer == answers[0] != [] for answer in answers)
    assert len(opened) <= 2
    with ThreadPoolExecutor(12) as threads:
        closing = [threads.submit(index.close) if number % 5 == 0 else None for number in range(60)]
        answers = list(threads.map(lambda _: found(index, "医保 -报销"), range(60)))
        assert [one.result() for one in closing if one] == [None] * 12
    assert all(answer == answers[0] for answer in answers)
    index.close()
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_documents_assessed_again_and_again_keep_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour has a bounded number of rows; new opinions must not use them up."""
    for module in (file, matches, rows, selection):
        monkeypatch.setattr(module, "SLOTS", 8)
    index = EmbeddedIndex(tmp_path / "index.db")
    for opinion in range(1, 6):
        index.write([grouped(number, f"第{opinion}次", opinion=opinion) for number in range(8)])
    assert sorted(found(index, "第5次")) == list(range(8))
    assert found(index, "第4次") == []
    with pytest.raises(MinshengError, match="one hour"):
        index.write([grouped(9, "满了")])
    assert index.count(Filters()) == 8


@pytest.mark.parametrize("count", [0, 1, 4_096, 4_097, 60_000])
@pytest.mark.parametrize("copies", [0.0, 0.5, 0.999])
def test_groups_are_counted_without_sorting_them(count: int, copies: float) -> None:
    chance = np.random.default_rng(count)
    once = chance.integers(0, (1 << 63) - 1, max(1, int(count * (1 - copies))), dtype=np.int64)
    numbers = chance.choice(once, count)
    assert distinct(numbers) == len(np.unique(numbers))


def test_groups_that_share_the_bits_of_their_places_are_counted() -> None:
    numbers = np.repeat(np.arange(10_000, dtype=np.int64) << 20, 2)
    assert distinct(numbers) == 10_000
    assert distinct(np.zeros(10_000, np.int64)) == 1


def test_what_is_written_is_on_the_disk(tmp_path: Path) -> None:
    """The log's offsets go on once it returns: what a power cut took back would never come again."""
    index = EmbeddedIndex(tmp_path / "index.db")
    index.write(corpus()[:3])
    with index._session() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    index.close()
