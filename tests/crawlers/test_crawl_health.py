"""Quiet or blind? Rhythms, states, coverage, operators' tickets and numbers."""

from __future__ import annotations

import random
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from crawlers import tables
from crawlers.fields import Seen
from crawlers.health import coverage, overview, state_of, states, watch
from crawlers.operator_tickets import tickets
from crawlers.recording import forget, record_run
from crawlers.rhythm import Hour, Rhythm, learn, may_be_odd, slot_of
from crawlers.run import RunReport
from crawlers.sources import Source, load_sources, save
from crawlers.states import ADVICE, STATES, WORDS, State, state_after
from minsheng.cli.source_health import sparkline
from minsheng.clock import CHINA, ManualClock
from minsheng.errors import WrongSettings
from minsheng.metrics import MetricsServer, text
from minsheng.records import Document
from minsheng.settings import MetricsSettings, Settings
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import put_up
from tests.stores import made_store

MONDAY = datetime(2026, 11, 23, tzinfo=CHINA)
HOUR = timedelta(hours=1)


class World:
    """A store with one source, whose runs are told instead of made."""

    def __init__(self, folder: Path, **source: Any) -> None:
        self.clock = ManualClock(MONDAY)
        self.store = made_store(f"sqlite:///{folder / 'store.db'}")
        self.source = Source(id="one", kind="feed", url="http://h/feed", name="云江日报", **source)
        with self.store.begin() as connection:
            save(self.store, [(self.source, None)], connection)

    def run(self, *, new: int = 0, documents: list[Document] | None = None, **report: Any) -> None:
        values = {"ok": True, "looked": True, "items": new, "new": new, "recent": new, "unchanged": 1, **report}
        told = RunReport(source="one", **values)
        record_run(self.store, self.source, told, self.clock.now(), self.clock.now(), new=documents or [])

    @property
    def state(self) -> State:
        return states(self.store, self.clock)[0].state


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def office_hours(weeks: int, each: int = 3) -> list[Hour]:
    """A column that is filled on working days from 9 to 17."""
    hours = [Hour(MONDAY - timedelta(weeks=weeks) + n * HOUR, 0) for n in range(weeks * 168)]
    return [Hour(h.start, each if h.start.weekday() < 5 and 9 <= h.start.hour < 17 else 0) for h in hours]


def learned(hours: list[Hour]) -> Rhythm:
    found = learn(hours, MONDAY)
    assert found is not None
    return found


def test_a_rhythm_knows_hours_and_days() -> None:
    rhythm = learned(office_hours(4))
    assert rhythm.hours == 4 * 168 - 55  # up to the last one with something new, on Friday
    assert rhythm.chance[slot_of(MONDAY + 10 * HOUR)] > 0.9
    assert rhythm.chance[slot_of(MONDAY + 3 * HOUR)] == 0
    assert rhythm.chance[slot_of(MONDAY + timedelta(days=5, hours=10))] == 0
    day = rhythm.expected(MONDAY, MONDAY + timedelta(days=1))
    assert day.typical == pytest.approx(24, abs=0.1)
    assert day.low < 24 < day.high
    assert rhythm.expected(MONDAY + timedelta(days=5), MONDAY + timedelta(days=7)) == (0, 0, 0)


def test_a_weekend_is_quiet_and_a_working_day_without_a_word_is_odd() -> None:
    rhythm = learned(office_hours(4))
    friday = MONDAY + timedelta(days=4, hours=17)
    assert not rhythm.is_odd(friday, friday + timedelta(days=2, hours=15))
    assert not rhythm.is_odd(friday, MONDAY + timedelta(days=7, hours=11))
    assert rhythm.is_odd(friday, MONDAY + timedelta(days=7, hours=15))


def test_a_sparse_source_may_be_silent_for_long() -> None:
    random.seed(4)
    hours = [Hour(MONDAY - timedelta(weeks=6) + n * HOUR, int(random.random() < 0.01)) for n in range(6 * 168)]
    rhythm = learned(hours)
    assert not rhythm.is_odd(MONDAY, MONDAY + timedelta(days=5))
    assert rhythm.is_odd(MONDAY, MONDAY + timedelta(days=60))


