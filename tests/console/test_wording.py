"""What pages call things: nothing that only the programs call so is left to people."""

from __future__ import annotations

import importlib
import pkgutil
import re
from datetime import timedelta
from pathlib import Path

import pytest

import alerts.channels
from alerts.rules.model import FACTS, PARTS, condition
from answers.book import AnswerBook
from console import translation, words
from console.rule_words import FACT_WORDS, PART_WORDS, condition_words
from tests.answers.conftest import publish
from tests.console.world import ConsoleWorld


@pytest.mark.parametrize(
    ("role", "address"),
    [("duty", "/desk"), ("editor", "/tickets"), ("reader", "/tickets"), ("leader", "/leader"), ("operator", "/sources"),
     ("administrator", "/admin/users"), ("auditor", "/admin/audit")],
)  # fmt: skip
def test_each_role_begins_where_its_work_is(shared_world: ConsoleWorld, role: str, address: str) -> None:
    assert shared_world.client(role).get("/").headers["location"] == address


def test_conditions_of_rules_are_told_in_words() -> None:
    assert FACT_WORDS.keys() == FACTS.keys() and PART_WORDS.keys() == {*PARTS}
    told = [condition_words(condition(text)) for text in ("voices >= 8", "policy == 1", "policy == 0", "share < 0.5")]
    assert told == ["发声者 ≥ 8", "涉及政策", "不涉及政策", "负面和诉求占比 < 0.5"]
    assert condition_words(condition("part.request >= 0.40")) == "投诉求助得分 ≥ 0.4"
    assert condition_words(condition("words.strike > 0")) == "用词“strike” > 0"
    english = translation.catalogue("en")
    assert not [word for word in (*FACT_WORDS.values(), *PART_WORDS.values()) if word not in english]


def test_the_page_of_rules_speaks_chinese(shared_world: ConsoleWorld) -> None:
    page = shared_world.client("duty").get("/rules").text
    rows = "".join(re.findall("<tr data-row>.*?</tr>", page, re.S))
    assert "发声者 ≥ 8" in rows and "voices" not in rows


def test_kinds_of_channels_and_intervals_are_told_in_words() -> None:
    names = [module.name for module in pkgutil.iter_modules(alerts.channels.__path__, "alerts.channels.")]
    kinds = {
        name
        for module in map(importlib.import_module, names)
        for name, found in vars(module).items()
        if isinstance(found, type)
        and found.__module__ == module.__name__
        and hasattr(found, "send")
        and name != "Channel"
    }
    assert kinds == words.CHANNELS.keys()
    assert [words.interval(text) for text in ("5s", "15m", "1h", "1d", "", "often")] == [
        "5 秒", "15 分钟", "1 小时", "1 天", "", "often",
    ]  # fmt: skip


def test_coverage_names_answers_by_their_titles(tmp_path: Path) -> None:
    world = ConsoleWorld(tmp_path)
    book = AnswerBook(world.store, world.clock)
    publish(book, "refund-1", policy="heating", title="取暖费的退还")
    page = world.client("duty").get("/answers/coverage").text
    assert '<a href="/answers/refund-1">取暖费的退还</a>' in page
    world.close()


def test_a_plan_shows_words_for_what_a_ticket_puts_in(shared_world: ConsoleWorld) -> None:
    page = shared_world.client("duty").get("/plans/general-service").text.split("<main")[-1]
    assert "〔责任单位〕" in page and "{department}" not in page and "{policy}" not in page
    assert "{department}" in shared_world.client("duty").get("/plans/edit?plan=general-service").text


@pytest.mark.parametrize(
    ("role", "path", "room"),
    [("duty", "/searches", "/search"), ("duty", "/handover", "/desk"), ("duty", "/releases", "/policies"),
     ("duty", "/notices", "/channels"), ("duty", "/drills", "/desk"), ("leader", "/drills", "/leader"),
     ("duty", "/tickets/T0001", "/tickets"), ("duty", "/search/analysis", "/search"), ("duty", "/account", None),
     ("administrator", "/admin/units", "/admin/users"), ("auditor", "/admin/audit", "/admin/audit")],
)  # fmt: skip
def test_the_menu_shows_the_room_that_a_page_belongs_to(
    shared_world: ConsoleWorld, role: str, path: str, room: str | None
) -> None:
    menu = shared_world.client(role).get(path).text.split('class="rooms"')[1].split("</nav>")[0]
    assert re.findall(r'<a href="([^"]+)"[^>]* aria-current="page"', menu) == ([room] if room else [])


def test_a_place_with_several_spellings_is_named_once() -> None:
    assert words.places(("望津市", "云江省望津市", "岚阳市")) == "云江省望津市、岚阳市"
    assert words.places(("望津市", "望津市白榆区")) == "望津市、望津市白榆区"


def test_how_long_is_left_is_told_in_the_language_of_the_page() -> None:
    spans = [timedelta(minutes=25), timedelta(hours=3, minutes=12), timedelta(days=2, hours=1), -timedelta(minutes=5)]
    assert [words.span(one) for one in spans] == ["25分", "3小时12分", "2天1小时", "超时5分"]
    token = translation.current.set("en")
    try:
        assert [words.span(one) for one in spans] == ["25 min", "3 h 12 min", "2 d 1 h", "5 min late"]
    finally:
        translation.current.reset(token)
