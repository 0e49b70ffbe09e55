"""Another plan for an open ticket, or the same one with the figures of now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.casework.plan import take_plan
from alerts.casework.tasks import finish_task, tasks_of
from alerts.plan_model import Plan, Statements, Step
from alerts.plans import PlanBook
from alerts.tickets import Ticket
from alerts.timeline_words import words_of
from minsheng.errors import WrongUse
from tests.alerts.conftest import WATER, World, burst

OWN = Plan(
    id="water", version=1, title="水价预案", policies=(WATER.id,), levels=("blue", "yellow"),
    steps=(Step(title="核实", who="值班员", within_minutes=30), Step(title="答复", who="发改委", within_minutes=60)),
    statements=Statements(holding="{level}，{count}人，{deadline}前公布"),
)  # fmt: skip
MAJOR = Plan(
    id="water-major", version=3, title="水价重大预案", policies=(WATER.id,), levels=("orange", "red"),
    steps=(Step(title="开发布会", who="发言人", within_minutes=600),),
)  # fmt: skip
OTHERS = Plan(id="gas", version=1, title="气价预案", policies=("gas",), steps=OWN.steps)
BOOK = PlanBook((OWN, MAJOR, OTHERS))


def take(world: World, number: str, plan: str = "", **more: object) -> Ticket:
    return take_plan(
        world.store, world.clock, world.settings, BOOK, WATER, number, plan, actor="li", **more  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def number(world: World) -> str:
    world.plans = BOOK
    world.take(burst(12))
    (ticket,) = world.tickets()
    assert ticket.plan is not None and (ticket.level, ticket.plan["id"]) == ("blue", "water")
    return ticket.number


def test_what_a_rise_suggests_can_be_taken(world: World, number: str) -> None:
    finish_task(world.store, world.clock, number, 1, actor="li")
    world.take(burst(100, minutes=0.3, prefix="more"))
    ticket = world.book.get(number)
    suggested = [one for one in world.book.timeline(ticket.id) if one.kind == "plan-suggested"]
    assert ticket.level == "orange" and suggested[-1].detail["plan"] == "water-major"
    taken = take(world, number, version=ticket.version)
    assert taken.plan is not None and (taken.plan["id"], taken.plan["version"]) == ("water-major", 3)
    assert taken.plan["statements"]["holding"] == "", "no general plan fits, so there is nothing to inherit"
    first, second, third = tasks_of(world.store, number)
    assert first.done_at and second.cancelled_at and third.waiting
    assert (third.title, third.due_at) == ("开发布会", world.clock.now() + timedelta(minutes=600))
    line = world.book.timeline(ticket.id)[-1]
    assert line.kind == "plan-changed" and words_of(line.kind, line.detail).startswith("水价预案 → 水价重大预案")


def test_the_same_plan_is_filled_in_with_how_things_stand(world: World, number: str) -> None:
    before = world.book.get(number)
    assert before.plan is not None and before.plan["filled_at"] == world.clock.now().isoformat()
    world.take(burst(100, minutes=0.3, prefix="more"))
    world.clock.advance(minutes=10)
    taken = take(world, number, "water", reason="更新")
    assert taken.plan is not None
    told = before.plan["statements"]["holding"], taken.plan["statements"]["holding"]
    assert told[0].startswith("Ⅳ级（蓝色），8人，03月12日") and told[1].startswith("Ⅱ级（橙色），")
    assert "人，03月11日" in told[1], "five hours, not two days"
    assert "8人" not in told[1] and taken.plan["filled_at"] > before.plan["filled_at"]
    assert [one.waiting for one in tasks_of(world.store, number)] == [True, True], "they go on as they stand"
    line = world.book.timeline(taken.id)[-1]
    assert "按最新情况更新文稿" in words_of(line.kind, line.detail)
    assert OWN.statements.holding == "{level}，{count}人，{deadline}前公布", "the plan itself stays"


def test_what_is_refused(world: World, number: str) -> None:
    for wrong in ("gas", "nonsense"):
        with pytest.raises(WrongUse, match=f"no plan {wrong}"):
            take(world, number, wrong)
    with pytest.raises(WrongUse):
        take(world, number, "water", version=99)
    assert {plan.id for plan in BOOK.open_to(WATER)} == {"water-major", "water"}
    world.book.move(number, "closed", actor="li", reason="已答复")
    with pytest.raises(WrongUse, match="ended"):
        take(world, number, "water")
