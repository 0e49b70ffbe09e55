"""The consultations a page at a time, as the database sorts them: the one that closes last first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Literal

import sqlalchemy as sa

from consultations.deadline import months_after, standing
from consultations.model import Consultation, State
from consultations.tables import consultations as table
from minsheng.settings import ConsultationSettings
from minsheng.store import Store
from minsheng.store.paging import CHUNK, behind, read_from

Asked = State | Literal["pressing"]
"""`pressing`: due soon, or late."""
Place = tuple[date, int]
"""Where one stands: its closing day and its id."""

_ORDER = ((table.c.closes_on, True), (table.c.id, True))
_DAY = timedelta(days=1)


def place_of(one: Consultation) -> Place:
    return one.closes_on, one.id


def page(
    store: Store,
    settings: ConsultationSettings,
    today: date,
    *,
    state: Asked | None = None,
    where: Sequence[sa.ColumnElement[bool]] = (),
    after: Place | None = None,
    limit: int,
) -> list[Consultation]:
    """At most `limit` of them behind a place, without texts.

    Parameters
    ----------
    today:
        China's.
    where:
        What must hold of a row beside, such as a viewer's scope.
    """
    columns = [each for each in table.c if each.name != "text"]
    query = sa.select(*columns).where(*where, *conditions(state, today, settings))
    query = query.order_by(*(column.desc() for column, _ in _ORDER))

    def read(place: Place | None, count: int) -> list[Consultation]:
        asked = query.limit(count) if place is None else query.where(behind(_ORDER, place)).limit(count)
        with store.read() as connection:
            return [Consultation(**row, text="") for row in connection.execute(asked).mappings()]

    # Whether it was published in time is told by the calendar's months, which databases count otherwise.
    by_months = state in ("published", "published-late")
    found = read_from(
        after,
        read,
        place_of,
        lambda one: not by_months or standing(one, today, settings).state == state,
        CHUNK if by_months else limit,
    )
    return list(islice(found, limit))


def conditions(state: Asked | None, today: date, settings: ConsultationSettings) -> list[sa.ColumnElement[bool]]:
    """What must hold of a row that stands so today; of published ones, in time or not, only that they are published."""
    if state is None:
        return []
    if state in ("published", "published-late"):
        return [table.c.published_on.is_not(None)]
    running = table.c.published_on.is_(None)
    if state == "coming":
        return [running, table.c.opens_on > today]
    if state == "open":
        return [running, table.c.opens_on <= today, table.c.closes_on >= today]
    over, months = [running, table.c.closes_on < today], settings.publish_months
    not_late, in_time = _first_due(today, months), _first_due(today + timedelta(days=settings.warn_days + 1), months)
    if state == "late":
        return [*over, table.c.closes_on < not_late]
    if state == "soon":
        return [*over, table.c.closes_on >= not_late, table.c.closes_on < in_time]
    if state == "pressing":
        return [*over, table.c.closes_on < in_time]
    return [*over, table.c.closes_on >= in_time]


def _first_due(day: date, months: int) -> date:
    """The first closing day whose result is due on a day or later: later closing days are never due earlier."""
    closes = months_after(day, -months)
    while months_after(closes, months) < day:
        closes += _DAY
    while months_after(closes - _DAY, months) >= day:
        closes -= _DAY
    return closes
