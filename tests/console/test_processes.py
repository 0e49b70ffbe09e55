"""Several console processes on one store, SQLite and PostgreSQL: what holds at one of them holds at all."""

from __future__ import annotations

import http.client
import json
import re
import threading
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.tables import ticket_timeline, tickets
from alerts.tickets import TicketBook
from console.accounts import UserBook
from console.api.repeats import HEADER
from console.keys import Keys
from console.serving import ConsoleServer
from console.sessions import SessionBook
from console.tables import users
from console.tokens import TokenBook
from console.units import UnitBook
from minsheng.clock import SystemClock
from minsheng.parts import open_store
from minsheng.settings import ConsoleSettings, Secret, Settings, StoreSettings
from minsheng.store.migrate import migrate
from tests.console.world import PASSWORD, _hash

PROCESSES = 3


class Processes:
    """One console in some processes, and what is kept behind them."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.clock = SystemClock()
        self.store = open_store(settings)
        self.place = urllib.parse.urlsplit(url)
        keys = Keys.from_settings(settings)
        unit = UnitBook(self.store, self.clock).add("本级", "province", whole=True)
        self.users = UserBook(self.store, keys, self.clock)
        self.user = self.users.add("duty", "", ["duty"], unit.id)
        with self.store.begin() as connection:
            connection.execute(users.update().values(password_hash=_hash()))
            connection.execute(tickets.insert().values(**_ticket(self.clock)))
        self.sessions = SessionBook(self.store, settings.console, self.clock)
        self.token = TokenBook(self.store, self.clock).make(self.user, "t", ["tickets", "tickets.work"], 30)[0]

    def ask(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, str, dict[str, str]]:
        """On a line of its own, which any of the processes takes."""
        line = http.client.HTTPConnection(self.place.hostname or "", self.place.port, timeout=60)
        line.request(method, path, body or None, headers or {})
        answer = line.getresponse()
        found = answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
        line.close()
        return found


@pytest.fixture(params=["embedded", "postgresql"])
def processes(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # put back after the test, whatever the console sets
    kept = StoreSettings()
    if request.param == "postgresql":
        url = sa.make_url(request.getfixturevalue("postgresql_url"))
        kept = StoreSettings(
            kind="postgresql", host=url.host or "", port=url.port or 5432, database=url.database or "",
            user=url.username or "", password=Secret(url.password) if url.password else None,
        )  # fmt: skip
    settings = Settings(data_dir=tmp_path, console=ConsoleSettings(port=0), store=kept)
    store = open_store(settings)
    migrate(store)
    assert store.name == ("sqlite" if request.param == "embedded" else "postgresql")
    store.close()
    with ConsoleServer(settings, SystemClock(), workers=PROCESSES) as server:
        made = Processes(settings, server.url)
        yield made
        made.store.close()


def test_what_holds_at_one_process_holds_at_all(processes: Processes) -> None:
    _a_session_ends_everywhere(processes)
    _what_is_sent_twice_is_done_once(processes)
    _every_stream_is_told(processes)
    _wrong_passwords_count_together(processes)


def _a_session_ends_everywhere(made: Processes) -> None:
    token = made.sessions.begin(made.user, "127.0.0.1", "test")
    cookie = {"Cookie": f"minsheng-session={token}"}
    pages = [made.ask("GET", "/desk", headers=cookie) for _ in range(4 * PROCESSES)]
    assert {status for status, _, _ in pages} == {200}
    form = re.search(r'name="form_token" value="([^"]+)"', pages[0][1])
    assert form is not None
    # Whichever process made the form's token, any of them takes it.
    sent = {**cookie, "Content-Type": "application/x-www-form-urlencoded"}
    fields = urllib.parse.urlencode({"form_token": form[1], "text": "看到了"})
    for _ in range(2 * PROCESSES):
        assert made.ask("POST", "/tickets/T0001/comment", fields, sent)[0] == 303
    assert made.ask("POST", "/sign-out", urllib.parse.urlencode({"form_token": form[1]}), sent)[0] == 303
    assert {made.ask("GET", "/desk", headers=cookie)[0] for _ in range(4 * PROCESSES)} == {303}


def _what_is_sent_twice_is_done_once(made: Processes) -> None:
    headers = {"Authorization": f"Bearer {made.token}", "Content-Type": "application/json", HEADER: "k1"}
    body = json.dumps({"text": "只此一次"})

    def send(_: int) -> int:
        return made.ask("POST", "/api/v1/tickets/T0001/comments", body, headers)[0]

    with ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(send, range(24)))
    assert set(codes) <= {201, 409} and codes[201] >= 1, codes
    again = made.ask("POST", "/api/v1/tickets/T0001/comments", body, headers)
    assert again[0] == 201 and again[2]["idempotency-replayed"] == "true"
    with made.store.read() as connection:
        details = connection.scalars(sa.select(ticket_timeline.c.detail).where(ticket_timeline.c.kind == "comment"))
        assert [one["text"] for one in details].count("只此一次") == 1


def _every_stream_is_told(made: Processes) -> None:
    cookie = {"Cookie": f"minsheng-session={made.sessions.begin(made.user, '127.0.0.1', 'test')}"}
    lines, told = [], threading.Semaphore(0)

    def listen() -> None:
        line = http.client.HTTPConnection(made.place.hostname or "", made.place.port, timeout=30)
        line.request("GET", "/desk/live", headers=cookie)
        answer = line.getresponse()
        lines.append(line)
        ready.release()
        while text := answer.readline():
            if text.startswith(b"event: tickets"):
                told.release()
                return

    ready = threading.Semaphore(0)
    listeners = [threading.Thread(target=listen, daemon=True) for _ in range(4 * PROCESSES)]
    for one in listeners:
        one.start()
    assert all(ready.acquire(timeout=30) for _ in listeners)
    threading.Event().wait(2.5)  # each has taken its first look
    TicketBook(made.store, made.clock).move("T0001", "acknowledged", actor="another")
    assert all(told.acquire(timeout=30) for _ in listeners), "a stream was told nothing"
    for line in lines:
        line.close()


def _wrong_passwords_count_together(made: Processes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    def sign_in(password: str) -> int:
        page = made.ask("GET", "/sign-in")
        cookie = page[2]["set-cookie"].partition(";")[0] if "set-cookie" in page[2] else ""
        form = re.search(r'name="form_token" value="([^"]+)"', page[1])
        fields = {"name": "duty", "password": password, **({"form_token": form[1]} if form else {})}
        return made.ask("POST", "/sign-in", urllib.parse.urlencode(fields), {**headers, "Cookie": cookie})[0]

    with ThreadPoolExecutor(12) as pool:
        codes = Counter(pool.map(sign_in, [f"wrong {number}" for number in range(24)]))
    assert set(codes) == {401, 429} and codes[401] <= 5, codes
    assert {sign_in(PASSWORD) for _ in range(2 * PROCESSES)} == {429}, "the right one is held back at every process"


def _ticket(clock: SystemClock) -> dict[str, object]:
    now = clock.now()
    return {
        "number": "T0001", "event_id": "e1", "unit": "", "level": "orange", "current_level": "orange",
        "peak_level": "orange", "status": "open", "risk_kind": "cost", "title": "供暖", "why": "", "score": 0.5,
        "parts": [], "documents": [], "historical": False, "opened_at": now, "raised_at": now, "created_at": now,
        "version": 1,
    }  # fmt: skip
