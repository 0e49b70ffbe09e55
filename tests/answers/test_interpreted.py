"""The interpretation room: every figure is the length of a list, and copied text is told from a quotation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from msgspec.structs import replace

from answers.interpreted import COLUMNS, SHOWS, Interpreted, chosen, figures, interpreted, is_official, sheet_rows
from answers.texts import PolicyTexts
from minsheng.policies import Policy, PolicyRegister
from minsheng.policies.interpretations import Interpretations
from minsheng.settings import InterpretationSettings
from tests.briefings.small_world import MIDNIGHT, World, record

SETTINGS = InterpretationSettings()
TEXT = """第一条　为了规范本市居民供暖价格，保障居民和供热企业的合法权益，根据有关法律法规，制定本办法。
第二条　居民供暖价格由每平方米二十二元调整为每平方米二十五元，自2026年11月1日起执行，低保家庭不作调整。
第三条　对低保、特困家庭按照每户每年六百元的标准发放供暖补贴，由县级民政部门于每年十月底前发放到户。
第四条　供热企业应当公开成本，接受社会监督，不得擅自提高价格或者降低供热标准，违者由市场监管部门处罚。"""
COPY = "一图读懂：" + TEXT.replace("第三条", "三是") + "欢迎广大市民来电咨询。"
SHORTENED = "市民朋友您好。" + "\n".join(line.split("，", 1)[1] for line in TEXT.splitlines())
EXPLAINED = """为什么要调价？近三年煤价涨了四成，供热企业连年亏损，老旧管网无钱改造，冬天暖气不热的投诉增加了一倍。
每户多付多少？按一百平方米算，一个采暖季大约多付三百元，也就是每月七十多块钱，可以分两次交。
谁不用多付？办法规定“低保家庭不作调整”，这些家庭还有补贴，不用自己申请，社区会上门核对后打到卡里。
钱花到哪里去？文件要求“供热企业应当公开成本，接受社会监督”，账目每季度贴在小区门口，看不明白可以打12345问。"""
PIECES = {"copy": COPY, "short": SHORTENED, "own": EXPLAINED}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("interpreted"))
    register = PolicyRegister(made.store, made.clock)
    heat = Policy(id="heat", title="居民供暖价格调整办法", number="云府发〔2026〕8号", released_on=date(2026, 5, 6))
    policies = [
        heat,
        replace(heat, id="bus", title="公交票价规定", number="云交发〔2026〕3号", department="云岭市人民政府办公室"),
        replace(heat, id="park", title="停车办法", number="云交发〔2026〕4号", department="市交通运输局"),
        replace(heat, id="old", title="=1+1旧办法", number="云政办发〔2025〕4号", released_on=date(2025, 1, 1)),
        replace(heat, id="draft", title="草案", stage="draft"),
        replace(heat, id="later", title="明日办法", released_on=date(2026, 6, 1)),
    ]
    register.import_policies(policies)
    PolicyTexts(made.store, made.clock).keep(heat, TEXT, origin="heat.txt", actor="li")
    room = Interpretations(made.store, made.clock)
    for name, text in PIECES.items():
        url = f"https://yunling.example/{name}"
        made.index.write([record(name, MIDNIGHT, text, kind="news", policy="heat", url=url)])
        room.add(
            "heat", "text", name, date(2026, 5, 6), url=url, responsible="张局长" if name == "own" else "", actor="li"
        )
    made.index.refresh()
    room.add("bus", "video", "视频", date(2026, 5, 7), actor="li")
    room.add("park", "picture", "图解", date(2026, 5, 5), responsible="王科长", actor="li")
    yield made
    made.close()


@pytest.fixture(scope="module")
def rows(world: World) -> list[Interpreted]:
    return interpreted(world.store, world.clock, world.index, PolicyRegister(world.store).all(), SETTINGS)


def test_every_figure_is_the_length_of_its_list(rows: list[Interpreted]) -> None:
    counted = figures(rows, SETTINGS)
    lists = {show: {row.policy.id for row in chosen(rows, show)} for show in SHOWS}
    assert {show: len(found) for show, found in lists.items()} == counted.counts
    assert lists == {
        "all": {"heat", "bus", "park", "old"},
        "interpreted": {"heat", "bus", "park"},
        "missing": {"old"},
        "same-day": {"heat", "park"},
        "late": {"bus"},
        "official": {"heat", "bus", "old"},
        "diverse": {"bus"},
        "plain": {"heat", "old"},
        "copied": {"heat"},
        "unnamed": {"bus"},
    }
    assert counted.diverse_share == pytest.approx(1 / 3) and not counted.reached
    assert figures([], SETTINGS).diverse_share is None and figures([], SETTINGS).reached


def test_what_is_copied_or_shortened_is_told_from_what_quotes(rows: list[Interpreted]) -> None:
    (heat,) = [row for row in rows if row.policy.id == "heat"]
    shares = {one.piece.title: one.copied for one in heat.materials}
    assert {one.piece.title for one in heat.copied} == {"copy", "short"}
    assert min(shares["copy"] or 0, shares["short"] or 0) > 0.7 and (shares["own"] or 0) < 0.3, shares
    (bus,) = [row for row in rows if row.policy.id == "bus"]
    assert [one.copied for one in bus.materials] == [None], "a film is not compared"


def test_without_the_texts_nothing_is_said_to_be_copied(world: World) -> None:
    blind = interpreted(world.store, world.clock, None, PolicyRegister(world.store).all(), SETTINGS)
    assert figures(blind, SETTINGS).counts["copied"] == 0
    assert all(one.copied is None for row in blind for one in row.materials)


def test_a_stretch_of_time_has_its_own(world: World) -> None:
    every = PolicyRegister(world.store).all()
    found = interpreted(world.store, world.clock, None, every, SETTINGS, until=date(2025, 12, 31))
    assert [row.policy.id for row in found] == ["old"]
    found = interpreted(world.store, world.clock, None, every, SETTINGS, since=date(2026, 5, 7))
    assert found == []


@pytest.mark.parametrize(
    ("number", "department", "official"),
    [
        ("川府发〔2023〕5号", None, True),
        ("川办发〔2023〕12号", "四川省人民政府办公厅", True),
        (None, "云岭市人民政府", True),
        ("云教发〔2026〕1号", "市教育局", False),
        (None, None, False),
        (None, "市人民政府国有资产监督管理委员会", False),
    ],
)
def test_who_issued_it_is_told_by_number_or_department(
    number: str | None, department: str | None, official: bool
) -> None:
    assert is_official(Policy(id="x", title="x", number=number, department=department), SETTINGS) is official


def test_the_sheet_has_a_cell_for_each_column(rows: list[Interpreted]) -> None:
    assert all(len(row) == len(COLUMNS) for row in sheet_rows(rows))
    (old,) = [row for row in sheet_rows(rows) if row[0] == "old"]
    assert old[2] == "=1+1旧办法" and old[-1] == "无解读"
