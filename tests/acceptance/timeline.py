"""Acceptance by a script: at a time something happens, and at a time things must be so.

A timeline is a TOML file of steps. Two processes, one with the stages and one with the alert service, go by a clock
that the runner moves from step to step; notices arrive at a real HTTP server. What a file may hold are the fields of
`Timeline` and `Step`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from alerts.casework.actions import set_level
from alerts.drills.scenario import find_scenario
from alerts.drills.start import start_drill
from alerts.duty.book import BookShelf
from alerts.levels import Level as RiskLevel
from alerts.notify.silences import Silences
from alerts.tickets import Status, TicketBook, TicketLine
from minsheng.clock import CHINA, ManualClock
from minsheng.exercises import MARK
from minsheng.policies import PolicyRegister
from minsheng.road import WORKERS, Road
from minsheng.settings import load_settings
from stream.log import GROUPED
from stream.messages import record_message
from tests.alerts.conftest import WATER, burst
from tests.alerts.duty_world import BOOK, ROUTES


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Posts(_Table, frozen=True, kw_only=True):
    """Posts that arrive; the last of them was published `ago_hours` before, the others one every so many minutes
    earlier."""

    count: int
    every_minutes: float = 4
    ago_hours: float = 0
    event: str = "event"
    policy: str = "water-price"
    sentiment: str = "negative"
    request: str = "complaint"
    likes: int = 0


class Level(_Table, frozen=True, kw_only=True):
    """An officer sets the level of an event's ticket."""

    event: str
    to: RiskLevel


class Move(_Table, frozen=True, kw_only=True):
    """An officer moves an event's ticket; `event` `drill`: the drill's."""

    event: str
    to: Status


class Silence(_Table, frozen=True, kw_only=True):
    """Somebody asks for silence on a policy."""

    policy: str
    hours: float


class Drill(_Table, frozen=True, kw_only=True):
    """Somebody starts a drill on `water-price`."""

    scenario: str


class ExpectedTicket(_Table, frozen=True, kw_only=True):
    """A ticket: what is given must be so. `event` `drill`: a drill's, whatever its number."""

    event: str
    level: str | None = None
    current: str | None = None
    status: str | None = None
    historical: bool = False
    clocks: int | None = None


class Expect(_Table, frozen=True, kw_only=True):
    """What must be so. `tickets`: exactly these, in the order of their opening. `notices`: exactly these since the last
    time they were asked for, in any order: `REASON LEVEL ADDRESS`, a drill's with 演练 in front."""

    tickets: tuple[ExpectedTicket, ...] | None = None
    notices: tuple[str, ...] | None = None


class Step(_Table, frozen=True, kw_only=True):
    """What happens `at` minutes after the start, in the order of the fields, and what must be so after it.

    `down`: from the step before until this one the alert service did not run.
    """

    at: float
    down: bool = False
    posts: tuple[Posts, ...] = ()
    level: tuple[Level, ...] = ()
    move: tuple[Move, ...] = ()
    silence: tuple[Silence, ...] = ()
    drill: tuple[Drill, ...] = ()
    expect: Expect = Expect()


class Timeline(_Table, frozen=True, kw_only=True):
    """A file. `start` is China's time; `book`: added to the duty book of the tests; `tick`: minutes between two looks
    of the alert service; `reasons`: of the notices that the file is about, others are not looked at; none: all."""

    title: str
    start: datetime
    book: str = ""
    tick: float = 5
    reasons: tuple[str, ...] = ()
    steps: tuple[Step, ...]


def read(path: Path) -> Timeline:
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Timeline)


class Remote:
    """A process that obeys."""

    def __init__(self, errors: Path) -> None:
        with errors.open("wb") as told:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.acceptance.timeline_process"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, text=True,
            )  # fmt: skip
        self._errors = errors

    def __call__(self, do: str, **order: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{do} ended the process:\n{self._errors.read_text()[-3000:]}"
        return json.loads(line)["done"]

    def end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=30) == 0
        self._process.stdout.close()


