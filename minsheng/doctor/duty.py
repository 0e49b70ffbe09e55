"""Checks of the duty book and of silences: does a notice reach somebody at any hour of the days to come?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from minsheng.doctor.finding import Finding, Patient, broken, ok, warning
from minsheng.errors import WrongUse

AHEAD = timedelta(days=14)
LONG = timedelta(days=7)
"""A silence that goes on for longer has perhaps been forgotten."""
SHOWN = 5


def roster(patient: Patient) -> Iterator[Finding]:
    """Can the duty book be used, and is somebody on duty at every hour that is to be covered?"""
    from alerts.duty.book import BookShelf, channels_of
    from alerts.duty.changes import DutyChanges
    from alerts.duty.file import parse_book
    from alerts.duty.roster import gaps
    from minsheng.policies import PolicyRegister
    from minsheng.workdays import WorkCalendar

    shelf = BookShelf(patient.store)
    text = shelf.text()
    if not text:
        yield ok("roster", "no duty book: every notice goes to every channel (docs/how-to/roster.md)")
        return
    revision = shelf.revisions()[0].revision
    trouble = False
    try:
        parse_book(text, channels_of(patient.settings))
    except WrongUse as error:
        # It was right when it was imported: a channel has left the settings since.
        for line in error.message.splitlines()[1:]:
            trouble = True
            yield broken("roster", line, "put the channel back, or change the book and minsheng roster import it")
    book = shelf.current()
    now = patient.clock.now()
    changes = DutyChanges(patient.store, patient.clock).between(now - timedelta(days=2), now + AHEAD)
    calendar = WorkCalendar.from_settings(patient.settings)
    for one in book.rosters:
        for gap in gaps(book, one, changes, now, now + AHEAD, calendar)[:SHOWN]:
            trouble = True
            yield warning(
                "roster",
                f"{one.id}: nobody from {gap.start:%Y-%m-%d %H:%M} to {gap.end:%Y-%m-%d %H:%M}: {gap.why}",
                "minsheng roster stand-in PERSON --by OTHER, or change the book and minsheng roster import it; where "
                'nobody is to be on duty then, write into the roster what is covered: cover = "08:00-20:00"',
            )
    for person in book.people:
        if not person.addresses:
            trouble = True
            yield warning("roster", f"{person.id} ({person.name}) has no address", "add one to the duty book")
    known = {policy.id for policy in PolicyRegister(patient.store).all()}
    for route in book.routes:
        for policy in sorted(set(route.policies) - known):
            trouble = True
            advice = "minsheng policies list shows the right id; change the book and import it"
            yield warning("roster", f"route {route.name} names policy {policy}, which is not in the register", advice)
    if not trouble:
        yield ok("roster", f"revision {revision}: {len(book.people)} people, no gap in the next {AHEAD.days} days")


def silences(patient: Patient) -> Iterator[Finding]:
    """Is there a silence that nobody needs any more, or one that may have been forgotten?"""
    from alerts.notify.silences import Silences
    from alerts.tables import tickets

    now = patient.clock.now()
    every = Silences(patient.store, patient.clock).list()
    with patient.store.read() as connection:
        closed = set(connection.scalars(sa.select(tickets.c.number).where(tickets.c.closed_at.is_not(None))))
    trouble = False
    for one in every:
        about = one.ticket or one.policy or one.department
        if one.ticket in closed:
            trouble = True
            yield warning("silences", f"{one.id}: ticket {one.ticket} is closed", f"minsheng silences end {one.id}")
        elif one.until - now > LONG:
            trouble = True
            yield warning(
                "silences",
                f"{one.id} on {about} goes on until {one.until:%Y-%m-%d %H:%M} UTC: {one.reason}",
                f"if it is not needed any more: minsheng silences end {one.id}",
            )
    for one in Silences(patient.store, patient.clock).list(ended=True):
        over = one.ended_at or one.until
        if now - timedelta(days=1) < over <= now:
            about = one.ticket or one.policy or one.department
            trouble = True
            yield warning(
                "silences",
                f"{one.id} on {about} has ended at {over:%Y-%m-%d %H:%M} UTC: its notices go out again",
                "nothing, or make another one: minsheng silences add",
            )
    if not trouble:
        yield ok("silences", f"{len(every)} in force" if every else "none")
