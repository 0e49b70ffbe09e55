"""Every number of a daily briefing, counted again by SQL that knows nothing of the briefing: from the log's records,
one row a document, and from the store's tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from briefings.making import make_figures
from briefings.model import Figures
from minsheng.clock import CHINA
from minsheng.records import Grouped, decode, encode
from stream.log import GROUPED, Message
from tests.briefings.small_world import DAY, MIDNIGHT, World, burst, earlier


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("recount"))
    made.fill()
    producer = made.log.producer()
    producer.send([Message(GROUPED, one.document.id, encode(one)) for one in burst() + earlier()])
    producer.close()
    yield made
    made.close()


@pytest.fixture(scope="module")
def figures(world: World) -> Figures:
    return make_figures(world, "daily", DAY)


@pytest.fixture(scope="module")
def raw(world: World) -> Iterator[sqlite3.Connection]:
    """The log's records as rows: `posts` and `links`."""
    rows = sqlite3.connect(":memory:")
    rows.execute("CREATE TABLE posts (id, at REAL, hour, source, sentiment, request, topic, region, event)")
    rows.execute("CREATE TABLE links (post, policy)")
    consumer = world.log.consumer([GROUPED], "recount")
    while batch := consumer.poll(1_000, 0.1):
        for message in batch:
            record = decode(Grouped, message.value)
            post, said = record.document, record.assessed
            rows.execute(
                "INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (post.id, post.published_at.timestamp(), post.published_at.astimezone(CHINA).hour, post.source,
                 said.sentiment.label, said.request.label, said.topic.label, said.region, record.event.id),
            )  # fmt: skip
            rows.executemany("INSERT INTO links VALUES (?, ?)", [(post.id, link.policy_id) for link in said.policies])
    consumer.close()
    yield rows
    rows.close()


SINCE = MIDNIGHT.timestamp()
DAY_SECONDS = 86_400


def count(raw: sqlite3.Connection, where: str = "1", *values: object, back: int = 0) -> int:
    since = SINCE - back * DAY_SECONDS
    query = f"SELECT count(*) FROM posts WHERE at >= ? AND at < ? AND ({where})"
    return int(raw.execute(query, (since, since + DAY_SECONDS, *values)).fetchone()[0])


ABOUT = "id IN (SELECT post FROM links WHERE policy = ?)"


def test_volume(raw: sqlite3.Connection, figures: Figures) -> None:
    assert figures.total.value == count(raw) > 0
    assert figures.before is not None and figures.before.value == count(raw, back=1) > 0
    assert figures.total_change.mean == pytest.approx(sum(count(raw, back=back) for back in range(1, 8)) / 7)
    assert [number for _, number in figures.earlier] == [count(raw, back=back) for back in range(7, 0, -1)]
    assert figures.hours == tuple(count(raw, "hour = ?", hour) for hour in range(24))
    assert figures.busiest is not None
    assert figures.busiest[1].value == max(figures.hours) == count(raw, "hour = ?", figures.busiest[0])


@pytest.mark.parametrize(
    ("name", "column"),
    [("sentiments", "sentiment"), ("requests", "request"), ("topics", "topic"), ("sources", "source"),
     ("regions", "region")],
)  # fmt: skip
def test_shares(raw: sqlite3.Connection, figures: Figures, name: str, column: str) -> None:
    lines = getattr(figures, name)
    assert {line.label: line.count.value for line in lines} == {
        line.label: count(raw, f"{column} = ?", line.label) for line in lines
    }
    if lines:
        assert sum(line.count.value for line in lines) == count(raw, f"{column} IS NOT NULL")
    else:
        assert count(raw, f"{column} IS NOT NULL") == 0


def test_policies_and_events(raw: sqlite3.Connection, figures: Figures) -> None:
    for line in figures.policies:
        assert line.count.value == count(raw, ABOUT, line.id)
        assert line.negative.value == count(raw, f"{ABOUT} AND sentiment = 'negative'", line.id)
        if line.change.mean is not None:
            past = [count(raw, ABOUT, line.id, back=back) for back in range(1, 8)]
            assert line.change.mean == pytest.approx(sum(past) / 7)
    spoken = raw.execute(
        "SELECT count(DISTINCT policy) FROM links JOIN posts ON post = id WHERE at >= ? AND at < ?",
        (SINCE, SINCE + DAY_SECONDS),
    ).fetchone()[0]
    assert figures.silent_policies.value == 3 - spoken
    for event in figures.events:
        assert event.count.value == count(raw, "event = ?", event.id) >= 3
        assert event.negative.value == count(raw, "event = ? AND sentiment = 'negative'", event.id)
        assert event.before.value == count(raw, "event = ?", event.id, back=1)
        for demand in event.demands:
            assert demand.count.value == count(raw, "event = ? AND request = ?", event.id, demand.label)


def test_tickets_clocks_sources_and_dead_letters(world: World, figures: Figures) -> None:
    begin, end = MIDNIGHT.timestamp(), MIDNIGHT.timestamp() + DAY_SECONDS

    def stored(query: str, **values: object) -> int:
        with world.store.read() as connection:
            return int(connection.execute(sa.text(query), values).scalar_one())

    seconds = "CAST(strftime('%s', {}) AS INTEGER)"
    opened, closed = seconds.format("opened_at"), seconds.format("closed_at")
    for line in figures.levels:
        where = "SELECT count(*) FROM tickets WHERE level = :level AND "
        span = {"level": line.level, "begin": begin, "end": end}
        assert line.opened.value == stored(f"{where} {opened} >= :begin AND {opened} < :end", **span)
        assert line.closed.value == stored(f"{where} {closed} >= :begin AND {closed} < :end", **span)
        still = f"{where} {opened} < :at AND (closed_at IS NULL OR {closed} >= :at)"
        assert line.open.value == stored(still, level=line.level, at=end)
        assert line.before.value == stored(still, level=line.level, at=begin)
    due = seconds.format("due_at")
    ended = f"""
        SELECT count(*) FROM timers JOIN tickets ON tickets.id = ticket_id
        WHERE kind NOT LIKE '%-warning' AND NOT historical AND {due} >= :begin AND {due} < :end
        AND (cancelled_at IS NULL OR cancelled_at IN (responded_at, tickets.closed_at))
    """
    assert figures.responses.due.value == stored(ended, begin=begin, end=end)
    assert figures.responses.kept.value + figures.responses.late.value == figures.responses.due.value
    assert figures.watched.value == stored("SELECT count(*) FROM sources WHERE enabled")
    silent = f"SELECT count(*) FROM crawl_state WHERE {seconds.format('last_ok_at')} < :begin"
    assert figures.unseen.value == stored(silent, begin=begin)
    assert figures.dead_letters.value == 2
