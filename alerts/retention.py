"""How long observations are kept, and why each notice went where. Tickets and their timelines stay, with the ids of
their evidence."""

from __future__ import annotations

from datetime import datetime

from alerts.notify.tables import notice_decisions
from alerts.tables import observation_policies, observations, policy_hours
from minsheng.store import Store


def forget_before(store: Store, moment: datetime) -> int:
    """Remove what was published, or decided about notices, before `moment`. Returns how many observations went."""
    with store.begin() as connection:
        connection.execute(notice_decisions.delete().where(notice_decisions.c.at < moment))
        connection.execute(observation_policies.delete().where(observation_policies.c.published_at < moment))
        connection.execute(policy_hours.delete().where(policy_hours.c.hour < moment))
        return connection.execute(observations.delete().where(observations.c.published_at < moment)).rowcount