class Receiver:
    """An HTTP server that keeps the notices it is sent, with the address each was for."""

    def __init__(self) -> None:
        self.told: list[str] = []
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                notice = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert notice["text"].startswith(notice["subject"])
                drill = "演练 " if notice["subject"].startswith(MARK) else ""
                told.append(f"{drill}{notice['reason']} {notice['level']} {unquote(self.path.rpartition('/')[2])}")
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self) -> list[str]:
        found, self.told[:] = sorted(self.told), []
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Runner:
    """Runs timelines, one after the other, on processes that are started once."""

    def __init__(self, folder: Path) -> None:
        self.stages, self.service = Remote(folder / "stages.log"), Remote(folder / "service.log")
        self.receiver = Receiver()

    def close(self) -> None:
        self.receiver.close()
        self.stages.end()
        self.service.end()

    def run(self, timeline: Timeline, folder: Path) -> None:
        """Raises `AssertionError` that names the step where something is not as it must be."""
        self.receiver.take()
        with self._opened(timeline, folder) as (road, clock):
            begin = clock.now()
            for step in timeline.steps:
                self._go_to(clock, begin + timedelta(minutes=step.at), timeline.tick, down=step.down)
                self._do(step, road, clock)
                self._check(step, timeline.reasons, road, clock)

    @contextmanager
    def _opened(self, timeline: Timeline, folder: Path) -> Iterator[tuple[Road, ManualClock]]:
        folder.mkdir()
        channels = "".join(
            f'[[notify.channels]]\nname = "{name}"\nurl = "{self.receiver.url}/{path}"\nper_minute = 1000\n{more}'
            for name, path, more in (
                ("group", "group", ""), ("mail", "{to}", "personal = true\n"), ("sms", "{to}", "personal = true\n"),
            )
        )  # fmt: skip
        (folder / "minsheng.toml").write_text(f"[notify]\nterminal = false\n{channels}", encoding="utf-8")
        clock = ManualClock(timeline.start.replace(tzinfo=CHINA))
        road = Road(load_settings(folder, environ={}), clock)
        road.prepare()
        PolicyRegister(road.store, clock).import_policies([WATER])
        BookShelf(road.store).put(BOOK + timeline.book + ROUTES, road.settings, clock, "admin")
        for process in (self.stages, self.service):
            process("open", folder=str(folder), now=clock.now().isoformat())
        try:
            yield road, clock
            assert self.service("problems") == {}
        finally:
            for process in (self.stages, self.service):
                process("close")
            road.close()

    def _go_to(self, clock: ManualClock, moment: datetime, tick: float, *, down: bool) -> None:
        while clock.now() < moment:
            clock.advance(seconds=min(tick * 60, (moment - clock.now()).total_seconds()))
            if not down:
                self.service("now", now=clock.now().isoformat())
                self.service("tick")
        for process in (self.stages, self.service):
            process("now", now=clock.now().isoformat())

    def _do(self, step: Step, road: Road, clock: ManualClock) -> None:
        now = clock.now()
        for number, posts in enumerate(step.posts):
            first = now - timedelta(hours=posts.ago_hours, minutes=posts.every_minutes * (posts.count - 1))
            found = burst(
                posts.count, first, posts.every_minutes, prefix=f"{step.at}-{number}-", event=posts.event,
                policy=posts.policy or None, sentiment=posts.sentiment, request=posts.request, likes=posts.likes,
                fetched=now,
            )  # fmt: skip
            road.log.producer().send([record_message(GROUPED, one) for one in found])
        book = TicketBook(road.store, clock)
        for wanted in step.level:
            name = _ticket(book, wanted.event).number
            set_level(road.store, clock, road.settings, name, wanted.to, actor="li", reason="研判")
        for one in step.move:
            book.move(_ticket(book, one.event).number, one.to, actor="li", reason="已处理")
        for quiet in step.silence:
            until = now + timedelta(hours=quiet.hours)
            Silences(road.store, clock).add(until=until, reason="统一答复", actor="li", policy=quiet.policy)
        for drill in step.drill:
            start_drill(road.store, road.log, clock, find_scenario(drill.scenario), WATER, actor="li")
        self.stages("drain", stages=list(WORKERS) if step.drill else ["alert"])
        self.service("tick")

    def _check(self, step: Step, reasons: tuple[str, ...], road: Road, clock: ManualClock) -> None:
        at = f"at {step.at:g} minutes ({clock.now().astimezone(CHINA):%m-%d %H:%M})"
        if (wanted := step.expect.tickets) is not None:
            found = sorted(TicketBook(road.store, clock).list(), key=lambda one: one.id)
            told = [(one.event, one.level, one.current_level, one.status, one.historical) for one in found]
            assert len(found) == len(wanted), f"{at}: {told}"
            for ticket, one in zip(found, wanted, strict=True):
                assert _fits(ticket, one), f"{at}: {one} expected, there are {told}"
        if step.expect.notices is not None:
            told_now = [
                one
                for one in self.receiver.take()
                if not reasons or one.removeprefix("演练 ").partition(" ")[0] in reasons
            ]
            assert told_now == sorted(step.expect.notices), f"{at}: {told_now}"


def _fits(ticket: TicketLine, one: ExpectedTicket) -> bool:
    running = sum(clock.running and not clock.kind.endswith("-warning") for clock in ticket.deadlines)
    pairs = (
        (one.event, "drill" if ticket.exercise else ticket.event), (one.level, ticket.level),
        (one.current, ticket.current_level), (one.status, ticket.status), (one.clocks, running),
    )  # fmt: skip
    return ticket.historical == one.historical and all(wanted in (None, given) for wanted, given in pairs)


def _ticket(book: TicketBook, event: str) -> TicketLine:
    return next(one for one in book.list() if event == ("drill" if one.exercise else one.event))
