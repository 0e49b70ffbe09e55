"""Who is on duty now, for pages."""

from __future__ import annotations

from datetime import timedelta

from alerts.duty.book import BookShelf
from alerts.duty.changes import DutyChanges
from alerts.duty.roster import on_duty
from console.access import Visit
from minsheng.workdays import WorkCalendar

NEAR = timedelta(days=2)


def now_on_duty(visit: Visit) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Who is on duty now: name of the roster, shift, and names with how to reach them."""
    book, now = BookShelf(visit.console.store).current(), visit.console.clock.now()
    changes = DutyChanges(visit.console.store, visit.console.clock).between(now - NEAR, now + NEAR)
    found = []
    for watch in on_duty(book, changes, now, calendar=WorkCalendar.from_settings(visit.console.settings)):
        name = next((one.name for one in book.rosters if one.id == watch.roster), watch.roster)
        people = []
        for one in watch.watchers:
            person = book.person(one.person)
            reach = "；".join(f"{address.channel} {address.to}" for address in person.addresses) if person else ""
            people.append((one.name + (f"（顶替{book.name_of(one.instead_of)}）" if one.instead_of else ""), reach))
        found.append((name, watch.shift, people))
    return found
