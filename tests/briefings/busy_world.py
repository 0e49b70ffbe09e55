"""Four months of a larger place, drawn by chance: an index, a log and a store that briefings can be counted in again by
hand. Nothing in it is told twice: `raw` gives the log's records as rows of a database, with the store's tables beside.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts.responses.tables import response_evaluations
from alerts.tables import tickets, timers
from grouping.history import note
from grouping.tables import events
from minsheng.clock import CHINA
from minsheng.policies import PolicyRegister
from minsheng.records import DeadLetter, Grouped, decode, encode
from stream.log import DEAD_LETTERS, GROUPED, Message
from tests.briefings.small_world import MIDNIGHT, POLICIES, World, record

POSTS = 1_500
DAYS = 125
SOURCES = ("forum", "daily-news", "board", "old")
KINDS = ("post", "message", "news", "reply", "hot-search")
SENTIMENTS = ("negative", "neutral", "positive")
REQUESTS = ("complaint", "report", "help", "inquiry", "suggestion", "praise", "none")
TOPICS = ("城乡建设", "教育文体", "医疗卫生", "交通运输")
REGIONS = ("东湖区", "西山县", None)
EVENTS = tuple(f"ev{number}" for number in range(9))
JOINED = "ev1"
"""Is one with `ev0` today."""
LEVELS = ("red", "orange", "yellow", "blue")
GRADES = {"good": 0.9, "fair": 0.65, "middling": 0.5, "poor": 0.2}
"""Grade → a score that it stands for."""


class BusyWorld(World):
    """A world of the briefings' kind that is filled by chance, always alike."""

    def fill(self) -> None:
        chance = random.Random(20260508)
        posts = [self._post(chance, number) for number in range(POSTS)]
        self.index.write(posts)
        self.index.refresh()
        PolicyRegister(self.store, self.clock).import_policies(POLICIES)
        letters = [
            DeadLetter(
                id=f"l{number}", stage="assess", topic="documents", partition=0, offset=number, reason="r", value="{}",
                at=self._moment(chance, 40),
            )
            for number in range(25)
        ]  # fmt: skip
        producer = self.log.producer()
        producer.send([Message(GROUPED, one.document.id, encode(one)) for one in posts])
        producer.send([Message(DEAD_LETTERS, one.id, encode(one)) for one in letters])
        producer.close()
        with self.store.begin() as connection:
            self._fill(connection, chance)

    def _moment(self, chance: random.Random, days: int = DAYS) -> datetime:
        """More of it of late, and nothing after the clock."""
        back = timedelta(seconds=int(days * 86_400 * chance.random() ** 1.6))
        return self.clock.now().replace(microsecond=0) - back

    def _post(self, chance: random.Random, number: int) -> Grouped:
        at = self._moment(chance)
        late = at > MIDNIGHT - timedelta(days=3)
        made = record(
            f"busy-{number}", at, f"第{number}条：路灯坏了，没人修。", source=chance.choice(SOURCES),
            kind=chance.choice(KINDS), sentiment=chance.choice(SENTIMENTS), request=chance.choice(REQUESTS),
            topic=chance.choice(TOPICS),
            policy="heating" if late and chance.random() < 0.7 else chance.choice(["heating", "school", "bus", None]),
            event=chance.choice([*EVENTS, None, None]),
        )  # fmt: skip
        document = msgspec.structs.replace(made.assessed.document, region=chance.choice(REGIONS))
        return msgspec.structs.replace(made, assessed=msgspec.structs.replace(made.assessed, document=document))

    def _fill(self, connection: sa.Connection, chance: random.Random) -> None:
        for name in EVENTS:
            row = {
                "id": name, "title": f"事件{name}", "first_document": "", "first_at": MIDNIGHT, "last_at": MIDNIGHT,
                "documents": 9, "aggrieved": 3, "policies": {},
            }  # fmt: skip
            connection.execute(sa.insert(events), row)
        note(connection, "merged", JOINED, "ev0", at=self.clock.now(), actor="li", reason="同一件事")
        running: set[str] = set()
        for number in range(1, 61):
            self._ticket_of(connection, chance, number, running)
        for name, title, enabled, last_ok in (
            ("forum", "云岭论坛", True, 30.9),
            ("daily-news", "云岭日报", True, 30.5),
            ("board", "市长信箱", True, -2_400),
            ("old", "旧网站", False, None),
        ):
            self._source(connection, name, title, enabled, last_ok)

    def _ticket_of(self, connection: sa.Connection, chance: random.Random, number: int, running: set[str]) -> None:
        opened = self._moment(chance, 45)
        now = self.clock.now()

        def later(share: float, hours: int) -> datetime | None:
            at = opened + timedelta(minutes=chance.randrange(1, 60 * hours))
            return at if chance.random() < share and at < now else None

        responded, closed = later(0.6, 96), later(0.5, 400)
        if responded and closed:
            closed = max(closed, responded)
        event = chance.choice([*EVENTS, f"x{number}"])
        if closed is None:  # an event has one open ticket at most
            event = f"x{number}" if event in running else event
            running.add(event)
        row: dict[str, Any] = {
            **self._ticket(number, chance.choice(LEVELS), 0, None), "event_id": event,
            "policy_id": chance.choice(["heating", "school", None]), "title": f"事项{number}",
            "opened_at": opened, "raised_at": opened, "created_at": opened, "responded_at": responded,
            "closed_at": closed, "status": "closed" if closed else "open",
            "unit": chance.choice(["市住建局", "市教育局", ""]),
            "historical": number % 11 == 0, "exercise": number % 13 == 0,
        }  # fmt: skip
        connection.execute(sa.insert(tickets), {**row, "id": number})
        for kind, hours in (("response", 48), ("conference", 24), ("conference-warning", 20)):
            apart = kind.startswith("conference")
            met = responded if not apart or chance.random() < 0.5 else None
            settled = min((one for one in (met, closed) if one is not None), default=None)
            due = opened + timedelta(hours=hours)
            replaced = chance.random() < 0.15
            timer = {
                "ticket_id": number, "kind": kind, "due_at": due, "replaced": replaced,
                "cancelled_at": opened + timedelta(minutes=5) if replaced else settled,
                "met_at": None if replaced else met, "apart": apart,
            }  # fmt: skip
            connection.execute(sa.insert(timers), timer)
        if responded:
            for _ in range(chance.choice((0, 1, 2))):
                grade = chance.choice(list(GRADES))
                values = {
                    "ticket_id": number, "at": responded, "actor": "li", "reply": "", "replied_at": responded,
                    "score": GRADES[grade], "grade": grade, "parts": [], "method": 1,
                    "unanswered": ["补贴"] if chance.random() < 0.3 else [],
                }  # fmt: skip
                connection.execute(sa.insert(response_evaluations), values)


