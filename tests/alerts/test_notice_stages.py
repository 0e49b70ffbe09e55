"""From a notice to messages: who is told, when, by what, and why not; the same by several processes at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.channels import DeliveryFailed
from alerts.notify.dispatch import Dispatcher
from alerts.notify.silences import Silences
from alerts.notify.tables import notice_decisions, notices
from alerts.notify.why import explain
from alerts.tables import outbox, tickets
from crawlers.recording import record_run
from crawlers.run import RunReport
from crawlers.sources import Source, save
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from minsheng.store import Store
from tests.alerts.conftest import NOW, World, burst
from tests.alerts.duty_world import BOOK, ROUTES, Duty
from tests.stores import made_store

MakeWorld = Callable[..., World]
# 2026-03-10 is a Tuesday of the second week: by day 李娜 is on duty, by night 张伟.
DAY = datetime(2026, 3, 10, 12, 0, tzinfo=CHINA)
NIGHT = datetime(2026, 3, 10, 23, 30, tzinfo=CHINA)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )
    opened = made_store(url)
    yield opened
    opened.close()


def blue(world: World, event: str = "e", policy: str | None = "water-price") -> str:
    """A new blue ticket's number."""
    known = {ticket.number for ticket in world.tickets()}
    world.take(burst(12, event=event, prefix=f"{event}-", policy=policy))
    (new,) = [ticket for ticket in world.tickets() if ticket.number not in known]
    assert new.level == "blue"
    return new.number


def raised(world: World, number: str, level: str) -> None:
    """The ticket is of another level, and so are its notices that wait."""
    with world.store.begin() as connection:
        found = connection.execute(sa.select(tickets.c.id).where(tickets.c.number == number)).scalar_one()
        connection.execute(tickets.update().where(tickets.c.id == found).values(level=level))
        for row in connection.execute(sa.select(notices).where(notices.c.ticket_id == found)).mappings().all():
            payload = {**row["payload"], "level": level}
            connection.execute(notices.update().where(notices.c.id == row["id"]).values(level=level, payload=payload))


def summary(world: World, number: str, person: str) -> str:
    return explain(world.store, world.clock, number, person).notices[-1].summary


def test_without_a_book_every_channel_that_takes_the_level_is_told(world: World) -> None:
    duty = Duty(world, book="")
    number = blue(world)
    assert duty.deliver() == {"group": [""]}
    found = explain(world.store, world.clock, number, "group")
    assert found.notices[0].summary == "已送达（group）：没有值守手册，发往全部渠道"


