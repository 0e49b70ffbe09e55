"""Several processes behind one address: what they must agree on, they agree on."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import time
import urllib.parse
from collections import Counter
from pathlib import Path

import pytest

from console.accounts import UserBook
from console.api.limits import RateLimit, SharedBuckets
from console.keys import Keys
from console.serving import ConsoleServer, _listen, workers_of
from console.sessions import SessionBook
from console.units import UnitBook
from minsheng.clock import ManualClock, SystemClock
from minsheng.parts import open_store
from minsheng.settings import ConsoleSettings, Settings
from minsheng.store.migrate import migrate

ALLOWED = 5
PAUSE = 6.5
"""Seconds: longer than the five for which a server by itself keeps a line on which nothing is asked."""


def test_what_is_sent_does_not_wait_for_what_was_sent_before() -> None:
    told, called = [], asyncio.Event()

    class Line(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            told.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            called.set()

    async def call() -> None:
        opened = _listen("127.0.0.1", 0)
        server = await asyncio.get_running_loop().create_server(Line, sock=opened)
        _, writer = await asyncio.open_connection(*opened.getsockname())
        await called.wait()
        writer.close()
        server.close()

    asyncio.run(call())
    assert told == [1]


def test_a_line_stays_open_while_somebody_reads_a_page(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, console=ConsoleSettings(port=0))
    store = open_store(settings)
    migrate(store)
    store.close()
    with ConsoleServer(settings, SystemClock()) as server:
        place = urllib.parse.urlsplit(server.url)
        line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        for pause in (PAUSE, 0.0):
            line.request("GET", "/sign-in")
            answer = line.getresponse()
            assert answer.status == 200 and answer.read()
            opened = line.sock
            time.sleep(pause)
        assert line.sock is opened, "the same line, not another one"
        line.close()


def test_processes_that_share_a_file_let_through_no_more_than_one(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "callers.buckets"
    first, second = (RateLimit(clock, 60, SharedBuckets(path)) for _ in range(2))
    let_in = [limit.take("token:1").wait == 0 for _ in range(40) for limit in (first, second)]
    assert let_in == [True] * 60 + [False] * 20
    assert first.take("token:2").left == 59
    clock.advance(seconds=2)
    assert [second.take("token:1").wait for _ in range(3)] == [0, 0, 1]


def test_a_full_place_forgets_who_has_asked_longest_ago(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.api.limits._SLOTS", 8)
    clock = ManualClock()
    limit = RateLimit(clock, 60, SharedBuckets(tmp_path / "callers.buckets"))
    for number in range(9):
        clock.advance(seconds=0.1)
        limit.take(str(number), cost=60)
    assert [limit.take(name, cost=0).left for name in ("8", "1")] == [0, 0]
    assert limit.take("0", cost=0).left == 60


@pytest.mark.parametrize(("processors", "workers"), [(1, 1), (2, 1), (4, 2), (64, 4)])
def test_by_itself_the_console_leaves_processors_to_the_stages(
    monkeypatch: pytest.MonkeyPatch, processors: int, workers: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert workers_of(ConsoleSettings()) == workers
    assert workers_of(ConsoleSettings(workers=7)) == 7


def test_sessions_limits_and_numbers_are_those_of_all_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # put back after the test, whatever the console sets
    settings = Settings(data_dir=tmp_path, console=ConsoleSettings(port=0, api_per_minute=ALLOWED))
    clock = SystemClock()
    store = open_store(settings)
    migrate(store)
    unit = UnitBook(store, clock).add("本级", "province", whole=True)
    user = UserBook(store, Keys.from_settings(settings), clock).add("duty", "", ["duty"], unit.id)
    token = SessionBook(store, settings.console, clock).begin(user, "127.0.0.1", "test")
    with ConsoleServer(settings, clock, workers=2) as server:
        assert server.serves
        place = urllib.parse.urlsplit(server.url)

        def get(path: str) -> tuple[int, bytes]:
            line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)  # any process takes it
            line.request("GET", path, headers={"Cookie": f"minsheng-session={token}"})
            answer = line.getresponse()
            found = answer.status, answer.read()
            line.close()
            return found

        asked = 0
        while len(list(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("counter_*.db"))) < 2 or asked < 20:
            assert get("/tickets")[0] == 200
            asked += 1
            assert asked < 2_000, "one process takes all calls"
        codes = Counter(get("/api/v1/tickets")[0] for _ in range(ALLOWED + 7))
        assert codes == {200: ALLOWED, 429: 7}
        line = f'minsheng_console_requests_total{{method="GET",route="/tickets",status="200"}} {asked}.0'
        assert line in get("/metrics")[1].decode().splitlines()
    assert not server.serves
    store.close()
