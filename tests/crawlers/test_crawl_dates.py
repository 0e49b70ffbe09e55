"""Times as pages, feeds and services write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.dates import believable, day_in_url, parse_time
from minsheng.clock import CHINA

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)  # 12:30 in China


def china(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=CHINA)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019/2/28 11:25:05", china(2019, 2, 28, 11, 25, 5)),
        ("2026-11-24 09:05", china(2026, 11, 24, 9, 5)),
        ("2026-11-24T09:05:06+08:00", china(2026, 11, 24, 9, 5, 6)),
        ("2026-11-24T01:05:06.123Z", china(2026, 11, 24, 9, 5, 6)),
        ("2026年11月24日 09时05分", china(2026, 11, 24, 9, 5)),
        ("2026年1月4日（星期日）下午3:05", china(2026, 1, 4, 15, 5)),
        ("发布时间：2026.1.4　来源：新华社", china(2026, 1, 4)),
        ("二〇二六年十一月二十四日", china(2026, 11, 24)),
        ("２０２６－１１－２４ ０９：０５", china(2026, 11, 24, 9, 5)),
        ("20261124", china(2026, 11, 24)),
        ("Tue Nov 24 12:30:00 +0800 2026", china(2026, 11, 24, 12, 30)),
        ("Tue, 24 Nov 2026 04:30:00 GMT", china(2026, 11, 24, 12, 30)),
        ("1795494600", china(2026, 11, 24, 12, 30)),
        ("1795494600000", china(2026, 11, 24, 12, 30)),
        ("刚刚", china(2026, 11, 24, 12, 30)),
        ("5分钟前", china(2026, 11, 24, 12, 25)),
        ("半小时前", china(2026, 11, 24, 12, 0)),
        ("3小时前 来自 手机", china(2026, 11, 24, 9, 30)),
        ("今天 08:05", china(2026, 11, 24, 8, 5)),
        ("昨天 23:59", china(2026, 11, 23, 23, 59)),
        ("前天", china(2026, 11, 22)),
        ("11-24", china(2026, 11, 24)),
        ("11月3日 晚上8点", china(2026, 11, 3, 20, 0)),
        ("12-31 10:00", china(2025, 12, 31, 10, 0)),
        ("09:05", china(2026, 11, 24, 9, 5)),
        ("23:30", china(2026, 11, 23, 23, 30)),
    ],
)
def test_reads(text: str, expected: datetime) -> None:
    found = parse_time(text, NOW)
    assert found is not None
    assert found == expected
    assert found.tzinfo is not None


@pytest.mark.parametrize(
    "text", ["", "暂无", "共12条", "3.5亿元", "来源：新华社", "川办发〔2023〕12号", "2026-13-45", "2026-02-30", "99:99"]
)
def test_finds_none(text: str) -> None:
    assert parse_time(text, NOW) is None


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (datetime(1999, 12, 31, tzinfo=UTC), False),
        (datetime(2000, 1, 1, tzinfo=UTC), True),
        (datetime(2026, 11, 25, 4, 30, tzinfo=UTC), True),
        (datetime(2026, 11, 25, 4, 31, tzinfo=UTC), False),
        (datetime(2027, 11, 24, tzinfo=UTC), False),
    ],
)
def test_believable(time: datetime, expected: bool) -> None:
    assert believable(time, NOW) is expected


@given(st.text(alphabet="0123456789年月日时分秒前天小:/-. +TZ今昨一二三十〇APM上下午", max_size=30))
def test_never_breaks(text: str) -> None:
    found = parse_time(text, NOW)
    assert found is None or found.tzinfo is not None


def test_what_looks_like_a_chinese_date_and_is_none() -> None:
    assert parse_time("二〇二六年十十月一日", NOW) is None
    assert parse_time("二〇二六年十十月一日，改于2026-11-23", NOW) is not None


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("/gov/202611/t20261123_123.html", "2026-11-23"),
        ("/n1/2026/1123/c1004-4.html", "2026-11-23"),
        ("/2026-11-23/doc-inmh.shtml", "2026-11-23"),
        ("/2026/11/3/12.html", "2026-11-03"),
        ("/a_20261123_1.html", "2026-11-23"),
        ("/2026/02/31/1.html", None),
        ("/c/2026112345678.html", None),
        ("/12026/1123/1.html", None),
    ],
)
def test_the_day_in_an_address(path: str, day: str | None) -> None:
    found = day_in_url(f"http://h.example{path}?d=20250101")
    assert (f"{found:%Y-%m-%d}" if found else None) == day
