"""Plan files: what is wrong is said with its place; the most specific plan wins and is copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerts.plan_files import read_plans
from alerts.plan_model import VARIABLES, Plan, Step
from alerts.plans import SHIPPED, PlanBook, fill
from alerts.risk_kind import kind_hint, kind_of
from console.problems import in_words
from minsheng.errors import WrongUse
from minsheng.policies import Policy
from tests.alerts.conftest import WATER, World, burst

GOOD = """
id = "water"
version = 3
title = "水价舆情应对预案"
policies = ["water-price"]
risk_kinds = ["cost"]

[[steps]]
title = "核实"
within_minutes = 30

[[steps]]
title = "回应{policy}"

[statements]
holding = "{department}正在核实。"
"""


def write(folder: Path, text: str, name: str = "plan.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("change", "to", "line", "message"),
    [
        ("risk_kinds =", "risk_kind =", 6, "unknown key risk_kind; did you mean risk_kinds?"),
        ('["cost"]', '["costs"]', 6, "unknown value 'costs'; did you mean cost?"),
        ("{policy}", "{polcy}", 13, "unknown variable {polcy} in steps[1].title; did you mean {policy}?"),
        ("within_minutes = 30", 'within_minutes = "soon"', 10, "Expected `int | null`, got `str`"),
        ("within_minutes = 30", "within_minute = 30", 10, "unknown key steps[0].within_minute"),
        ("within_minutes = 30", "within_minutes = 0", 10, "within_minutes must be above 0"),
        ("holding =", "holdng =", 16, "unknown key statements.holdng; did you mean holding?"),
        ("version = 3", "", 1, "the plan lacks the key version"),
        ("version = 3", "version = 0", 3, "version counts from 1"),
        ('policies = ["water-price"]', "", 1, "bound to nothing"),
        ('title = "核实"', "title = ", 9, "not readable as TOML"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_place(tmp_path: Path, change: str, to: str, line: int, message: str) -> None:
    assert change in GOOD
    file = write(tmp_path, GOOD.replace(change, to, 1))
    with pytest.raises(WrongUse) as error:
        read_plans(tmp_path)
    assert f"{file}:{line}: " in str(error.value)
    assert f"第 {line} 行：" in in_words(error.value) and "unknown" not in in_words(error.value)
    assert message in str(error.value)


def test_every_wrong_file_is_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("steps", "stepps"), "a.toml")
    write(tmp_path, GOOD, "b.toml")
    write(tmp_path, GOOD, "c.toml")
    with pytest.raises(WrongUse) as error:
        PlanBook.from_folder(tmp_path)
    assert "a.toml:" in str(error.value)
    assert "c.toml:2: plan id 'water' is already used in" in str(error.value)


def test_the_shipped_plans_are_whole() -> None:
    plans = read_plans(SHIPPED)
    assert {kind for plan in plans for kind in plan.risk_kinds} >= {
        "misreading", "execution", "service", "cost", "rumour",
    }  # fmt: skip
    for plan in plans:
        assert plan.judgement and plan.actors and plan.channels and plan.do_nots and plan.legal_basis
        assert plan.statements.holding and plan.statements.full
        assert any(step.within_minutes for step in plan.steps)


def test_the_most_specific_plan_wins() -> None:
    def plan(identity: str, **bound: object) -> Plan:
        return Plan(id=identity, version=1, title=identity, steps=(Step(title="做"),), **bound)  # type: ignore[arg-type]

    book = PlanBook(
        [
            plan("general", policies=("*",)),
            plan("general-kind", policies=("*",), risk_kinds=("cost",)),
            plan("topic", topics=("城乡建设",)),
            plan("policy", policies=("water-price",)),
            plan("policy-kind", policies=("water-price",), risk_kinds=("cost",)),
            plan("policy-kind-level", policies=("water-price",), risk_kinds=("cost",), levels=("red",)),
            plan("bound-by-register"),
        ]
    )

    def chosen(policy: Policy | None, kind: str, level: str, topic: str | None = None) -> str | None:
        found = book.choose(policy, kind, level, topic)  # type: ignore[arg-type]
        return found.id if found else None

    assert chosen(WATER, "cost", "red") == "policy-kind-level"
    assert chosen(WATER, "cost", "blue") == "policy-kind"
    assert chosen(WATER, "service", "blue") == "policy"
    assert chosen(None, "cost", "blue", "城乡建设") == "topic"
    assert chosen(None, "cost", "blue") == "general-kind"
    assert chosen(None, "service", "blue") == "general"
    bound = Policy(id="other", title="别的政策", plans=("bound-by-register",))
    assert chosen(bound, "service", "blue") == "bound-by-register"
    assert PlanBook([]).choose(WATER, "cost", "red") is None


def test_a_plan_of_the_users_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace('id = "water"', 'id = "general-cost"'))
    book = PlanBook.from_folder(tmp_path)
    assert book.plans["general-cost"].version == 3
    assert "general-service" in book.plans


def test_variables_are_filled_and_the_plan_itself_stays() -> None:
    plan = PlanBook.from_folder().plans["general-cost"]
    filled = fill(plan, dict.fromkeys(VARIABLES, "甲"))
    assert not re.search(r"\{\w+\}", filled["statements"]["holding"] + filled["statements"]["full"])
    assert "{policy}" in plan.statements.holding
    assert fill(plan, {})["statements"]["holding"] == plan.statements.holding


def test_a_tickets_plan_is_a_copy_that_later_versions_do_not_touch(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    write(folder, GOOD)
    world.plans = PlanBook.from_folder(folder)
    world.take(burst(12))
    write(folder, GOOD.replace("version = 3", "version = 4"))
    world.plans = PlanBook.from_folder(folder)
    world.take(burst(60, minutes=0.5, prefix="more"))
    (ticket,) = world.tickets()
    assert ticket.plan is not None
    assert (ticket.plan["id"], ticket.plan["version"]) == ("water", 3)
    assert ticket.plan["statements"]["holding"] == "云和市发展和改革委员会正在核实。"
    assert ticket.plan["steps"][1]["title"] == "回应《云和市居民阶梯水价调整方案》"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("水费又涨价了，收费太贵负担不起", "cost"),
        ("办事系统崩溃，预约不上，打不通电话", "service"),
        ("窗口踢皮球，一刀切不给办", "execution"),
        ("网传要取消补贴，是真的吗", "rumour"),
        ("城管暴力执法，推搡摊主", "enforcement"),
        ("我的个人信息泄露了", "privacy"),
        ("工地安全隐患太多，已经有人受伤", "safety"),
        ("通知看不懂，是不是意味着以后都要自己交", "misreading"),
        ("今天天气不错", None),
    ],
)
def test_cues_hint_at_a_kind(text: str, kind: str | None) -> None:
    assert kind_hint(text) == kind


def test_an_events_kind_is_what_enough_of_its_voices_hint_at() -> None:
    assert kind_of(["cost", "cost", "service", None]) == "cost"
    assert kind_of([None] * 9 + ["cost"]) == "other"
    assert kind_of([]) == "other"
