"""The consultations that a viewer may see: those on the viewer's policies.

Where a unit has regions it sees none: comments are not told apart by where they are from, and some come from the index.
"""

from __future__ import annotations

import sqlalchemy as sa

from console.access import Visit
from console.scope import View
from consultations.book import ConsultationBook
from consultations.deadline import Standing, standing
from consultations.model import Consultation
from consultations.tables import consultations as table
from minsheng.clock import CHINA


def within(view: View) -> list[sa.ColumnElement[bool]]:
    """What must hold of a consultation's row for it to be the viewer's."""
    if view.grant.regions is not None:
        return [sa.false()]
    return [] if view.grant.policies is None else [table.c.policy_id.in_(view.grant.policies)]


def book_of(visit: Visit) -> ConsultationBook:
    return ConsultationBook(visit.console.store, visit.console.clock)


def standing_of(visit: Visit, one: Consultation) -> Standing:
    today = visit.console.clock.now().astimezone(CHINA).date()
    return standing(one, today, visit.console.settings.consultation)


def pressing(visit: Visit) -> list[tuple[Consultation, Standing]]:
    """The viewer's consultations whose day for publishing is near or over, the first one first; for the duty desk."""
    if not visit.may("consultations"):
        return []
    mine = book_of(visit).all(unpublished=True, where=within(visit.view))
    found = [(one, standing_of(visit, one)) for one in mine]
    found.sort(key=lambda each: each[1].due_on)
    return [each for each in found if each[1].pressing]
