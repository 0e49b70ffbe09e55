"""Days that the law sets: the department that answers is told once before the day and once after, whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from alerts.notify.tables import notices
from alerts.notify.why import explain
from alerts.service import AlertService
from alerts.statutory import telling
from alerts.statutory.telling import reminded, tell_due
from consultations.tables import consultations
from disclosure.tables import applications
from minsheng.clock import CHINA
from minsheng.settings import ConsultationSettings, ScheduleSettings
from tests.alerts.conftest import WATER, World
from tests.alerts.duty_world import Duty

DEPARTMENT = WATER.department


class Room:
    """A world with a duty book, looked at day by day."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.duty = Duty(world)
        self.today: date = world.clock.now().astimezone(CHINA).date()

    def consultation(self, *, ended: int, department: str = "", **values: Any) -> None:
        closes = self.today - timedelta(days=ended)
        row = {
            "policy_id": WATER.id, "title": "水价办法", "department": department, "closes_on": closes,
            "opens_on": closes - timedelta(days=30), "text": "第一条", "origin": "", "added_by": "a",
            "added_at": self.world.clock.now(), **values,
        }  # fmt: skip
        with self.world.store.begin() as connection:
            connection.execute(consultations.insert().values(**row))

    def application(self, number: str, received: date, department: str | None = DEPARTMENT, **values: Any) -> None:
        row = {
            "number": number, "department": department, "received_on": received, "title": f"事项{number}",
            "content": "", "region": "", "policy_named": "", **values,
        }  # fmt: skip
        with self.world.store.begin() as connection:
            connection.execute(applications.insert().values(**row))

    def look(self, days: int = 0) -> Sequence[str]:
        """Look so many days later; returns who was told what."""
        world = self.world
        world.clock.advance(days=days)
        tell_due(world.store, world.settings, world.clock)
        before = {name: len(channel.sent) for name, channel in self.duty.channels.items()}
        self.duty.deliver()
        self.told = [one for name, kept in self.duty.channels.items() for one in kept.sent[before[name] :]]
        return [f"{one.to}: {one.subject}" for one in self.told]


@pytest.fixture
def room(world: World) -> Room:
    return Room(world)


def test_a_consultation_is_told_of_before_its_day_and_after_it(room: Room) -> None:
    room.consultation(ended=1)
    due = telling.standing(telling_of(room), room.today, room.world.settings.consultation).due_on
    before = (due - room.today).days
    assert room.look() == []
    assert room.look(before - 8) == []
    words = f"《水价办法》征求意见采纳情况应于 {due.month}月{due.day}日前公开"
    assert room.look(1) == [f"wu@example.test: 【公开时限】{words}，还有 7 天"]
    assert "没有收到意见" in room.told[0].why and room.told[0].command == "minsheng consultation show ZQ0001"
    assert room.told[0].coverage == ""
    assert room.look() == room.look(1) == room.look(6) == []
    assert room.look(1) == [f"wu@example.test: 【公开时限】{words}，超期 1 天"]
    assert room.look(3) == []
    told = reminded(room.world.store, "consultation:1")
    assert [line.rpartition("，")[2] for line in told] == ["将到期", "已超期"]


def telling_of(room: Room) -> Any:
    with room.world.store.read() as connection:
        row = connection.execute(sa.select(consultations)).mappings().one()
    return telling.Consultation(**row)


def test_what_is_public_or_open_is_told_of_to_nobody(room: Room) -> None:
    room.consultation(ended=90, published_on=room.today)
    room.consultation(ended=-1)
    room.consultation(ended=0, opens_on=room.today - timedelta(days=10))
    assert room.look() == []


def test_another_day_is_told_of_anew(room: Room) -> None:
    room.consultation(ended=40)
    assert len(room.look()) == 1
    settings = room.world.settings
    room.world.settings = msgspec.structs.replace(settings, consultation=ConsultationSettings(publish_months=2))
    assert room.look() == [] and len(room.look(13)) == 1


def test_a_service_that_was_down_tells_of_what_is_late_that_it_is_late(room: Room) -> None:
    room.consultation(ended=50)
    stands = telling.standing(telling_of(room), room.today, room.world.settings.consultation)
    assert stands.days < -15
    assert [one.rpartition("，")[2] for one in room.look()] == [f"超期 {-stands.days} 天"]


def test_many_applications_are_one_notice_a_department(room: Room) -> None:
    long_ago = room.today - timedelta(days=400)
    for number in range(14):
        room.application(f"A{number:02}", long_ago)
    room.application("B", long_ago, answered_on=room.today)
    room.application("C", room.today)
    room.application("D", long_ago, department="市没有人的局")
    told = room.look()
    assert told[0].startswith(f"wu@example.test: 【公开时限】{DEPARTMENT}依申请公开：14 件已超期")
    assert len(room.told[0].items) == 11 and room.told[0].items[-1] == "……另有 4 件"
    # Nobody answers for the other one: the routes decide, and somebody is told.
    assert any("市没有人的局" in one for one in told[1:])
    assert room.look() == room.look(1) == []
    room.application("E", long_ago)
    assert room.look() == [f"wu@example.test: 【公开时限】{DEPARTMENT}依申请公开：1 件已超期"]
    assert room.told[0].items[0].startswith("E 事项E：应于")


def test_an_application_presses_by_working_days_and_an_answer_ends_it(room: Room) -> None:
    from minsheng.workdays import WorkCalendar

    calendar = WorkCalendar()
    received = calendar.add_workdays(calendar.next_workday(room.today), -14)
    room.application("A1", received)
    assert room.look() == []
    days = (calendar.add_workdays(received, 15) - room.today).days
    told = room.look(days)
    assert len(told) == 1 and "1 件将到期" in told[0] and "还有 5 个工作日" in room.told[0].items[0]
    with room.world.store.begin() as connection:
        connection.execute(applications.update().values(answered_on=room.today + timedelta(days=days)))
    assert room.look(30) == []


def test_a_notice_that_can_not_be_kept_is_told_of_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was claimed and the notice are one transaction: a crash between them leaves neither."""
    room.consultation(ended=60)

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(telling, "enqueue_matter", fails)
        room.look()
    assert len(room.look()) == 1


def test_why_it_came_can_be_asked(room: Room) -> None:
    room.consultation(ended=60, department=str(DEPARTMENT))
    room.application("A1", room.today - timedelta(days=300))
    room.look()
    for matter in (f"policy:{WATER.id}", f"department:{DEPARTMENT}"):
        found = explain(room.world.store, room.world.clock, matter, "wu")
        assert found.notices[0].reason == "公开时限" and "已送达" in found.notices[0].summary
        assert "人员吴科长" in found.notices[0].decisions[0].why


def test_the_service_looks_each_morning(room: Room) -> None:
    room.consultation(ended=60)
    world = room.world
    service = AlertService(world.store, world.settings, world.clock)
    (chore,) = [one for one in service._chores if one.name == "statutory"]

    def kept() -> int:
        with world.store.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(notices)) or 0

    service.do(chore)
    assert kept() == 1
    following = chore.next_at(world.clock.now()).astimezone(CHINA)
    assert f"{following:%H:%M}" == "08:30" and following > world.clock.now()
    service.do(chore)
    assert kept() == 1
    with pytest.raises(ValueError, match="statutory_at"):
        ScheduleSettings(statutory_at="morning")