def test_false_alarms_are_rare_and_a_source_that_stopped_is_found_within_days() -> None:
    """A hundred sources of random rates: in four more weeks of the same almost none is called quiet."""
    random.seed(7)
    alarms, delays = 0, []
    for _ in range(100):
        rate = random.choice([0.05, 0.2, 1.0, 4.0])
        hours = [Hour(MONDAY - timedelta(weeks=4) + n * HOUR, int(random.random() < rate / 5)) for n in range(4 * 168)]
        rhythm = learned(hours)
        last = MONDAY
        for n in range(4 * 168):
            at = MONDAY + n * HOUR
            if random.random() < rate / 5:
                last = at
            elif rhythm.is_odd(last, at):
                alarms += 1
                break
        if rate >= 1.0:
            delays.append(next(n for n in range(1, 2000) if rhythm.is_odd(MONDAY, MONDAY + n * HOUR)))
    assert alarms <= 3
    assert max(delays) <= 72


def test_too_little_is_known_of_a_new_source(world: World) -> None:
    assert learn([], MONDAY) is None
    assert not learned([Hour(MONDAY - 30 * HOUR, 1), Hour(MONDAY - 29 * HOUR, 2)]).is_odd(MONDAY, MONDAY + 99 * HOUR)


def test_hours_are_counted_learned_and_shown(world: World) -> None:
    for n in range(6 * 24):
        world.run(new=2 if n % 24 in (9, 10) else 0)
        world.run(new=1 if n % 24 == 9 else 0)
        world.clock.advance(hours=1)
    state = states(world.store, world.clock)[0]
    assert (state.state, state.since) == ("well", MONDAY)
    assert sum(new for new in state.hours if new) == 5
    assert state.hours[-1] is None  # the hour that has just begun
    assert state.expected is not None
    assert state.expected.low <= 5 <= state.expected.high
    assert sparkline(state.hours).count("▁") == 21
    world.clock.advance(days=60)
    world.run()
    with world.store.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.crawl_hours)) == 1


def test_a_source_that_falls_silent_is_quiet_and_a_ticket_says_so_once(world: World) -> None:
    for n in range(7 * 24):
        world.run(new=1 if n % 6 == 0 else 0)
        world.clock.advance(hours=1)
    for _ in range(40):
        world.run()
        world.clock.advance(hours=1)
        watch(world.store, world.clock)
    state = states(world.store, world.clock)[0]
    assert state.state == "quiet"
    assert state.since == state.last_item_at
    assert [(ticket.state, ticket.subject) for ticket in tickets(world.store)] == [("quiet", "one")]
    assert "沉寂" in tickets(world.store)[0].title
    world.run(new=1)
    assert world.state == "well"
    assert tickets(world.store) == []
    assert len(tickets(world.store, closed=True)) == 1


def test_what_is_found_late_says_nothing_of_the_rhythm(world: World) -> None:
    for n in range(7 * 24):
        world.run(new=1 if n % 6 == 0 else 0)
        world.clock.advance(hours=1)
    for _ in range(40):
        world.run(new=50, recent=0)
        world.clock.advance(hours=1)
    assert world.state == "quiet"
    assert sum(new for new in states(world.store, world.clock)[0].hours if new) == 0


def test_what_had_gathered_before_the_first_run_is_not_usual(world: World) -> None:
    world.run(new=500)
    assert states(world.store, world.clock)[0].expected is None
    for _ in range(72):
        world.clock.advance(hours=1)
        world.run(new=1)
    expected = states(world.store, world.clock)[0].expected
    assert expected is not None
    assert expected.high < 40


def test_what_the_operator_says_of_silence_counts_more(tmp_path: Path) -> None:
    world = World(tmp_path, quiet_after="30d")
    for n in range(7 * 24):
        world.run(new=1 if n % 6 == 0 else 0)
        world.clock.advance(hours=1)
    world.clock.advance(days=4)
    world.run()
    assert world.state == "well"


def test_late_is_told_by_whoever_lives(world: World) -> None:
    world.run(new=1)
    world.clock.advance(hours=5)
    assert world.state == "late"
    watch(world.store, world.clock)
    watch(world.store, world.clock)
    assert [ticket.state for ticket in tickets(world.store)] == ["late"]


def test_failures_make_one_ticket_and_success_closes_it(world: World) -> None:
    world.run(new=1)
    for n in range(6):
        world.clock.advance(minutes=30)
        world.run(ok=False, looked=False, error="no answer in time")
        assert len(tickets(world.store)) == (1 if n >= 2 else 0)
    ticket = tickets(world.store)[0]
    assert (ticket.state, ticket.detail) == ("failing", "no answer in time")
    assert "minsheng sources check one" in ticket.advice
    state = states(world.store, world.clock)[0]
    assert (state.state, state.since, state.failures) == ("failing", MONDAY + 0.5 * HOUR, 6)
    world.run()
    assert tickets(world.store) == []
    # It breaks again: another ticket, and the other states count as the same one going on.
    for _ in range(3):
        world.run(ok=False, error="no answer in time")
    world.run(ok=False, error="h answered 429", blocked=True)
    assert [ticket.state for ticket in tickets(world.store)] == ["blocked"]
    assert len(tickets(world.store, closed=True)) == 1


