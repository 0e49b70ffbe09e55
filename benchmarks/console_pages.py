"""Every page of the console for one user: how long it takes, how large it is, and when a browser first paints it.

    python -m benchmarks.console_pages [--times 20] [--documents 2000] [--data-dir DIR] [--no-paint] [--only /search]

The console runs as a process of its own (`minsheng console`) over a new store with 500 open tickets, 50 policies and an
index of mixed texts, or over a data folder that is there (not a copy: audited pages leave their lines in it).
The user has every role. Pages are all GET routes that answer with HTML; a part of an address is filled in from what is
there, and what can't be is named in the end. `processor` is what one page takes of a processor, which the load of the
machine changes less than it changes the rest. Exits with 1 where a page takes 100 ms or more at the 95th percentile,
has 300 kB or more, is first painted after 300 ms or more, or is not answered.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import msgspec
import psutil
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from alerts.tables import tickets
from benchmarks.console_load import prepared, served
from console.access import guarded
from console.accounts import UserBook
from console.keys import Keys
from console.rights import ROLES
from console.routes import ROUTERS
from console.sessions import SessionBook
from console.units import UnitBook
from grouping.tables import events
from minsheng.clock import CHINA, SystemClock
from minsheng.parts import open_index, open_store
from minsheng.policies import PolicyRegister
from minsheng.settings import Settings
from search.index import Search

GOAL_MS, GOAL_KB, GOAL_PAINT_MS = 100.0, 300.0, 300.0
ALSO = ("/search?q=收费", "/search?q=学校&sort=relevance", "/search?q=收费 学校 -医院", "/search/compare?q=收费",
        "/search/analysis?q=收费", "/tickets?status=all")  # fmt: skip
"""Asked for beside the bare addresses."""
NO_PAGES = ("/desk/live", "/static/", "/favicon.ico", "/metrics", "/export", "/file", ".ics", "/attachments/")
PAINTED = ("/desk", "/tickets", "/tickets/{number}", "/search?q=收费", "/events", "/policies", "/leader", "/wall")


class Found(msgspec.Struct, kw_only=True):
    """One page: milliseconds, kB of its HTML, and milliseconds of a processor."""

    path: str
    median: float
    p95: float
    kilobytes: float
    processor: float
    paint: float | None = None

    @property
    def holds(self) -> bool:
        return self.p95 < GOAL_MS and self.kilobytes < GOAL_KB and (self.paint is None or self.paint < GOAL_PAINT_MS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="how often each page is asked for")
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--data-dir", type=Path, help="look at what is there")
    parser.add_argument("--no-paint", action="store_true", help="without a browser (Playwright with Debian's Chromium)")
    parser.add_argument("--only", default="", help="pages whose address begins so")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=chosen.data_dir or Path(folder))
        if chosen.data_dir is None:
            prepared(settings, 1, chosen.documents)
        token, values = known(settings)
        wanted, left_out = addresses(values)
        wanted = [path for path in wanted if path.startswith(chosen.only)]
        with served(settings.data_dir) as (port, server):
            found, wrong = [], []
            for path in wanted:
                page = measured(port, token, path, chosen.times, server)
                if isinstance(page, Found):
                    found.append(page)
                elif page:
                    wrong.append(f"{path}: {page}")
            if not chosen.no_paint:
                painted(port, token, found, [path.format(**values) for path in PAINTED if fits(path, values)])
    show(found, left_out, wrong)
    slow = [page.path for page in found if not page.holds]
    for line in (*wrong, *(f"{path} misses its goal" for path in slow)):
        print(line, file=sys.stderr)
    return 1 if wrong or slow else 0


def known(settings: Settings) -> tuple[str, dict[str, str]]:
    """A session of a user with every role, and what addresses are filled in with."""
    clock, store, index = SystemClock(), open_store(settings), open_index(settings)
    try:
        units = UnitBook(store, clock)
        unit = next((one for one in units.tree().by_id.values() if one.whole), None) or units.add(
            "本级", "province", whole=True
        )
        book = UserBook(store, Keys.from_settings(settings), clock)
        user = book.add(f"pages{os.getpid()}", "", list(ROLES), unit.id)
        hits = index.search(Search(size=1)).hits
        with store.read() as connection:
            found = {
                "number": connection.scalar(sa.select(sa.func.max(tickets.c.number))),
                "document_id": hits[0].record.document.id if hits else None,
                "event_id": connection.scalar(sa.select(sa.func.max(events.c.id))),
                "policy_id": next((one.id for one in PolicyRegister(store, clock).all()), None),
                "user_id": user.id, "unit_id": unit.id, "day": clock.now().astimezone(CHINA).date(),
            }  # fmt: skip
        token = SessionBook(store, settings.console, clock).begin(user, "127.0.0.1", "benchmark")
        return token, {name: str(value) for name, value in found.items() if value is not None}
    finally:
        index.close()
        store.close()


def addresses(values: dict[str, str]) -> tuple[list[str], list[str]]:
    """The pages' addresses, and those that can't be filled in."""
    paths = [path for method, path, right in guarded(ROUTERS) if method == "GET" and right is not None]
    paths = [path for path in paths if path != "/" and not any(part in path for part in NO_PAGES)]
    good = [path.format(**values) for path in paths if fits(path, values)]
    return [*good, *ALSO], [path for path in paths if not fits(path, values)]


def fits(path: str, values: dict[str, str]) -> bool:
    try:
        path.format(**values)
    except KeyError:
        return False
    return True


def measured(port: int, token: str, path: str, times: int, server: psutil.Process) -> Found | str:
    """A page, asked for again and again; an empty text where it is none, another where it is not answered."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    size, seconds = 0, []
    for number in range(times + 1):
        if number == 1:  # the first one warms up
            worked = processor_seconds(server)
        started = time.perf_counter()
        line.request("GET", quote(path, safe="/?=&"), headers={"Cookie": f"minsheng-session={token}"})
        answer = line.getresponse()
        size = len(answer.read())
        if answer.status in (303, 404, 400) or not answer.headers.get("content-type", "").startswith("text/html"):
            return ""
        if answer.status != 200:
            return str(answer.status)
        if number:
            seconds.append(time.perf_counter() - started)
    line.close()
    worked = processor_seconds(server) - worked
    late = statistics.quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    return Found(
        path=path, median=1_000 * statistics.median(seconds), p95=1_000 * late, kilobytes=size / 1_000,
        processor=1_000 * worked / times,
    )  # fmt: skip


