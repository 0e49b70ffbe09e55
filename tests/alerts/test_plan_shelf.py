"""Plans in the store: drafted, reviewed by somebody else, put in force, inherited from, and checked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from alerts.plan_files import read_plans
from alerts.plan_model import Plan, Statements, Step
from alerts.planning import shelf
from alerts.plans import SHIPPED, PlanBook
from alerts.risk_kind import RISK_KINDS
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.store import Store
from tests.alerts.conftest import NOW, WATER, World, burst
from tests.stores import made_store

WATER_PLAN = Plan(
    id="water-price-cost",
    version=1,
    title="阶梯水价收费舆情应对预案",
    policies=("water-price",),
    risk_kinds=("cost",),
    owner="价格科",
    expires_on=date(2026, 12, 31),
    steps=(Step(title="核对账单", within_minutes=60),),
    statements=Statements(holding="{department}正在核实水费问题。"),
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = made_store(url)
    yield opened
    opened.close()


def in_force(store: Store, clock: ManualClock, plan: Plan) -> shelf.StoredPlan:
    draft = shelf.save_draft(store, clock, plan, actor="赵文")
    shelf.review(store, clock, plan.id, draft.plan.version, actor="陈主任")
    return shelf.put_in_force(store, clock, plan.id, draft.plan.version, actor="陈主任")


def test_from_draft_to_force_and_replaced(store: Store, clock: ManualClock) -> None:
    draft = shelf.save_draft(store, clock, WATER_PLAN, actor="赵文")
    assert (draft.state, draft.plan.version) == ("draft", 1)
    assert shelf.save_draft(store, clock, WATER_PLAN, actor="赵文") == draft, "it says nothing new"
    with pytest.raises(WrongUse, match="is draft"):
        shelf.put_in_force(store, clock, WATER_PLAN.id, 1, actor="陈主任")
    with pytest.raises(WrongUse, match="赵文 has written it"):
        shelf.review(store, clock, WATER_PLAN.id, 1, actor="赵文")
    shelf.review(store, clock, WATER_PLAN.id, 1, actor="陈主任")
    with pytest.raises(WrongUse, match="not a draft"):
        shelf.review(store, clock, WATER_PLAN.id, 1, actor="陈主任")
    shelf.put_in_force(store, clock, WATER_PLAN.id, 1, actor="陈主任")
    second = in_force(store, clock, msgspec.structs.replace(WATER_PLAN, title="新题"))
    assert second.plan.version == 2
    assert [one.state for one in shelf.stored_plans(store, WATER_PLAN.id)] == ["retired", "in-force"]
    chosen = shelf.book_of(store, None).choose(WATER, "cost", "yellow")
    assert chosen is not None and (chosen.id, chosen.version, chosen.title) == (WATER_PLAN.id, 2, "新题")
    shelf.retire(store, clock, WATER_PLAN.id, 2, actor="陈主任")
    chosen = shelf.book_of(store, None).choose(WATER, "cost", "yellow")
    assert chosen is not None and chosen.id == "general-cost"


def test_one_version_is_in_force_however_many_decide_at_once(store: Store, clock: ManualClock) -> None:
    for number in range(4):
        plan = msgspec.structs.replace(WATER_PLAN, title=f"题{number}")
        version = shelf.save_draft(store, clock, plan, actor="赵文").plan.version
        shelf.review(store, clock, plan.id, version, actor="陈主任")
    start = threading.Barrier(4)
    others = [Store(store.url) for _ in range(4)]

    failed: list[BaseException] = []

    def decide(other: Store, version: int) -> None:
        start.wait()
        try:
            shelf.put_in_force(other, clock, WATER_PLAN.id, version, actor="陈主任")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=decide, args=(one, number + 1)) for number, one in enumerate(others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in others:
        one.close()
    assert failed == []
    assert sorted(one.state for one in shelf.stored_plans(store)) == ["in-force", "retired", "retired", "retired"]


def test_a_running_stage_takes_what_is_put_in_force_and_tickets_keep_their_copy(world: World) -> None:
    world.plans = shelf.LivePlans(world.store, None, world.clock)
    world.take(burst(12))
    in_force(world.store, world.clock, WATER_PLAN)
    world.clock.advance(minutes=1)
    world.take(burst(12, NOW + timedelta(minutes=50), event="second", prefix="s"))
    second, first = world.tickets()
    assert first.plan is not None and first.plan["id"] == "general-cost"
    assert second.plan is not None and (second.plan["id"], second.plan["version"]) == (WATER_PLAN.id, 1)
    in_force(world.store, world.clock, msgspec.structs.replace(WATER_PLAN, title="改过"))
    assert world.book.get(second.number).plan == second.plan


def test_what_a_plan_leaves_empty_comes_from_the_more_general_one() -> None:
    book = PlanBook([*read_plans(SHIPPED), WATER_PLAN])
    general = book.plans["general-cost"]
    chosen = book.choose(WATER, "cost", "yellow")
    assert chosen is not None
    assert chosen.steps == WATER_PLAN.steps and chosen.statements.holding == WATER_PLAN.statements.holding
    assert chosen.judgement == general.judgement and chosen.statements.full == general.statements.full
    assert chosen.inherited["judgement"] == f"general-cost v{general.version}"
    assert "statements.holding" not in chosen.inherited and "steps" not in chosen.inherited
    alone = PlanBook([*read_plans(SHIPPED), msgspec.structs.replace(WATER_PLAN, inherit=False)])
    strict = alone.choose(WATER, "cost", "yellow")
    assert strict is not None and strict.judgement == () and strict.inherited == {}
    assert book.plans[WATER_PLAN.id] == WATER_PLAN


def test_a_plan_that_makes_no_sense_is_not_kept(world: World) -> None:
    wrong = msgspec.structs.replace(WATER_PLAN, policies=(), title="{polcy}")
    with pytest.raises(WrongUse, match=r"did you mean \{policy\}.*bound to nothing"):
        shelf.save_draft(world.store, world.clock, wrong, actor="赵文")
    assert shelf.stored_plans(world.store) == []


def test_what_somebody_should_see_to(world: World) -> None:
    def problems(plan: Plan) -> list[str]:
        found = shelf.problems_of(PlanBook([*read_plans(SHIPPED), plan]), (), world.clock)
        return [f"{one.plan}: {one.problem}" for one in found]

    assert problems(WATER_PLAN) == []
    replaced = msgspec.structs.replace
    assert problems(replaced(WATER_PLAN, expires_on=date(2026, 3, 9))) == ["water-price-cost: expired on 2026-03-09"]
    assert "expires on 2026-03-20" in problems(replaced(WATER_PLAN, expires_on=date(2026, 3, 20)))[0]
    assert problems(replaced(WATER_PLAN, owner="")) == ["water-price-cost: has no owner"]
    shelf.save_draft(world.store, world.clock, WATER_PLAN, actor="赵文")
    waiting = shelf.problems_of(PlanBook(read_plans(SHIPPED)), shelf.stored_plans(world.store), world.clock)
    assert [one.advice for one in waiting] == ["minsheng plans review"]
    bare = shelf.problems_of(PlanBook([]), (), world.clock)
    assert len(bare) == len(RISK_KINDS) - 1


def test_an_expired_plan_is_not_put_in_force(world: World) -> None:
    old = msgspec.structs.replace(WATER_PLAN, expires_on=date(2026, 3, 1))
    with pytest.raises(WrongUse, match="expired on 2026-03-01"):
        in_force(world.store, world.clock, old)


def test_general_plans_are_there_for_every_kind_the_product_knows(make_world: Callable[..., World]) -> None:
    book = PlanBook(read_plans(SHIPPED))
    assert len(book.plans) >= 8
    for kind in RISK_KINDS:
        plan = book.choose(None, kind, "red")
        assert plan is not None and len(plan.judgement) >= 4 and len(plan.do_nots) >= 3 and len(plan.steps) >= 5
        assert plan.statements.holding and plan.statements.full and plan.legal_basis
        minutes = [step.within_minutes for step in plan.steps if step.within_minutes]
        assert minutes == sorted(minutes), "steps stand in their order"
        assert any(limit <= 300 for limit in minutes), "the State Council's five hours"
