"""The consultations that a viewer may see: those on the viewer's policies.

Where a unit has regions it sees none: comments are not told apart by where they are from, and some come from the index.
"""

from __future__ import annotations

from console.access import Visit
from consultations.book import ConsultationBook
from consultations.deadline import Standing, standing
from consultations.model import Consultation
from minsheng.clock import CHINA


def sees(visit: Visit, one: Consultation) -> bool:
    return visit.view.grant.regions is None and one.policy_id in visit.view.policies


def book_of(visit: Visit) -> ConsultationBook:
    return ConsultationBook(visit.console.store, visit.console.clock)


def standing_of(visit: Visit, one: Consultation) -> Standing:
    today = visit.console.clock.now().astimezone(CHINA).date()
    return standing(one, today, visit.console.settings.consultation)


def pressing(visit: Visit) -> list[tuple[Consultation, Standing]]:
    """The viewer's consultations whose day for publishing is near or over, the first one first; for the duty desk."""
    if not visit.may("consultations"):
        return []
    found = [(one, standing_of(visit, one)) for one in book_of(visit).all(unpublished=True) if sees(visit, one)]
    found.sort(key=lambda each: each[1].due_on)
    return [each for each in found if each[1].pressing]
