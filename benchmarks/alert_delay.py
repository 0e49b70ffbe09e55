"""Seconds from a post to its ticket and to its notice, while documents come in at a steady rate.

    python -m benchmarks.alert_delay [--parts embedded servers] [--rate 100] [--seconds 60] [--warm 60]

A mixed stream of real texts is put on the log at `--rate` documents a second. Every two seconds a dozen people begin to
complain about a matter of its own; the post that makes it a risk is named in the ticket's timeline. Post to ticket runs
from the moment that post is put on the log until another connection sees the ticket; ticket to notice from there until
a webhook has the notice. Everything is on this machine, the benchmark's own work too. For `--warm` seconds such
a stream comes in before, and is worked off: servers that were just started are slow at first. Each stage's share of the
delay is told, by when the log took its record of the post in.

    embedded    `minsheng run`'s stages in one process, on the embedded parts
    servers     each stage a process, on Kafka, Elasticsearch and PostgreSQL

Exits with 1 where a 95th percentile is not below its goal (`GOALS`), or a notice has not come.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts.tables import ticket_timeline, tickets
from benchmarks.mixed import POLICIES, mixed_stream
from benchmarks.road import environment
from minsheng.clock import SystemClock
from minsheng.policies import PolicyRegister
from minsheng.records import Document, document_id
from minsheng.road import WORKERS, Road
from minsheng.running import Running
from minsheng.settings import load_settings
from stream.log import ASSESSED, GROUPED
from stream.worker import DocumentSink

GOALS = {"embedded": (1.0, 2.0), "servers": (3.0, 2.0)}
"""Parts → seconds that nineteen of twenty posts have to their ticket, and tickets to their notice."""
EVERY = 2.0
"""Seconds between two matters."""
VOICES = 12
LOOK = 0.02
"""Seconds between two looks for new tickets: what is measured is late by at most so much."""
FIRST = 50
"""Documents that the stages are given before anything else, to load what they need."""
START = 300.0
"""Seconds that the stages have for them, with all that they load at their start."""
SETTLE = 60.0
"""Seconds that the stages have for what is left at the end."""

PLACES = ["桂花苑", "南湖新城", "青石巷", "望江路", "东风桥", "柳林社区", "新华街", "北辰家园", "十里铺", "莲花池"]
MATTERS = [
    "电梯停运",
    "自来水发黄",
    "施工噪音",
    "垃圾焚烧异味",
    "路灯全黑",
    "公交停线",
    "学校食堂发霉",
    "燃气泄漏",
    "幼儿园乱收费",
    "暖气不热",
]
WORDS = [
    "太气人了，没人管",
    "投诉几次都没用，要求马上处理",
    "孩子老人都受不了，请给个说法",
    "气死了，到底谁负责",
    "强烈要求查处",
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=list(GOALS), default=list(GOALS))
    parser.add_argument("--rate", type=int, default=100, help="documents a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--warm", type=int, default=60, help="seconds of such a stream before what is measured")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        run_everything()
        return 0
    missed: list[str] = []
    for parts in chosen.parts:
        with hook() as (address, received):
            channels = f'[{{name = "hook", url = "{address}", per_minute = 100000}}]'
            with environment(parts, MINSHENG_NOTIFY__CHANNELS=channels):
                found = measure(parts, chosen.rate, chosen.seconds, chosen.warm, received)
        print_row(parts, chosen.rate, found)
        for what, goal in zip(("tickets", "notices"), GOALS[parts], strict=True):
            if not found[what] or late(found[what]) >= goal:
                missed.append(f"{parts}: {what} not within {goal:g} s")
        if found["unsent"]:
            missed.append(f"{parts}: {found['unsent']} notices had not come")
    if missed:
        print("; ".join(missed), file=sys.stderr)
    return 1 if missed else 0


def late(values: list[float]) -> float:
    """The 95th percentile of sorted values."""
    return values[min(len(values) - 1, int(0.95 * len(values)))]


def measure(parts: str, rate: int, seconds: int, warm: int, received: dict[str, float]) -> dict[str, Any]:
    """Run the stages, feed them, and watch for tickets and notices."""
    road = Road(load_settings(), SystemClock())
    road.prepare()
    PolicyRegister(road.store).import_policies(list(POLICIES))
    minsheng = [sys.executable, "-m", "minsheng.cli.app", "stage"]
    commands = [[sys.executable, "-m", "benchmarks.alert_delay", "--child"]]
    if parts == "servers":
        commands = [[*minsheng, name] for name in WORKERS]
    children = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    seen: dict[int, float] = {}
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(road, seen, stop))
    try:
        load_everything(road)
        feed(road, rate, warm, seed=5)
        wait_for_quiet(road, START)
        watcher.start()
        sent = feed(road, rate, seconds)
        wait_for_quiet(road, SETTLE)
        time.sleep(4.0)  # the last notices
    finally:
        stop.set()
        for child in children:
            child.terminate()
        for child in children:
            child.wait(timeout=60)
    watcher.join()
    found = figures(road, sent, seen, received)
    road.close()
    return found


def load_everything(road: Road) -> None:
    """Let every stage handle something first: models are loaded, consumers have joined, and nobody waits for that."""
    with DocumentSink(road.log) as sink:
        sink.put(list(mixed_stream(FIRST, datetime.now(UTC), seed=5)))
    wait_for_quiet(road, START)


def feed(road: Road, rate: int, seconds: int, seed: int = 3) -> dict[str, float]:
    """Put documents on the log, ten times a second. Returns when each was sent."""
    sent: dict[str, float] = {}
    stream = mixed_stream(rate * seconds, datetime.now(UTC), seed=seed)
    voices = complaints(seconds, seed)
    began = time.time()
    done = 0
    with DocumentSink(road.log) as sink:
        for tick in range(seconds * 10):
            time.sleep(max(0.0, began + tick / 10 - time.time()))
            at = datetime.now(UTC)
            due = [text for moment, text in voices if tick / 10 <= moment < (tick + 1) / 10]
            batch = [complaint(text, number, at) for number, text in enumerate(due, done)]
            while done < (tick + 1) * rate // 10 and len(batch) < rate:
                batch.append(msgspec.structs.replace(next(stream), published_at=at, fetched_at=at))
                done += 1
            sink.put(batch)
            now = time.time()
            sent |= {document.id: now for document in batch}
    return sent


def complaints(seconds: int, seed: int) -> list[tuple[float, str]]:
    """(second, text): every `EVERY` seconds a matter of its own, its voices over four seconds."""
    pick = random.Random(seed)
    found = []
    for number in range(int((seconds - 6) / EVERY)):
        place = f"{pick.choice(PLACES)}{pick.randrange(1, 99)}号院"
        matter = MATTERS[number % len(MATTERS)]
        for voice in range(VOICES):
            words = pick.choice(WORDS)
            found.append(
                (
                    number * EVERY + voice / 3,
                    f"{place}{matter}已经{pick.randrange(2, 30)}天了，{words}，{place}业主{voice}",
                )
            )
    return found


def complaint(text: str, number: int, at: datetime) -> Document:
    source = f"weibo-{number % 4}"
    key = f"complaint-{at.timestamp()}-{number}"
    return Document(
        id=document_id(source, key), source=source, kind="post", native_id=key, text=text, author_key=key,
        published_at=at - timedelta(seconds=1), fetched_at=at,
    )  # fmt: skip


def watch(road: Road, seen: dict[int, float], stop: threading.Event) -> None:
    """Note when each ticket shows."""
    last = 0
    while not stop.wait(LOOK):
        with road.store.read() as connection:
            ids = connection.scalars(sa.select(tickets.c.id).where(tickets.c.id > last)).all()
        now = time.time()
        for one in ids:
            seen.setdefault(one, now)
            last = max(last, one)


def wait_for_quiet(road: Road, seconds: float) -> None:
    """Until the stages have handled everything. Exits where they have not within this time."""
    deadline = time.monotonic() + seconds
    while any(road.behind().values()):
        if time.monotonic() > deadline:
            raise SystemExit(f"the stages have not handled everything within {seconds:g} s: {road.behind()}")
        time.sleep(0.25)


def figures(road: Road, sent: dict[str, float], seen: dict[int, float], received: dict[str, float]) -> dict[str, Any]:
    query = (
        sa.select(tickets.c.id, tickets.c.number, ticket_timeline.c.detail)
        .join(ticket_timeline, ticket_timeline.c.ticket_id == tickets.c.id)
        .where(ticket_timeline.c.kind == "opened")
    )
    with road.store.read() as connection:
        rows = connection.execute(query).all()
    to_ticket, to_notice, missed = [], [], 0
    times = {topic: {m.key: m.timestamp_ms / 1000 for m in road.log.read(topic)} for topic in (ASSESSED, GROUPED)}
    shares: dict[str, list[float]] = {"assess": [], "group": [], "alert": []}
    for row in rows:
        document = row.detail["document"]
        if (start := sent.get(document)) is None or row.id not in seen:
            continue
        to_ticket.append(seen[row.id] - start)
        ends = [start, times[ASSESSED].get(document, start), times[GROUPED].get(document, start), seen[row.id]]
        for name, begin, end in zip(shares, ends, ends[1:], strict=False):
            shares[name].append(max(0.0, end - begin))
        if row.number in received:
            to_notice.append(max(0.0, received[row.number] - seen[row.id]))
        else:
            missed += 1
    return {
        "tickets": sorted(to_ticket),
        "notices": sorted(to_notice),
        "unsent": missed,
        "documents": len(sent),
        "shares": {name: sorted(values) for name, values in shares.items()},
    }


@contextmanager
def hook() -> Iterator[tuple[str, dict[str, float]]]:
    """A webhook; gives its address, and when it first got each ticket's notice."""
    received: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.setdefault(body["ticket"], time.time())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", received
    finally:
        server.shutdown()


def run_everything() -> None:
    """In a process of its own: all stages and the alert service, until it is told to stop."""
    from minsheng.cli.stage import stop_at_signals

    stop = stop_at_signals()
    road = Road(load_settings(), SystemClock(), stop)
    with Running(road):
        stop.wait()
    road.close()


def print_row(parts: str, rate: int, found: dict[str, Any]) -> None:
    print(f"{parts}: {found['documents']} documents at {rate}/s, {len(found['tickets'])} tickets")
    rows = [("post to ticket", found["tickets"]), ("ticket to notice", found["notices"])]
    rows += [(f"  of it {name}", values) for name, values in found["shares"].items()]
    for name, values in rows:
        if values:
            median = values[len(values) // 2]
            print(f"  {name:<17} median {median:.2f} s   p95 {late(values):.2f} s   longest {values[-1]:.2f} s")
    if found["unsent"]:
        print(f"  {found['unsent']} tickets whose notice had not come")


if __name__ == "__main__":
    sys.exit(main())
