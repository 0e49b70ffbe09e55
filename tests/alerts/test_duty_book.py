"""The duty book: every mistake said with its line and what to do; revisions kept; who is on duty at any time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from alerts.duty.book import BookShelf
from alerts.duty.changes import DutyChanges
from alerts.duty.file import parse_book, read_book
from alerts.duty.hours import next_of, span_of
from alerts.duty.ics import calendar
from alerts.duty.model import EMPTY, DutyBook
from alerts.duty.roster import gaps, on_duty, watches
from alerts.duty.tables import duty_books
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from tests.alerts.conftest import World, burst
from tests.alerts.duty_world import BOOK, ROUTES, Duty

KNOWN = {"mail": True, "sms": True, "group": False}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def names(book: DutyBook, when: datetime, changes: Any = ()) -> list[str]:
    return [one.name for watch in on_duty(book, changes, when) for one in watch.watchers]


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ('supervisor = "chen"', 'supervisor = "chan"', "there is no person chan; did you mean chen?"),
        ('quiet = "22:00-07:00"', 'quite = "22:00-07:00"', "unknown key quite; did you mean quiet?"),
        ('quiet = "22:00-07:00"', 'quiet = "22-7"', "'22-7' are no hours: write 08:00-20:00"),
        (
            'channel = "sms", to = "13900000001"',
            'channel = "smss", to = "1"',
            "channel smss is not in the settings",
        ),
        ('hours = "20:00-08:00"', 'hours = "20:00-25:00"', "are no hours"),
        ('people = ["li", "zhang"]', 'people = ["li", "zhao"]', "there is no person zhao"),
        ('id = "li"', 'id = "zhang"', "the id zhang is used twice"),
        ("starts = 2026-03-02", 'starts = "Monday"', "starts: Invalid"),
        ('to = ["responsible"]', 'to = ["roster:duti"]', "there is no roster duti; did you mean duty?"),
        ('to = ["responsible"]', 'to = ["everybody"]', "'everybody' is no receiver: write person:..."),
        ('to = ["responsible"]', 'to = ["channel:mail"]', "channel mail reaches one person at a time"),
        ('escalation = "slow"', 'escalation = "slo"', "there is no escalation slo; did you mean slow?"),
        ("after_minutes = 15", "after_minutes = 4", "each step comes later than the one before"),
        (
            'levels = ["orange", "red"]\nto',
            'levels = ["crimson"]\nto',
            "levels: unknown value 'crimson'; write blue",
        ),
        (
            'levels = ["orange", "red"] }',
            'levels = ["红"] }',
            "addresses.levels: unknown value '红'",
        ),
    ],
)
def test_each_mistake_is_said_with_its_line(right: str, wrong: str, words: str) -> None:
    text = BOOK + ROUTES
    line = text[: text.index(right)].count("\n") + 1
    with pytest.raises(WrongUse) as refused:
        parse_book(text.replace(right, wrong, 1), KNOWN, "duty.toml")
    (problem, *others) = refused.value.message.splitlines()[1:]
    assert words in problem
    assert problem.startswith(f"duty.toml:{line}: "), problem
    assert len(others) <= 2, "one mistake is not told many times"


def test_all_mistakes_are_said_at_once() -> None:
    text = BOOK.replace('supervisor = "chen"', 'supervisor = "nobody"').replace("08:00-20:00", "8-20")
    with pytest.raises(WrongUse) as refused:
        parse_book(text, KNOWN)
    assert len(refused.value.message.splitlines()) == 3


def test_a_file_that_is_no_book_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.toml", b"[[people"), ("b.toml", b"\xff\xfe"), ("c.toml", b"people = 3")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WrongUse):
            read_book(tmp_path / name)
    with pytest.raises(WrongUse, match="can't be read"):
        read_book(tmp_path / "none.toml")


def test_revisions_are_kept_and_a_wrong_book_leaves_the_old_one(world: World) -> None:
    duty = Duty(world, BOOK)
    assert [one.revision for one in duty.shelf.revisions()] == [1]
    assert duty.shelf.put(BOOK, world.settings, world.clock, "other").actor == "admin", "the same text is no revision"
    with pytest.raises(WrongUse):
        duty.shelf.put(BOOK.replace("zhang", "z h"), world.settings, world.clock, "other")
    world.clock.advance(hours=1)
    duty.shelf.put(BOOK.replace('people = ["zhang", "li"]', 'people = ["li"]'), world.settings, world.clock, "other")
    assert [(one.revision, one.actor) for one in duty.shelf.revisions()] == [(2, "other"), (1, "admin")]
    then = world.clock.now() - timedelta(minutes=30)
    fresh = BookShelf(world.store)
    assert fresh.current(then).rosters[0].shifts[0].people == ("zhang", "li"), "the book of that time answers"
    assert fresh.current().rosters[0].shifts[0].people == ("li",)
    assert fresh.text(1) == BOOK
    with pytest.raises(WrongUse, match="no revision 9"):
        fresh.text(9)


def test_without_a_book_there_is_an_empty_one(world: World) -> None:
    assert BookShelf(world.store).current() == EMPTY


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2026-03-02T08:00", ["张伟"]),
        ("2026-03-02T19:59", ["张伟"]),
        ("2026-03-02T20:00", ["李娜"]),
        ("2026-03-03T07:59", ["李娜"]),
        ("2026-03-09T07:59", ["李娜"]),  # the night that began on Sunday belongs to the week before
        ("2026-03-09T08:00", ["李娜"]),
        ("2026-03-09T20:00", ["张伟"]),
        ("2026-02-23T08:00", ["李娜"]),  # before the first day, too
        ("2030-07-01T12:00", ["张伟"]),
    ],
)
def test_who_is_on_duty_at_any_time(when: str, who: list[str]) -> None:
    assert names(parse_book(BOOK), at(when)) == who


def test_turns_by_day_and_by_shift_and_special_days() -> None:
    book = parse_book(
        BOOK.replace('people = ["zhang", "li"]', 'people = ["zhang", ["li", "wu"]]\nrotate = "day"').replace(
            'people = ["li", "zhang"]',
            'people = ["chen", "wu"]\nrotate = "turn"\ndays = ["mon", "wed"]',
        )
        + '\n[[rosters.specials]]\nfirst = 2026-03-11\nlast = 2026-03-12\nshift = "夜班"\npeople = ["li"]\n'
    )
    assert names(book, at("2026-03-02T12:00")) == ["张伟"]
    assert names(book, at("2026-03-03T12:00")) == ["李娜", "吴科长"]
    nights = [names(book, at(f"2026-03-{day:02}T23:00")) for day in (2, 3, 4, 9)]
    assert nights == [["陈主任"], [], ["吴科长"], ["陈主任"]]
    assert names(book, at("2026-03-11T23:00")) == ["李娜"]
    assert names(book, at("2026-03-12T23:00")) == ["李娜"], "a special shift is there also where none would be"


def test_stand_ins_swaps_and_absences(world: World) -> None:
    duty = Duty(world, BOOK)
    book = duty.shelf.current()
    changes = DutyChanges(world.store, world.clock)

    def who(when: str) -> list[str]:
        return names(book, at(when), changes.between(at(when) - timedelta(days=2), at(when) + timedelta(days=2)))

    done = changes.stand_in(
        book, "zhang", "wu", at("2026-03-02T10:00"), at("2026-03-02T12:00"), actor="a", reason="开会"
    )
    assert [who(f"2026-03-02T{hour}") for hour in ("09:59", "10:00", "12:00")] == [["张伟"], ["吴科长"], ["张伟"]]
    assert changes.withdraw(done.id, actor="b").withdrawn_by == "b"
    assert who("2026-03-02T10:00") == ["张伟"]
    with pytest.raises(WrongUse, match="no change"):
        changes.withdraw(done.id, actor="b")

    changes.swap(book, "zhang", at("2026-03-04T00:00"), "li", at("2026-03-12T08:00"), actor="a", reason="家事")
    assert who("2026-03-04T12:00") == ["李娜"] and who("2026-03-12T12:00") == ["张伟"]
    assert who("2026-03-05T12:00") == ["张伟"], "only that one watch"
    with pytest.raises(WrongUse, match="has no watch"):
        changes.swap(book, "chen", at("2026-03-04T00:00"), "li", at("2026-03-12"), actor="a", reason="x")

    changes.stand_in(book, "zhang", None, at("2026-03-05T00:00"), at("2026-03-06T00:00"), actor="a", reason="病假")
    assert who("2026-03-05T12:00") == []
    spare = parse_book(BOOK.replace("announce", 'backup = ["chen"]\nannounce'))
    present = on_duty(spare, changes.between(at("2026-03-05"), at("2026-03-06")), at("2026-03-05T12:00"))
    assert [(one.name, one.instead_of, one.why) for one in present[0].watchers] == [("陈主任", "zhang", "病假")]
    changes.stand_in(book, "wu", "zhang", at("2026-03-05"), at("2026-03-06"), actor="a", reason="x")
    changes.stand_in(book, "zhang", "wu", at("2026-03-05"), at("2026-03-06"), actor="a", reason="x")
    assert who("2026-03-05T12:00") in ([], ["张伟"], ["吴科长"]), "a circle ends"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"person": "nobody"}, "no person nobody"),
        ({"by": "zhang"}, "stands in for himself"),
        ({"until": at("2026-03-01")}, "not after the beginning"),
        ({"until": at("2028-03-01")}, "more than 400 days"),
        ({"reason": " "}, "with a reason"),
        ({"roster": "none"}, "no roster none"),
    ],
)
def test_a_wrong_change_is_refused(world: World, changed: dict[str, Any], words: str) -> None:
    book = Duty(world, BOOK).shelf.current()
    given = {"person": "zhang", "by": "li", "since": at("2026-03-02"), "until": at("2026-03-03"), "reason": "x"}
    given |= changed
    with pytest.raises(WrongUse, match=words):
        DutyChanges(world.store, world.clock).stand_in(book, actor="a", **given)


def test_gaps_are_found_with_their_reason(world: World) -> None:
    duty = Duty(world, BOOK)
    book = duty.shelf.current()
    roster = book.rosters[0]
    changes = DutyChanges(world.store, world.clock)
    week = at("2026-03-02"), at("2026-03-09")
    assert gaps(book, roster, (), *week) == []
    changes.stand_in(book, "zhang", None, at("2026-03-05T09:00"), at("2026-03-05T11:00"), actor="a", reason="病假")
    (found,) = gaps(book, roster, changes.between(*week), *week)
    assert (found.start, found.end) == (at("2026-03-05T09:00"), at("2026-03-05T11:00"))
    assert found.why == "张伟不在岗，无人顶班"
    (cut,) = gaps(book, roster, changes.between(*week), at("2026-03-05T10:00").astimezone(UTC), week[1])
    assert (cut.start, cut.start.hour) == (at("2026-03-05T10:00"), 10), "said in China time, wherever it is asked"
    days = parse_book(BOOK.replace('hours = "08:00-20:00"', 'hours = "08:00-20:00"\ndays = ["mon", "tue"]'))
    holes = gaps(days, days.rosters[0], (), *week)
    assert [(hole.start.day, hole.start.hour, hole.end.hour) for hole in holes] == [(day, 8, 20) for day in range(4, 9)]
    office = parse_book(
        BOOK.replace("announce", 'cover = "20:00-08:00"\nannounce').replace("08:00-20:00", "08:00-09:00")
    )
    assert gaps(office, office.rosters[0], (), *week) == [], "only the hours that it is to cover"


def test_the_calendar_can_be_read_and_says_who(world: World) -> None:
    duty = Duty(world, BOOK)
    book = duty.shelf.current()
    changes = DutyChanges(world.store, world.clock)
    changes.stand_in(book, "zhang", "wu", at("2026-03-02T08:00"), at("2026-03-02T20:00"), actor="a", reason="开会")
    span = at("2026-03-02T08:00"), at("2026-03-04T08:00")
    every = watches(book, book.rosters[0], changes.between(*span), *span)
    read = Calendar.from_ical(calendar(book, every, world.clock.now()))
    events = read.walk("VEVENT")
    assert [str(event["summary"]) for event in events] == [
        "舆情值班·白班：吴科长", "舆情值班·夜班：李娜", "舆情值班·白班：张伟", "舆情值班·夜班：李娜",
    ]  # fmt: skip
    assert events[0].decoded("dtstart") == at("2026-03-02T08:00") and events[0].decoded("dtend").tzinfo is not None
    assert "吴科长顶替张伟（开会）" in str(events[0]["description"])
    again = Calendar.from_ical(calendar(book, every, world.clock.now() + timedelta(days=1)))
    assert [str(e["uid"]) for e in again.walk("VEVENT")] == [str(e["uid"]) for e in events]
    own = Calendar.from_ical(calendar(book, every, world.clock.now(), "zhang"))
    assert len(own.walk("VEVENT")) == 1


def test_spans_of_the_day() -> None:
    night = span_of("22:00-07:00")
    assert night.around(at("2026-03-02T23:30")) == (at("2026-03-02T22:00"), at("2026-03-03T07:00"))
    assert night.around(at("2026-03-03T06:59")) == (at("2026-03-02T22:00"), at("2026-03-03T07:00"))
    assert night.around(at("2026-03-03T07:00")) is None
    assert span_of("00:00-24:00").minutes == 1440 == span_of("08:00-08:00").minutes
    assert next_of(("08:30", "17:30"), at("2026-03-02T08:30")) == at("2026-03-02T17:30")
    assert next_of(("08:30", "17:30"), at("2026-03-02T20:00")) == at("2026-03-03T08:30")


def test_a_book_that_a_newer_program_can_t_read_any_more_tells_everybody(world: World) -> None:
    duty = Duty(world, BOOK + ROUTES)
    with world.store.begin() as connection:
        connection.execute(duty_books.update().values(text="[[people]]\nid = 3"))
    assert BookShelf(world.store).current() == EMPTY
    world.take(burst(12))
    assert duty.deliver() == {"group": [""]}


def test_two_who_swap_watches_that_overlap_are_both_there(world: World) -> None:
    book = parse_book(BOOK.replace('hours = "08:00-20:00"', 'hours = "08:00-22:00"'))
    changes = DutyChanges(world.store, world.clock)
    day = at("2026-03-04T08:00")  # 张伟 by day, 李娜 from 20:00 on
    changes.swap(book, "zhang", day, "li", at("2026-03-04T20:00"), actor="a", reason="家事")
    every = changes.between(day, day + timedelta(days=2))
    overlap = on_duty(book, every, at("2026-03-04T21:00"))
    assert {watch.shift: [one.person for one in watch.watchers] for watch in overlap} == {
        "白班": ["li"],
        "夜班": ["zhang"],
    }
    assert not any(watch.missing for watch in overlap)
