"""Fifty duty officers at once: each holds the live stream open and goes through the pages, for some minutes.

    python -m benchmarks.console_load [--minutes 5] [--users 50] [--pause 3]

The console runs as a process of its own (`minsheng console`) over a new store with 500 open tickets and an index of
2,000 mixed texts. Each user has a session, a line for server-sent events, and another one for pages: the desk's part
whenever the stream says so, and every few seconds a page. Meanwhile a ticket is changed every two seconds, so that
there is something to say. Counted are pages that were not answered with 200, lines that broke, and users whose stream
said nothing; the memory of the console is looked at at the start (after everybody's first page), in the middle and at
the end; what a page takes of a processor, with the stream's part, is told beside how long it took. Exits with 1 where
anything of that went wrong, or memory grew by more than a tenth from the middle to the end.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
import sqlalchemy as sa

from alerts.casework import actions
from alerts.tables import tickets
from alerts.tickets import TicketBook
from benchmarks.search_speed import grouped
from benchmarks.ticket_lists import fill
from console.accounts import UserBook
from console.keys import Keys
from console.sessions import SessionBook
from console.units import UnitBook
from minsheng.clock import SystemClock
from minsheng.parts import open_index, open_store
from minsheng.policies import Policy, PolicyRegister
from minsheng.settings import Settings
from minsheng.store.migrate import migrate

OPEN, DOCUMENTS, LINES, POLICIES = 500, 2_000, 20_000, 50
PAGES = ("/desk", "/tickets", "/tickets/{ticket}", "/search?q=收费", "/events", "/search?q=学校&sort=relevance",
         "/wall", "/handover", "/plans", "/search/compare?q=收费")  # fmt: skip
GROWTH = 1.1
MOVED_EVERY = 2.0


class Crowd:
    """The users, and what went wrong for them."""

    def __init__(self, port: int, numbers: list[str], pause: float) -> None:
        self.port, self.numbers, self.pause = port, numbers, pause
        self.over = threading.Event()
        self.wrong: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.told: Counter[int] = Counter()
        self.first = threading.Semaphore(0)
        self._lock = threading.Lock()

    def user(self, number: int, token: str) -> None:
        """One user's pages: the first at once, then one every few seconds, and the desk when the stream says so."""
        pick, line = random.Random(number), self._line()
        fresh = threading.Event()
        threading.Thread(target=self._listen, args=(number, token, fresh), daemon=True).start()
        self._get(line, token, "/desk")
        self.first.release()
        while not self.over.is_set():
            said = fresh.wait(self.pause * (0.5 + pick.random()))
            fresh.clear()
            path = "/desk/tickets" if said else pick.choice(PAGES).format(ticket=pick.choice(self.numbers))
            self._get(line, token, path)
        line.close()

    def _line(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def _get(self, line: http.client.HTTPConnection, token: str, path: str) -> None:
        started = time.perf_counter()
        try:
            line.request("GET", _quoted(path), headers={"Cookie": f"minsheng-session={token}"})
            answer = line.getresponse()
            answer.read()
            problem = "" if answer.status == 200 else f"{path.partition('?')[0]}: {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            problem = f"{path.partition('?')[0]}: {type(error).__name__}"
            line.close()
        with self._lock:
            self.seconds.append(time.perf_counter() - started)
            if problem:
                self.wrong[problem] += 1

    def _listen(self, number: int, token: str, fresh: threading.Event) -> None:
        line = self._line()
        try:
            line.request("GET", "/desk/live", headers={"Cookie": f"minsheng-session={token}"})
            answer = line.getresponse()
            while not self.over.is_set():
                text = answer.readline()
                if not text:
                    raise http.client.IncompleteRead(b"")
                if text.startswith(b"event: tickets"):
                    self.told[number] += 1
                    fresh.set()
        except (OSError, http.client.HTTPException) as error:
            if not self.over.is_set():
                self.wrong[f"the stream broke: {type(error).__name__}"] += 1
        finally:
            line.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two pages of a user, on the whole")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        numbers, tokens = prepared(settings, chosen.users)
        with served(settings.data_dir) as (port, server):
            crowd = Crowd(port, numbers, chosen.pause)
            threads = [
                threading.Thread(target=crowd.user, args=(number, token), daemon=True)
                for number, token in enumerate(tokens)
            ]
            for thread in threads:
                thread.start()
            for _ in threads:
                crowd.first.acquire(timeout=120)
            memory, worked, before = [server.memory_info().rss], _processor_seconds(server), len(crowd.seconds)
            end = time.monotonic() + chosen.minutes * 60
            middle = end - chosen.minutes * 30
            mover = threading.Thread(target=move, args=(settings, numbers, crowd.over), daemon=True)
            mover.start()
            while (now := time.monotonic()) < end:
                if len(memory) == 1 and now >= middle:
                    memory.append(server.memory_info().rss)
                time.sleep(0.5)
            memory.append(server.memory_info().rss)
            worked, pages = _processor_seconds(server) - worked, len(crowd.seconds) - before
            crowd.over.set()
            for thread in [*threads, mover]:
                thread.join(60)
    deaf = sum(1 for number in range(chosen.users) if not crowd.told[number])
    rss = [round(one / 2**20, 1) for one in memory]
    late = statistics.quantiles(crowd.seconds, n=20)[-1] if len(crowd.seconds) > 1 else 0.0
    print(
        json.dumps(
            {
                "users": chosen.users, "minutes": chosen.minutes, "pages": len(crowd.seconds),
                "errors": dict(crowd.wrong), "told": sum(crowd.told.values()), "deaf": deaf,
                "median_ms": round(1_000 * statistics.median(crowd.seconds), 1), "p95_ms": round(1_000 * late, 1),
                "processor_ms_a_page": round(1_000 * worked / max(1, pages), 1),
                "rss_mib": dict(zip(("start", "middle", "end"), rss, strict=True)), "processors": os.cpu_count(),
                "load": [round(one, 1) for one in os.getloadavg()],
            },
            ensure_ascii=False,
        )
    )  # fmt: skip
    grew = rss[2] > rss[1] * GROWTH
    for problem, holds in (
        (f"errors: {dict(crowd.wrong)}", bool(crowd.wrong)),
        (f"{deaf} users were told nothing", deaf > 0),
        (f"memory grew from {rss[1]} to {rss[2]} MiB", grew),
    ):
        if holds:
            print(problem, file=sys.stderr)
    return 1 if crowd.wrong or deaf or grew else 0


def prepared(settings: Settings, users: int, documents: int = DOCUMENTS) -> tuple[list[str], list[str]]:
    """A store and an index to work on: the numbers of open tickets, and a session's token for each user."""
    clock = SystemClock()
    store, index = open_store(settings), open_index(settings)
    try:
        migrate(store)
        fill(store, OPEN, 100, LINES)
        PolicyRegister(store, clock).import_policies(
            [
                Policy(id=f"p{number}", title=f"关于第{number}项工作的通知", department="市某局")
                for number in range(POLICIES)
            ]
        )
        index.ensure()
        index.write(list(grouped(documents)))
        index.refresh()
        unit = UnitBook(store, clock).add("本级", "province", whole=True)
        book = UserBook(store, Keys.from_settings(settings), clock)
        sessions = SessionBook(store, settings.console, clock)
        made = [book.add(f"user{number}", "", ["duty"], unit.id) for number in range(users)]
        tokens = [sessions.begin(user, "127.0.0.1", "benchmark") for user in made]
        with store.read() as connection:
            numbers = list(connection.scalars(sa.select(tickets.c.number).where(tickets.c.closed_at.is_(None))))
        return numbers, tokens
    finally:
        index.close()
        store.close()


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """The console as a process; its port, and the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {**os.environ, "MINSHENG_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "minsheng.cli.app", "console", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                if process.poll() is not None:
                    raise SystemExit(f"the console ended with {process.returncode}")
                with socket.socket() as tried:
                    tried.settimeout(1)
                    if tried.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.2)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(30)


def move(settings: Settings, numbers: list[str], over: threading.Event) -> None:
    """What others do meanwhile: comment on a ticket every two seconds, which changes it."""
    store, clock = open_store(settings), SystemClock()
    try:
        for number in numbers * 10:
            if over.wait(MOVED_EVERY):
                return
            actions.comment(store, clock, TicketBook(store, clock).get(number).number, "正在核实。", actor="another")
    finally:
        store.close()


def _processor_seconds(process: psutil.Process) -> float:
    """What it has used of the processors: of a machine that others use, too, this tells more than the time taken."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _quoted(path: str) -> str:
    return quote(path, safe="/?=&")


if __name__ == "__main__":
    sys.exit(main())
