"""`minsheng roster`: the duty book, and who is on duty."""

from __future__ import annotations

import getpass
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.cli.times import parse_moment
from minsheng.clock import SystemClock
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.duty.changes import Change, DutyChanges
    from alerts.duty.model import DutyBook
    from alerts.duty.roster import Watch
    from minsheng.workdays import WorkCalendar

app = typer.Typer(help="The duty book: people, rosters, routes; who is on duty; stand-ins.", no_args_is_help=True)

BookFile = Annotated[Path, typer.Argument(metavar="FILE", help="A duty book (TOML).")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id in the duty book.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the change.")]
OfRoster = Annotated[str, typer.Option("--roster", help="Only of this roster; default: all.")]
Since = Annotated[str, typer.Option(help="From when: a date or time; default: now.")]
Until = Annotated[str, typer.Option(help="Until when: a date or time; default: 14 days after.")]


@app.command("check")
def check(file: BookFile) -> None:
    """Check a duty book without putting it into force: every mistake with its line, and the gaps to come."""
    from alerts.duty.book import channels_of
    from alerts.duty.file import read_book

    book, _ = read_book(file, channels_of(context.settings()))
    _say(book)


@app.command("import")
def import_book(file: BookFile) -> None:
    """Put a duty book into force for every process. A wrong one is refused, and the old one stays."""
    from alerts.duty.book import BookShelf, channels_of
    from alerts.duty.file import read_book

    settings = context.settings()
    book, text = read_book(file, channels_of(settings))
    done = BookShelf(context.store()).put(text, settings, SystemClock(), getpass.getuser())
    context.console().print(f"值守手册第 {done.revision} 版生效", markup=False)
    _say(book)


@app.command("export")
def export(
    revision: Annotated[int | None, typer.Option(help="Which revision; default: the one in force.")] = None,
) -> None:
    """Print the duty book as it was imported."""
    from alerts.duty.book import BookShelf

    text = BookShelf(context.store()).text(revision)
    if not text:
        raise WrongUse("there is no duty book yet", "minsheng roster import FILE, see docs/how-to/roster.md")
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


@app.command("revisions")
def revisions(json: bool = context.JSON_OPTION) -> None:
    """List the duty book's revisions: who put each into force, and when."""
    from alerts.duty.book import BookShelf

    found = BookShelf(context.store()).revisions()
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"值守手册 {len(found)} 版",
        ("版本", "导入人", "生效时间"),
        [(one.revision, one.actor, context.local_time(one.at)) for one in found],
    )


@app.command("people")
def people(json: bool = context.JSON_OPTION) -> None:
    """List the people of the duty book with their units and addresses."""
    book = _book()
    if json:
        context.print_json(book.people)
        return
    rows = [
        (
            one.id,
            one.name,
            unit.name if (unit := book.unit(one.unit)) else "",
            "；".join(f"{address.channel} {address.to}" for address in one.addresses) or "（没有联系方式）",
            one.quiet,
        )
        for one in book.people
    ]
    context.print_table(f"人员 {len(rows)} 人", ("编号", "姓名", "单位", "联系方式", "免打扰"), rows)


@app.command("who")
def who(
    at: Annotated[str, typer.Option(help="At what time, past or future: 2026-12-01T03:00; default: now.")] = "",
    roster: OfRoster = "",
    json: bool = context.JSON_OPTION,
) -> None:
    """Say who is on duty at any time, stand-ins and swaps included."""
    from alerts.duty.roster import on_duty

    moment = parse_moment(at) if at else SystemClock().now()
    book = _book(moment)
    _known_roster(book, roster)
    changes = _changes().between(moment - timedelta(days=2), moment + timedelta(days=2))
    found = on_duty(book, changes, moment, roster or None, _calendar())
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{context.local_time(moment)} 值班",
        ("值班表", "班次", "起止", "值班人", "联系方式"),
        [
            (watch.roster, watch.shift, _span(watch), _names(book, watch), "；".join(_contacts(book, watch)))
            for watch in found
        ],
    )
    for one in book.rosters:
        if (not roster or one.id == roster) and all(watch.roster != one.id or not watch.watchers for watch in found):
            context.errors().print(f"warning: {one.name}此时无人值班", markup=False, soft_wrap=True)


