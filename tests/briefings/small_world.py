"""A hand-made week of a small place: an index, a store and a log with all that a briefing tells of.

`DAY` is the day that the briefings are made of. Each earlier day is a quiet one, so that the burst of `DAY` shows.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from alerts.tables import tickets, timers
from crawlers.tables import crawl_state, sources
from grouping.tables import events
from minsheng.clock import CHINA, ManualClock
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import (
    Assessed,
    DeadLetter,
    Document,
    Duplicate,
    Engagement,
    EventRef,
    Grouped,
    PolicyLink,
    document_id,
    encode,
    scores_of,
)
from minsheng.settings import BriefingSettings, Settings
from search.embedded import EmbeddedIndex
from search.index import Index
from stream.embedded import EmbeddedLog
from stream.log import DEAD_LETTERS, TOPICS, Message
from tests.stores import made_store

DAY = date(2026, 5, 8)
MIDNIGHT = datetime(2026, 5, 8, tzinfo=CHINA)

POLICIES = [
    Policy(
        id="heating",
        title="云岭市居民供暖价格调整办法",
        number="云岭发〔2026〕8号",
        department="市住房和城乡建设局",
        aliases=("供暖新规",),
        released_on=date(2026, 5, 6),
    ),
    Policy(id="school", title="云岭市义务教育阶段招生工作方案", department="市教育局", stage="draft"),
    Policy(id="bus", title="云岭市公共交通票价优惠规定"),
]


def record(
    name: str,
    at: datetime,
    text: str,
    *,
    title: str = "",
    source: str = "forum",
    kind: str = "post",
    sentiment: str = "neutral",
    request: str = "none",
    topic: str = "城乡建设",
    policy: str | None = None,
    event: str | None = None,
    group: str | None = None,
    likes: int = 0,
    url: str | None = None,
) -> Grouped:
    """A grouped document; its id is derived from `name`."""
    identity = document_id(source, name)
    links = (PolicyLink(policy_id=policy, reason="alias", confidence=0.9, matched="供暖新规"),) if policy else ()
    return Grouped(
        assessed=Assessed(
            document=Document(
                id=identity,
                source=source,
                kind=kind,  # type: ignore[arg-type]
                published_at=at,
                fetched_at=at + timedelta(minutes=3),
                title=title,
                text=text,
                url=url,
                engagement=Engagement(likes=likes),
            ),
            sentiment=scores_of(sentiment),
            emotion=scores_of("neutral"),
            topic=scores_of(topic),
            request=scores_of(request),
            policies=links,
            assessed_at=at + timedelta(minutes=4),
        ),
        duplicate=Duplicate(group=group or identity),
        event=EventRef(id=event or f"e-{identity}"),
    )


def burst() -> list[Grouped]:
    """What was said on `DAY`."""
    found = []
    for number in range(14):
        found.append(
            record(
                f"burst-{number}",
                MIDNIGHT + timedelta(hours=9, minutes=11 * number),
                f"供暖新规一出，我家取暖费要多交{number + 1}00元，请问有没有补贴？<b>",
                sentiment="negative" if number % 3 else "neutral",
                request="complaint" if number % 2 else "inquiry",
                policy="heating",
                event="heat",
                group="copy" if number in (4, 5, 6) else None,
                likes=number * 10,
                url=f"http://127.0.0.1:9/post/{number}",
            )
        )
    found.append(
        record(
            "news",
            MIDNIGHT + timedelta(hours=8),
            "市住房和城乡建设局解读供暖价格调整办法。",
            title="我市调整居民供暖价格",
            source="daily-news",
            kind="news",
            policy="heating",
            event="heat",
            url="javascript:alert(1)",
        )
    )
    for number in range(4):
        found.append(
            record(
                f"school-{number}",
                MIDNIGHT + timedelta(hours=20, minutes=number),
                f"招生方案第{number + 1}条写得很清楚，支持。",
                title="招生方案",
                sentiment="positive",
                request="praise" if number else "none",
                topic="教育文体",
                policy="school",
                event="enrol",
            )
        )
    found.append(record("last", MIDNIGHT + timedelta(hours=23, minutes=59, seconds=59), "晚安云岭。"))
    return found


def earlier() -> list[Grouped]:
    """Seven quiet days, and what lies just outside `DAY`."""
    found = []
    for back in range(1, 8):
        midnight = MIDNIGHT - timedelta(days=back)
        for number in range(3 + back % 2):
            found.append(
                record(f"old-{back}-{number}", midnight + timedelta(hours=10 + number), "公园的花开了。", policy="bus")
            )
        asked = record(f"old-school-{back}", midnight + timedelta(hours=20), "招生方案何时定？", policy="school")
        found.append(asked)
    found.append(record("tomorrow", MIDNIGHT + timedelta(days=1), "新的一天。", policy="heating"))
    return found


class World:
    """The parts, and the clock, which stands at the morning after `DAY`."""

    def __init__(self, folder: Path, *, store: str | None = None, index: Index | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.settings = Settings(data_dir=folder, briefing=BriefingSettings(unit="云岭市政务舆情值班室"))
        self.clock = ManualClock(MIDNIGHT + timedelta(days=1, hours=7))
        self.index: Index = index or EmbeddedIndex(folder / "index.db")
        self.index.ensure()
        self.store = made_store(store or f"sqlite:///{folder / 'minsheng.db'}")
        self.log = EmbeddedLog(folder / "log.db")
        self.log.ensure_topics(dict.fromkeys(TOPICS, 1))

    def fill(self) -> None:
        self.index.write(burst() + earlier())
        self.index.refresh()
        PolicyRegister(self.store, self.clock).import_policies(POLICIES)
        self.fill_store()
        letters = [
            DeadLetter(
                id=f"assess-documents-0-{number}",
                stage="assess",
                topic="documents",
                partition=0,
                offset=number,
                reason="record of schema version 9",
                value="{}",
                at=MIDNIGHT + timedelta(hours=hour),
            )
            for number, hour in enumerate((3, 4, 30))
        ]
        producer = self.log.producer()
        producer.send([Message(DEAD_LETTERS, letter.id, encode(letter)) for letter in letters])
        producer.close()

    def fill_store(self) -> None:
        with self.store.begin() as connection:
            connection.execute(
                sa.insert(events),
                {
                    "id": "heat",
                    "title": "供暖价格调整引发取暖费上涨担忧",
                    "first_document": document_id("daily-news", "news"),
                    "first_at": MIDNIGHT + timedelta(hours=8),
                    "last_at": MIDNIGHT + timedelta(hours=12),
                    "documents": 15,
                    "aggrieved": 14,
                    "policies": {"heating": 15},
                },
            )
            for number, (level, opened, closed) in enumerate(
                (
                    ("orange", 10.5, None),
                    ("blue", -30, 9),
                    ("yellow", -50, None),
                    ("blue", -80, -60),
                    ("red", 25, None),
                    ("blue", 11, 26),
                )
            ):
                connection.execute(sa.insert(tickets), self._ticket(number + 1, level, opened, closed))
            for ticket, kind, due, cancelled in (
                (1, "response", 10.5 + 48, 12),  # of the blue level that it opened with
                (1, "conference", 10.5 + 24, None),
                (1, "conference-warning", 10.5 + 19, None),
                (3, "response", -2, None),
            ):
                connection.execute(
                    sa.insert(timers),
                    {
                        "ticket_id": ticket,
                        "kind": kind,
                        "due_at": MIDNIGHT + timedelta(hours=due),
                        "cancelled_at": None if cancelled is None else MIDNIGHT + timedelta(hours=cancelled),
                        "replaced": cancelled is not None,
                    },
                )
            for name, title, enabled, last_ok in (
                ("forum", "云岭论坛", True, 26),
                ("daily-news", "云岭日报", True, 23.5),
                ("board", "市长信箱", True, -20),
                ("old", "旧网站", False, None),
            ):
                self._source(connection, name, title, enabled, last_ok)

    def _ticket(self, number: int, level: str, opened: float, closed: float | None) -> dict[str, object]:
        at = MIDNIGHT + timedelta(hours=opened)
        return {
            "number": f"T{number:04}",
            "event_id": "heat" if number == 1 else f"event-{number}",
            "policy_id": "heating",
            "level": level,
            "current_level": level,
            "status": "open" if closed is None else "closed",
            "risk_kind": "price",
            "title": f"工单标题{number}",
            "why": f"原因{number}：一小时内新增多篇负面信息。",
            "score": 50.0,
            "parts": [],
            "documents": [],
            "plan": None,
            "historical": False,
            "opened_at": at,
            "raised_at": at,
            "created_at": at,
            "closed_at": None if closed is None else MIDNIGHT + timedelta(hours=closed),
            "version": 1,
        }

    def _source(self, connection: sa.Connection, name: str, title: str, enabled: bool, last_ok: float | None) -> None:
        connection.execute(
            sa.insert(sources),
            {
                "id": name,
                "kind": "feed",
                "name": title,
                "url": f"http://127.0.0.1:9/{name}",
                "every": 600,
                "enabled": enabled,
                "note": "",
                "options": {},
            },
        )
        if last_ok is not None:
            connection.execute(
                sa.insert(crawl_state),
                {
                    "source_id": name,
                    "last_run_at": MIDNIGHT + timedelta(hours=24),
                    "last_ok_at": MIDNIGHT + timedelta(hours=last_ok),
                    "failures": 40 if last_ok < 0 else 0,
                    "last_error": "连接超时" if last_ok < 0 else "",
                },
            )

    def close(self) -> None:
        self.index.close()
        self.log.close()
        self.store.close()
