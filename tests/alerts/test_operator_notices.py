"""Operators are told once of each ticket, also by several processes, and again only where it did not get through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa

from alerts.channels import DeliveryFailed
from alerts.notices import Notice
from alerts.operator_notices import tell
from alerts.service import AlertService
from crawlers.operator_tickets import note
from crawlers.tables import sources
from minsheng.clock import ManualClock
from minsheng.settings import ChannelSettings, NotifySettings, Settings
from minsheng.store import Store
from tests.stores import made_store

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
TROUBLE = ("failing", "信源“云江日报”失败", "no answer in time", "先试采")
SETTINGS = Settings(
    notify=NotifySettings(
        terminal=False,
        channels=(
            ChannelSettings(name="duty", url="json://127.0.0.1:9/"),
            ChannelSettings(name="operators", url="json://127.0.0.1:9/", levels=(), operators=True),
        ),
    )
)


class Told:
    """A channel that keeps what it is sent."""

    precedence: ClassVar[int] = 0

    def __init__(self, url: str = "", timeout: float = 0.0) -> None:
        self.notices: list[Notice] = []
        self.failures = 0

    @classmethod
    def accepts(cls, url: str) -> bool:
        return False

    def send(self, notice: Notice) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryFailed("the robot is away")
        self.notices.append(notice)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield made
    made.close()


def opened(store: Store, subject: str = "one", state: str = "failing") -> None:
    with store.begin() as connection:
        note(store, connection, subject, NOW, (state, *TROUBLE[1:]))


def test_told_once_and_only_where_it_is_wanted(store: Store) -> None:
    clock, channel = ManualClock(NOW), Told()
    opened(store)
    for _ in range(3):
        opened(store)
        tell(store, SETTINGS, clock, lambda _: channel)
        clock.advance(hours=3)
    assert [notice.subject for notice in channel.notices] == ["【信源】信源“云江日报”失败"]
    assert channel.notices[0].body == "自11月24日 12:30\n超时没有应答\n先试采\n查看：minsheng sources show one"
    # Another state of the same trouble is no news; another source is.
    opened(store, state="blocked")
    opened(store, "two")
    tell(store, SETTINGS, clock, lambda _: channel)
    assert len(channel.notices) == 2


def test_what_did_not_get_through_is_tried_again_after_a_pause(store: Store) -> None:
    clock, channel = ManualClock(NOW), Told()
    channel.failures = 2
    opened(store)
    counts = []
    for seconds in (0, 10, 25, 30, 60, 60):
        clock.advance(seconds=seconds)
        counts.append(tell(store, SETTINGS, clock, lambda _: channel))
    assert counts == [0, 0, 0, 0, 1, 0]


def test_a_ticket_that_was_settled_meanwhile_is_not_told(store: Store) -> None:
    clock, channel = ManualClock(NOW), Told()
    opened(store)
    with store.begin() as connection:
        note(store, connection, "one", NOW, None)
    assert tell(store, SETTINGS, clock, lambda _: channel) == 0
    assert channel.notices == []


def test_the_service_tells(store: Store) -> None:
    channel = Told()
    row = {"id": "one", "kind": "feed", "name": "云江日报", "url": "http://127.0.0.1:9/", "every": 600, "enabled": True}
    with store.begin() as connection:
        connection.execute(sa.insert(sources), {**row, "note": "", "options": {}})
    opened(store)
    service = AlertService(store, SETTINGS, ManualClock(NOW), {"operators": channel, "duty": Told()})
    service.check_sources()
    service.check_sources()
    assert len(channel.notices) == 1
    assert service.health()["problems"] == {}


def test_many_sources_that_fail_at_once_are_one_message(store: Store) -> None:
    """A robot is muted beyond 20 messages a minute, and the alerts with it."""
    clock, channel = ManualClock(NOW), Told()
    channel.failures = 1
    for number in range(43):
        opened(store, f"source-{number}")
    assert tell(store, SETTINGS, clock, lambda _: channel) == 0
    clock.advance(seconds=30)
    assert tell(store, SETTINGS, clock, lambda _: channel) == 43
    (told,) = channel.notices
    assert told.subject == "【信源】43 个信源同时出现问题，其一：信源“云江日报”失败"
    assert len(told.items) == 21 and "……另有 23 个" in told.body
    assert "请先检查本机网络" in told.body and told.body.endswith("查看：minsheng sources tickets")
    clock.advance(hours=1)
    assert tell(store, SETTINGS, clock, lambda _: channel) == 0
