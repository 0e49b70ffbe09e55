"""The duty roster as an iCalendar file, for the calendars that people carry with them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from icalendar import Calendar, Event

from alerts.duty.model import DutyBook
from alerts.duty.roster import Watch


def calendar(book: DutyBook, every: Sequence[Watch], made_at: datetime, person: str | None = None) -> bytes:
    """The watches as events; with `person` only the person's own. The same watch has the same UID each time, so that a
    calendar that reads the file again moves an event instead of adding one."""
    made = Calendar()
    made.add("prodid", "-//Minsheng//duty roster//ZH")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", f"{book.name_of(person)}值班" if person else "值班表")
    for watch in every:
        if person is not None and all(one.person != person for one in watch.watchers):
            continue
        roster = book.roster(watch.roster)
        names = "、".join(one.name for one in watch.watchers) or "无人值班"
        event = Event()
        event.add("uid", _uid(watch, person))
        event.add("dtstamp", made_at.astimezone(UTC))
        event.add("dtstart", watch.start.astimezone(UTC))
        event.add("dtend", watch.end.astimezone(UTC))
        event.add("summary", f"{roster.name if roster else watch.roster}·{watch.shift}：{names}")
        told = [
            f"{one.name}顶替{book.name_of(one.instead_of)}" + (f"（{one.why}）" if one.why else "")
            for one in watch.watchers
            if one.instead_of
        ]
        if told:
            event.add("description", "；".join(told))
        made.add_component(event)
    done: bytes = made.to_ical()
    return done


def _uid(watch: Watch, person: str | None) -> str:
    key = f"{watch.roster}/{watch.shift}/{watch.start.astimezone(UTC).isoformat()}/{person or ''}"
    return f"{hashlib.sha256(key.encode()).hexdigest()[:24]}@minsheng"