@pytest.mark.parametrize("end", ["removed", "off"])
def test_a_source_that_is_given_up_needs_nobody(world: World, end: str) -> None:
    for _ in range(3):
        world.run(ok=False, error="no such host")
    assert len(tickets(world.store)) == 1
    with world.store.begin() as connection:
        if end == "removed":
            connection.execute(sa.delete(tables.sources))
        else:
            connection.execute(sa.update(tables.sources).values(enabled=False))
    watch(world.store, world.clock)
    assert tickets(world.store) == []


def test_a_host_that_rests_by_our_own_rule_has_not_failed(world: World) -> None:
    world.run(new=1)
    until = MONDAY + 9 * HOUR
    for _ in range(4):
        world.run(ok=False, looked=False, failed=1, error="asked only in its hours", resting_until=until)
    state = states(world.store, world.clock)[0]
    assert (state.state, state.failures) == ("well", 0)
    assert state.next_run_at is not None
    assert until <= state.next_run_at <= until + timedelta(minutes=1)
    assert tickets(world.store) == []


def test_what_is_known_of_a_source_stands_while_its_host_is_left_alone(world: World) -> None:
    """A 429 for another source of the host says nothing of this one: neither its state nor since when changes."""
    world.run(new=1)
    world.clock.advance(hours=1)
    world.run(ok=False, looked=False, fault="login", error="the service wants a login")
    before = states(world.store, world.clock)[0]
    assert before.state == "cookie"
    for _ in range(3):
        world.clock.advance(hours=1)
        refused = {"error": "h answered 429; asked again from 01-01 08:00", "held_off": True, "blocked": True}
        world.run(ok=False, looked=False, failed=1, resting_until=world.clock.now() + HOUR, **refused)
        after = states(world.store, world.clock)[0]
        assert (after.state, after.since, after.last_error, after.last_error_at) == (
            "cookie",
            before.since,
            before.last_error,
            before.last_error_at,
        )
    assert [ticket.state for ticket in tickets(world.store)] == ["cookie"]
    world.run(unchanged=3)
    assert (world.state, tickets(world.store)) == ("well", [])


def test_an_empty_answer_that_does_not_change_is_empty_still(world: World) -> None:
    """Servers answer 304 to whoever has the empty page already."""
    world.run(new=3)
    for looked in (True, False, False, False):
        world.clock.advance(minutes=40)
        world.run(looked=looked, unchanged=0)
    assert world.state == "empty"
    world.run(new=1)
    assert world.state == "well"


def test_empty_answers_are_counted_on_past_a_pause_of_the_host(world: World) -> None:
    world.run(new=3)
    for held_off in (False, False, True, False):
        world.clock.advance(minutes=40)
        if held_off:
            world.run(ok=False, looked=False, error="left alone", held_off=True, resting_until=world.clock.now())
        else:
            world.run(unchanged=0)
    assert world.state == "empty"


def test_answers_without_anything_in_them(world: World) -> None:
    seen: list[str] = []
    world.run(new=3)
    # The fourth and the sixth are not modified: there nothing was looked at.
    for looked in (True, True, True, False, True, False):
        world.clock.advance(minutes=20)
        world.run(looked=looked, unchanged=0)
        seen.append(world.state)
    assert seen == ["well", "well", "empty", "empty", "empty", "empty"]
    assert [ticket.state for ticket in tickets(world.store)] == ["empty"]
    world.run(unchanged=3)
    assert [*seen, world.state][-1] == "well"
    for _ in range(5):
        world.run(unchanged=0)  # within minutes: may well be a moment
    assert [*seen, world.state][-1] == "well"


def test_a_source_that_never_held_anything_is_not_empty(world: World) -> None:
    for _ in range(5):
        world.clock.advance(hours=1)
        world.run(unchanged=0)
    assert world.state == "well"


def document(n: int, **changed: Any) -> Document:
    values = {"title": "题", "text": "文", "author_key": "a", "published_estimated": False, **changed}
    return Document(id=str(n), source="one", kind="news", published_at=MONDAY, fetched_at=MONDAY, **values)


