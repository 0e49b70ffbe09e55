"""Drills: the whole road as an exercise, apart from everything that is real, and a report of how fast it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from alerts.casework.tasks import finish_task, tasks_of
from alerts.drills.book import DrillBook
from alerts.drills.report import PATIENCE, DrillReport
from alerts.drills.scenario import read_scenario, scenarios
from alerts.drills.start import start_drill
from alerts.notices import compose
from alerts.notify.digest import gather
from alerts.outbox import Outbox
from alerts.tables import observation_policies, policy_hours, tickets
from alerts.tickets import Status, Ticket, TicketBook
from briefings.docx import docx_of
from briefings.drill import report_of
from crawlers.admission import Admission
from crawlers.sources import make_source
from grouping.by_hand import EventDesk
from grouping.detail import event_detail
from grouping.listing import list_events
from grouping.tables import members
from minsheng.clock import CHINA, ManualClock
from minsheng.errors import WrongSettings, WrongUse
from minsheng.exercises import EXERCISE, MARK, event_id
from minsheng.policies import Policy, PolicyRegister
from minsheng.road import Road
from minsheng.settings import ChannelSettings, NotifySettings, Settings, load_settings
from search.index import FACETS, Filters, Search
from search.query import Sources
from tests.acceptance.conftest import drain
from tests.alerts.conftest import NOW, World, burst
from tests.alerts.duty_world import Duty, Kept
from tests.commands import minsheng

MORNING = datetime(2026, 5, 8, 9, 0, tzinfo=CHINA)
CARD = Policy(id="card", title="云和市民卡一卡通用管理办法", department="云和市大数据管理局")


class Drilled:
    """A small Minsheng on which every shipped scenario was drilled at the same moment, none of it worked yet."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(MORNING)
        notify = NotifySettings(terminal=False, channels=(ChannelSettings(name="group", url="terminal://"),))
        self.settings = Settings(data_dir=folder, notify=notify)
        self.road = Road(self.settings, self.clock)
        self.road.prepare()
        self.store = self.road.store
        PolicyRegister(self.store, self.clock).import_policies([CARD])
        self.scenarios = scenarios()
        self.numbers = {
            name: start_drill(self.store, self.road.log, self.clock, one, CARD, actor="zhang")
            for name, one in self.scenarios.items()
        }
        self.clock.advance(seconds=1)
        drain(self.road)
        self.drills = DrillBook(self.store, self.clock)
        self.tickets = TicketBook(self.store, self.clock)

    def ticket(self, scenario: str) -> Ticket:
        return self.tickets.get(self.drills.report(self.numbers[scenario]).ticket)


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drilled]:
    made = Drilled(tmp_path_factory.mktemp("drilled"))
    yield made
    made.road.close()


def test_every_scenario_becomes_one_ticket_of_its_level_with_the_plan_for_it(drilled: Drilled) -> None:
    assert len(drilled.scenarios) >= 3
    assert len(drilled.tickets.list()) == len(drilled.scenarios)
    for name, scenario in drilled.scenarios.items():
        ticket = drilled.ticket(name)
        assert (ticket.level, ticket.risk_kind, ticket.policy) == (scenario.level, scenario.risk_kind, CARD.id), name
        assert ticket.exercise and ticket.title.startswith(f"{MARK}《{CARD.title}》：")
        assert ticket.plan is not None and ticket.plan["id"] == f"general-{scenario.risk_kind}"
        assert len(ticket.documents) == len(scenario.posts)
        detail = event_detail(drilled.store, drilled.road.index, ticket.event)
        assert detail is not None and detail.title.startswith(MARK) and detail.documents == len(scenario.posts)


def test_nothing_of_it_counts_anywhere(drilled: Drilled) -> None:
    index = drilled.road.index
    page = index.search(Search(facets=FACETS, histogram="day"))
    assert (page.total, page.hits, page.histogram, index.count(Filters(policies=(CARD.id,)))) == (0, (), (), 0)
    assert not any(page.facets.values())
    sent = sum(len(one.posts) for one in drilled.scenarios.values())
    assert index.count(Filters(sources=(EXERCISE,))) == sent
    assert index.search(Search(query=Sources((EXERCISE,)))).total == sent
    with drilled.store.read() as connection:
        for table in (policy_hours, observation_policies, members):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0, table.name
    assert list_events(drilled.store) == []


def test_its_event_is_neither_merged_nor_split(drilled: Drilled) -> None:
    desk = EventDesk(drilled.store, drilled.road.index, drilled.road.log, drilled.clock)
    first, second = (event_id(number) for number in list(drilled.numbers.values())[:2])
    with pytest.raises(WrongUse, match="event of a drill stays"):
        desk.merge(first, second, by="zhang", reason="x")
    with pytest.raises(WrongUse, match="event of a drill stays"):
        desk.split(first, drilled.ticket("fee-rumour").documents[:1], by="zhang", reason="x")


