"""Files of texts onto the log."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawlers.columns import count
from crawlers.importing import ImportReport, import_file
from crawlers.intake import Intake
from crawlers.privacy import AuthorKeys
from minsheng.clock import CHINA
from minsheng.errors import BadInput, WrongUse
from minsheng.records import document_id
from tests.crawlers.conftest import Crawling
from tests.shared_data import shared_data

HEADER = "留言编号,留言用户,标题,留言时间,内容,点赞数\n"
ROWS = (
    '11,u1,水费重复扣收,2026/11/22 11:25:05,"社保卡和银行卡各扣一次，\n请退款，电话13800138000",1.2万\n'
    "12,u2,路灯坏了,2026/11/20 20:00:00,小区门口的路灯坏了一个月,0\n"
)


def run(crawling: Crawling, path: Path, **options: Any) -> ImportReport:
    intake = Intake(crawling.store, crawling.log.producer(), crawling.clock)
    crawling.log.ensure_topics({"documents": 4})
    return import_file(path, intake, AuthorKeys(b"k" * 32), crawling.clock, **options)


def file(crawling: Crawling, name: str, body: str | bytes, charset: str = "utf-8") -> Path:
    path = crawling.folder / name
    path.write_bytes(body.encode(charset) if isinstance(body, str) else body)
    return path


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_every_sort(charset: str, delimiter: str, crawling: Crawling) -> None:
    table = list(csv.reader(io.StringIO(HEADER + ROWS)))
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(table)
    report = run(crawling, file(crawling, "Messages 1.csv", out.getvalue(), charset))
    assert (report.rows, report.imported, report.skipped) == (2, 2, 0)
    assert report.source == "import-messages-1"
    # In the order of their times.
    lamp, water = crawling.documents()
    assert (water.native_id, water.title) == ("11", "水费重复扣收")
    assert water.text == "社保卡和银行卡各扣一次，\n请退款，电话[电话]"
    assert water.engagement.likes == 12000
    assert water.kind == "message"
    assert water.published_at == datetime(2026, 11, 22, 11, 25, 5, tzinfo=CHINA)
    assert water.author_key not in (None, "u1", lamp.author_key)
    assert water.id == document_id(report.source, "11")


def test_json_lines_gzipped_with_other_names(crawling: Crawling) -> None:
    rows = [
        {
            "id": 1,
            "content": "水费重复扣收",
            "created_at": 1795494600,
            "user": "老周",
            "attitudes_count": 3,
            "region": "望津",
        },
        {"id": 2, "content": "路灯坏了", "created_at": "2026-11-20", "kind": "微博", "url": "HTTP://h.example/a#x"},
    ]
    body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n"
    report = run(crawling, file(crawling, "posts.jsonl.gz", gzip.compress(body.encode())), kind="post", source="weibo")
    assert report.imported == 2
    second, first = crawling.documents()
    assert (first.kind, first.region, first.published_at) == ("post", "望津", datetime(2026, 11, 24, 4, 30, tzinfo=UTC))
    assert (first.engagement.likes, second.url, second.source) == (3, "http://h.example/a", "weibo")


def test_imported_twice_is_there_once(crawling: Crawling) -> None:
    path = file(crawling, "m.csv", HEADER + ROWS)
    run(crawling, path)
    report = run(crawling, path)
    assert (report.imported, report.unchanged) == (0, 2)
    assert len(crawling.documents()) == 2


def test_rows_that_cannot_be_used_are_told_and_kept(crawling: Crawling) -> None:
    rows = ROWS + (
        "13,u3,,2026/11/20,,0\n"
        "14,u4,标题,没有时间,内容,x\n"
        "15,u5,多一列,2026/11/20,内容,0,0\n"
        "11,u1,同号,2026/11/20,别的,0\n"
        "12,u2,路灯坏了,2026/11/20 20:00:00,小区门口的路灯坏了一个月,0\n"
    )
    rejects = crawling.folder / "rejects.jsonl"
    report = run(crawling, file(crawling, "m.csv", HEADER + rows), rejects=rejects)
    assert (report.rows, report.imported, report.skipped, report.duplicates) == (7, 3, 3, 1)
    assert report.dates_estimated == 1
    assert [row.line for row in report.examples] == [5, 7, 8]
    kept = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert [row["line"] for row in kept] == [5, 7, 8]
    assert kept[1]["row"]["标题"] == "多一列"
    assert report.rejects == str(rejects)
    without = next(document for document in crawling.documents() if document.native_id == "14")
    assert (without.published_estimated, without.published_raw) == (True, "没有时间")


def test_broken_json_lines_are_told(crawling: Crawling) -> None:
    body = '{"text": "水费"}\n{"text": \n[1]\n{"text": "路灯", "kind": "gossip"}\n'
    report = run(crawling, file(crawling, "m.jsonl", body))
    assert (report.imported, report.skipped) == (1, 3)
    assert [row.line for row in report.examples] == [2, 3, 4]


def test_columns_can_be_mapped(crawling: Crawling) -> None:
    path = file(crawling, "m.csv", "甲,乙\n水费重复扣收,2026-11-20\n")
    with pytest.raises(WrongUse, match="no column for a title or a text among 甲, 乙"):
        run(crawling, path)
    with pytest.raises(WrongUse, match="no column '丙'"):
        run(crawling, path, mapping={"丙": "text"})
    with pytest.raises(WrongUse, match="no field 'txt'") as refused:
        run(crawling, path, mapping={"甲": "txt"})
    assert "did you mean text?" in refused.value.hint
    run(crawling, path, mapping={"甲": "text", "乙": "published_at"})
    assert crawling.documents()[0].published_at == datetime(2026, 11, 20, tzinfo=CHINA)


def test_rows_may_name_their_source(crawling: Crawling) -> None:
    path = file(crawling, "m.csv", "来源,内容\n人民网 留言板,水费\n微博,路灯\n")
    run(crawling, path)
    assert sorted(document.source for document in crawling.documents()) == ["人民网-留言板", "微博"]
    run(crawling, path, source="given")
    assert [(d.source, d.outlet) for d in crawling.documents()[2:]] == [("given", "人民网 留言板"), ("given", "微博")]


@pytest.mark.parametrize("body", [b"", b"\n\n", b"PK\x03\x04\x00\x00\x00\x00\x00", b"\x1f\x8b broken"])
def test_what_is_no_such_file_is_told(body: bytes, crawling: Crawling) -> None:
    with pytest.raises(BadInput):
        run(crawling, file(crawling, "m.csv", body))
    with pytest.raises(WrongUse, match="can't be read"):
        run(crawling, crawling.folder / "none.csv")


def test_a_text_of_ten_million_characters_is_cut(crawling: Crawling) -> None:
    report = run(crawling, file(crawling, "m.csv", HEADER + f"1,u,长,2026/11/20,{'水' * 10_000_000},0\n"))
    assert report.imported == 1
    assert crawling.documents()[0].truncated


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("1,204", 1204), ("3.5万", 35000), ("100万+", 1000000), ("", None), ("-3", None)]
)
def test_counts(text: str, expected: int | None) -> None:
    assert count(text) == expected


@pytest.mark.shared_data
def test_real_messages_go_in_whole(crawling: Crawling) -> None:
    path = shared_data("messages_unlabelled.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as lines:
        numbers = Counter(row["message_id"] for row in csv.DictReader(lines))
    report = run(crawling, path)
    assert (report.rows, report.imported, report.skipped, report.dates_estimated) == (4290, 4290, 0, 0)
    documents = crawling.documents()
    assert Counter(document.native_id for document in documents) == numbers
    assert len({document.id for document in documents}) == 4290
    times = [document.published_at for document in documents]
    assert times == sorted(times)
    assert all(document.author_key and document.text for document in documents)
