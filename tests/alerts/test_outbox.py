"""The outbox: at least once, not twice, not for ever, and nothing after the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.channels import DeliveryFailed
from alerts.deadlines import fire_due
from alerts.notices import Notice, enqueue_matter
from alerts.notify.answering import Answers
from alerts.notify.dispatch import Dispatcher
from alerts.notify.links import Links
from alerts.outbox import Outbox
from alerts.service import AlertService
from alerts.stage import AlertStage
from alerts.tables import outbox
from minsheng.settings import ChannelSettings, NotifySettings, Settings
from minsheng.store import Store
from tests.alerts.channel_servers import answering
from tests.alerts.conftest import World, burst
from tests.stores import made_store

MakeWorld = Callable[..., World]


class Recorder:
    """A channel that keeps what it is given, after failing as often as it is told to."""

    precedence = 0

    def __init__(self, *failures: DeliveryFailed | Exception) -> None:
        self.failures = list(failures)
        self.sent: list[Notice] = []
        self.tries = 0
        self.arrived = threading.Event()

    @classmethod
    def accepts(cls, url: str) -> bool:
        return False

    def send(self, notice: Notice) -> None:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(notice)
        self.arrived.set()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )
    opened = made_store(url)
    yield opened
    opened.close()


def with_channels(world: World, *channels: ChannelSettings, **more: Any) -> World:
    world.settings = Settings(
        data_dir=world.settings.data_dir, notify=NotifySettings(terminal=False, channels=channels, **more)
    )
    return world


def duty(**more: Any) -> ChannelSettings:
    return ChannelSettings(name="duty", url="terminal://", **more)


def rows(world: World) -> list[dict[str, Any]]:
    with world.store.read() as connection:
        return [dict(row) for row in connection.execute(sa.select(outbox).order_by(outbox.c.id)).mappings()]


def test_a_ticket_that_rises_at_once_is_told_of_once(world: World) -> None:
    channel = Recorder()
    with_channels(world, duty())
    world.take(burst(12))
    world.take(burst(13, prefix="more", minutes=1))
    Outbox(world.store, world.settings, world.clock, {"duty": channel}).deliver()
    assert [(notice.reason, notice.level) for notice in channel.sent] == [("worse", "yellow")]


def test_one_notice_an_opening_and_one_a_rise(world: World) -> None:
    channel = Recorder()
    with_channels(world, duty())
    box = Outbox(world.store, world.settings, world.clock, {"duty": channel})
    world.take(burst(12))
    box.deliver()
    world.take(burst(13, prefix="more", minutes=1))
    box.deliver()
    box.deliver()
    assert [(notice.reason, notice.level) for notice in channel.sent] == [("new", "blue"), ("worse", "yellow")]
    first = channel.sent[0]
    assert first.subject.startswith("【蓝色预警·新发现】《云和市居民阶梯水价调整方案》：")
    assert "8 位不同发言者" in first.subject and first.subject.endswith(first.ticket)
    assert first.plan == "收费价格舆情应对预案（通用）"
    assert first.deadline.endswith("前作出回应")
    kinds = [event.kind for event in world.book.timeline(world.tickets()[0].id)]
    assert kinds.count("notice-sent") == 2


def test_a_failed_notice_is_tried_again_with_growing_pauses(world: World) -> None:
    channel = Recorder(DeliveryFailed("HTTP 500"), DeliveryFailed("HTTP 429", retry_after=90))
    with_channels(world, duty())
    world.take(burst(12))
    box = Outbox(world.store, world.settings, world.clock, {"duty": channel})
    for seconds, tries in ((0, 1), (4, 1), (1, 2), (15, 2), (74, 2), (1, 3)):
        world.clock.advance(seconds=seconds)
        box.deliver()
        assert channel.tries == tries
    assert len(channel.sent) == 1
    (row,) = rows(world)
    assert row["attempts"] == 3 and row["sent_at"] is not None and row["last_error"] is None


def test_after_the_last_try_the_ticket_says_so(world: World) -> None:
    channel = Recorder(*[DeliveryFailed("HTTP 500")] * 9)
    with_channels(world, duty(), tries=3)
    world.take(burst(12))
    box = Outbox(world.store, world.settings, world.clock, {"duty": channel})
    for _ in range(6):
        box.deliver()
        world.clock.advance(hours=1)
    assert channel.tries == 3
    assert box.counts() == {"waiting": 0, "sent": 0, "dead": 1}
    (failed,) = [event for event in world.book.timeline(world.tickets()[0].id) if event.kind == "notice-failed"]
    assert failed.detail == {"channel": "duty", "reason": "new", "error": "HTTP 500", "attempts": 3}


def test_a_refusal_is_not_repeated(world: World) -> None:
    channel = Recorder(DeliveryFailed("errcode 310000", permanent=True))
    with_channels(world, duty())
    world.take(burst(12))
    box = Outbox(world.store, world.settings, world.clock, {"duty": channel})
    box.deliver()
    world.clock.advance(hours=5)
    box.deliver()
    assert channel.tries == 1 and box.counts()["dead"] == 1


def test_a_broken_channel_holds_up_no_other_and_shows_nothing(world: World) -> None:
    broken, good = Recorder(RuntimeError("https://example.test/topsecret")), Recorder()
    with_channels(world, ChannelSettings(name="broken", url="terminal://"), duty())
    world.take(burst(12))
    Outbox(world.store, world.settings, world.clock, {"broken": broken, "duty": good}).deliver()
    assert len(good.sent) == 1
    assert {row["channel"]: row["last_error"] for row in rows(world)} == {
        "broken": "the channel failed: RuntimeError",
        "duty": None,
    }


def test_nothing_is_sent_after_the_ticket_is_closed(world: World) -> None:
    channel = Recorder(DeliveryFailed("HTTP 500"))
    with_channels(world, duty())
    world.take(burst(12))
    box = Outbox(world.store, world.settings, world.clock, {"duty": channel})
    box.deliver()
    world.book.move(world.tickets()[0].number, "closed", actor="officer", reason="误报")
    world.clock.advance(days=9)
    fire_due(world.store, world.clock, world.settings)
    box.deliver()
    assert channel.sent == []
    assert box.counts() == {"waiting": 0, "sent": 0, "dead": 1}


def test_a_channel_takes_only_its_levels(world: World) -> None:
    with_channels(world, ChannelSettings(name="leader", url="terminal://", levels=("orange", "red")), duty())
    world.take(burst(12))
    Dispatcher(world.store, world.settings, world.clock).dispatch()
    assert [row["channel"] for row in rows(world)] == ["duty"]


def test_the_budget_of_a_channel_is_kept(world: World) -> None:
    channel = Recorder()
    with_channels(world, duty(per_minute=3))
    world.take([one for n in range(5) for one in burst(9, event=f"e{n}", prefix=f"p{n}-", minutes=5)])
    box = Outbox(world.store, world.settings, world.clock, {"duty": channel})
    box.deliver()
    box.deliver()
    assert [notice.reason for notice in channel.sent] == ["new", "new", "digest"]
    assert "共 3 件" in channel.sent[2].why and len(channel.sent[2].items) == 3
    world.take(burst(9, event="late", prefix="late-", minutes=5))
    box.deliver()
    assert len(channel.sent) == 3
    world.clock.advance(seconds=61)
    box.deliver()
    assert len(channel.sent) == 4
    assert box.counts() == {"waiting": 0, "sent": 6, "dead": 0}


def test_two_senders_send_each_notice_once(make_world: MakeWorld, store: Store) -> None:
    world = with_channels(make_world(store), duty(per_minute=1000))
    world.take([one for n in range(10) for one in burst(9, event=f"e{n}", prefix=f"p{n}-")])
    channel = Recorder()
    start = threading.Barrier(3)

    def run() -> None:
        box = Outbox(store, world.settings, world.clock, {"duty": channel})
        start.wait()
        box.deliver()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(channel.sent) == 10
    assert len({notice.ticket for notice in channel.sent}) == 10


def test_a_notice_whose_sender_died_is_sent_by_another_one(world: World) -> None:
    class Killed(BaseException):
        pass

    class Dying(Recorder):
        def send(self, notice: Notice) -> None:
            raise Killed

    with_channels(world, duty())
    world.take(burst(12))
    with pytest.raises(Killed):
        Outbox(world.store, world.settings, world.clock, {"duty": Dying()}).deliver()
    channel = Recorder()
    box = Outbox(world.store, world.settings, world.clock, {"duty": channel})
    box.deliver()
    assert channel.sent == []  # the dead one may still be at it
    world.clock.advance(seconds=120)
    box.deliver()
    assert len(channel.sent) == 1


def test_a_channel_that_left_the_settings_is_named(world: World) -> None:
    with_channels(world, duty())
    world.take(burst(12))
    Dispatcher(world.store, world.settings, world.clock).dispatch()
    with_channels(world, ChannelSettings(name="other", url="terminal://"))
    Outbox(world.store, world.settings, world.clock).deliver()
    assert "channel duty is no longer in the settings" in rows(world)[0]["last_error"]


def test_the_service_sends_what_the_stage_opened(world: World) -> None:
    with_channels(world, duty())
    channel = Recorder()
    with AlertService(world.store, world.settings, world.clock, {"duty": channel}) as service:
        stage = AlertStage(
            world.store, world.plans, world.register, world.settings, world.clock, on_notice=service.wake
        )
        stage.work(burst(12))
        assert channel.arrived.wait(20)
        assert service.health()["running"]
    assert service.health() == {"running": False, "problems": {}, "waiting": 0, "sent": 1, "dead": 0}


def test_a_robot_that_fails_first_gets_it_at_the_second_try(world: World) -> None:
    with answering((500, {}, {}), (200, {"errcode": 0}, {})) as server:
        url = f"dingtalk+{server.url}/robot/send?access_token=topsecret"
        with_channels(world, ChannelSettings(name="duty", url=url))
        world.take(burst(12))
        box = Outbox(world.store, world.settings, world.clock)
        box.deliver()
        assert rows(world)[0]["last_error"] == "127.0.0.1 answered HTTP 500"
        world.clock.advance(seconds=6)
        box.deliver()
    assert len(server.received) == 2
    assert box.counts()["sent"] == 1


def test_the_service_outlives_a_store_that_is_away(world: World, tmp_path: Path) -> None:
    away = Store("postgresql+pg8000://nobody@127.0.0.1:9/none")
    service = AlertService(away, world.settings, world.clock)
    service.deliver()
    service.check_deadlines()
    away.close()
    assert set(service._problems) == {"notices", "deadlines", "escalations", "tasks", "drills"}


def test_a_slow_channel_holds_up_no_other(world: World) -> None:
    class Slow(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.begun, self.go_on = threading.Event(), threading.Event()

        def send(self, notice: Notice) -> None:
            self.begun.set()
            assert self.go_on.wait(20)
            super().send(notice)

    slow, quick = Slow(), Recorder()
    before = set(threading.enumerate())
    with_channels(world, ChannelSettings(name="slow", url="terminal://"), duty())
    service = AlertService(world.store, world.settings, world.clock, {"slow": slow, "duty": quick})
    try:
        world.take(burst(12))
        service.begin_delivery()
        assert slow.begun.wait(20) and quick.arrived.wait(20)
        quick.arrived.clear()
        world.take(burst(9, event="later", prefix="later-", minutes=5))
        while not quick.arrived.wait(0.05):  # until its own thread has come back
            service.begin_delivery()
        assert len(quick.sent) == 2 and slow.sent == []
        world.clock.advance(seconds=301)
        service.begin_delivery()
        assert "slow has not come back" in service.health()["problems"]["notices"]
    finally:
        slow.go_on.set()
    service.deliver()
    assert len(slow.sent) == 2, "what was being sent, and what waited"
    service.stop()
    mine = set(threading.enumerate()) - before
    assert not [thread for thread in mine if thread.name.startswith("notice")], "none is left behind"
    assert service.health()["problems"] == {}


def test_a_slow_row_of_messages_lets_what_is_graver_pass(world: World) -> None:
    class Slow(Recorder):
        def send(self, notice: Notice) -> None:
            super().send(notice)
            world.clock.advance(seconds=3)

    channel = Slow()
    with_channels(world, duty(per_minute=1000))
    world.take([one for n in range(9) for one in burst(9, event=f"e{n}", prefix=f"p{n}-", minutes=5)])
    box = Outbox(world.store, world.settings, world.clock, {"duty": channel})
    box.deliver()
    assert len(channel.sent) == 2, "after its turn it looks again what is to be sent first"
    with world.store.begin() as connection:
        last = rows(world)[-1]
        connection.execute(outbox.update().where(outbox.c.id == last["id"]).values(urgency=4))
    box.deliver()
    assert channel.sent[2].ticket == last["payload"]["ticket"]


def test_a_channel_that_asks_to_be_left_alone_is_left_alone(world: World) -> None:
    robot, other = Recorder(DeliveryFailed("errcode 130101", retry_after=600)), Recorder()
    with_channels(world, duty(), ChannelSettings(name="other", url="terminal://", levels=("orange", "red")))
    world.take([one for n in range(3) for one in burst(9, event=f"e{n}", prefix=f"p{n}-", minutes=5)])
    box = Outbox(world.store, world.settings, world.clock, {"duty": robot, "other": other})
    box.deliver()
    with world.store.begin() as connection:
        grave = {**rows(world)[2]["payload"], "level": "red"}
        connection.execute(outbox.update().where(outbox.c.id == rows(world)[2]["id"]).values(urgency=4, payload=grave))
    for _ in range(9):
        world.clock.advance(seconds=60)
        box.deliver()
    assert robot.tries == 1, "it is muted: what is sent meanwhile is thrown away"
    assert len(other.sent) == 1, "red does not wait"
    world.clock.advance(seconds=61)
    box.deliver()
    assert len(robot.sent) == 3


@pytest.mark.parametrize("asked", ["inf", "nan", "-5", "1e300", "tomorrow"])
def test_nonsense_in_retry_after_stops_nothing(world: World, asked: str) -> None:
    with answering((429, {}, {"Retry-After": asked}), (200, {"errcode": 0}, {})) as server:
        url = f"dingtalk+{server.url}/robot/send?access_token=topsecret"
        with_channels(world, ChannelSettings(name="duty", url=url))
        world.take(burst(12))
        box = Outbox(world.store, world.settings, world.clock)
        box.deliver()
        world.clock.advance(hours=1)
        box.deliver()
    assert box.counts()["sent"] == 1


def test_the_budget_holds_for_all_processes_together(make_world: MakeWorld, store: Store) -> None:
    """A second process looks at what waits while the first one is sending, and a graver notice has come meanwhile."""
    world = with_channels(make_world(store), duty(per_minute=2))
    world.take([one for n in range(4) for one in burst(9, event=f"e{n}", prefix=f"p{n}-", minutes=5)])
    second = Recorder()

    class First(Recorder):
        def send(self, notice: Notice) -> None:
            super().send(notice)
            if len(self.sent) == 1:
                with store.begin() as connection:
                    connection.execute(outbox.update().where(outbox.c.id == last).values(urgency=4))
                Outbox(store, world.settings, world.clock, {"duty": second}).deliver()

    first = First()
    Dispatcher(store, world.settings, world.clock).dispatch()
    last = rows(world)[-1]["id"]
    Outbox(store, world.settings, world.clock, {"duty": first}).deliver()
    assert len(first.sent) + len(second.sent) == 2


def test_a_message_of_several_notices_has_the_link_of_the_gravest_ticket(world: World) -> None:
    """Also where a notice that is of no ticket stands first in it, or is as grave."""
    channel = Recorder()
    with_channels(world, duty(), answer_url="http://127.0.0.1/")
    with world.store.begin() as connection:
        release = Notice(reason="release", level="orange", ticket="", subject="【发布提醒】", why="缺少问答")
        enqueue_matter(world.store, connection, "policy:water-price", "d14", release, None, world.clock.now())
    world.take(burst(12))
    Dispatcher(world.store, world.settings, world.clock).dispatch()
    with world.store.begin() as connection:
        connection.execute(outbox.update().values(bundle="quiet:x"))
    Outbox(world.store, world.settings, world.clock, {"duty": channel}).deliver()
    (told,) = channel.sent
    links = Links.from_settings(world.settings)
    shown = Answers(world.store, world.clock, links).show(told.link.rpartition("/")[2])
    assert shown.ticket == world.tickets()[0].number
