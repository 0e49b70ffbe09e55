"""Signs of life: the change of shift is told once, gaps before they come, and the watchdog only while all is well."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.duty.changes import DutyChanges
from alerts.notify.heartbeat import Heartbeat, feed_watchdog
from alerts.service import AlertService
from minsheng.clock import CHINA
from minsheng.settings import NotifySettings, Secret, Settings
from tests.alerts.channel_servers import answering
from tests.alerts.conftest import World
from tests.alerts.duty_world import BOOK, Duty
from tests.alerts.test_notice_stages import blue

EVENING = datetime(2026, 3, 10, 20, 0, 5, tzinfo=CHINA)


def beat(world: World) -> int:
    return Heartbeat(world.store, world.settings, world.clock).beat()


def test_who_begins_and_the_group_are_told_once_that_the_watch_goes_on(world: World) -> None:
    duty = Duty(world, BOOK)
    world.clock.set(EVENING - timedelta(hours=4))
    blue(world)
    world.clock.set(EVENING)
    assert beat(world) == 3, "the group, and both addresses of who begins"
    assert beat(world) == 0
    duty.deliver()
    told = [notice for notice in duty.group.sent if notice.reason == "watch"]
    assert [notice.subject for notice in told] == ["【值守】舆情值班·夜班 20:00 接班：张伟，民声监看中"]
    assert told[0].why == "本班至 03月11日 08:00。未办结工单：蓝色预警 1 件。"
    assert "zhang@example.test" in duty.mail.to
    world.clock.advance(hours=3)
    assert beat(world) == 0, "a change long past is not told any more"


def test_a_gap_is_told_before_it_comes_and_once(world: World) -> None:
    duty = Duty(world, BOOK)
    book = duty.shelf.current()
    world.clock.set(EVENING + timedelta(hours=3))
    begin = datetime(2026, 3, 12, 9, tzinfo=CHINA)
    DutyChanges(world.store, world.clock).stand_in(
        book, "li", None, begin, begin + timedelta(hours=2), actor="a", reason="病假"
    )
    assert beat(world) > 0
    assert beat(world) == 0
    world.clock.advance(hours=1)
    assert beat(world) == 0
    duty.deliver()
    (told,) = duty.group.sent
    assert told.subject == "【值班空缺】舆情值班 03月12日 09:00 至 03月12日 11:00 无人值班"
    assert "李娜不在岗，无人顶班" in told.why and "minsheng roster stand-in" in told.why
    assert "chen@example.test" not in duty.mail.to, "it is night, and the gap is a day and a half off"
    world.clock.set(datetime(2026, 3, 11, 7, 0, tzinfo=CHINA))
    duty.deliver()
    assert duty.mail.to.count("chen@example.test") == 1


def test_a_gap_that_comes_within_the_quiet_hours_is_told_at_once(world: World) -> None:
    duty = Duty(world, BOOK)
    world.clock.set(EVENING + timedelta(hours=3))
    begin = datetime(2026, 3, 11, 2, tzinfo=CHINA)
    changes = DutyChanges(world.store, world.clock)
    changes.stand_in(duty.shelf.current(), "zhang", None, begin, begin + timedelta(hours=2), actor="a", reason="病假")
    beat(world)
    duty.deliver()
    assert "chen@example.test" in duty.mail.to


def test_a_long_gap_is_told_once_while_it_comes_into_sight(world: World) -> None:
    """Neither its end, which lies beyond what is looked at, nor its beginning, once that is past, moves with time."""
    duty = Duty(world, BOOK)
    begin = datetime(2026, 3, 12, 20, tzinfo=CHINA)
    changes = DutyChanges(world.store, world.clock)
    book = duty.shelf.current()
    for person in ("li", "zhang"):
        changes.stand_in(book, person, None, begin, begin + timedelta(hours=30), actor="a", reason="停电")
    world.clock.set(begin - timedelta(hours=49))
    for _ in range(14):
        beat(world)
        world.clock.advance(hours=5)
    duty.deliver()
    told = [notice.subject for notice in duty.group.sent if notice.reason == "gap"]
    assert told == [
        "【值班空缺】舆情值班 03月12日 20:00 至 03月13日 08:00 无人值班",
        "【值班空缺】舆情值班 03月13日 08:00 至 03月13日 20:00 无人值班",
        "【值班空缺】舆情值班 03月13日 20:00 至 03月14日 02:00 无人值班",
    ], "one for each who is missing"


def test_without_rosters_nothing_is_said(world: World) -> None:
    Duty(world, book="")
    assert beat(world) == 0


def with_watchdog(tmp_path: Path, url: str) -> Settings:
    (tmp_path / "url").write_text(url)
    return Settings(data_dir=tmp_path, notify=NotifySettings(watchdog_url=Secret(file=str(tmp_path / "url"))))


def test_the_watchdog_is_fed_only_while_all_is_well(world: World, tmp_path: Path) -> None:
    with answering((200, {}, {})) as server:
        settings = with_watchdog(tmp_path, f"{server.url}/ping/topsecret")
        service = AlertService(world.store, settings, world.clock)
        service.feed_watchdog()
        assert server.asked == [], "nothing was looked at yet"
        service.deliver()
        service.check_deadlines()
        service.feed_watchdog()
        assert server.asked == ["/ping/topsecret"]
        assert service.health()["watchdog_fed_at"] == world.clock.now()
        world.clock.advance(seconds=200)
        service.deliver()
        service.feed_watchdog()
        assert len(server.asked) == 1, "deadlines were not looked at for too long"


def test_a_watchdog_that_is_away_stops_nothing_and_its_address_is_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not feed_watchdog(with_watchdog(tmp_path, "http://127.0.0.1:9/topsecret"))
    with answering((500, {}, {})) as server:
        assert not feed_watchdog(with_watchdog(tmp_path, f"{server.url}/topsecret"))
    assert not feed_watchdog(Settings(data_dir=tmp_path))
    said = capsys.readouterr()
    assert "topsecret" not in said.out + said.err