def test_the_routes_decide_and_each_decision_can_be_asked_for(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    number = blue(world)
    assert duty.deliver() == {"mail": ["wu@example.test", "li@example.test"]}
    assert duty.mail.sent[1].person == "李娜"
    assert summary(world, number, "li").startswith("已送达（mail）：路由“其他”：李娜正在值白班")
    assert summary(world, number, "吴科长").startswith("已送达（mail）：路由“责任单位”")
    assert summary(world, number, "zhang") == "未发给此人：适用的路由没有指向此人；当时值班的是李娜"
    everything = [one.why for one in explain(world.store, world.clock, number).notices[0].decisions]
    assert "路由“红橙”不适用：等级不符（蓝色预警）" in everything
    with pytest.raises(WrongUse, match="no person nobody"):
        explain(world.store, world.clock, number, "nobody")
    with pytest.raises(WrongUse, match="no ticket T9"):
        explain(world.store, world.clock, "T9")


def test_red_reaches_everybody_at_night_and_blue_waits_for_the_morning(world: World) -> None:
    world.clock.set(NIGHT)
    duty = Duty(
        world, BOOK + ROUTES.replace('to = ["roster:duty"]\nescalation = "slow"', 'to = ["roster:duty", "person:chen"]')
    )
    number = blue(world)
    assert duty.deliver() == {"mail": ["wu@example.test", "zhang@example.test"]}, "on duty there are no quiet hours"
    assert "免打扰时段，红色以外的通知顺延：03月11日 07:00" in summary(world, number, "chen")
    other = blue(world, "other", policy=None)
    raised(world, other, "red")
    assert duty.deliver()["sms"] == ["13900000001", "13900000003"]
    assert "chen@example.test" in duty.mail.to and duty.group.sent
    world.clock.set(NIGHT.replace(day=11, hour=7, minute=1))
    duty.deliver()
    assert duty.mail.to.count("chen@example.test") == 2
    assert explain(world.store, world.clock, number, "chen").notices[0].summary.startswith("已送达")


def test_a_digest_gathers_and_what_is_worse_does_not_wait(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world, BOOK + '[[routes]]\nname = "汇总"\nto = ["roster:duty"]\ndigest = ["08:30", "17:30"]\n')
    first, second, third = (blue(world, f"e{number}") for number in range(3))
    assert duty.deliver() == {}
    assert "按汇总时间统一发送：03月10日 17:30" in summary(world, first, "li")
    world.book.move(third, "closed", actor="a", reason="误报")
    world.clock.set(DAY.replace(hour=17, minute=31))
    assert duty.deliver() == {"mail": ["li@example.test"]}
    (message,) = duty.mail.sent
    assert message.reason == "digest" and message.subject.startswith("【蓝色预警·汇总】蓝色预警 2 件")
    assert [first in message.items[0], second in message.items[1]] == [True, True]
    assert third not in message.text, "its ticket was closed meanwhile"
    assert duty.box.counts()["sent"] == 2


def test_a_rise_takes_the_place_of_what_waits(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world, BOOK + '[[routes]]\nname = "汇总"\nto = ["roster:duty"]\nlevels = ["blue"]\ndigest = ["17:30"]\n'
                '[[routes]]\nname = "其他"\nto = ["roster:duty"]\n')  # fmt: skip
    number = blue(world)
    duty.deliver()
    world.take(burst(20, prefix="more", minutes=1, event="e"))
    duty.deliver()
    assert [notice.reason for notice in duty.mail.sent] == ["worse"]
    world.clock.set(DAY.replace(hour=18))
    duty.deliver()
    assert len(duty.mail.sent) == 1
    assert "尚未发出的旧通知由本通知代替" in [
        one.why for one in explain(world.store, world.clock, number, "li").notices[1].decisions
    ]


def test_a_group_waits_for_more_of_the_same_policy(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world, BOOK + '[[routes]]\nname = "合并"\nto = ["roster:duty"]\ngroup_seconds = 60\n')
    blue(world, "a")
    assert duty.deliver() == {}
    world.clock.advance(seconds=20)
    blue(world, "b")
    blue(world, "c", policy=None)
    duty.deliver()
    world.clock.advance(seconds=61)
    duty.deliver()
    assert sorted(notice.reason for notice in duty.mail.sent) == ["digest", "new"]


def test_red_hides_its_blue_children_until_it_is_closed(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    red = blue(world, "red")
    raised(world, red, "red")
    child, stranger = blue(world, "child"), blue(world, "stranger", policy=None)
    duty.deliver()
    told = {notice.ticket for notice in duty.mail.sent}
    assert told == {red, stranger}
    assert red in summary(world, child, "li") and summary(world, child, "li").startswith(
        "暂缓：同一政策已有红色预警工单"
    )
    world.clock.advance(minutes=10)
    duty.deliver()
    assert child not in {notice.ticket for notice in duty.mail.sent}
    world.book.move(red, "closed", actor="a", reason="已平息")
    world.clock.advance(minutes=1)
    duty.deliver()
    assert child in {notice.ticket for notice in duty.mail.sent}, "what is still true is told now"
    with world.store.read() as connection:
        held = sa.select(sa.func.count()).where(notice_decisions.c.outcome == "held")
        assert connection.scalar(held) == 1, "looked at again and again, noted once"


def test_a_silence_holds_and_its_end_lets_go(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    silences = Silences(world.store, world.clock)
    made = silences.add(
        policy="water-price", until=DAY + timedelta(hours=2), reason="已统一答复，等待发布", actor="陈主任"
    )
    number = blue(world)
    assert duty.deliver() == {}
    assert "陈主任 设置的静默（第 1 号，理由：已统一答复，等待发布），至 03月10日 14:00 止" in summary(
        world, number, "li"
    )
    raised(world, number, "red")
    silences.end(made.id, actor="陈主任")
    with pytest.raises(WrongUse, match="no silence 1 in force"):
        silences.end(made.id, actor="陈主任")
    assert duty.deliver(), "what it held is told at once"
    again = silences.add(ticket=number, until=DAY + timedelta(hours=2), reason="x", actor="y", levels=("red",))
    assert [one.id for one in silences.list()] == [again.id]
    assert [one.id for one in silences.list(ended=True)] == [made.id, again.id]


def test_red_is_not_silenced_by_accident(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    Silences(world.store, world.clock).add(policy="water-price", until=DAY + timedelta(hours=2), reason="x", actor="y")
    number = blue(world)
    raised(world, number, "red")
    assert duty.deliver()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"reason": ""}, "with a reason"),
        ({"policy": ""}, "about something"),
        ({"until": DAY - timedelta(hours=1)}, "has passed already"),
        ({"until": DAY + timedelta(days=40)}, "at most 30 days"),
        ({"ticket": "T1"}, "no ticket T1"),
        ({"levels": ("green",)}, "no level green"),
    ],
)
def test_a_wrong_silence_is_refused(world: World, given: dict[str, object], words: str) -> None:
    world.clock.set(DAY)
    right: dict[str, object] = {"policy": "p", "until": DAY + timedelta(hours=1), "reason": "r", "actor": "a"}
    with pytest.raises(WrongUse, match=words):
        Silences(world.store, world.clock).add(**{**right, **given})  # type: ignore[arg-type]


