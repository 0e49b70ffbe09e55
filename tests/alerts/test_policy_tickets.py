"""Tickets for all that is said of a policy, in however many events: what belongs to them, and how they are merged."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerts.casework.merging import merge_with_policy
from alerts.casework.splitting import require_event
from alerts.evidence import policy_key
from alerts.responses.evaluation import ResponseBook
from alerts.tickets import Ticket
from minsheng.errors import WrongUse
from minsheng.exercises import EXERCISE
from minsheng.parts import open_index
from minsheng.policies import Policy
from minsheng.records import Grouped
from minsheng.settings import Settings
from tests.alerts.conftest import NOW, WATER, World, burst, record
from tests.alerts.test_replay import split

MATTER = policy_key(WATER.id)
REPLY = (
    "各位居民：您好！针对水费突然涨价的反映，经市发改委核查，本次抄表周期由一个月改为两个月，部分账单跨了两档，属实。"
    "已要求供水公司于3月15日前按月重新核算并退还多收水费。咨询电话12345。感谢大家的监督！"
)


def of(world: World, event: str) -> Ticket:
    return world.book.get(next(one.number for one in world.book.list() if one.event == event))


def ids(records: list[Grouped]) -> set[str]:
    return {one.document.id for one in records}


def test_what_names_the_policy_belongs_to_its_ticket(world: World) -> None:
    world.take(split())
    late = record("late", NOW + timedelta(hours=5), event="late", sentiment="neutral", request="inquiry")
    elsewhere = record("elsewhere", NOW + timedelta(hours=5), event="elsewhere", policy=None)
    drilled = record("drilled", NOW + timedelta(hours=5), event="exercise-1", source=EXERCISE)
    world.take([late, elsewhere, drilled])
    ticket = of(world, MATTER)
    assert (ticket.posts, ticket.last_post_at) == (41, late.document.published_at), "no drill, nothing a week old"
    assert late.document.id in ticket.documents and len(ticket.documents) == 41
    assert ticket.documents[0] == late.document.id, "the newest in front"
    # One of them turns out to be about something else, and one that was elsewhere about the policy.
    world.take(
        [
            record("p3", NOW + timedelta(minutes=9), event="e3", policy=None, opinion=2),
            record("elsewhere", NOW + timedelta(hours=5), event="elsewhere", opinion=2),
            record("more", NOW + timedelta(hours=5, minutes=1), event="more", sentiment="neutral", request="inquiry"),
        ]
    )
    ticket = of(world, MATTER)
    assert (ticket.posts, ticket.last_post_at) == (42, NOW + timedelta(hours=5, minutes=1))
    assert len(ticket.documents) - 42 in (0, 1), "what was behind the risk stays named"
    world.clock.set(NOW + timedelta(hours=6))
    world.book.move(ticket.number, "closed", actor="li", reason="已答复")
    kept = len(ticket.documents)
    world.take([record("later", world.clock.now() + timedelta(hours=1), event="later", sentiment="neutral")])
    assert len(world.book.get(ticket.number).documents) == kept, "what follows its end is not its matter"


def test_a_long_id_of_a_policy_fits(world: World) -> None:
    name = "water-price-2026-" + "x" * 80
    world.register.import_policies([Policy(id=name, title="云和市居民阶梯水价调整方案（长）")])
    world.take(split(policy=name))
    (ticket,) = world.tickets()
    assert ticket.policy == name and len(ticket.event) <= 64
    assert world.book.get(ticket.number).posts == 40


def test_its_response_is_evaluated_against_what_people_said(world: World, tmp_path: Path) -> None:
    said = split(text="水费突然涨价，负担太重了，请问为什么涨？")
    world.take(said)
    index = open_index(Settings(data_dir=tmp_path))
    index.ensure()
    index.write(said)
    ticket = of(world, MATTER)
    replied_at = world.clock.now()
    after = [record(f"a{n}", replied_at + timedelta(hours=n + 1), event=f"a{n}") for n in range(4)]
    again = [record(f"r{n}", replied_at + timedelta(days=3 + n), event=f"r{n}", kind="message") for n in range(3)]
    carried = record(
        "carried", replied_at + timedelta(hours=1), event="c", kind="news", sentiment="neutral", text=REPLY
    )
    world.clock.advance(days=10)
    world.take([*after, *again, carried])
    index.write([*after, *again, carried])
    kept = ResponseBook(world.store, world.clock).evaluate(
        ticket.number, index, WATER, actor="lin", reply=REPLY, replied_at=replied_at
    )
    parts = {part.name: part for part in kept.evaluation.parts}
    assert "项诉求中" in parts["answered"].value
    assert "40 → " in parts["aftermath"].value and "明显减少" in parts["aftermath"].value
    assert parts["repeats"].detail["people"] == 3
    assert parts["reach"].value == "1 个来源转载了回应"


def both(world: World) -> tuple[Ticket, Ticket]:
    """The ticket of an event, and after it one of all its policy, which the first one does not hide."""
    world.take([record("past", NOW - timedelta(days=8), event="past")])
    world.take(burst(12, minutes=3, event="main", prefix="m"))
    # By then the first burst is so little of what is said within an hour that it is not the same one.
    more = [
        record(f"n{place}", NOW + timedelta(hours=7, minutes=place), event=f"n{place}", author=f"n{place}")
        for place in range(30)
    ]
    world.clock.set(NOW + timedelta(hours=8, minutes=5))
    world.take(more)
    return of(world, "main"), of(world, MATTER)


def test_the_ticket_of_an_event_is_merged_into_its_policys(world: World) -> None:
    event, policy = both(world)
    sooner = min(clock.due_at for clock in event.deadlines if clock.kind == "response")
    with pytest.raises(WrongUse, match="somebody who makes it"):
        merge_with_policy(world.store, world.clock, event, policy, actor=" ", reason="同一件事")
    assert merge_with_policy(world.store, world.clock, event, policy, actor="li", reason="同一件事")
    event, policy = world.book.get(event.number), world.book.get(policy.number)
    assert (event.status, policy.status) == ("merged", "open") and event.opened_at < policy.opened_at
    assert not any(clock.running for clock in event.deadlines)
    assert min(clock.due_at for clock in policy.deadlines if clock.kind == "response") == sooner
    told = {ticket.number: world.book.timeline(ticket.id)[-1] for ticket in (event, policy)}
    assert told[event.number].detail["into"] == policy.number and told[event.number].actor == "li"
    assert told[policy.number].detail["took"] == event.number
    with pytest.raises(WrongUse, match="has ended"):
        merge_with_policy(world.store, world.clock, event, policy, actor="li", reason="再来")
    # The matter goes on in the event: no third ticket, whoever names the policy or does not.
    at = world.clock.now()
    world.clock.advance(hours=1)
    world.take(burst(5, at + timedelta(minutes=1), minutes=2, event="main", prefix="on"))
    assert {one.number for one in world.book.list(status="unclosed")} == {policy.number}
    # And it still makes the policy's ticket rise, though it was known by another ticket before.
    level = world.book.get(policy.number).level
    world.take(burst(120, at + timedelta(minutes=20), minutes=0.2, event="main", prefix="up"))
    assert {one.number for one in world.book.list(status="unclosed")} == {policy.number}
    assert (level, world.book.get(policy.number).level) == ("yellow", "orange")


def test_what_is_no_matter_of_the_policy_is_not_merged_into_its_ticket(world: World) -> None:
    _, policy = both(world)
    world.take(burst(16, NOW + timedelta(hours=9), minutes=2, event="other", prefix="o", policy=None))
    other = of(world, "other")
    with pytest.raises(WrongUse, match="about another matter"):
        merge_with_policy(world.store, world.clock, other, policy, actor="li", reason="同一件事")
    with pytest.raises(WrongUse, match="same ticket"):
        merge_with_policy(world.store, world.clock, policy, policy, actor="li", reason="同一件事")
    event = of(world, "main")
    assert not merge_with_policy(world.store, world.clock, other, event, actor="li", reason="事件合并")
    with pytest.raises(WrongUse, match="several events"):
        require_event(policy)
    require_event(event)
