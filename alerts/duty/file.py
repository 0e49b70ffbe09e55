"""Reads a duty book. Whatever is wrong is said with line and key, all of it at once, each with what to do."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from alerts.duty.hours import span_of, time_of
from alerts.duty.model import RECEIVER_KINDS, RESPONSIBLE, DutyBook, Roster
from minsheng.errors import WrongUse
from minsheng.problems import Problem

Place = tuple[str | int, ...]
_Problem = tuple[Place, str]
_AT = re.compile(r" - at `\$(.*)`$")
_LONGEST_ID = 60
_ID = re.compile(r"[\w.-]+")


def read_book(path: Path, channels: Mapping[str, bool] | None = None) -> tuple[DutyBook, str]:
    """The book in a file, and the file's text. Raises `WrongUse` with every problem as `file:line: what`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongUse(
            Problem("file-unreadable", file=path, reason=error.strerror), "name a duty book, see docs/how-to/roster.md"
        ) from None
    except UnicodeDecodeError:
        raise WrongUse(Problem("file-encoding", file=path), "save it as UTF-8") from None
    return parse_book(text, channels, str(path)), text


def parse_book(text: str, channels: Mapping[str, bool] | None = None, name: str = "duty book") -> DutyBook:
    """The book in a text.

    Parameters
    ----------
    channels:
        Name → whether it reaches one person at a time (its address has `{to}`): the channels of the settings. None:
        channels are not looked at.

    Raises
    ------
    WrongUse
        With every problem as `name:line: what`.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else 1
        raise _refusal([f"{name}:{line}: not readable as TOML: {error}"]) from None
    problems = list(_wrong_shape(plain))
    if not problems:
        book = msgspec.convert(plain, DutyBook)
        problems = list(_senseless(book, channels))
        if not problems:
            return book
    raise _refusal(
        [f"{name}:{line}: {what}" for line, what in sorted((line_of(text, at), what) for at, what in problems)]
    )


def _refusal(problems: list[str]) -> WrongUse:
    return WrongUse(Problem("duty-book-wrong", problems="\n".join(problems)), "see docs/reference/duty-book.md")


def _wrong_shape(plain: Mapping[str, Any]) -> Iterator[_Problem]:
    """What msgspec refuses, item by item, so that one mistake hides no other."""
    fields = {field.name: get_args(field.type)[0] for field in msgspec.structs.fields(DutyBook)}
    for key, value in plain.items():
        if key not in fields:
            yield (key,), f"unknown key {key}; {_near(key, fields)}"
        elif not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            yield (key,), f"{key} is a list of tables: write [[{key}]]"
        else:
            for number, item in enumerate(value):
                try:
                    msgspec.convert(item, fields[key])
                except msgspec.ValidationError as error:
                    yield _shape_problem(error, fields[key], (key, number))


def _shape_problem(error: msgspec.ValidationError, kind: type[msgspec.Struct], place: Place) -> _Problem:
    message = str(error)
    found = _AT.search(message)
    path = re.findall(r"\w+", found[1]) if found else []
    inner: Place = tuple(int(part) if part.isdecimal() else part for part in path)
    message = _AT.sub("", message)
    where = ".".join(path)
    if unknown := re.search(r"unknown field `([^`]+)`", message):
        known = _fields_at(kind, path)
        return (*place, *inner, unknown[1]), f"unknown key {unknown[1]}; {_near(unknown[1], known)}"
    if missing := re.search(r"missing required field `([^`]+)`", message):
        return (*place, *inner), f"{where + ' ' if where else ''}lacks the key {missing[1]}"
    if invalid := re.search(r"Invalid enum value '?([^']*)'?", message):
        known = _values_at(kind, path)
        words = f"write {', '.join(known)}" if known else "see docs/reference/duty-book.md for those known"
        key = ".".join(part for part in path if not part.isdecimal() and part != "___")
        return (*place, *inner), f"{key}: unknown value '{invalid[1]}'; {words}"
    return (*place, *inner), f"{where}: {message}"


def _fields_at(kind: Any, path: Iterable[str]) -> list[str]:
    for part in path:
        if part.isdecimal() or part == "___":
            continue
        for field in msgspec.structs.fields(kind):
            inner = next((one for one in get_args(field.type) if hasattr(one, "__struct_fields__")), None)
            if field.name == part and inner is not None:
                kind = inner
    return list(kind.__struct_fields__)


def _values_at(kind: Any, path: Iterable[str]) -> list[str]:
    """The words that a key takes, where they are a closed list."""
    for part in path:
        for field in msgspec.structs.fields(kind) if hasattr(kind, "__struct_fields__") else ():
            if field.name == part:
                kind = field.type
        kind = next((one for one in get_args(kind) if hasattr(one, "__struct_fields__")), kind)
    while get_args(kind) and not isinstance(get_args(kind)[0], str):
        kind = get_args(kind)[0]
    return [str(one) for one in get_args(kind)]


def _senseless(book: DutyBook, channels: Mapping[str, bool] | None) -> Iterator[_Problem]:
    for section in ("units", "people", "rosters", "escalations"):
        yield from _wrong_ids(section, [one.id for one in getattr(book, section)])
    people, units = {one.id for one in book.people}, {one.id for one in book.units}
    for number, unit in enumerate(book.units):
        at: Place = ("units", number)
        if unit.parent:
            yield from _unknown("unit", unit.parent, units, (*at, "parent"))
        if unit.parent == unit.id:
            yield (*at, "parent"), "a unit is not below itself"
        if unit.supervisor:
            yield from _unknown("person", unit.supervisor, people, (*at, "supervisor"))
    for number, person in enumerate(book.people):
        at = ("people", number)
        if person.unit:
            yield from _unknown("unit", person.unit, units, (*at, "unit"))
        if person.quiet:
            yield from _wrong_hours(person.quiet, (*at, "quiet"))
        for place, address in enumerate(person.addresses):
            yield from _unknown_channel(address.channel, channels, (*at, "addresses", place, "channel"))
            if not address.to.strip():
                yield (*at, "addresses", place, "to"), "an address needs `to`: what the channel knows the person by"
    for number, roster in enumerate(book.rosters):
        yield from _wrong_roster(roster, book, people, units, channels, ("rosters", number))
    chains = {one.id for one in book.escalations}
    for number, route in enumerate(book.routes):
        at = ("routes", number)
        if not route.to:
            yield (*at, "to"), 'a route tells somebody: to = ["roster:ID"]'
        yield from _wrong_receivers(route.to, book, channels, (*at, "to"))
        if route.escalation:
            yield from _unknown("escalation", route.escalation, chains, (*at, "escalation"))
        if route.hours:
            yield from _wrong_hours(route.hours, (*at, "hours"))
        for text in route.digest:
            try:
                time_of(text)
            except ValueError as error:
                yield (*at, "digest"), str(error)
        if route.group_seconds < 0 or route.group_seconds > 3600:
            yield (*at, "group_seconds"), "group_seconds lies between 0 and 3600"
    for number, chain in enumerate(book.escalations):
        at = ("escalations", number)
        if not chain.steps:
            yield at, "a chain needs at least one [[escalations.steps]]"
        before = 0.0
        for place, step in enumerate(chain.steps):
            where = (*at, "steps", place)
            if step.after_minutes <= before:
                yield (*where, "after_minutes"), "each step comes later than the one before: minutes after the notice"
            before = step.after_minutes
            yield from _wrong_receivers(step.to, book, channels, (*where, "to"))
    for number, rule in enumerate(book.inhibitions):
        if set(rule.where) & set(rule.hides):
            yield ("inhibitions", number), "a level can't hide itself"
        if "red" in rule.hides:
            yield ("inhibitions", number, "hides"), "red is never hidden"


def _wrong_roster(
    roster: Roster,
    book: DutyBook,
    people: Collection[str],
    units: Collection[str],
    channels: Mapping[str, bool] | None,
    at: Place,
) -> Iterator[_Problem]:
    if roster.unit:
        yield from _unknown("unit", roster.unit, units, (*at, "unit"))
    yield from _wrong_hours(roster.cover, (*at, "cover"))
    if not roster.shifts:
        yield at, "a roster needs at least one [[rosters.shifts]]"
    names = [shift.name for shift in roster.shifts]
    for name, count in Counter(names).items():
        if count > 1:
            yield at, f"two shifts are called {name}: give each its own name"
    for number, shift in enumerate(roster.shifts):
        where = (*at, "shifts", number)
        yield from _wrong_hours(shift.hours, (*where, "hours"))
        if not shift.people:
            yield (*where, "people"), "a shift needs people"
        for entry in shift.people:
            for one in (entry,) if isinstance(entry, str) else entry:
                yield from _unknown("person", one, people, (*where, "people"))
    for number, special in enumerate(roster.specials):
        where = (*at, "specials", number)
        if special.last < special.first:
            yield (*where, "last"), f"the last day, {special.last}, lies before the first, {special.first}"
        if special.shift:
            yield from _unknown("shift", special.shift, names, (*where, "shift"))
        if not special.people:
            yield (*where, "people"), "special days need people"
        for one in special.people:
            yield from _unknown("person", one, people, (*where, "people"))
    for one in roster.backup:
        yield from _unknown("person", one, people, (*at, "backup"))
    yield from _wrong_receivers(roster.announce, book, channels, (*at, "announce"))


def _wrong_ids(section: str, ids: list[str]) -> Iterator[_Problem]:
    seen: set[str] = set()
    for number, identity in enumerate(ids):
        if identity in seen:
            yield (section, number, "id"), f"the id {identity} is used twice"
        elif not _ID.fullmatch(identity) or len(identity) > _LONGEST_ID:
            yield (section, number, "id"), f"'{identity}' is no id: letters, digits, . - _, at most {_LONGEST_ID}"
        seen.add(identity)


def _wrong_hours(text: str, at: Place) -> Iterator[_Problem]:
    try:
        span_of(text)
    except ValueError as error:
        yield at, str(error)


def _wrong_receivers(
    receivers: Iterable[str], book: DutyBook, channels: Mapping[str, bool] | None, at: Place
) -> Iterator[_Problem]:
    known: dict[str, list[str]] = {
        "person": [one.id for one in book.people],
        "roster": [one.id for one in book.rosters],
        "unit": [one.id for one in book.units],
        "supervisor": [one.id for one in book.units],
    }
    for receiver in receivers:
        kind, _, name = receiver.partition(":")
        if receiver == RESPONSIBLE:
            continue
        if kind not in RECEIVER_KINDS or not name:
            kinds = ", ".join(f"{one}:..." for one in RECEIVER_KINDS)
            yield at, f"'{receiver}' is no receiver: write {kinds} or {RESPONSIBLE}"
        elif kind == "channel":
            yield from _unknown_channel(name, channels, at)
            if channels is not None and channels.get(name):
                yield at, f"channel {name} reaches one person at a time (its address has {{to}}): name the person"
        else:
            yield from _unknown(kind, name, known[kind], at)
            unit = book.unit(name) if kind == "supervisor" else None
            if unit is not None and not unit.supervisor:
                yield at, f"unit {name} has no supervisor: give it one, supervisor = PERSON"


def _unknown_channel(name: str, channels: Mapping[str, bool] | None, at: Place) -> Iterator[_Problem]:
    if channels is not None and name not in channels:
        known = ", ".join(sorted(channels)) or "none"
        yield at, f"channel {name} is not in the settings ([[notify.channels]]; there are: {known})"


def _unknown(kind: str, name: str, known: Collection[str], at: Place) -> Iterator[_Problem]:
    if name not in known:
        yield at, f"there is no {kind} {name}; {_near(name, known)}"


def _near(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are: {', '.join(names[:10])}" if names else "there are none yet"


def line_of(text: str, place: Place) -> int:
    """The line where a key stands, e.g. ("people", 2, "addresses", 0, "to"); of its table where it can't be found."""
    lines = text.splitlines()
    at, headers = 0, ""
    parts = list(place)
    while len(parts) >= 2 and isinstance(parts[1], int):
        headers = f"{headers}.{parts[0]}" if headers else str(parts[0])
        found = [n for n in range(at, len(lines)) if re.match(rf"\s*\[\[{re.escape(headers)}\]\]", lines[n])]
        if int(parts[1]) >= len(found):
            break  # written inline: its key is the nearest thing
        at = found[int(parts[1])]
        parts = parts[2:]
    for number, part in enumerate(parts):
        if isinstance(part, int):
            if number and isinstance(parts[number - 1], str):
                at = _inline(lines, at, part)
            continue
        for line in range(at, len(lines)):
            if line > at and re.match(r"\s*\[\[\w+\]\]", lines[line]):
                break
            if re.search(rf"(^|[\s{{,\[.]){re.escape(part)}\s*[=\]]", lines[line]):
                at = line
                break
    return at + 1


def _inline(lines: list[str], at: int, number: int) -> int:
    """The line of the table of this number in a list of tables that begins on a line; where it is none, that line."""
    seen = -1
    for line in range(at, len(lines)):
        seen += lines[line].count("{")
        if seen >= number:
            return line
        if lines[line].rstrip().endswith("]"):
            break
    return at