def test_a_field_that_is_gone_says_that_the_layout_changed(world: World) -> None:
    for n in range(30):
        world.run(new=1, documents=[document(n)])
    assert world.state == "well"
    sample = states(world.store, world.clock)[0].sample
    assert sample is not None
    assert sample["title"] == "题"
    for n in range(4):
        world.run(new=1, documents=[document(n, text="")])
    assert world.state == "well"
    world.run(new=1, documents=[document(5, text="")])
    state = states(world.store, world.clock)[0]
    assert [state.state] == ["layout"]
    assert state.last_error == "缺少正文（原先100%有，最近5篇都没有）"
    seen = coverage(world.store, world.clock, MONDAY - HOUR, MONDAY)
    assert [(one.source, one.state) for one in seen.unseen] == [("one", "layout")]
    # It stays so until the words are back, or the operator says that it is meant.
    for n in range(50):
        world.run(new=1, documents=[document(n, text="")])
    assert states(world.store, world.clock)[0].state == "layout"
    forget(world.store, "one", world.clock.now())
    assert tickets(world.store) == []
    world.run(new=1, documents=[document(1, text="")])
    assert world.state == "well"


def test_fields_that_come_and_go_are_none_to_miss() -> None:
    random.seed(3)
    seen = Seen()
    for _ in range(3000):
        seen.note(random.random() < 0.6)
        assert not seen.gone
    rare = Seen()
    for n in range(200):
        rare.note(n % 10 == 0)
    for _ in range(50):
        rare.note(False)
    assert not rare.gone


@pytest.mark.parametrize(
    ("error", "report", "options", "before", "expected"),
    [
        ("http://h/: the page asks for a login", {}, {"cookie": "x"}, True, "cookie"),
        ("http://h/: the page asks for a login", {}, {}, True, "blocked"),
        ("http://h/: the page asks for a captcha", {}, {}, True, "blocked"),
        ("http://h/: answered 403", {"blocked": True}, {}, True, "blocked"),
        ("http://h/: the page asks for a login", {"with_login": True}, {}, True, "cookie"),
        ("http://h/: answered 401", {"fault": "login"}, {}, False, "cookie"),
        ("http://h/c: answered 302", {"fault": "login", "ok": True, "items": 5}, {}, True, "cookie"),
        ("http://h/: nothing is at items = data.list", {"fault": "layout"}, {}, True, "layout"),
        ("http://h/: nothing is at items = data.list", {"fault": "layout"}, {}, False, "failing"),
        ("http://h/: no list of links is seen", {}, {}, True, "layout"),
        ("http://h/: no list of links is seen", {}, {}, False, "failing"),
        ("http://h/: no answer in time", {}, {}, True, "failing"),
        ("http://h/a: neither title nor text", {"ok": True, "failed": 6}, {}, True, "layout"),
        ("http://h/a: answered 500", {"ok": True, "failed": 6, "unchanged": 20}, {}, True, "well"),
    ],
)
def test_what_went_wrong_is_told_apart(
    error: str, report: dict[str, Any], options: dict[str, Any], before: bool, expected: str
) -> None:
    source = Source(id="one", kind="feed", url="http://h/", options=options)
    told = RunReport(source="one", error=error, **report)
    assert state_after(source, told, answered_before=before, gone=[], empty_runs=0) == expected


def test_every_state_has_words_and_advice() -> None:
    assert set(WORDS) == set(ADVICE) == set(STATES)
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "watch-the-sources.md").read_text(encoding="utf-8")
    assert [name for name in STATES if f"| `{name}` {WORDS[name]} |" not in page] == []


def test_coverage_tells_what_was_seen_this_morning(tmp_path: Path) -> None:
    """At eight, one source was away; it is back since, and another one is away now."""
    world = World(tmp_path)
    second = Source(id="two", kind="feed", url="http://g/feed", name="云江广电")
    with world.store.begin() as connection:
        save(world.store, [(second, None)], connection)

    def run(source: Source, ok: bool) -> None:
        told = RunReport(source=source.id, ok=ok, looked=ok, unchanged=1, error="" if ok else "no answer in time")
        record_run(world.store, source, told, world.clock.now(), world.clock.now())

    for hour in range(15):
        for _ in range(4):
            run(world.source, ok=not 4 <= hour < 9)
            run(second, ok=hour < 12)
            world.clock.advance(minutes=15)
    eight = MONDAY + 8 * HOUR
    seen = coverage(world.store, world.clock, eight - HOUR, eight)
    assert seen.seen == ["two"]
    assert seen.sentence() == "截至11月23日 08:00，2个信源中1个可见；看不到：云江日报（迟到，自11-23 04:00）"
    now = coverage(world.store, world.clock, world.clock.now() - HOUR, world.clock.now())
    assert [(one.source, one.state, one.reason) for one in now.unseen] == [
        ("two", "failing", "failing: no answer in time")
    ]


