"""Runs the checks, one after the other, whatever happens in each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

from minsheng.clock import Clock
from minsheng.doctor.duty import roster, silences
from minsheng.doctor.finding import Check, Finding, Patient, broken, pending
from minsheng.doctor.machine import clock, data_folder, fonts, secrets, single_sign_on
from minsheng.doctor.parts import index, log, model, store
from minsheng.doctor.work import (
    calendar,
    channels,
    dead_letters,
    deadlines,
    labels,
    lag,
    notices,
    plans,
    policies,
    rules,
    sources,
)
from minsheng.errors import MinshengError, Unavailable
from minsheng.parts import open_index, open_log, open_store
from minsheng.settings import Settings

MACHINE: dict[str, Check] = {"settings": secrets, "data folder": data_folder, "fonts": fonts}
"""Checks that need no part to be open."""

PARTS: dict[str, Check] = {
    "log": log,
    "index": index,
    "store": store,
    "model": model,
    "clock": clock,
    "single sign-on": single_sign_on,
}

WORK: dict[str, Check] = {
    "lag": lag,
    "dead letters": dead_letters,
    "policies": policies,
    "labels": labels,
    "plans": plans,
    "rules": rules,
    "sources": sources,
    "deadlines": deadlines,
    "calendar": calendar,
    "channels": channels,
    "notices": notices,
    "roster": roster,
    "silences": silences,
}
"""Checks of what the parts hold; each is left out where the part it reads is broken or holds nothing yet."""

NEEDS = {
    "lag": "log",
    "dead letters": "log",
    "policies": "store",
    "labels": "store",
    "plans": "store",
    "rules": "store",
    "sources": "store",
    "deadlines": "store",
    "notices": "store",
    "roster": "store",
    "silences": "store",
    "clock": "store",
}


def examine(settings: Settings, now: Clock) -> Iterator[Finding]:
    """Look at everything; findings come as they are made, in the order of the road."""
    if not settings.data_dir.exists():
        yield pending(
            "data folder",
            f"{settings.data_dir} is not there yet: nothing has run here",
            "minsheng run --sample shows the sample world; minsheng sources add URL begins with your own",
        )
        return
    with ExitStack() as opened:
        try:
            patient = Patient(
                settings,
                now,
                opened.enter_context(closing(open_log(settings))),
                opened.enter_context(closing(open_index(settings))),
                opened.enter_context(closing(open_store(settings))),
            )
        except MinshengError as error:
            yield broken("settings", error.message, error.hint)
            return
        unusable: set[str] = set()
        for part, check in {**MACHINE, **PARTS, **WORK}.items():
            if NEEDS.get(part) in unusable:
                continue
            for finding in guarded(part, check, patient):
                if finding.state in ("pending", "broken"):
                    unusable.add(part)
                yield finding


def guarded(part: str, check: Check, patient: Patient) -> Iterator[Finding]:
    """The check's findings; what it raises is a finding, too."""
    try:
        yield from check(patient)
    except Unavailable as error:
        yield broken(part, error.message, error.hint or "check that its server runs and can be reached")
    except MinshengError as error:
        yield broken(part, error.message, error.hint)
    except Exception as error:  # a doctor that falls over at the first illness is of no use
        yield broken(part, f"the check itself failed: {type(error).__name__}: {error}", "please report this")
