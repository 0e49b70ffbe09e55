"""A small world behind a console: the one of the briefings, units as a tree, and one user a role and scope."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import uvicorn
from anyio.from_thread import start_blocking_portal
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from alerts import timeline
from alerts.tables import tickets
from console.app import create_app
from console.parts import Console
from console.rights import ROLES
from console.tables import users as user_table
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import Grouped
from minsheng.settings import ConsoleSettings, Settings
from tests.briefings.small_world import MIDNIGHT, World, burst, record

PASSWORD = "the quick brown fox"
EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
HEATING, SCHOOL = "heating", "school"


def posts() -> list[Grouped]:
    """What comes beside the briefing's world: texts that attack, and posts of two regions."""
    return [
        record("evil", MIDNIGHT, f"供暖{EVIL}", title=f"标题{EVIL}", policy=HEATING, event="heat",
               url='javascript:alert("x")'),
        record("formula", MIDNIGHT, "供暖公式", title='=HYPERLINK("http://evil.example","x")', policy=HEATING),
        record("east", MIDNIGHT, "东区学校扩招。", policy=SCHOOL, event="enrol"),
    ]  # fmt: skip


class ConsoleWorld:
    """The parts, filled, and clients that are signed in.

    Units: the whole (省), below it 住建局 (heating by its department's name) and 教育局 (school by its id).
    """

    def __init__(self, folder: Path, settings: ConsoleSettings | None = None) -> None:
        self.world = World(folder / "world")
        self.world.fill()
        self.store, self.clock = self.world.store, self.world.clock
        self.world.index.write(posts())
        self.world.index.refresh()
        evil = Policy(id="evil", title=f"恶意{EVIL}", department="市住房和城乡建设局", aliases=(EVIL,))
        PolicyRegister(self.store, self.clock).import_policies([evil])
        with self.store.begin() as connection:
            connection.execute(
                tickets.update()
                .where(tickets.c.number == "T0001")
                .values(
                    documents=[one.document.id for one in burst() if one.event.id == "heat"],
                    title=f"供暖工单{EVIL}",
                    plan={"id": "p", "version": 1, "title": f"预案{EVIL}", "judgement": ["先核实"], "do_nots": [],
                          "steps": [{"title": "核实", "detail": "", "who": "值班员", "within_minutes": 30}],
                          "statements": {"holding": "已关注到。"}},
                    parts=[{"name": "volume", "title": "声量", "score": 0.6, "weight": 0.3, "value": "14 位发言者",
                            "documents": [burst()[0].document.id]}],
                    risk_kind="cost",
                )
            )  # fmt: skip
            connection.execute(tickets.update().where(tickets.c.number == "T0005").values(policy_id=SCHOOL))
            timeline.add(connection, 1, "opened", MIDNIGHT, event_time=MIDNIGHT, detail={"why": EVIL})
        self.settings = Settings(data_dir=folder, console=settings or ConsoleSettings())
        self.console = Console(self.settings, self.store, self.world.index, self.world.log, self.clock)
        self.app: FastAPI = create_app(self.console)
        self._portals = start_blocking_portal()
        self._portal = self._portals.__enter__()
        units = self.console.units
        self.whole = units.add("云岭市", "city", whole=True)
        self.housing = units.add("住建局", "department", parent=self.whole.id, departments=["市住房和城乡建设局"])
        self.schools = units.add("教育局", "department", parent=self.whole.id, policies=[SCHOOL])
        self.units = {"whole": self.whole.id, "housing": self.housing.id, "schools": self.schools.id, "none": None}

    def add_user(self, role: str, scope: str = "whole") -> str:
        """A user with a password; their name."""
        name = f"{role}-{scope}"
        users = self.console.users
        if name not in {one.name for one in users.all()}:
            user = users.add(name, name, [role] if role in ROLES else [], self.units[scope])
            # What `use_link` would write. It takes a third of a second on purpose, and all have the same one.
            with self.store.begin() as connection:
                connection.execute(user_table.update().where(user_table.c.id == user.id).values(password_hash=_hash()))
        return name

    def visitor(self) -> TestClient:
        """A browser that is not signed in."""
        client = TestClient(self.app, base_url="http://testserver", follow_redirects=False)
        client.portal = self._portal  # one event loop for all of them, in place of a new one for each request
        return client

    def client(self, role: str, scope: str = "whole") -> TestClient:
        """A browser of such a user, with a session of its own."""
        name = self.add_user(role, scope)
        client = self.visitor()
        token = self.console.sessions.begin(self.console.users.find(name), "127.0.0.1", "test")
        client.cookies.set("minsheng-session", token)
        return client

    def close(self) -> None:
        self._portals.__exit__(None, None, None)
        self.world.close()


@contextmanager
def served(world: ConsoleWorld) -> Iterator[str]:
    """The world behind a server of its own, for browsers and other programs; its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(world.app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    world.console.stopping.set()
    server.should_exit = True
    thread.join(10)


@cache
def _hash() -> str:
    return PasswordHasher().hash(PASSWORD)


def form_token(answer: Response) -> str:
    """The token of the forms of a page."""
    found = re.search(r'name="form_token" value="([^"]+)"', answer.text)
    assert found is not None, answer.text[:500]
    return found[1]


def send(client: TestClient, page: str, action: str, **fields: str | list[str]) -> Response:
    """Send a form of a page, as a browser does."""
    answer: Response = client.post(action, data={"form_token": form_token(client.get(page)), **fields})
    return answer
