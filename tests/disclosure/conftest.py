"""A register of applications in a store, and a clock in the hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from minsheng.clock import ManualClock
from minsheng.settings import Settings
from minsheng.store import Store
from tests.stores import made_store

HEADER = (
    "申请编号,收到申请日期,申请人姓名,联系电话,申请事项,所需信息内容,答复机关,地区,是否延期,延期告知日期,补正告知日期,"
    "收到补正日期,征求意见日期,收到意见日期,答复日期,答复结果,行政复议结果,行政诉讼结果"
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 27, 4, 0, tzinfo=UTC))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = made_store(url)
    yield opened
    opened.close()


def written(path: Path, *rows: str, header: str = HEADER) -> Path:
    """A CSV file of these rows; cells that a row lacks at its end are empty."""
    columns = header.count(",")
    path.write_text("\n".join([header, *(row + "," * (columns - row.count(",")) for row in rows)]), encoding="utf-8")
    return path