def test_the_report_tells_each_step_against_its_clock_and_is_kept(drilled: Drilled) -> None:
    clock, number = drilled.clock, drilled.numbers["service-breakdown"]
    ticket = drilled.ticket("service-breakdown")
    clock.advance(seconds=1)
    channel = Kept()
    Outbox(drilled.store, drilled.settings, clock, {"group": channel}).deliver()
    mine = [notice for notice in channel.sent if notice.ticket == ticket.number]
    # It rose from blue before anybody was told of it.
    assert [notice.subject.startswith(f"{MARK}【黄色预警·等级上升】《{CARD.title}》") for notice in mine] == [True]
    assert mine[0].note.startswith("这是演练")
    steps: tuple[tuple[int, Status], ...] = (
        (3, "acknowledged"), (5, "responding"), (50, "responded"), (10, "evaluated"), (1, "closed"),
    )  # fmt: skip
    for minutes, status in steps:
        clock.advance(minutes=minutes)
        drilled.tickets.move(ticket.number, status, actor="li", reason="演练结束")
        if status == "acknowledged":
            clock.advance(minutes=1)
            drilled.drills.note_plan_opened(ticket.event, actor="li")
            clock.advance(minutes=5)
            drilled.drills.note_plan_opened(ticket.event, actor="wang")
        if status == "responding":
            done = tasks_of(drilled.store, ticket.number)[0]
            finish_task(drilled.store, clock, ticket.number, done.number, actor="li")
    assert drilled.drills.keep_ended() == 1 and drilled.drills.keep_ended() == 0
    report = drilled.drills.report(number)
    assert [(step.name, step.seconds) for step in report.steps] == [
        ("posted", None), ("ticket", 1.0), ("notice", 1.0), ("acknowledged", 180.0), ("plan", 60.0),
        ("responding", 600.0), ("responded", 3000.0), ("closed", 660.0),
    ]  # fmt: skip
    assert [step.met for step in report.steps if step.due_at is not None] == [True, True, True]
    assert report.clocks[0].title == "作出回应" and report.clocks[0].met is True
    assert report.ended_at == clock.now() and report.outcome == "closed" and report.level == report.expected
    assert any("项预案任务没有完成" in one for one in report.findings)
    assert msgspec.json.decode(msgspec.json.encode(report), type=DrillReport) == report
    word = docx_of(report_of(report, "值班室", CARD.title))
    assert word[:2] == b"PK"
    text = "".join(block.text for block in report_of(report, "值班室", CARD.title).summary)
    assert f"生成工单 {ticket.number}，等级Ⅲ级（黄色）（想定Ⅲ级（黄色）），随单预案“公共服务中断" in text


def test_a_drill_that_brings_no_ticket_ends_and_says_why(tmp_path: Path, world: World) -> None:
    from stream.embedded import EmbeddedLog
    from stream.log import TOPICS

    log = EmbeddedLog(tmp_path / "log.db")
    log.ensure_topics(dict.fromkeys(TOPICS, 1))
    world.register.import_policies([CARD])
    number = start_drill(world.store, log, world.clock, scenarios()["fee-rumour"], CARD, actor="zhang")
    again = start_drill(world.store, log, world.clock, scenarios()["fee-rumour"], CARD, actor="zhang")
    assert (number[-4:], again[-4:]) == ("-001", "-002")
    book = DrillBook(world.store, world.clock)
    assert book.keep_ended() == 0 and [one.ended_at for one in book.list()] == [None, None]
    world.clock.advance(seconds=PATIENCE.total_seconds() + 1)
    assert book.keep_ended() == 2
    report = book.report(number.lower())
    assert report.ticket == "" and report.findings[0].startswith("11 条演练信息中只有 0 条到达预警环节")
    assert [step.name for step in report.steps] == ["posted", "ticket"] and report.steps[1].met is None
    with pytest.raises(WrongUse, match="no drill D1"):
        book.report("D1")
    log.close()


def plain(world: World) -> list[tuple[object, ...]]:
    return [
        (one.number, one.level, one.current_level, one.score, one.why, one.parts, one.posts, one.title, one.version)
        for one in world.tickets()
        if not one.exercise
    ]


def test_a_real_ticket_of_the_same_policy_is_just_what_it_would_be_without_the_drill(
    make_world: Callable[..., World],
) -> None:
    """Before, between and after the real posts come those of a drill on the same policy."""
    quiet, drilled = make_world(), make_world()
    past = [one for week in (1, 2) for one in burst(3, NOW - timedelta(weeks=week), prefix=f"w{week}-", event="past")]
    real = burst(24, event="real")
    exercise = burst(20, NOW - timedelta(minutes=30), event=event_id("D1"), source=EXERCISE, prefix="D1/")
    more = burst(20, NOW + timedelta(minutes=30), event=event_id("D2"), source=EXERCISE, prefix="D2/")
    later = burst(30, NOW + timedelta(hours=1), minutes=1, event="real", prefix="later")
    quiet.take([*past, *real, *later])
    drilled.take([*past, *exercise, *real[:12], *more, *real[12:], *later], batch=7)
    assert len(quiet.tickets()) == 1 and plain(quiet)[0][1:] == plain(drilled)[0][1:]
    assert [one.event for one in drilled.tickets() if one.exercise] == [event_id("D2"), event_id("D1")]
    with drilled.store.read() as connection, quiet.store.read() as other:
        query = sa.select(policy_hours).order_by(policy_hours.c.policy_id, policy_hours.c.hour)
        assert connection.execute(query).all() == other.execute(query).all()