def test_an_overview_is_what_states_and_coverage_say(world: World) -> None:
    """Whatever a silence comes to: read lightly, judged the same."""
    table = tables.crawl_state
    rhythm = msgspec.to_builtins(learned([*office_hours(4)]))
    with world.store.begin() as connection:
        rows = []
        for hours in (0, 1, 3, 4, 5, 9, 20, 40, 80, 200):
            source = Source(id=f"silent-{hours}", kind="feed", url="http://h/", quiet_after="6h" if hours == 9 else "")
            save(world.store, [(source, None)], connection)
            times = dict.fromkeys(("last_run_at", "last_ok_at"), MONDAY)
            rows.append({"source_id": source.id, "last_item_at": MONDAY - hours * HOUR, "rhythm": rhythm, **times})
        connection.execute(table.insert(), rows)
    found = overview(world.store, world.clock, MONDAY - 24 * HOUR, MONDAY)
    assert found.coverage == coverage(world.store, world.clock, MONDAY - 24 * HOUR, MONDAY)
    assert {one.id: one.state for one in found.sources} == {
        one.id: one.state for one in states(world.store, world.clock)
    }
    quiet = {one.id for one in found.sources if one.state == "quiet"}
    assert "silent-9" in quiet and "silent-200" in quiet and "silent-3" not in quiet
    lively = learned([*office_hours(4, each=50)])
    for hours in range(1, 60):
        assert may_be_odd(MONDAY - hours * HOUR, MONDAY) or not lively.is_odd(MONDAY - hours * HOUR, MONDAY)
    loud = Rhythm(
        learned_at=MONDAY, hours=1000, loud=1000, chance=(1.0,) * 168, mean=(9.0,) * 168, burst=1.0, silence=0
    )
    assert not may_be_odd(MONDAY - 3 * HOUR, MONDAY) and not loud.is_odd(MONDAY - 3 * HOUR, MONDAY)
    assert loud.is_odd(MONDAY - 5 * HOUR, MONDAY)


def test_what_is_asked_of_one_source_reads_nothing_of_the_others(world: World) -> None:
    world.run(new=3)
    alone = states(world.store, world.clock)
    assert states(world.store, world.clock, ["one", "unknown"]) == alone == [state_of(world.store, world.clock, "one")]
    assert state_of(world.store, world.clock, "unknown") is None
    assert load_sources(world.store, ["one", "unknown"]) == [world.source]
    with world.store.begin() as connection:
        save(world.store, [(Source(id="two", kind="feed", url="http://h/two"), None)], connection)
        connection.execute(
            tables.crawl_state.insert().values(source_id="two", last_run_at=MONDAY, rhythm={"of": "a newer program"})
        )
    with pytest.raises(msgspec.ValidationError):
        states(world.store, world.clock)
    assert [state_of(world.store, world.clock, "one")] == alone


def test_numbers_for_prometheus(world: World) -> None:
    world.run(new=3)
    lines = text(world.store, world.clock).splitlines()
    assert 'minsheng_source_state{source="one",state="well"} 1.0' in lines
    assert 'minsheng_source_new_documents_24h{source="one"} 3.0' in lines
    assert "minsheng_sources 1.0" in lines
    assert "minsheng_sources_blind 0.0" in lines
    settings = Settings(metrics=MetricsSettings(listen="127.0.0.1:0"))
    with MetricsServer(settings, world.store, world.clock) as server:
        url = f"http://127.0.0.1:{server.port}/metrics"
        assert b"minsheng_store_up 1.0" in urllib.request.urlopen(url, timeout=10).read()
        with pytest.raises(WrongSettings, match="can't be used"):
            MetricsServer(
                Settings(metrics=MetricsSettings(listen=f"127.0.0.1:{server.port}")), world.store, world.clock
            ).__enter__()


def test_a_real_source_that_is_rebuilt(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("listing", site)
    crawling.source("one", "listing", url, **options)
    assert crawling.run().ok
    assert states(crawling.store, crawling.clock)[0].sample is not None
    site.put("/news/", "<html><body><p>本站已改版。</p></body></html>")
    crawling.clock.advance(hours=1)
    assert not crawling.run().ok
    state = states(crawling.store, crawling.clock)[0]
    assert (state.state, state.since) == ("layout", crawling.clock.now())
    assert [ticket.state for ticket in tickets(crawling.store)] == ["layout"]
