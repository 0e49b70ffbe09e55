"""What must open a ticket, and what must not."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from alerts.history import Baseline, WatchedDays
from alerts.notify.tables import notices
from minsheng.records import Grouped
from tests.alerts.conftest import NOW, World, burst, record

MakeWorld = Callable[..., World]


def levels(world: World) -> list[str]:
    return [ticket.level for ticket in world.tickets()]


def test_a_sudden_burst_of_complaints_opens_one_ticket_with_its_plan(world: World) -> None:
    world.take(burst(40, likes=3))
    (ticket,) = world.tickets()
    assert ticket.level in ("yellow", "orange")
    assert ticket.policy == "water-price"
    assert ticket.risk_kind == "cost"
    assert "《云和市居民阶梯水价调整方案》" in ticket.title
    assert "位不同发言者" in ticket.why and "窗口期" in ticket.why
    assert ticket.plan is not None and ticket.plan["id"] == "general-cost"
    assert "云和市发展和改革委员会" in ticket.plan["statements"]["holding"]
    parts = {part["name"]: part for part in ticket.parts}
    assert parts["release"]["score"] == 1.0
    assert re.fullmatch(r"最早发声距今 ([1-9]\d* 分钟|\d+\.\d 小时)", parts["unanswered"]["value"])
    assert len(parts["volume"]["documents"]) == 10
    assert not ticket.historical
    assert ticket.opened_at == NOW + timedelta(minutes=4 * 7)  # the eighth voice


def test_twelve_voices_within_an_hour_are_enough(world: World) -> None:
    world.take(burst(12))
    assert levels(world) == ["blue"]


def test_seven_voices_are_not(world: World) -> None:
    world.take(burst(7))
    assert levels(world) == []


def test_a_press_release_on_forty_sites_is_one_text(world: World) -> None:
    copies = [
        record(f"n{n}", NOW + timedelta(minutes=n), kind="news", sentiment="neutral", request="none", author="",
               source=f"site-{n}", group=None if n == 0 else "n0", title="云和市公布阶梯水价方案")
        for n in range(40)
    ]  # fmt: skip
    world.take(copies)
    assert levels(world) == []


def test_even_a_negative_text_copied_forty_times_is_one_voice(world: World) -> None:
    world.take([record(f"c{n}", NOW + timedelta(minutes=n), group="c0") for n in range(40)])
    assert levels(world) == []


def test_a_storm_of_praise_opens_none(world: World) -> None:
    world.take(burst(200, minutes=0.5, sentiment="positive", request="praise", likes=500))
    assert levels(world) == []


def test_a_few_complaints_within_a_storm_of_advertising_open_none(world: World) -> None:
    storm = burst(100, minutes=1, sentiment="positive", request="none")
    world.take(storm + burst(10, prefix="x", minutes=5))
    assert levels(world) == []


def test_one_author_posting_fifty_times_is_one_voice(world: World) -> None:
    world.take(burst(50, minutes=1, author="the-same"))
    assert levels(world) == []


def test_four_messages_from_three_citizens_over_weeks_open_a_blue_ticket(world: World) -> None:
    letters = [
        record(f"m{n}", NOW + timedelta(days=6 * n), kind="message", sentiment="neutral", request="inquiry",
               author=f"citizen-{n % 3}", policy=None, title="学校门口的路什么时候能修好")
        for n in range(4)
    ]  # fmt: skip
    world.take(letters[:3])
    assert levels(world) == []
    world.take(letters[3:])
    (ticket,) = world.tickets()
    assert ticket.level == "blue"
    assert ticket.title == "学校门口的路什么时候能修好"
    assert "3 位群众" in ticket.why and "来信反映 4 次" in ticket.why


def test_messages_in_any_order_open_the_same_tickets(make_world: MakeWorld) -> None:
    days = {"close": (0, 80, 200, 240, 480), "far": (0, 160, 320, 500), "few": (0, 1, 2)}
    letters = [
        record(f"{event}{n}", NOW + timedelta(days=day), kind="message", event=event, author=f"c{n}", policy=None)
        for event, listed in days.items()
        for n, day in enumerate(listed)
    ]
    for seed in range(12):
        world = make_world()
        random.Random(seed).shuffle(letters)
        world.take(letters, batch=1)
        assert [ticket.event for ticket in world.tickets()] == ["close"]


def test_messages_by_one_person_or_of_praise_open_none(world: World) -> None:
    one = [record(f"t{n}", NOW + timedelta(days=n), kind="message", author="c0", event="one") for n in range(6)]
    kind = [record(f"p{n}", NOW + timedelta(days=n), kind="message", request="praise", event="kind") for n in range(6)]
    world.take(one + kind)
    assert levels(world) == []


def test_neighbours_who_sign_the_same_letter_count_each(world: World) -> None:
    letters = [record(f"s{n}", NOW + timedelta(hours=n), kind="message", group="s0", policy=None) for n in range(4)]
    world.take(letters)
    assert levels(world) == ["blue"]


def test_angry_talk_that_names_no_policy_is_not_held_against_the_policy_of_its_event(make_world: MakeWorld) -> None:
    about = [record(f"a{n}", NOW - timedelta(minutes=20 - n), sentiment="neutral", request="none") for n in range(12)]

    def talk(policy: str | None) -> list[Grouped]:
        return [record(f"t{n}", NOW + timedelta(minutes=n), request="none", policy=policy) for n in range(14)]

    named, drawn_in = make_world(), make_world()
    named.take(about + talk("water-price"))
    assert levels(named) == ["blue"]
    drawn_in.take(about + talk(None))
    assert levels(drawn_in) == []


def test_letters_that_name_different_policies_are_not_one_matter(make_world: MakeWorld) -> None:
    def letters(policies: tuple[str | None, ...]) -> list[Grouped]:
        return [
            record(f"l{n}", NOW + timedelta(days=n), kind="message", author=f"c{n}", policy=policy)
            for n, policy in enumerate(policies)
        ]

    for policies, wanted in (
        ((None, None, None, "water-price"), ["blue"]),
        (("water-price", "parking", "pension", None), []),
    ):
        world = make_world()
        world.take(letters(policies))
        assert levels(world) == wanted


def test_what_is_usual_for_the_policy_opens_none(world: World) -> None:
    """Twenty complaints a day for four weeks, in events of one each; then twenty in a day in one event."""
    past = [
        record(f"d{day}-{n}", NOW - timedelta(days=day, minutes=60 * n), event=f"e{day}-{n}")
        for day in range(1, 29)
        for n in range(20)
    ]
    world.take(sorted(past, key=lambda one: one.document.published_at))
    world.take(burst(20, minutes=70))
    assert levels(world) == []


def test_without_that_past_the_same_day_opens_one_and_says_cold_start(world: World) -> None:
    world.take(burst(20, minutes=70))
    (ticket,) = world.tickets()
    assert "冷启动" in ticket.why


def test_backfill_opens_a_historical_ticket_without_notices_or_clocks(world: World) -> None:
    from alerts.outbox import Outbox

    old = burst(30, NOW - timedelta(days=400), fetched=NOW)
    world.take(old)
    (ticket,) = world.tickets()
    assert ticket.historical
    assert ticket.deadlines == []
    assert Outbox(world.store, world.settings, world.clock).counts() == {"waiting": 0, "sent": 0, "dead": 0}


def test_a_historical_matter_that_flares_up_again_becomes_live(world: World) -> None:
    from alerts.outbox import Outbox

    world.take(burst(120, NOW - timedelta(days=20), minutes=0.3, fetched=NOW))
    assert rank_of(world.tickets()[0].level) >= rank_of("orange")
    world.take(burst(12, NOW, prefix="again"))
    (ticket,) = world.tickets()
    assert not ticket.historical
    assert ticket.level == "blue"
    assert ticket.deadlines
    assert "became-live" in [event.kind for event in world.book.timeline(ticket.id)]
    assert Outbox(world.store, world.settings, world.clock).counts()["waiting"] >= 1


def test_nobody_is_woken_by_old_news_of_a_matter_with_a_ticket(world: World) -> None:
    from alerts.outbox import Outbox

    world.take(burst(10))
    told = Outbox(world.store, world.settings, world.clock).counts()
    world.take(burst(120, NOW - timedelta(days=20), minutes=0.2, prefix="old", fetched=NOW))
    (ticket,) = world.tickets()
    assert ticket.level == "blue"
    assert Outbox(world.store, world.settings, world.clock).counts() == told


def test_a_policy_that_is_named_only_later_is_taken_up_when_the_level_rises(world: World) -> None:
    world.take(burst(10, policy=None))
    assert world.tickets()[0].policy is None
    world.take(burst(30, NOW + timedelta(minutes=45), minutes=1, prefix="named"))
    (ticket,) = world.tickets()
    assert ticket.level != "blue" and ticket.policy == "water-price"
    assert ticket.title.startswith("《云和市居民阶梯水价调整方案》：")


def test_late_arrivals_count_where_they_belong(world: World) -> None:
    """The burst arrives after a newer document, the oldest part last; it is seen all the same."""
    newer = record("newer", NOW + timedelta(hours=12), sentiment="neutral", request="none")
    late = list(reversed(burst(16)))
    world.take([newer, *late])
    (ticket,) = world.tickets()
    assert rank_of(ticket.level) >= 1


def test_the_level_rises_and_does_not_fall_with_each_quiet_hour(world: World) -> None:
    world.take(burst(20, minutes=2))
    world.take(burst(60, NOW + timedelta(hours=1), minutes=0.5, prefix="more"))
    (ticket,) = world.tickets()
    highest = ticket.level
    kinds = [event.kind for event in world.book.timeline(ticket.id)]
    assert kinds[0] == "opened"
    assert "level-rose" in kinds
    world.take([record("talk", NOW + timedelta(hours=20))])
    (ticket,) = world.tickets()
    assert (ticket.level, ticket.current_level) == (highest, highest)
    world.take([record("later", NOW + timedelta(days=5)), record("later2", NOW + timedelta(days=6))])
    (ticket,) = world.tickets()
    assert (ticket.level, ticket.current_level) == (highest, "none")
    assert [event.kind for event in world.book.timeline(ticket.id)].count("level-fell") == 1


def test_a_closed_ticket_is_followed_by_another_only_for_what_is_published_after_it(
    make_world: Callable[..., World],
) -> None:
    world = make_world(reopen_days=0.0)
    world.take(burst(20, minutes=1))
    (ticket,) = world.tickets()
    world.clock.set(NOW + timedelta(hours=1))
    world.book.move(ticket.number, "closed", actor="officer", reason="已回应")
    world.take(burst(6, NOW + timedelta(minutes=30), prefix="rest"))
    assert len(world.tickets()) == 1
    world.take(burst(20, NOW + timedelta(hours=2), prefix="anew"))
    assert [one.status for one in world.tickets()] == ["open", "closed"]
    assert [one.number for one in world.tickets()] == ["T20260310-002", "T20260310-001"]


def rank_of(level: str) -> int:
    from alerts.levels import rank

    return rank(level)


def test_days_that_were_watched_are_known_though_nobody_complained() -> None:
    moment = datetime(2026, 3, 30, 9, tzinfo=UTC)
    watched = WatchedDays()
    for day in range(1, 11):
        watched.add((moment - timedelta(days=day)).date(), 300)
    assert watched.before(moment, 28) == 10
    known = Baseline({}, moment, 28, watched=10)
    assert (known.days, known.cold, known.expected(24)) == (10, False, 0.0)
    assert Baseline({}, moment, 28).cold


def test_a_peak_of_each_week_may_come_an_hour_early_and_a_few_voices_are_no_peak() -> None:
    monday = datetime(2026, 3, 30, 9, tzinfo=UTC)
    before = [monday - timedelta(weeks=week) for week in range(1, 5)]

    def expected(voices: int, at: datetime) -> float:
        return Baseline(dict.fromkeys(before, voices), at, 28).expected(1)

    assert expected(12, monday + timedelta(hours=1)) == 12
    assert expected(12, monday) == 12, "the peak is in the hour to come"
    assert expected(12, monday - timedelta(hours=1)) == 0
    assert expected(12, monday - timedelta(days=3)) == 0
    assert expected(2, monday + timedelta(hours=1)) == 2
    assert expected(2, monday) == 0


def test_what_sources_give_of_their_past_is_not_watched() -> None:
    moment = datetime(2026, 3, 30, 9, tzinfo=UTC)
    watched = WatchedDays()
    for day in range(1, 29):
        watched.add((moment - timedelta(days=day)).date(), 40 if day > 2 else 3_000)
    assert watched.before(moment, 28) == 2
    assert WatchedDays().before(moment, 28) == 0


def letters(*days: float, event: str = "event-1") -> list[Grouped]:
    """Letters of as many people on one matter, so many days after `NOW`."""
    return [
        record(f"m{number}", NOW + timedelta(days=day), kind="message", event=event, author=f"citizen-{number}",
               policy=None, title="学校门口的路什么时候能修好")
        for number, day in enumerate(days)
    ]  # fmt: skip


def test_a_burst_on_a_matter_known_from_letters_is_told_and_must_be_answered_anew(world: World) -> None:
    world.take(letters(0, 20, 40, 60))
    (ticket,) = world.tickets()
    assert (ticket.level, ticket.round) == ("blue", 1)
    world.book.move(ticket.number, "responding", actor="officer", reason="")
    start = NOW + timedelta(days=75)
    world.clock.set(start + timedelta(hours=1))
    world.take(burst(12, start, policy=None))
    (ticket,) = world.tickets()
    assert (ticket.level, ticket.status, ticket.round) == ("blue", "open", 2)
    assert "位不同发言者" in ticket.why
    lines = [event for event in world.book.timeline(ticket.id) if event.kind == "flared"]
    assert [(line.detail["from"], line.detail["slow"]) for line in lines] == [("responding", True)]
    assert told(world) == ["new", "again"]
    running = [clock for clock in ticket.deadlines if clock.running]
    assert running and all(clock.round == 2 and clock.due_at > start for clock in running)
    assert all(clock.replaced for clock in ticket.deadlines if clock.round == 1 and clock.cancelled_at is not None)
    world.take(burst(1, start + timedelta(hours=1), policy=None, prefix="more"))
    assert told(world) == ["new", "again"]  # once


def test_a_matter_that_calmed_down_and_breaks_out_again_is_told_again(world: World) -> None:
    world.take(burst(20, minutes=2))
    level = world.tickets()[0].level
    world.take([record("later", NOW + timedelta(days=5)), record("later2", NOW + timedelta(days=6))])
    assert world.tickets()[0].current_level == "none"
    world.take(burst(20, NOW + timedelta(days=9), minutes=2, prefix="again"))
    (ticket,) = world.tickets()
    assert (ticket.level, ticket.round, ticket.status) == (level, 2, "open")
    assert ticket.current_level != "none"
    assert told(world)[-1] == "again"


def test_letters_that_go_on_coming_are_no_burst(world: World) -> None:
    world.take(letters(0, 20, 40, 60, 80, 100))
    (ticket,) = world.tickets()
    assert ticket.round == 1
    assert told(world) == ["new"]


def test_a_burst_of_old_posts_on_old_letters_begins_no_round(world: World) -> None:
    old = [
        record(f"m{n}", NOW - timedelta(days=90 - 10 * n), kind="message", author=f"c{n}", policy=None, fetched=NOW)
        for n in range(4)
    ]
    world.take(old)
    world.take(burst(12, NOW - timedelta(days=40), policy=None, fetched=NOW))
    (ticket,) = world.tickets()
    assert (ticket.historical, ticket.round) == (True, 1)
    assert told(world) == []


def test_a_ticket_known_from_letters_does_not_hide_a_burst_over_all_of_its_policy(world: World) -> None:
    slow = [record(f"m{n}", NOW + timedelta(days=20 * n), kind="message", author=f"c{n}") for n in range(4)]
    world.take(slow)
    assert [ticket.event for ticket in world.tickets()] == ["event-1"]
    start = NOW + timedelta(days=75)
    spread = [
        record(f"s{n}", start + timedelta(minutes=n), event="event-1" if n % 3 == 0 else f"other-{n}", text=f"涨价{n}")
        for n in range(60)
    ]
    world.take(spread)
    assert {ticket.event for ticket in world.tickets()} == {"event-1", "policy:water-price"}


def test_a_ticket_that_names_no_policy_does_not_hide_a_burst_about_one(world: World) -> None:
    world.take([record(f"p{day}", NOW - timedelta(days=day), event="past") for day in range(12, 0, -1)])
    world.take(burst(20, minutes=2, policy=None, request="help"))
    assert [(ticket.event, ticket.policy) for ticket in world.tickets()] == [("event-1", None)]
    world.take(burst(5, NOW + timedelta(hours=1), minutes=2, prefix="w"))
    assert ("policy:water-price", "water-price") in [(ticket.event, ticket.policy) for ticket in world.tickets()]


def test_voices_from_many_matters_that_name_a_policy_in_passing_are_no_early_burst(make_world: MakeWorld) -> None:
    for events, expected in ((1, ["blue"]), (5, [])):
        world = make_world()
        world.take([record(f"p{day}", NOW - timedelta(days=day), event="past") for day in range(12, 0, -1)])
        world.take([record(f"v{n}", NOW + timedelta(minutes=n), event=f"e{n % events}") for n in range(5)])
        assert levels(world) == expected


def test_people_are_told_when_many_more_speak_at_the_same_level(world: World) -> None:
    def said(count: int, prefix: str, start: datetime) -> list[Grouped]:
        """Talk that half of the voices take part in: enough for blue, never for more."""
        return burst(count, start, minutes=5, prefix=prefix, request="none") + burst(
            count, start, minutes=5, prefix=f"{prefix}x", request="none", sentiment="positive"
        )

    world.take(said(9, "a", NOW))
    (ticket,) = world.tickets()
    assert told(world) == ["new"]
    world.take(said(14, "b", NOW + timedelta(hours=1)))
    assert told(world) == ["new"]  # more, but not many more
    world.take(said(30, "c", NOW + timedelta(hours=3)))
    grown = world.book.get(ticket.number)
    assert (told(world), grown.level, grown.round) == (["new", "grown"], ticket.level, 1)
    (line,) = [event for event in world.book.timeline(ticket.id) if event.kind == "grew"]
    assert line.detail["to"] >= 3 * line.detail["from"]


def told(world: World) -> list[str]:
    with world.store.read() as connection:
        return list(connection.scalars(sa.select(notices.c.reason).order_by(notices.c.id)))