def test_a_loud_policy_does_not_drown_a_drill(world: World) -> None:
    days = range(1, 15)
    world.take(
        [
            one
            for day in reversed(days)
            for one in burst(30, NOW - timedelta(days=day), minutes=1, prefix=f"d{day}-", event=f"past{day}")
        ]
    )
    world.take(burst(18, event=event_id("D1"), source=EXERCISE, prefix="D1/", minutes=1))
    assert [one.level for one in world.tickets() if one.exercise] == ["yellow"]


def test_a_message_is_never_shared_by_a_drill_and_what_is_real(world: World) -> None:
    duty = Duty(world, book="")
    duty.world.settings = Settings(
        data_dir=world.settings.data_dir,
        notify=NotifySettings(
            terminal=False, channels=(ChannelSettings(name="group", url="terminal://", per_minute=2),)
        ),
    )
    world.take(burst(12, event=event_id("D1"), source=EXERCISE, prefix="D1/"))
    world.take(burst(12, event=event_id("D2"), source=EXERCISE, prefix="D2/"))
    world.take(burst(12, event="real-1", prefix="r1"))
    world.take(burst(12, event="real-2", prefix="r2", policy=None, request="help"))
    assert [one.exercise for one in world.tickets()].count(True) == 2
    duty.deliver()
    assert [MARK in one.text for one in duty.group.sent] == [False, False], "what is real goes first"
    world.clock.advance(minutes=2)
    duty.deliver()
    assert [MARK in one.text for one in duty.group.sent[2:]] == [True, True]
    with world.store.read() as connection:
        rows = connection.execute(sa.select(tickets).where(tickets.c.exercise)).mappings().all()
    together = gather([compose(row, "new", None) for row in rows])
    assert together.subject.startswith(f"{MARK}【蓝色预警·汇总】")


def test_no_real_source_is_called_like_the_exercises(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="kept for drills"):
        Admission(EXERCISE, None)  # type: ignore[arg-type]
    with pytest.raises(WrongUse, match="kept for drills"):
        make_source({"id": EXERCISE, "kind": "feed", "url": "https://example.org/rss"}, "x.toml")
    (tmp_path / "minsheng.toml").write_text(
        '[[receive.collectors]]\nsource = "exercise"\ntoken = { env = "T" }\n', encoding="utf-8"
    )
    with pytest.raises(WrongSettings, match="kept for drills"):
        load_settings(tmp_path)


def test_a_wrong_scenario_is_refused_with_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('id = "Mine"\ntitle = "t"\nrisk_kind = "service"\nlevel = "red"\nsummary = ""\n'
                    '[[posts]]\ntext = "{polcy}"\n', encoding="utf-8")  # fmt: skip
    with pytest.raises(WrongUse, match=r"unknown variable \{polcy\}") as caught:
        read_scenario(file)
    assert "use lower-case letters" in caught.value.message
    file.write_text('id = "mine"\nlevel = "pink"\n', encoding="utf-8")
    with pytest.raises(WrongUse, match=r"mine.toml: "):
        read_scenario(file)


def test_the_command_line(tmp_path: Path) -> None:
    folder = {"MINSHENG_DATA_DIR": str(tmp_path / "data")}
    assert "service-breakdown" in minsheng("drill", "scenarios", environ=folder).stdout
    missing = minsheng("drill", "start", "service-breakdown", "--policy", "nothing", environ=folder)
    assert missing.returncode == 2 and "there is no policy 'nothing'" in missing.stderr
    (tmp_path / "card.toml").write_text(f'id = "card"\ntitle = "{CARD.title}"\n', encoding="utf-8")
    assert minsheng("policies", "import", str(tmp_path / "card.toml"), environ=folder).returncode == 0
    unknown = minsheng("drill", "start", "flood", "--policy", "card", environ=folder)
    assert unknown.returncode == 2 and "there are: fee-rumour" in unknown.stderr
    started = minsheng("drill", "start", "safety-incident", "--policy", "card", "--json", environ=folder)
    number = json.loads(started.stdout)["drill"]
    assert number in minsheng("drill", "list", environ=folder).stdout
    shown = minsheng("drill", "show", number, "--docx", str(tmp_path / "r.docx"), "--json", environ=folder)
    assert json.loads(shown.stdout)["posts"] == 14 and (tmp_path / "r.docx").stat().st_size > 10_000
    assert "尚未生成工单" in minsheng("drill", "show", number, environ=folder).stdout