def painted(port: int, token: str, found: list[Found], paths: list[str]) -> None:
    """When a browser first paints these pages, the median of three times, with its cache warm."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.add_cookies([{"name": "minsheng-session", "value": token, "url": f"http://127.0.0.1:{port}"}])
        page = context.new_page()
        for one in found:
            if one.path not in paths:
                continue
            times = []
            for _ in range(4):
                page.goto(f"http://127.0.0.1:{port}{one.path}", wait_until="load")
                times.append(
                    page.evaluate(
                        "() => new Promise(done => { const look = () => { const found = "
                        "performance.getEntriesByName('first-contentful-paint')[0]; "
                        "found ? done(found.startTime) : setTimeout(look, 20) }; look() })"
                    )
                )
            one.paint = statistics.median(times[1:])
        browser.close()


def processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def show(found: list[Found], left_out: list[str], wrong: list[str]) -> None:
    table = Table("page", "ms p50", "ms p95", "processor ms", "kB", "first paint ms", "")
    for page in sorted(found, key=lambda one: -one.p95):
        table.add_row(
            page.path, f"{page.median:.1f}", f"{page.p95:.1f}", f"{page.processor:.1f}", f"{page.kilobytes:.1f}",
            f"{page.paint:.0f}" if page.paint is not None else "", "" if page.holds else "misses its goal",
        )  # fmt: skip
    Console(width=120, highlight=False).print(table)
    print(json.dumps({
        "pages": len(found), "processor_ms": round(statistics.mean(one.processor for one in found), 1) if found else 0,
        "largest_kb": max((round(one.kilobytes, 1) for one in found), default=0), "wrong": wrong,
        "not_filled_in": left_out, "processors": os.cpu_count(), "load": [round(one, 1) for one in os.getloadavg()],
    }, ensure_ascii=False))  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