def test_a_roster_with_nobody_in_it_still_tells_somebody(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world, BOOK.replace("08:00-20:00", "14:00-20:00") + '[[routes]]\nname = "值班"\nto = ["roster:duty"]\n')
    number = blue(world)
    assert duty.deliver() == {"group": [""]}
    why = [one.why for one in explain(world.store, world.clock, number).notices[0].decisions]
    assert "路由“值班”：值班表 duty 此时无人在岗" in why and "没有路由适用，发往全部渠道" in why


def test_what_a_channel_can_t_deliver_goes_by_another_one(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    duty.mail.failures = [DeliveryFailed("HTTP 403", permanent=True)] * 9
    number = blue(world)
    raised(world, number, "red")
    duty.deliver()
    assert duty.sms.to == ["13900000003"] and len(duty.group.sent) == 1
    duty.deliver()
    assert summary(world, number, "chen").startswith("已送达（sms）")
    assert "没有其他渠道可换" in " ".join(
        one.why for one in explain(world.store, world.clock, number, "li").notices[0].decisions
    ), "the group has it already"


def test_blue_tries_another_channel_when_it_is_given_up_and_red_before(world: World) -> None:
    world.clock.set(DAY)
    route = '[[routes]]\nname = "值班"\nto = ["person:zhang"]\n'
    duty = Duty(world, BOOK + route, tries=5, breaker_failures=99)
    duty.mail.failures = [DeliveryFailed("HTTP 500")] * 99
    blue(world)
    for _ in range(12):
        assert duty.sms.sent == [] or duty.mail.tries == 5
        duty.deliver()
        world.clock.advance(minutes=30)
    assert duty.sms.to == ["13900000001"], "an address that gets only orange and red by itself"
    assert duty.sms.sent[0].note == "原定渠道 mail 未送达（HTTP 500），改由本渠道通知"
    world.clock.set(DAY + timedelta(days=1))
    raised(world, blue(world, "red", policy=None), "red")
    before = duty.mail.tries
    while not duty.group.sent:
        duty.deliver()
        world.clock.advance(minutes=30)
    assert len(duty.sms.sent) == 2 and duty.mail.tries - before == 4, "the third try called for the group"


def test_a_channel_that_fails_again_and_again_rests_and_red_does_not_wait_for_it(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world, BOOK + '[[routes]]\nname = "群"\nto = ["channel:group"]\n')
    duty.group.failures = [DeliveryFailed("no answer")] * 99
    for number in range(5):
        blue(world, f"e{number}", policy=None)
        duty.deliver()
    assert duty.group.tries == 5
    number = blue(world, "late", policy=None)
    duty.deliver()
    assert duty.group.tries == 5, "it rests"
    world.clock.advance(seconds=31)
    duty.deliver()
    assert duty.group.tries == 6, "one message tries"
    duty.deliver()
    assert duty.group.tries == 6
    world.clock.advance(seconds=31)
    duty.deliver()
    assert duty.group.tries == 6, "the second rest is longer"
    world.clock.advance(seconds=60)
    duty.group.failures = []
    duty.deliver()
    assert duty.group.sent and number


def test_coverage_is_told_where_it_matters(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    source = Source(id="river", name="云江日报", kind="feed", url="https://example.test/rss")
    with world.store.begin() as connection:
        save(world.store, [(source, None)], connection)
    asked = DAY - timedelta(hours=5)
    record_run(world.store, source, RunReport(source="river", ok=True, looked=True), asked, asked)
    blue(world)
    duty.deliver()
    assert "1个信源中0个可见；看不到：云江日报" in duty.mail.sent[0].body


def test_nothing_is_told_of_a_ticket_that_was_closed_before_anybody_looked(world: World) -> None:
    duty = Duty(world)
    number = blue(world)
    world.book.move(number, "closed", actor="a", reason="误报")
    assert duty.deliver() == {}
    assert summary(world, number, "li").startswith("未发送：工单已办结")


def test_several_processes_decide_each_notice_once(make_world: MakeWorld, store: Store) -> None:
    world = make_world(store)
    world.clock.set(DAY)
    duty = Duty(world)
    for number in range(12):
        blue(world, f"e{number}")
    start = threading.Barrier(4)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            start.wait()
            duty.box.deliver()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    duty.box.deliver()
    assert failed == []
    with store.read() as connection:
        keys = connection.scalars(sa.select(outbox.c.key)).all()
        undecided = connection.scalar(sa.select(sa.func.count()).where(notices.c.decided_at.is_(None)))
    assert len(keys) == len(set(keys)) == 24 and undecided == 0
    assert sorted(duty.mail.to) == ["li@example.test"] * 12 + ["wu@example.test"] * 12


def test_a_process_that_dies_while_deciding_leaves_everything_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    world.clock.set(DAY)
    duty = Duty(world)
    blue(world)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr("alerts.notify.dispatch.begin_chain", die)
        with pytest.raises(Killed):
            Dispatcher(world.store, world.settings, world.clock).dispatch()
    with world.store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(outbox)) == 0
    assert duty.deliver() == {"mail": ["wu@example.test", "li@example.test"]}
    assert world.clock.now() + timedelta(days=1) > NOW


def test_a_route_of_the_night_goes_by_the_day_on_which_it_begins(world: World) -> None:
    night = """
[[routes]]
name = "工作日夜间"
days = ["tue"]
hours = "20:00-08:00"
to = ["channel:group"]
"""
    duty = Duty(world, BOOK + night + ROUTES)
    for day, hour, told in ((10, 3, False), (10, 21, True), (11, 3, True), (11, 21, False)):  # the 10th is a Tuesday
        world.clock.set(datetime(2026, 3, day, hour, tzinfo=CHINA))
        before = len(duty.group.sent)
        blue(world, f"e{day}{hour}")
        duty.deliver()
        assert (len(duty.group.sent) > before) is told, (day, hour)