@contextmanager
def raw(world: World, folder: Path) -> Iterator[sqlite3.Connection]:
    """`posts` and `links` of the log, `letters` of its dead ones; `t`, `clocks`, `judged` and `watched` of the store.
    Times are seconds since 1970; `whole`: the event that a post's is one with today."""
    rows = sqlite3.connect(":memory:")
    rows.execute("CREATE TABLE posts (id, at REAL, kind, source, sentiment, request, topic, region, event, whole)")
    rows.execute("CREATE TABLE links (post, policy)")
    rows.execute("CREATE TABLE letters (at REAL)")
    consumer = world.log.consumer([GROUPED, DEAD_LETTERS], "recount")
    while batch := consumer.poll(1_000, 0.1):
        for message in batch:
            if message.topic == DEAD_LETTERS:
                rows.execute("INSERT INTO letters VALUES (?)", (decode(DeadLetter, message.value).at.timestamp(),))
                continue
            grouped = decode(Grouped, message.value)
            post, said, event = grouped.document, grouped.assessed, grouped.event.id
            rows.execute(
                "INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (post.id, post.published_at.timestamp(), post.kind, post.source, said.sentiment.label,
                 said.request.label, said.topic.label, post.region, event, "ev0" if event == JOINED else event),
            )  # fmt: skip
            rows.executemany("INSERT INTO links VALUES (?, ?)", [(post.id, link.policy_id) for link in said.policies])
    consumer.close()
    rows.execute("ATTACH ? AS store", (str(folder / "minsheng.db"),))
    seconds = "CAST(strftime('%s', {0}) AS REAL) AS {1}"
    rows.execute(
        f"""CREATE TEMP VIEW t AS SELECT id, number, level, unit, policy_id, historical,
        CASE event_id WHEN '{JOINED}' THEN 'ev0' ELSE event_id END AS whole,
        {seconds.format("opened_at", "opened")}, {seconds.format("closed_at", "closed")},
        {seconds.format("responded_at", "responded")} FROM store.tickets WHERE NOT exercise"""
    )
    rows.execute(
        f"""CREATE TEMP VIEW clocks AS SELECT ticket_id, {seconds.format("due_at", "due")},
        {seconds.format("cancelled_at", "settled")}, {seconds.format("met_at", "met")}, apart FROM store.timers
        WHERE kind NOT LIKE '%-warning' AND NOT replaced"""
    )
    rows.execute(
        """CREATE TEMP VIEW judged AS SELECT ticket_id, grade, unanswered FROM store.response_evaluations
        WHERE id IN (SELECT max(id) FROM store.response_evaluations GROUP BY ticket_id)"""
    )
    rows.execute(
        f"""CREATE TEMP VIEW watched AS SELECT id, {seconds.format("last_ok_at", "seen")}
        FROM store.sources LEFT JOIN store.crawl_state ON source_id = id WHERE enabled"""
    )
    yield rows
    rows.close()


def at(day: int, hour: float = 0, month: int = 5) -> datetime:
    """A moment of 2026 in China."""
    return datetime(2026, month, day, tzinfo=CHINA) + timedelta(hours=hour)
