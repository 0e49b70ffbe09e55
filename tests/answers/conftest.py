"""A small Q&A base: two policies, a clock in the hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from answers.book import AnswerBook
from answers.model import Content
from minsheng.clock import ManualClock
from minsheng.policies import Policy, PolicyRegister
from minsheng.store import Store
from tests.stores import made_store

WATER = Policy(
    id="water",
    title="居民用水阶梯价格办法",
    number="云发〔2026〕3号",
    department="云和市发改委",
    released_on=date(2026, 3, 1),
)
OLD = Policy(id="water-old", title="居民用水价格试行办法", number="云发〔2019〕1号", successor="water")
TEXT = """各县区：
第一章　总则
第一条　为促进节约用水，制定本办法。
第五条　第一级水量每户每年180立方米以内，执行基本水价；超过的按1.5倍执行。
第八条　实际居住人口五人以上的，可凭居住证申请“一户多人口”：
（一）到营业厅申请；
（二）自受理的次月起执行。
第十四条　因供水企业原因多收的水费，应当自核实之日起5个工作日内退还。"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )
    opened = made_store(url)
    PolicyRegister(opened).import_policies([WATER, OLD])
    yield opened
    opened.close()


@pytest.fixture
def book(store: Store, clock: ManualClock) -> AnswerBook:
    return AnswerBook(store, clock)


def content(**more: object) -> Content:
    given: dict[str, object] = {
        "policy": "water",
        "title": "多收水费的退还",
        "question": "水费多收了怎么办？",
        "answer": "因供水企业原因多收的水费，自核实之日起5个工作日内退还。",
        "clauses": ("第十四条",),
        "keywords": ("退费",),
    }
    return Content(**{**given, **more})  # type: ignore[arg-type]


def publish(book: AnswerBook, name: str, **more: object) -> None:
    book.create(content(**more), actor="wang", entry=name)
    book.review(name, actor="li")
    book.sign(name, actor="zhang")
