"""Evaluations of tickets' responses: made from the store and the index, and kept."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from alerts.responses.evaluation import Kept, ResponseBook
from alerts.responses.grade import Part
from alerts.responses.sheet import ITEMS
from minsheng.errors import WrongUse
from minsheng.parts import open_index
from minsheng.policies import Policy
from minsheng.settings import AlertSettings, ClockSettings, Settings
from search.index import Index
from tests import commands
from tests.alerts.conftest import NOW, WATER, World, burst, record
from tests.stores import lay_store

REPLY = (
    "各位居民：您好！针对水费突然涨价的反映，经市发改委核查，本次抄表周期由一个月改为两个月，部分账单跨了两档，属实。"
    "已要求供水公司于3月15日前按月重新核算并退还多收水费。咨询电话12345。感谢大家的监督！"
)
SHEET = {"timely": 5, "relevant": 4, "settled": 4, "plain": 4, "effect": 3}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    found = open_index(Settings(data_dir=tmp_path))
    found.ensure()
    return found


@pytest.fixture
def book(world: World, index: Index) -> ResponseBook:
    """Of a store with one ticket, whose posts are in the index."""
    documents = burst(30, text="水费突然涨价，负担太重了，请问为什么涨？")
    world.take(documents)
    index.write(documents)
    return ResponseBook(world.store, world.clock)


def parts_of(kept: Kept) -> dict[str, Part]:
    return {part.name: part for part in kept.evaluation.parts}


def number(world: World) -> str:
    (ticket,) = world.tickets()
    return ticket.number


def test_a_response_is_evaluated_and_kept(world: World, book: ResponseBook, index: Index) -> None:
    kept = book.evaluate(number(world), index, WATER, actor="lin", reply=REPLY)
    parts = parts_of(kept)
    assert parts["timely"].score == 1.0 and "作出回应按时" in parts["timely"].value
    assert parts["answered"].score is not None and parts["answered"].score > 0.5
    assert parts["aftermath"].score is None and parts["repeats"].score is None
    assert kept.grade in ("good", "fair") and kept.evaluation.well
    assert book.latest(number(world)) == kept
    assert msgspec.json.decode(msgspec.json.encode(kept))["reply"] == REPLY


def test_a_late_one_is_called_late(world: World, book: ResponseBook, index: Index) -> None:
    world.clock.advance(hours=60)
    parts = parts_of(book.evaluate(number(world), index, WATER, actor="lin", reply=REPLY))
    assert parts["timely"].score == 0.0 and "超时 1" in parts["timely"].value


def test_evaluated_after_its_clocks_were_stopped_it_was_still_in_time(
    world: World, book: ResponseBook, index: Index
) -> None:
    world.book.move(number(world), "responded", actor="lin")
    said_at = world.clock.now()
    world.clock.advance(hours=70)
    kept = book.evaluate(number(world), index, WATER, actor="lin", reply=REPLY)
    assert kept.replied_at == said_at
    assert parts_of(kept)["timely"].score == 1.0


def test_clocks_of_the_units_own_count_as_well(world: World, index: Index) -> None:
    documents = burst(30)
    own = ClockSettings(kind="visit", title="入户走访", hours=1, levels=("blue", "yellow"), source="本单位规定")
    world.settings = msgspec.structs.replace(world.settings, alert=AlertSettings(clocks=(own,)))
    world.take(documents)
    world.clock.advance(hours=30)
    kept = ResponseBook(world.store, world.clock).evaluate(number(world), index, WATER, actor="lin", reply=REPLY)
    timely = parts_of(kept)["timely"]
    assert timely.score == 0.5 and "作出回应按时" in timely.value and "入户走访超时" in timely.value


def test_later_it_knows_what_followed(world: World, book: ResponseBook, index: Index) -> None:
    first = book.evaluate(number(world), index, WATER, actor="lin", reply=REPLY)
    assert book.due_again() == []
    later = burst(3, world.clock.now() + timedelta(hours=3), prefix="after", sentiment="neutral", request="none")
    carried = record(
        "paper",
        world.clock.now() + timedelta(hours=4),
        kind="news",
        source="paper",
        text=REPLY,
        sentiment="neutral",
        request="none",
    )
    world.take([*later, carried])
    index.write([*later, carried])
    world.clock.advance(hours=50)
    assert book.due_again() == [first.ticket]
    again = book.evaluate(first.ticket, index, WATER, actor="system")
    assert (again.reply, again.replied_at) == (first.reply, first.replied_at)
    parts = parts_of(again)
    assert parts["aftermath"].score is not None and "明显减少" in parts["aftermath"].value
    assert parts["repeats"].score == 1.0
    assert parts["reach"].detail == {"sources": ["paper"]} and parts["reach"].score is None
    assert book.due_again() == []
    world.clock.advance(days=29)
    assert book.due_again() == [first.ticket]


def test_what_is_copied_from_the_policy_is_told(world: World, book: ResponseBook, index: Index) -> None:
    law = "第九条　居民用水户人口在五人及以上的，可以向供水企业申请增加阶梯水量基数，每增加一人每年增加三十六吨。"
    policy: Policy = msgspec.structs.replace(WATER, url="https://gov.example/water")
    page = record(
        "law", NOW - timedelta(days=9), kind="news", source="gov", text=law, sentiment="neutral", request="none"
    )
    document = msgspec.structs.replace(page.document, url=policy.url)
    index.write([msgspec.structs.replace(page, assessed=msgspec.structs.replace(page.assessed, document=document))])
    parts = parts_of(book.evaluate(number(world), index, policy, actor="lin", reply=f"您好！{law}谢谢！"))
    assert "照抄文件原文" in parts["wording"].value


def test_the_supervisors_sheet(world: World, book: ResponseBook, index: Index) -> None:
    with pytest.raises(WrongUse, match="no evaluated response"):
        book.score(number(world), SHEET, actor="chief")
    before = book.evaluate(number(world), index, WATER, actor="lin", reply=REPLY)
    after = book.score(number(world), SHEET, actor="chief", note="可公开")
    assert after.sheet == SHEET and after.sheet_by == "chief" and after.sheet_note == "可公开"
    assert after.score == pytest.approx((before.score + 0.75) / 2, abs=0.001)
    with pytest.raises(WrongUse, match="effect"):
        book.score(number(world), {name: 3 for name in ITEMS if name != "effect"}, actor="chief")
    with pytest.raises(WrongUse, match="between 1 and 5"):
        book.score(number(world), {**SHEET, "plain": 6}, actor="chief")


@pytest.mark.parametrize(("reply", "words"), [(None, "no response"), (" 好 ", "too short")])
def test_no_reply_is_told(world: World, book: ResponseBook, index: Index, reply: str | None, words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        book.evaluate(number(world), index, None, actor="lin", reply=reply)


def test_a_reply_from_the_future_is_refused(world: World, book: ResponseBook, index: Index) -> None:
    later = world.clock.now() + timedelta(hours=1)
    with pytest.raises(WrongUse, match="time that has come"):
        book.evaluate(number(world), index, None, actor="lin", reply=REPLY, replied_at=later)


def test_the_commands(tmp_path: Path) -> None:
    from alerts.plans import PlanBook
    from minsheng.clock import ManualClock
    from minsheng.parts import open_store

    settings = Settings(data_dir=tmp_path / "data")
    lay_store(settings.data_dir / "store.db")
    store = open_store(settings)
    world = World(store, settings, ManualClock(NOW), PlanBook.from_folder())
    documents = burst(30)
    world.take(documents)
    index = open_index(settings)
    index.ensure()
    index.write(documents)
    index.close()
    ticket = number(world)
    store.close()
    (tmp_path / "reply.txt").write_text(REPLY, encoding="utf-8")

    run = partial(commands.minsheng, "--data-dir", str(settings.data_dir), "responses")
    assert "evaluate it first" in run("show", ticket).stderr
    made = run("evaluate", ticket, "--file", str(tmp_path / "reply.txt"), "--replied-at", "2026-03-10T22:00")
    assert made.returncode == 0, made.stderr
    assert "回应评价" in made.stdout and "答其所问" in made.stdout and "尚未评分" in made.stdout
    options = [word for item in ITEMS for word in (f"--{item}", "4")]
    assert "主管评分" in run("score", ticket, *options).stdout
    shown = json.loads(run("show", ticket, "--json").stdout)
    assert shown["ticket"] == ticket and shown["sheet"]["plain"] == 4
    assert run("evaluate", ticket, "--file", str(tmp_path / "absent.txt")).returncode == 2
    assert run("refresh").returncode == 0
