"""Checks of what flows and what is looked after: lag, dead letters, policies, sources, deadlines, notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from minsheng.doctor.finding import Finding, Patient, broken, ok, warning
from minsheng.errors import MinshengError
from minsheng.policies import PolicyRegister

LOOK_AGAIN_SECONDS = 1.0
"""Between two looks at what waits: a stage that works is seen to move."""

GRACE = timedelta(minutes=10)
"""A notice or deadline that waits longer is not just in the works."""

RECENT = timedelta(days=7)

AHEAD = timedelta(days=30)
"""So long before a day its holidays should be known: next year's are announced in autumn."""


def lag(patient: Patient) -> Iterator[Finding]:
    """Is there a stage that has work and does not do it?"""
    from minsheng.road import READS

    def behind() -> dict[str, int]:
        return {stage: patient.log.lag(topic, stage).behind for stage, topic in READS.items()}

    first = behind()
    if not any(first.values()):
        yield ok("lag", "every stage has handled everything")
        return
    patient.clock.sleep(LOOK_AGAIN_SECONDS)
    for stage, now in behind().items():
        if not now:
            continue
        if now >= first[stage] > 0:
            advice = f"start it: minsheng stage {stage} (or minsheng run); if it runs, its log says why it waits"
            yield warning("lag", f"{stage}: {now} records wait, and none was taken meanwhile", advice)
        else:
            yield ok("lag", f"{stage}: {now} records wait, {first[stage] - now} were taken meanwhile")


def dead_letters(patient: Patient) -> Iterator[Finding]:
    from stream.dead_letters import list_dead_letters

    stages = Counter(letter.stage for letter in list_dead_letters(patient.log))
    if stages:
        told = ", ".join(f"{stage} {count}" for stage, count in sorted(stages.items()))
        advice = "minsheng deadletters list says why; put the cause right, then minsheng deadletters resend"
        yield warning("dead letters", f"{stages.total()} records could not be handled: {told}", advice)
    else:
        yield ok("dead letters", "none")


def policies(patient: Patient) -> Iterator[Finding]:
    found = PolicyRegister(patient.store).all()
    if not found:
        yield warning("policies", "the register is empty: nothing can be linked", "minsheng policies import FOLDER")
        return
    known = {policy.id for policy in found}
    for policy in found:
        if policy.successor and policy.successor not in known:
            advice = "import the successor, or correct the file and import it again"
            yield warning("policies", f"{policy.id}: its successor {policy.successor} is not in the register", advice)
    yield ok("policies", f"{len(found)} in the register")


def labels(patient: Patient) -> Iterator[Finding]:
    """Does the index show what persons have set?"""
    from classifiers.corrections import CorrectionBook
    from classifiers.relabel import not_shown

    now = patient.clock.now()
    recent = CorrectionBook(patient.store, patient.clock).last(since=now - RECENT)
    overtaken, _ = not_shown([one for one in recent if one.set_at < now - GRACE], patient.index)
    if overtaken:
        yield warning(
            "labels", f"{len(overtaken)} documents do not show what a person set or took back", "minsheng labels resend"
        )
    else:
        yield ok("labels", f"{len(recent)} set or taken back by persons in the last week")


def plans(patient: Patient) -> Iterator[Finding]:
    """Can the plans be read, and are those there that policies name?"""
    from alerts.planning.shelf import book_of, problems_of, stored_plans

    folder = patient.settings.path("plans")
    book = book_of(patient.store, folder)
    for found in problems_of(book, stored_plans(patient.store), patient.clock):
        yield warning("plans", f"{found.plan}: {found.problem}", found.advice)
    for policy in PolicyRegister(patient.store).all():
        for plan in policy.plans:
            if book.get(plan) is None:
                yield warning("plans", f"{policy.id} names plan {plan}, which is not there", f"put it into {folder}")
    yield ok("plans", f"{len(book.plans)} plans")


def rules(patient: Patient) -> Iterator[Finding]:
    """Can the rules that were installed be read, and do they speak of policies and departments that there are?"""
    from alerts.rules.book import RuleBook

    book = RuleBook(patient.store, patient.clock)
    unreadable = book.unreadable()
    chosen = book.in_force()
    for number, reason in unreadable.items():
        advice = (
            f"minsheng rules show {number} > rules.toml; put that right, minsheng rules check rules.toml, then "
            "minsheng rules install rules.toml"
        )
        message = f"number {number} can't be read, version {chosen.version} is in force instead: {reason}"
        yield broken("rules", message, advice)
    register = PolicyRegister(patient.store).all()
    ids, departments = {one.id for one in register}, {one.department for one in register if one.department}
    for rule in chosen.rules:
        for what, named, known in (("policy", rule.policies, ids), ("department", rule.departments, departments)):
            for name in sorted(set(named) - known):
                yield warning(
                    "rules",
                    f"rule {rule.name} is for {what} {name}, which is not in the register: it never holds for that",
                    "minsheng policies list shows how it is written; put the rule right and install it",
                )
    if not unreadable:
        yield ok("rules", f"version {chosen.version}, {len(chosen.rules)} rules")


