"""Starting a drill: a row, and the scenario's posts on the log as if they had just been found."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.drills.scenario import Post, Scenario
from alerts.drills.tables import drills
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.exercises import EXERCISE, native_id
from minsheng.policies import Policy
from minsheng.problems import Problem
from minsheng.records import Document, Engagement, document_id
from minsheng.store import Store
from stream.log import Log
from stream.messages import document_message

_TRIES = 5


def start_drill(store: Store, log: Log, clock: Clock, scenario: Scenario, policy: Policy, *, actor: str) -> str:
    """Put a scenario's posts onto the log, and return the drill's number.

    The row is kept only if the log has taken the posts.

    Raises
    ------
    WrongUse
        Nobody starts it.
    Unavailable
        If the log or the store can't be reached: nothing has begun.
    """
    if not actor.strip():
        raise WrongUse(Problem("actor-missing"), "name the actor")
    producer = log.producer()
    try:
        for attempt in range(1, _TRIES + 1):
            now = clock.now()
            try:
                with store.begin() as connection:
                    number = _next_number(connection, now)
                    connection.execute(
                        drills.insert().values(
                            number=number,
                            scenario=scenario.id,
                            title=scenario.title,
                            policy_id=policy.id,
                            level=scenario.level,
                            actor=actor.strip(),
                            started_at=now,
                            posts=len(scenario.posts),
                        )
                    )
                    found = documents(scenario, number, policy, now)
                    producer.send([document_message(one) for one in found])
                return number
            except sa.exc.IntegrityError:
                if attempt == _TRIES:  # somebody else took the number first, again and again
                    raise
    finally:
        producer.close()
    raise AssertionError("unreachable")


def documents(scenario: Scenario, number: str, policy: Policy, now: datetime) -> list[Document]:
    """The scenario's posts as documents, in the order of their times."""
    found = [_document(post, place, number, policy, now) for place, post in enumerate(scenario.posts, 1)]
    return sorted(found, key=lambda one: one.published_at)


def _document(post: Post, place: int, number: str, policy: Policy, now: datetime) -> Document:
    name = native_id(number, place)
    author = f"{number}/{post.author or place}"
    return Document(
        id=document_id(EXERCISE, name),
        source=EXERCISE,
        kind=post.kind,
        published_at=now - timedelta(minutes=post.minutes_before),
        fetched_at=now,
        title=_filled(post.title, policy),
        text=_filled(post.text, policy),
        native_id=name,
        author_key=hashlib.sha256(author.encode()).hexdigest()[:32],
        engagement=Engagement(likes=post.likes, comments=post.comments, reposts=post.reposts),
        region=post.region,
    )


def _filled(text: str, policy: Policy) -> str:
    names = {
        "{policy}": f"《{policy.title}》",
        "{department}": policy.department or "主管部门",
    }
    for name, value in names.items():
        text = text.replace(name, value)
    return text.strip()


def _next_number(connection: Connection, now: datetime) -> str:
    """D20261124-001, counted by the day of China."""
    prefix = f"D{now.astimezone(CHINA):%Y%m%d}-"
    last = connection.scalar(
        sa.select(drills.c.number)
        .where(drills.c.number >= prefix, drills.c.number < f"{prefix}:")
        .order_by(sa.func.length(drills.c.number).desc(), drills.c.number.desc())
        .limit(1)
    )
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:03d}"
