"""Who does not answer is not waited for: chains copied into tickets, each step once, stopped by an acknowledgement."""

from __future__ import annotations

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from alerts.casework.actions import reopen, set_level, transfer
from alerts.deadlines import fire_due
from alerts.notices import Notice
from alerts.notify.answer_server import AnswerServer, page
from alerts.notify.answering import Answers
from alerts.notify.digest import gather
from alerts.notify.escalation import EscalationStep, fire_escalations, steps_of
from alerts.notify.links import KEY_FILE, Links
from alerts.notify.silences import Silences
from alerts.notify.tables import escalation_timers
from alerts.tables import outbox
from minsheng.clock import CHINA, ManualClock
from minsheng.errors import BadInput, WrongSettings
from minsheng.settings import NotifySettings, Settings
from minsheng.store import Store
from tests.alerts.conftest import World
from tests.alerts.duty_world import BOOK, ROUTES, Duty
from tests.alerts.test_notice_stages import DAY, blue, raised, store, summary

__all__ = ["store"]
MakeWorld = Callable[..., World]


def fire(world: World) -> int:
    return fire_escalations(world.store, world.clock, world.settings)


def test_nobody_answers_and_the_next_one_is_told(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    number = blue(world)
    raised(world, number, "orange")
    duty.deliver()
    told = len(duty.mail.sent)
    assert fire(world) == 0
    world.clock.advance(minutes=5)
    assert fire(world) == 1 and fire(world) == 0
    duty.deliver()
    world.clock.advance(minutes=10)
    assert fire(world) == 1
    duty.deliver()
    later = duty.mail.sent[told:]
    assert [(notice.reason, notice.to) for notice in later] == [
        ("escalated", "li@example.test"), ("escalated", "chen@example.test"),
    ]  # fmt: skip
    assert later[1].subject.startswith("【橙色预警·无人签收】")
    assert "无人签收，升级通知（第 2 步）" in later[1].why
    assert [event.kind for event in world.book.timeline(world.tickets()[0].id)].count("escalated") == 2
    assert summary(world, number, "chen").startswith("已送达（mail、sms）：升级：主管陈主任")


def test_an_acknowledgement_ends_the_chain_and_says_so(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    number = blue(world)
    duty.deliver()
    world.book.move(number, "acknowledged", actor="li")
    world.clock.advance(hours=5)
    assert fire(world) == 0
    with world.store.read() as connection:
        (step,) = steps_of(connection, world.tickets()[0].id)
    assert step.cancelled_at is not None and step.fired_at is None and step.why == "工单已签收"


def test_an_escalation_that_was_on_its_way_is_not_sent_to_who_has_answered(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    number = blue(world)
    duty.deliver()
    world.clock.advance(minutes=31)
    assert fire(world) == 1
    world.book.move(number, "acknowledged", actor="li")
    duty.deliver()
    assert "chen@example.test" not in duty.mail.to
    assert summary(world, number, "chen").startswith("未发送：工单已签收，不再升级")


def test_the_chain_is_the_tickets_own(world: World) -> None:
    """A later book changes nothing in tickets that are open; a higher level gives the ticket the graver chain."""
    world.clock.set(DAY)
    duty = Duty(world)
    blue(world)
    duty.deliver()
    duty.shelf.put(
        (BOOK + ROUTES).replace("after_minutes = 30", "after_minutes = 600"), world.settings, world.clock, "a"
    )
    world.clock.advance(minutes=31)
    assert fire(world) == 1
    with world.store.begin() as connection:
        connection.execute(escalation_timers.update().values(fired_at=None))
    raised(world, world.tickets()[0].number, "orange")
    with world.store.begin() as connection:
        # What a rise leaves behind: another notice of the same ticket.
        from alerts.notices import enqueue
        from alerts.tables import tickets

        row = connection.execute(sa.select(tickets)).mappings().one()
        enqueue(world.store, connection, row, "worse", "orange", world.settings, world.clock.now())
    duty.deliver()
    with world.store.read() as connection:
        steps = steps_of(connection, world.tickets()[0].id)
    assert [(step.chain, step.why) for step in steps] == [
        ("slow", "改用升级链“红橙升级”"), ("fast", None), ("fast", None),
    ]  # fmt: skip


def test_several_schedulers_fire_each_step_once(make_world: MakeWorld, store: Store) -> None:
    world = make_world(store)
    world.clock.set(DAY)
    duty = Duty(world)
    for number in range(6):
        blue(world, f"e{number}")
    duty.deliver()
    world.clock.advance(hours=1)
    start = threading.Barrier(3)
    fired: list[int] = []

    def run() -> None:
        start.wait()
        fired.append(fire(world))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fired) == 6
    duty.deliver()
    assert duty.mail.to.count("chen@example.test") == 6


def steps(world: World) -> list[EscalationStep]:
    with world.store.read() as connection:
        return steps_of(connection, world.tickets()[0].id)


def test_a_ticket_that_is_reopened_is_told_of_and_escalated_again(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    number = blue(world)
    duty.deliver()
    world.clock.advance(minutes=31)
    assert fire(world) == 1
    world.book.move(number, "acknowledged", actor="li")
    world.book.move(number, "closed", actor="li", reason="已答复")
    duty.deliver()
    assert duty.mail.to.count("chen@example.test") == 0, "acknowledged before it was sent"
    reopen(world.store, world.clock, world.settings, number, actor="li", reason="又来电")
    told = len(duty.mail.sent)
    duty.deliver()
    assert [notice.reason for notice in duty.mail.sent[told:]] == ["new", "new"]
    world.clock.advance(minutes=29)
    assert fire(world) == 0
    world.clock.advance(minutes=1)
    assert fire(world) == 1 and fire(world) == 0
    duty.deliver()
    assert duty.mail.to.count("chen@example.test") == 1
    assert "工单再次告知后，无人签收" in duty.mail.sent[-1].why
    assert [(step.turn, step.fired_at is not None) for step in steps(world)] == [(1, True), (2, True)]


def test_who_a_ticket_is_handed_to_has_the_whole_time(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    number = blue(world)
    duty.deliver()
    world.clock.advance(minutes=20)
    transfer(world.store, world.clock, world.settings, number, "云和市水务局", actor="li", reason="职责所在")
    duty.deliver()
    world.clock.advance(minutes=15)
    assert fire(world) == 0, "the first unit's half hour is over, not the second's"
    world.clock.advance(minutes=15)
    assert fire(world) == 1
    assert [(step.turn, step.why) for step in steps(world)] == [(1, "重新告知，重新计时"), (2, None)]


def test_a_link_of_before_does_not_answer_for_who_is_asked_now(world: World) -> None:
    """Neither for the unit that the ticket was handed to, nor, sent once more, after a reopening."""
    world.clock.set(DAY)
    duty = Duty(world, answer_url="http://127.0.0.1/")
    number = blue(world)
    duty.deliver()
    old = duty.mail.sent[-1].link.rpartition("/")[2]
    world.clock.advance(minutes=1)
    transfer(world.store, world.clock, world.settings, number, "云和市水务局", actor="li", reason="职责所在")
    answers = Answers(world.store, world.clock, Links.from_settings(world.settings))
    assert answers.show(old).outdated and "<form" not in page(answers.show(old))
    with pytest.raises(BadInput, match="重新开立或已转办"):
        answers.acknowledge(old)
    assert world.tickets()[0].status == "open"
    world.clock.advance(minutes=1)
    duty.deliver()
    new = duty.mail.sent[-1].link.rpartition("/")[2]
    assert "<form" in page(answers.show(new))
    answers.acknowledge(new)
    assert world.tickets()[0].status == "acknowledged"


def test_a_rise_does_not_give_more_time_to_answer(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    number = blue(world)
    duty.deliver()
    world.clock.advance(minutes=20)
    set_level(world.store, world.clock, world.settings, number, "yellow", actor="li", reason="更严重")
    duty.deliver()
    world.clock.advance(minutes=10)
    assert fire(world) == 1
    assert [step.turn for step in steps(world)] == [1]


def test_a_ticket_whose_news_was_held_back_is_escalated_from_the_first_notice_that_goes_out(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world)
    number = blue(world)
    silences = Silences(world.store, world.clock)
    silences.add(until=world.clock.now() + timedelta(hours=50), reason="演习", actor="a", ticket=number)
    duty.deliver()
    assert duty.mail.sent == []
    world.clock.advance(hours=49)
    fire_due(world.store, world.clock, world.settings)
    world.clock.advance(hours=2)
    duty.deliver()
    assert {notice.reason for notice in duty.mail.sent} == {"due"}, "the news is overtaken"
    world.clock.advance(minutes=30)
    assert fire(world) == 1


def links(clock: ManualClock, hours: float = 72) -> Links:
    return Links(b"k" * 32, "https://minsheng.example.test/", timedelta(hours=hours))


def test_links_are_signed_expire_and_say_so() -> None:
    clock = ManualClock(DAY)
    made = links(clock).make(7, clock.now())
    assert re.fullmatch(r"https://minsheng\.example\.test/n/[\w-]+\.[\w-]+", made) and len(made) < 100
    token = made.rpartition("/")[2]
    assert links(clock).read(token, clock.now()) == 7
    body, _, signature = token.partition(".")
    other = links(clock).make(8, clock.now()).rpartition("/")[2]
    mixed = f"{other.partition('.')[0]}.{signature}"
    for wrong in ("", ".", body, f"{body}.", f".{signature}", f"{body[:-2]}xx.{signature}", mixed, "é.é", "a" * 5000):
        with pytest.raises(BadInput, match="链接不完整或已被改动"):
            links(clock).read(wrong, clock.now())
    with pytest.raises(BadInput, match="不完整"):
        Links(b"x" * 32, "https://h", timedelta(hours=1)).read(token, clock.now())
    clock.advance(hours=73)
    with pytest.raises(BadInput, match="链接已过期"):
        links(clock).read(token, clock.now())
    with pytest.raises(WrongSettings, match="too short"):
        Links(b"short", "https://h", timedelta(hours=1))
    assert Links(b"k" * 32, "", timedelta(hours=1)).make(1, clock.now()) == ""


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, notify=NotifySettings(answer_url="https://h"))
    made = Links.from_settings(settings).make(1, datetime(2026, 3, 1, tzinfo=CHINA))
    assert Links.from_settings(settings).make(1, datetime(2026, 3, 1, tzinfo=CHINA)) == made
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_the_link_in_a_notice_shows_it_and_its_button_acknowledges(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world, answer_url="http://127.0.0.1/")
    number = blue(world)
    duty.deliver()
    mail = next(notice for notice in duty.mail.sent if notice.to == "li@example.test")
    assert mail.text.splitlines()[0].endswith(f"{number} {mail.link}"), "the first line holds the link"
    assert mail.short(120).endswith(mail.link) and len(mail.short(120)) <= 120
    server = AnswerServer(Answers(world.store, world.clock, Links.from_settings(world.settings)), "127.0.0.1:0")
    server.start()
    try:
        token = mail.link.rpartition("/")[2]
        url = f"http://127.0.0.1:{server.port}/n/{token}"
        with urllib.request.urlopen(url) as answer:
            page = answer.read().decode()
            assert answer.headers["Cache-Control"] == "no-store" and "script" not in page
        assert "水费突然涨价" in page and "签收人：李娜" in page and "<form" in page
        assert world.tickets()[0].status == "open", "reading acknowledges nothing: chat services fetch links themselves"
        for _ in range(2):  # the second time harmless
            with urllib.request.urlopen(urllib.request.Request(url, data=b"name=", method="POST")) as answer:
                assert "已签收" in answer.read().decode()
        assert world.tickets()[0].status == "acknowledged"
        (event,) = [e for e in world.book.timeline(world.tickets()[0].id) if e.kind == "acknowledged"]
        assert event.actor == "li"
        for wrong, status in ((f"{url}x", 403), (f"http://127.0.0.1:{server.port}/", 404)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(wrong)
            assert refused.value.code == status
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, data=b"x" * 3000, method="POST"))
        assert refused.value.code == 400
        world.clock.advance(hours=73)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url)
        assert "链接已过期" in refused.value.read().decode()
    finally:
        server.close()
    with world.store.read() as connection:
        row = connection.execute(sa.select(outbox).where(outbox.c.person == "li")).mappings().one()
    assert row["read_at"] is not None and row["acknowledged_at"] is not None


def test_what_stands_in_a_title_is_text_on_the_page(world: World) -> None:
    from tests.alerts.conftest import burst

    world.clock.set(DAY)
    duty = Duty(world, answer_url="http://h/")
    world.take(burst(12, text="<script>alert(1)</script><b>水费"))
    duty.deliver()
    answers = Answers(world.store, world.clock, Links.from_settings(world.settings))
    from alerts.notify.answer_server import page

    shown = page(answers.show(duty.mail.sent[0].link.rpartition("/")[2]))
    assert "<script" not in shown and "&lt;script&gt;" in shown


def test_who_reads_a_group_says_who_he_is(world: World) -> None:
    world.clock.set(DAY)
    duty = Duty(world, book="", answer_url="http://h/")
    blue(world)
    duty.deliver()
    answers = Answers(world.store, world.clock, Links.from_settings(world.settings))
    token = duty.group.sent[0].link.rpartition("/")[2]
    assert answers.show(token).person == ""
    assert answers.acknowledge(token, " 王 芳\n").acknowledged_at is not None
    (event,) = [e for e in world.book.timeline(world.tickets()[0].id) if e.kind == "acknowledged"]
    assert event.actor == "王 芳（经 group）"
    world.book.move(world.tickets()[0].number, "closed", actor="a", reason="x")
    with pytest.raises(BadInput, match="已办结"):
        answers.acknowledge(token)


def test_in_a_shared_message_nothing_hides_that_nobody_has_acknowledged() -> None:
    """Held over a night, an escalation and what came after it on the same ticket go in one message."""
    escalated, overdue = (
        Notice(reason=reason, level="blue", ticket="T1", subject=reason, why="") for reason in ("escalated", "overdue")
    )
    assert gather([escalated, overdue]) == gather([overdue, escalated]) == escalated
    later = msgspec.structs.replace(escalated, subject="step 2")
    assert gather([escalated, overdue, later]) == later