def sources(patient: Patient) -> Iterator[Finding]:
    from crawlers.health import coverage, states

    watched = [state for state in states(patient.store, patient.clock) if state.enabled]
    if not watched:
        yield warning("sources", "none: nothing is crawled", "minsheng sources add URL")
        return
    if not patient.settings.crawl.contact:
        yield warning(
            "sources", "sites are asked without a contact", 'set crawl.contact, as in contact = "duty@example.org"'
        )
    now = patient.clock.now()
    unseen = coverage(patient.store, patient.clock, now - timedelta(hours=1), now).unseen
    late = [source for source in unseen if source.reason.startswith("late")]
    if len(late) == len(watched):
        # One cause, one line: what each was before does not matter until somebody crawls again.
        yield warning(
            "sources", f"not one of {len(watched)} is crawled", "is the crawler running? minsheng stage crawl"
        )
        return
    for source in unseen:
        since = f" since {source.since:%Y-%m-%d %H:%M} UTC" if source.since else ""
        yield warning("sources", f"{source.name}: {source.reason}{since}", f"minsheng sources check {source.source}")
    if len(unseen) < len(watched):
        yield ok("sources", f"{len(watched) - len(unseen)} of {len(watched)} are seen")


def deadlines(patient: Patient) -> Iterator[Finding]:
    """Is somebody looking at the clocks of tickets?"""
    from alerts.tables import timers

    late = sa.select(sa.func.count()).where(
        timers.c.fired_at.is_(None),
        timers.c.cancelled_at.is_(None),
        timers.c.paused_at.is_(None),
        timers.c.due_at < patient.clock.now() - GRACE,
    )
    with patient.store.read() as connection:
        count = connection.scalar(late)
    if count:
        yield warning(
            "deadlines", f"{count} have passed and nobody was told", "start minsheng stage alert (or minsheng run)"
        )
    else:
        yield ok("deadlines", "none has passed unnoticed")


def calendar(patient: Patient) -> Iterator[Finding]:
    """Are the holidays of the weeks to come known?"""
    from minsheng.clock import CHINA
    from minsheng.workdays import WorkCalendar

    today = patient.clock.now().astimezone(CHINA).date()
    work = WorkCalendar.from_settings(patient.settings)
    unknown = work.unannounced(today, today + AHEAD)
    if unknown:
        advice = "upgrade chinesecalendar, or set holidays and workdays in [work] of the settings"
        yield warning("calendar", f"the holidays of {unknown[0]} are not known: weekdays count as working days", advice)
    else:
        yield ok("calendar", f"holidays and make-up days are known beyond {today + AHEAD}")


def channels(patient: Patient) -> Iterator[Finding]:
    """Does a notice reach anybody beside the terminal?"""
    from alerts.channels import open_channel

    configured = patient.settings.notify.channels
    good = []
    for channel in configured:
        try:
            open_channel(channel, patient.settings.notify.timeout)
            good.append(channel.name)
        except MinshengError as error:
            yield broken("channels", error.message, error.hint)
    if good:
        yield ok("channels", ", ".join(good))
    elif not configured:
        yield warning("channels", "notices reach nobody but the terminal", "add [[notify.channels]] to the settings")


def notices(patient: Patient) -> Iterator[Finding]:
    from alerts.notify.tables import notices as told
    from alerts.tables import outbox

    now = patient.clock.now()
    waiting = sa.select(outbox.c.channel, outbox.c.last_error).where(
        outbox.c.sent_at.is_(None),
        outbox.c.dead_at.is_(None),
        outbox.c.created_at < now - GRACE,
        # A digest, or quiet hours, are no trouble.
        sa.or_(outbox.c.next_try_at <= now, outbox.c.attempts > 0),
    )
    given_up = sa.select(outbox.c.channel, outbox.c.last_error).where(
        outbox.c.sent_at.is_(None),
        outbox.c.dead_at > now - RECENT,
        outbox.c.last_error.is_not(None),
        outbox.c.last_error.not_like("superseded%"),
        outbox.c.last_error.not_like("ticket closed%"),
    )
    unseen = sa.select(sa.func.count()).where(told.c.decided_at.is_(None), told.c.look_at < now - GRACE)
    with patient.store.read() as connection:
        undecided = connection.scalar(unseen.select_from(told))
        found = {
            "wait for more than ten minutes": connection.execute(waiting).all(),
            "were given up in the last week": connection.execute(given_up).all(),
        }
    for what, rows in found.items():
        for channel, count in sorted(Counter(row.channel for row in rows).items()):
            errors = [row.last_error for row in rows if row.channel == channel and row.last_error]
            reason = f": {errors[-1]}" if errors else ""
            advice = "check the channel's settings and that its server answers; minsheng stage alert sends what waits"
            yield warning("notices", f"{channel}: {count} {what}{reason}", advice)
    if undecided:
        advice = "start minsheng stage alert (or minsheng run)"
        yield warning("notices", f"{undecided} wait for more than ten minutes, and nobody decides about them", advice)
    if not any(found.values()) and not undecided:
        yield ok("notices", "all that could be delivered were")
