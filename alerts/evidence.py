"""What was said of a ticket's matter: which observations belong to it, and how the index is asked for them.

Most tickets are about one event. One for all that is said of a policy, in however many events, has no event of its own:
the policy's key stands in its place, and to the ticket belongs what names the policy from a day before it opened on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alerts.tables import observations
from minsheng.exercises import EXERCISE

if TYPE_CHECKING:
    from search.index import Filters

_KEY = "policy:"
_LONGEST = 64
"""Characters of an event's id in the store."""
BEFORE = timedelta(days=1)
"""The longest window in which a policy's burst is seen."""


def policy_key(policy_id: str) -> str:
    """What stands in a ticket's place for the event where it is about all that is said of a policy: `policy:ID`, an id
    that is too long for an event's column with a hash in place of its end."""
    key = f"{_KEY}{policy_id}"
    if len(key) <= _LONGEST:
        return key
    return f"{key[: _LONGEST - 17]}~{hashlib.sha256(policy_id.encode()).hexdigest()[:16]}"


def is_of_policy(event_id: str) -> bool:
    """Whether it is a policy's key, and no event's id."""
    return event_id.startswith(_KEY)


def observed(
    event_id: str, policy_id: str | None, opened_at: datetime, until: datetime | None = None
) -> sa.ColumnElement[bool]:
    """What holds of the observations that belong to a ticket of that event and policy.

    Parameters
    ----------
    until:
        Where the ticket is about a policy: what was published later is left out. An event is whole.
    """
    if not is_of_policy(event_id):
        return observations.c.event_id == event_id
    said = [
        observations.c.policy_id == policy_id,
        observations.c.published_at > opened_at - BEFORE,
        observations.c.source != EXERCISE,
    ]
    return sa.and_(*said, *([observations.c.published_at <= until] if until is not None else []))


def indexed(
    event_id: str, policy_id: str | None, opened_at: datetime, family: Callable[[str], Sequence[str]] | None = None
) -> Filters:
    """The same of documents in the index, where a policy's are those that name it in whatever way.

    Parameters
    ----------
    family:
        Gives the ids that are one event today; None: the id alone.
    """
    from search.index import Filters  # what only writes tickets does without the index

    if is_of_policy(event_id):
        return Filters(policies=(policy_id or "",), since=opened_at - BEFORE)
    return Filters(events=tuple(family(event_id)) if family is not None else (event_id,))
