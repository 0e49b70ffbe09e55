"""Special, release and shift reports, and comparisons: their numbers counted again, kept and opened like any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from alerts.release.readiness import moment_of
from alerts.release.report import keep as keep_report
from alerts.release.report import release_report
from briefings import orders
from briefings.docx import docx_of
from briefings.gather import gather_between
from briefings.html import page_of
from briefings.report import Report, numbers
from briefings.shelf import BriefingShelf
from briefings.topical import comparison, day_sides
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from tests.briefings.small_world import DAY, MIDNIGHT, World, burst


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("orders"))
    made.fill()
    yield made
    made.close()


def said(report: Report) -> str:
    return "\n".join(paragraph.text for paragraph in report.paragraphs().values())


def all_open(report: Report) -> None:
    """Every number that opens something opens what is there, and the forms can be made."""
    assert all(report.find(number.evidence or "") for number in numbers(report) if number.evidence)
    assert page_of(report).startswith("<!doctype html>") and docx_of(report)


@pytest.mark.parametrize("about", ["event", "policy"])
def test_a_special_report_tells_of_one_matter(world: World, about: str) -> None:
    since, until = MIDNIGHT, MIDNIGHT + timedelta(days=1)
    name = {"event": "heat", "policy": "heating"}[about]
    made = orders.special_report(world, **{about: name}, since=since, until=until)  # type: ignore[arg-type]
    mine = [one for one in burst() if one.event.id == "heat"]
    bad = [one for one in mine if one.assessed.sentiment.label == "negative"]
    assert (
        f"相关信息{len(mine)}条" in made.report.summary[0].text and f"负面{len(bad)}条" in made.report.summary[0].text
    )
    assert "T0001" in said(made.report) and made.matter == f"{about}:{name}"
    all_open(made.report)
    kept = orders.keep(world, made, actor="wang")
    assert kept.number.startswith("ZX-20260509") and kept.matter == made.matter
    _, evidence = BriefingShelf(world.store, world.settings, world.clock).resolve(f"{kept.number}-1")
    assert set(evidence.ids) == {one.document.id for one in mine}


def test_a_matter_that_nobody_spoke_of_is_a_clean_page(world: World) -> None:
    report = orders.special_report(world, policy="bus", since=MIDNIGHT, until=MIDNIGHT + timedelta(hours=1)).report
    assert "未见《云岭市公共交通票价优惠规定》的相关信息" in report.summary[0].text
    all_open(report)


def test_a_shift_is_handed_over_with_its_clocks(world: World) -> None:
    report = orders.shift(world, MIDNIGHT).report
    text = said(report)
    assert "本班收到信息21条" in text and "移交未办结" in text
    assert "举行新闻发布会" in text and "市长信箱" in text
    all_open(report)


def test_two_days_and_two_policies_side_by_side(world: World) -> None:
    days = orders.compared(world, days=[date(2026, 5, 7), DAY]).report
    assert days.summary[0].text == "5月7日5条，5月8日20条，较5月7日变化不显著。"
    both = orders.compared(world, policies=["heating", "school"], since=MIDNIGHT, until=MIDNIGHT + timedelta(days=1))
    assert "《云岭市居民供暖价格调整办法》15条，《云岭市义务教育阶段招生工作方案》4条" in both.report.summary[0].text
    assert "差异显著" in both.report.summary[2].text or "差异不显著" in both.report.summary[2].text
    assert "变化" not in said(both.report), "what two policies differ by is no change of either"
    for report in (days, both.report):
        all_open(report)


def test_a_day_that_is_not_over_is_compared_with_the_same_hours(world: World) -> None:
    now = MIDNIGHT + timedelta(hours=9, minutes=30)
    yesterday, today = day_sides(date(2026, 5, 7), DAY, now)
    assert (today.since, today.until) == (MIDNIGHT, now)
    assert (yesterday.since, yesterday.until) == (MIDNIGHT - timedelta(days=1), now - timedelta(days=1))
    facts = gather_between(world.store, world.log, yesterday.since, now, world.clock)
    report = comparison(world.index, yesterday, today, facts, unit="室", made_at=now)
    assert report.summary[0].text == "5月7日0条，5月8日4条，较5月7日变化不显著。"
    assert report.summary[1].text == "5月8日尚未结束，两日均只计到09:30。"


def test_a_release_report_takes_this_form_with_its_kept_numbers(world: World) -> None:
    policy = PolicyRegister(world.store).get("heating")
    assert policy is not None and policy.released_on is not None
    moment = moment_of(policy.released_on, world.settings)
    first = release_report(world.store, world.index, world.clock, policy, moment, 72, ("qa",))
    with world.store.begin() as connection:
        keep_report(world.store, connection, first)
    report = orders.release(world, "heating", 72).report
    assert report.subject == "《云岭市居民供暖价格调整办法》发布后72小时" and "尚缺：政策问答" in said(report)
    assert (report.made_at, report.since) == (first.made_at, first.since)
    all_open(report)
    with pytest.raises(WrongUse, match="no report 2 hours"):
        orders.release(world, "heating", 2)


def test_what_can_not_be_made_is_said(world: World) -> None:
    for act in (
        lambda: orders.special_report(world),
        lambda: orders.special_report(world, event="heat", policy="bus"),
        lambda: orders.special_report(world, event="nothing"),
        lambda: orders.special_report(world, policy="nothing"),
        lambda: orders.compared(world, days=[DAY]),
        lambda: orders.compared(world, days=[DAY, DAY]),
        lambda: orders.compared(world, policies=["bus", "school"], days=[DAY, DAY]),
        lambda: orders.shift(world, world.clock.now() + timedelta(hours=1)),
    ):
        with pytest.raises(WrongUse):
            act()