@app.command("shifts")
def shifts(
    since: Since = "",
    until: Until = "",
    roster: OfRoster = "",
    person: Annotated[str, typer.Option(help="Only this person's.")] = "",
    ics: Annotated[bool, typer.Option("--ics", help="Print an iCalendar file instead of a table.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List the shifts to come, as a table or for people's calendars."""
    book = _book()
    begin, end = _stretch(since, until)
    found = _watches(book, roster, begin, end)
    if person:
        _known_person(book, person)
        found = [watch for watch in found if any(one.person == person for one in watch.watchers)]
    if ics:
        from alerts.duty.ics import calendar

        sys.stdout.buffer.write(calendar(book, found, SystemClock().now(), person or None))
        sys.stdout.buffer.flush()
        return
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{context.local_time(begin)} 至 {context.local_time(end)} 的班次",
        ("起止", "值班表", "班次", "值班人"),
        [(_span(watch), watch.roster, watch.shift, _names(book, watch)) for watch in found],
    )


@app.command("gaps")
def gaps(since: Since = "", until: Until = "", json: bool = context.JSON_OPTION) -> None:
    """List the stretches of time in which nobody is on duty though somebody should be: exit code 1 if there are any."""
    from alerts.duty.roster import gaps as find

    book = _book()
    begin, end = _stretch(since, until)
    changes = _changes().between(begin - timedelta(days=2), end + timedelta(days=2))
    found = [gap for one in book.rosters for gap in find(book, one, changes, begin, end, _calendar())]
    if json:
        context.print_json(found)
    else:
        context.print_table(
            f"空缺 {len(found)} 段",
            ("值班表", "自", "至", "原因"),
            [(gap.roster, context.local_time(gap.start), context.local_time(gap.end), gap.why) for gap in found],
        )
    if found:
        raise typer.Exit(1)


@app.command("stand-in")
def stand_in(
    person: PersonId,
    by: Annotated[str, typer.Option(help="Who is on duty instead.")],
    since: Annotated[str, typer.Option(help="From when: 2026-12-01T20:00.")],
    until: Annotated[str, typer.Option(help="Until when.")],
    reason: Reason,
    roster: OfRoster = "",
    json: bool = context.JSON_OPTION,
) -> None:
    """Let somebody be on duty instead of a person for a while."""
    done = _changes().stand_in(
        _book(),
        person,
        by,
        parse_moment(since),
        parse_moment(until),
        actor=getpass.getuser(),
        reason=reason,
        roster=roster,
    )
    _changed([done], json)


@app.command("away")
def away(
    person: PersonId,
    since: Annotated[str, typer.Option(help="From when.")],
    until: Annotated[str, typer.Option(help="Until when.")],
    reason: Reason,
    json: bool = context.JSON_OPTION,
) -> None:
    """Note that a person is away; the roster's backup steps in where there is one."""
    done = _changes().stand_in(
        _book(), person, None, parse_moment(since), parse_moment(until), actor=getpass.getuser(), reason=reason
    )
    _changed([done], json)


@app.command("swap")
def swap(
    first: Annotated[str, typer.Argument(metavar="PERSON", help="The one person's id.")],
    first_at: Annotated[str, typer.Argument(metavar="TIME", help="A time within that watch, or the day it begins.")],
    second: Annotated[str, typer.Argument(metavar="OTHER", help="The other person's id.")],
    second_at: Annotated[str, typer.Argument(metavar="TIME", help="A time within that watch, or the day it begins.")],
    reason: Reason,
    json: bool = context.JSON_OPTION,
) -> None:
    """Let two people take each other's watch."""
    book = _book()
    times = parse_moment(first_at), parse_moment(second_at)
    done = _changes().swap(book, first, times[0], second, times[1], actor=getpass.getuser(), reason=reason)
    _changed(list(done), json)


@app.command("changes")
def changes(
    every: Annotated[bool, typer.Option("--all", help="Past and withdrawn ones, too.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List stand-ins, swaps and absences that are in force or to come."""
    now = SystemClock().now()
    begin = now - timedelta(days=3650) if every else now
    _changed(_changes().between(begin, now + timedelta(days=3650), withdrawn=every), json)


@app.command("withdraw")
def withdraw(
    change: Annotated[int, typer.Argument(metavar="NUMBER", help="The change's number.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Take a stand-in, an absence or one half of a swap back."""
    _changed([_changes().withdraw(change, actor=getpass.getuser())], json)


def _book(at: datetime | None = None) -> DutyBook:
    from alerts.duty.book import BookShelf

    book = BookShelf(context.store()).current(at)
    if not book.people and not book.rosters and not book.routes:
        raise WrongUse("there is no duty book yet", "minsheng roster import FILE, see docs/how-to/roster.md")
    return book


def _changes() -> DutyChanges:
    from alerts.duty.changes import DutyChanges

    return DutyChanges(context.store(), SystemClock())


def _calendar() -> WorkCalendar:
    from minsheng.workdays import WorkCalendar

    return WorkCalendar.from_settings(context.settings())


def _known_roster(book: DutyBook, roster: str) -> None:
    if roster and book.roster(roster) is None:
        names = ", ".join(one.id for one in book.rosters) or "none"
        raise WrongUse(Problem("roster-unknown", roster=roster), f"there are: {names}")


def _known_person(book: DutyBook, person: str) -> None:
    if book.person(person) is None:
        raise WrongUse(f"there is no person {person}", "see minsheng roster people")


def _stretch(since: str, until: str) -> tuple[datetime, datetime]:
    begin = parse_moment(since) if since else SystemClock().now()
    end = parse_moment(until) if until else begin + timedelta(days=14)
    if end <= begin:
        raise WrongUse(Problem("end-before-begin"), "give --since and --until")
    if end - begin > timedelta(days=400):
        raise WrongUse(Problem("span-long"), "give an earlier --until")
    return begin, end


def _watches(book: DutyBook, roster: str, begin: datetime, end: datetime) -> list[Watch]:
    from alerts.duty.roster import watches

    _known_roster(book, roster)
    changes = _changes().between(begin - timedelta(days=2), end + timedelta(days=2))
    found = [
        watch
        for one in book.rosters
        if not roster or one.id == roster
        for watch in watches(book, one, changes, begin, end, _calendar())
    ]
    return sorted(found, key=lambda watch: (watch.start, watch.roster))


def _say(book: DutyBook) -> None:
    """What a book holds, and the gaps of the next 14 days."""
    from alerts.duty.roster import gaps as find

    say = context.console()
    say.print(
        f"单位 {len(book.units)}，人员 {len(book.people)}，值班表 {len(book.rosters)}，路由 {len(book.routes)}，"
        f"升级链 {len(book.escalations)}",
        markup=False,
        soft_wrap=True,
    )
    now = SystemClock().now()
    later = now + timedelta(days=14)
    changes = _changes().between(now - timedelta(days=2), later + timedelta(days=2))
    for one in book.rosters:
        for gap in find(book, one, changes, now, later, _calendar()):
            words = f"{one.name} {context.local_time(gap.start)} 至 {context.local_time(gap.end)}：{gap.why}"
            context.errors().print(f"warning: 空缺 {words}", markup=False, soft_wrap=True)
    for person in book.people:
        if not person.addresses:
            context.errors().print(f"warning: {person.name}没有联系方式", markup=False, soft_wrap=True)


def _changed(found: list[Change], json: bool) -> None:
    if json:
        context.print_json(found)
        return
    rows = [
        (
            one.id,
            one.person,
            one.by or "（后备）",
            context.local_time(one.since),
            context.local_time(one.until),
            one.reason + (f"（已撤回：{one.withdrawn_by}）" if one.withdrawn_at else ""),
            one.actor,
        )
        for one in found
    ]
    context.print_table(f"调整 {len(rows)} 条", ("编号", "本人", "顶班", "自", "至", "理由", "登记人"), rows)


def _span(watch: Watch) -> str:
    return f"{watch.start:%m-%d %H:%M} 至 {watch.end:%m-%d %H:%M}"


def _names(book: DutyBook, watch: Watch) -> str:
    names = [one.name + (f"（顶替{book.name_of(one.instead_of)}）" if one.instead_of else "") for one in watch.watchers]
    missing = [f"{book.name_of(one)}不在岗，无人顶班" for one in watch.missing]
    return "、".join([*names, *missing]) or "无人"


def _contacts(book: DutyBook, watch: Watch) -> list[str]:
    people = [book.person(one.person) for one in watch.watchers]
    return [f"{address.channel} {address.to}" for person in people if person for address in person.addresses]
