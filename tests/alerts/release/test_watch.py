"""The watch over releases on a scripted timeline: who is told of what is missing, when, once; first reports, frozen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from alerts.notify.tables import notices
from alerts.notify.why import explain
from alerts.plan_model import Plan
from alerts.plans import PlanBook
from alerts.release.report import kept_reports, release_report
from alerts.release.tables import release_reports, release_timers
from alerts.release.watch import ReleaseWatch
from answers.book import AnswerBook
from answers.model import Content
from minsheng.clock import CHINA
from minsheng.errors import Unavailable, WrongUse
from minsheng.parts import open_index
from minsheng.policies import Policy
from minsheng.policies.interpretations import Interpretations
from minsheng.settings import Settings
from search.index import Index
from tests.alerts.conftest import World, burst, record
from tests.alerts.duty_world import Duty

RELEASE = datetime(2026, 5, 20, 9, tzinfo=CHINA)
PARKING = Policy(
    id="parking",
    title="云和市停车收费管理办法",
    department="云和市发展和改革委员会",
    topics=("城乡建设",),
    stage="draft",
    released_on=RELEASE.date(),
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    found = open_index(Settings(data_dir=tmp_path))
    found.ensure()
    yield found
    found.close()


class Line:
    """The world on its timeline, with the one who is responsible for the policy."""

    def __init__(self, world: World, index: Index) -> None:
        self.world = world
        self.index = index
        self.duty = Duty(world)
        self.plans = PlanBook.from_folder()
        world.register.import_policies([PARKING])

    def at(self, moment: datetime) -> list[str]:
        """Go there, look with a watch that is new, as another process is, and return what people were told."""
        self.world.clock.set(moment)
        world = self.world
        self.fired = ReleaseWatch(world.store, world.settings, world.clock, self.index, self.plans).look()
        before = len(self.duty.mail.sent)
        self.duty.deliver()
        self.told = self.duty.mail.sent[before:]
        return [f"{notice.to}: {notice.subject}" for notice in self.told]

    def days(self, count: float) -> list[str]:
        return self.at(RELEASE - timedelta(days=count) + timedelta(seconds=5))

    def set(self, **changes: object) -> None:
        self.world.register.import_policies([msgspec.structs.replace(PARKING, **changes)])

    def prepare(self, *parts: str) -> None:
        world = self.world
        if "plan" in parts:
            own = Plan(id="own", version=1, title="停车收费专项预案", policies=("parking",), owner="price")
            self.plans = PlanBook([*self.plans.plans.values(), own])
        if "interpretation" in parts:
            Interpretations(world.store, world.clock).add(
                "parking", "picture", "一图读懂", RELEASE.date(), actor="wu", responsible="吴科长"
            )
        if "qa" in parts:
            answers = AnswerBook(world.store, world.clock)
            content = Content(
                policy="parking", title="怎么收费", question="停车费怎么收？", answer="按区域和时段收取。",
                department="云和市发展和改革委员会", clauses=("第一条",),
            )  # fmt: skip
            entry = answers.create(content, actor="a").id
            answers.review(entry, actor="b")
            answers.sign(entry, actor="c")


@pytest.fixture
def line(world: World, index: Index) -> Line:
    return Line(world, index)


def test_the_owner_is_told_what_is_missing_on_each_day_and_once(line: Line) -> None:
    assert line.days(20) == []
    assert line.days(14) == [
        "wu@example.test: 【发布提醒】《云和市停车收费管理办法》14 天后发布，尚缺：应对预案、解读材料、政策问答"
    ]
    assert "minsheng policies watch parking" in line.told[0].body
    assert line.days(14) == line.days(13) == []
    line.prepare("plan")
    assert line.days(7)[0].endswith("7 天后发布，尚缺：解读材料、政策问答")
    assert "停车收费专项预案" in line.told[0].why
    line.prepare("interpretation")
    assert line.days(3)[0].endswith("3 天后发布，尚缺：政策问答")
    assert line.told[0].level == "yellow"
    line.prepare("qa")
    assert line.days(1) == [], "nothing is missing"
    assert line.days(0)[0].endswith("今日发布，各项准备齐备")
    assert "窗口期" in line.told[0].why and "2、24、72 小时" in line.told[0].why
    rows = timers(line)
    assert [row.why for row in rows if row.kind == "remind" and row.distance == 1] == ["齐备，未提醒"]


def test_nothing_is_skipped_after_a_standstill_and_it_is_one_message(line: Line) -> None:
    line.days(20)
    (told,) = line.days(2)
    assert told.endswith("2 天后发布，尚缺：应对预案、解读材料、政策问答")
    assert "因系统当时未运行而迟到" in line.told[0].why
    assert line.fired == 3, "14, 7 and 3 days before"
    whys = {row.distance: row.why for row in timers(line) if row.kind == "remind" and row.fired_at is not None}
    assert whys[14].startswith("与提前 3 天的提醒一并发出；已提醒") and whys[3].startswith("已提醒")
    assert line.days(2) == []


def test_a_policy_that_comes_late_is_told_of_at_once(line: Line, world: World) -> None:
    (told,) = line.days(5)
    assert "5 天后发布" in told
    assert {row.distance for row in timers(line) if row.kind == "remind"} == {7, 3, 1, 0}
    world.register.import_policies([msgspec.structs.replace(PARKING, id="old", released_on=date(2020, 1, 1))])
    assert line.days(4) == [], "what was released years ago is nothing to be prepared"


def test_a_release_that_moves_is_planned_anew(line: Line) -> None:
    assert line.days(14)
    line.set(released_on=RELEASE.date() + timedelta(days=10))
    assert line.days(7) == [], "it is 17 days off now"
    assert line.days(4)[0].endswith("14 天后发布，尚缺：应对预案、解读材料、政策问答")
    line.set()
    assert line.days(3)[0].startswith("wu@example.test: 【发布提醒】《云和市停车收费管理办法》3 天后发布")
    assert line.days(1) and line.days(0)
    counted = [row for row in timers(line) if row.fired_at is not None and row.kind == "remind"]
    assert {(row.released_on, row.distance) for row in counted} == {
        (RELEASE.date(), 14), (RELEASE.date(), 3), (RELEASE.date(), 1), (RELEASE.date(), 0),
        (RELEASE.date() + timedelta(days=10), 14),
    }  # fmt: skip


def test_a_policy_that_is_withdrawn_is_left_alone(line: Line) -> None:
    assert line.days(14)
    line.set(stage="repealed")
    assert line.days(7) == line.days(0) == line.at(RELEASE + timedelta(hours=3)) == []
    assert all(row.cancelled_at is not None for row in timers(line) if row.fired_at is None)


def test_withdrawn_between_two_looks(line: Line, world: World) -> None:
    """The register changes after the watch has planned and before it fires: it looks again."""
    line.days(20)
    world.clock.set(RELEASE - timedelta(days=14) + timedelta(seconds=5))
    watch = ReleaseWatch(world.store, world.settings, world.clock, None, line.plans)
    line.set(released_on=None)
    assert watch.fire() == 0
    assert told_rows(world) == []


def test_two_watches_at_once_tell_once(line: Line, world: World) -> None:
    line.days(20)
    world.clock.set(RELEASE - timedelta(days=7) + timedelta(seconds=5))
    both = [ReleaseWatch(world.store, world.settings, world.clock, line.index, line.plans) for _ in range(2)]
    assert [one.look() for one in both] == [2, 0]
    assert len(told_rows(world)) == 1


def test_first_reports_are_made_kept_and_told(line: Line, world: World, index: Index) -> None:
    line.days(1)
    posts = [
        *burst(6, RELEASE + timedelta(minutes=10), policy="parking", text="请问小区门口停车怎么收费？",
               request="inquiry", sentiment="neutral", prefix="q"),
        *burst(9, RELEASE + timedelta(minutes=20), policy="parking", text="停车费太贵了，希望尽快降下来！",
               prefix="n"),
        *burst(4, RELEASE - timedelta(minutes=90), policy="parking", sentiment="neutral", request="none", prefix="b"),
        record("late", RELEASE + timedelta(hours=5), policy="parking"),
    ]  # fmt: skip
    world.clock.set(RELEASE + timedelta(hours=1))
    index.write(posts)
    world.take(posts)
    told = line.at(RELEASE + timedelta(hours=2, minutes=1))
    assert "wu@example.test: 【发布首报】《云和市停车收费管理办法》发布后 2 小时舆情" in told
    (report, digest) = kept_reports(world.store, "parking", 2)[0]
    assert (report.documents, report.voices, report.before, report.partial) == (15, 15, 4, False)
    negative = report.sentiment[0]
    assert (negative.label, negative.count, negative.total) == ("negative", 9, 15)
    assert negative.low < 0.6 < negative.high
    assert "请问小区门口停车怎么收费？" in [one.text for one in report.questions]
    assert "停车费太贵了，希望尽快降下来！" in [one.text for one in report.demands]
    assert [ticket.number for ticket in report.tickets] == [one.number for one in world.tickets()]
    assert report.missing == ("plan", "interpretation", "qa") and report.coverage
    assert len(digest) == 64
    # Frozen: a post that arrives late changes nothing of it.
    more = burst(5, RELEASE + timedelta(minutes=30), policy="parking", prefix="m")
    index.write(more)
    world.take(more)
    line.at(RELEASE + timedelta(hours=3))
    assert kept_reports(world.store, "parking", 2)[0] == (report, digest)
    line.at(RELEASE + timedelta(hours=80))
    assert [one.hours for one, _ in kept_reports(world.store, "parking")] == [2, 24, 72]
    assert line.fired == 2, "those of 24 and 72 hours, though nobody looked meanwhile"
    assert kept_reports(world.store, "parking", 24)[0][0].documents == 21
    # Why somebody was told is known of these notices, too.
    found = explain(world.store, world.clock, "policy:parking", "wu")
    assert [one.reason for one in found.notices].count("发布首报") == 3
    assert all(one.summary.startswith("已送达（mail）") for one in found.notices if one.reason == "发布首报")


def test_a_report_waits_for_the_index_and_then_does_without(line: Line, world: World) -> None:
    class Away:
        def search(self, search: object) -> object:
            raise Unavailable("index", "away")

    line.days(1)
    watch = ReleaseWatch(world.store, world.settings, world.clock, Away(), line.plans)  # type: ignore[arg-type]
    world.clock.set(RELEASE + timedelta(hours=2, minutes=1))
    with pytest.raises(Unavailable):
        watch.look()
    assert kept_reports(world.store, "parking") == []
    world.clock.set(RELEASE + timedelta(hours=3, minutes=1))
    watch.look()
    ((report, _),) = kept_reports(world.store, "parking")
    assert report.limits == ("检索库暂不可用，未统计立场，未列举典型疑问和诉求",)


def test_a_report_of_nothing_says_so(line: Line, world: World, index: Index) -> None:
    line.world.clock.set(RELEASE + timedelta(hours=1))
    report = release_report(world.store, index, world.clock, PARKING, RELEASE, 2)
    assert report.partial and report.documents == 0 and report.change is None
    assert report.summary == "发布后 2 小时，监看范围内未见与本政策明确相关的发言。"


def test_where_nobody_is_responsible_the_routes_decide(line: Line) -> None:
    line.set(department="没有这个单位")
    told = line.days(14)
    assert told and all("wu@" not in one for one in told)


def test_the_watch_lists_what_comes_next(line: Line, world: World) -> None:
    line.days(6)
    found = ReleaseWatch(world.store, world.settings, world.clock, None, line.plans).watched()
    states = {one.policy.id: one.state for one in found}
    assert states == {"parking": "coming", "water-price": "past"}
    assert found[0].days == 6 and found[0].readiness.missing == ("plan", "interpretation", "qa")
    assert found[0].readiness.words("plan").startswith("无专项预案")


def test_interpretations_are_kept_and_withdrawn(line: Line, world: World) -> None:
    register = Interpretations(world.store, world.clock)
    video = register.add(
        "《云和市停车收费管理办法》", "video", "局长谈停车收费", RELEASE.date(), actor="wu", url="https://a.test/v"
    )
    assert register.add("parking", "video", "局长谈停车收费", RELEASE.date(), actor="li").id == video.id
    late = register.add("parking", "case", "案例", RELEASE.date() + timedelta(days=1), actor="wu")
    assert video.same_day(PARKING) and not late.same_day(PARKING)
    register.withdraw(video.id, actor="wu")
    assert [one.id for one in register.of("parking")] == [late.id]
    assert len(register.of(withdrawn=True)) == 2
    for wrong in (
        lambda: register.withdraw(video.id, actor="wu"),
        lambda: register.add("none", "video", "a", RELEASE.date(), actor="wu"),
        lambda: register.add("parking", "song", "a", RELEASE.date(), actor="wu"),
        lambda: register.add("parking", "text", " ", RELEASE.date(), actor="wu"),
        lambda: register.add("parking", "text", "a", RELEASE.date(), actor="wu", url="file:///a"),
    ):
        with pytest.raises(WrongUse):
            wrong()


def test_a_release_window_raises_the_risk(world: World) -> None:
    """From release on the same posts weigh more, and the ticket says so."""
    world.register.import_policies([msgspec.structs.replace(PARKING, released_on=date(2026, 3, 9), stage="released")])
    world.take(burst(12, event="in", prefix="in-", policy="parking"))
    world.register.import_policies([msgspec.structs.replace(PARKING, released_on=date(2025, 3, 9), stage="released")])
    world.take(burst(12, event="out", prefix="out-", policy="parking"))
    inside, outside = sorted(world.tickets(), key=lambda ticket: ticket.event)
    released = {ticket.event: next(p for p in ticket.parts if p["name"] == "release") for ticket in (inside, outside)}
    assert (released["in"]["score"], released["out"]["score"]) == (1.0, 0.0)
    assert released["in"]["weight"] > 0


def timers(line: Line) -> list[sa.Row[tuple[object, ...]]]:
    with line.world.store.read() as connection:
        return list(connection.execute(sa.select(release_timers).where(release_timers.c.policy_id == "parking")))


def told_rows(world: World) -> list[str]:
    with world.store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(release_reports)) == 0
        return list(connection.scalars(sa.select(notices.c.key)))
