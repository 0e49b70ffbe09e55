"""Fixtures that every folder shares: the real servers, a mail server, a browser.

A server is started when the first test asks for it and serves the whole run with all its processes, see
`tests.servers`. `MINSHENG_TEST_SERVERS` names a file written by `python -m deploy.servers start --env-file FILE`, whose
servers are used instead. Where one can't be had the test is skipped and the end of the run says what was left out; with
`MINSHENG_REQUIRE_SERVERS=1` it fails instead.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
import structlog

from deploy.servers import Server, fresh_database
from deploy.servers.process import free_port
from minsheng.store import Store
from minsheng.store.migrate import migrate
from tests.servers import Servers, leave_out

_left_out: Counter[str] = Counter()


def pytest_configure() -> None:
    # GNU readline, which pytest loads, tells its own processes these, and so commands that tests run would print tables
    # as for a narrow terminal.
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def sites_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sites that tests crawl are on this machine, which is no public address."""
    monkeypatch.setenv("MINSHENG_CRAWL__ALLOWED_NETWORKS", "127.0.0.1")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.getbasetemp()
    # The processes of a parallel run have each a folder of their own in that of the run.
    running = Servers(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)
    yield running
    running.close()


@pytest.fixture(scope="session")
def kafka_server(servers: Servers) -> str:
    """The bootstrap address of a real Kafka that other tests use too: take `unique` topics."""
    return servers.address("kafka")


@pytest.fixture(scope="session")
def elasticsearch_server(servers: Servers) -> str:
    """The URL of a real Elasticsearch 8 that other tests use too: take `unique` indices."""
    return servers.address("elasticsearch")


@pytest.fixture(scope="session", params=["elasticsearch", "elasticsearch9"])
def each_elasticsearch_server(request: pytest.FixtureRequest, servers: Servers) -> str:
    """The URL of a real Elasticsearch: the test runs once on version 8 and once on version 9."""
    return servers.address(request.param)


@pytest.fixture(scope="session")
def postgresql_server(servers: Servers) -> str:
    """The SQLAlchemy URL of a real PostgreSQL; most tests want `postgresql_url`, a database of their own on it."""
    return servers.address("postgresql")


@pytest.fixture(scope="session")
def _migrated_database(postgresql_server: str) -> Iterator[str]:
    """The database that the tests' own ones are copied from, which takes a tenth of the time of making the tables."""
    with fresh_database(postgresql_server) as url:
        store = Store(url)
        migrate(store)
        store.close()
        yield url


@pytest.fixture
def postgresql_url(postgresql_server: str, _migrated_database: str) -> Iterator[str]:
    """The SQLAlchemy URL of a database for this test alone: all tables, no rows."""
    with fresh_database(postgresql_server, copied_from=_migrated_database) as url:
        yield url


@pytest.fixture
def empty_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The SQLAlchemy URL of a database without tables for this test alone."""
    with fresh_database(postgresql_server) as url:
        yield url


@pytest.fixture
def own_server(servers: Servers) -> Iterator[Callable[[str], Server]]:
    """Start a server for this test alone, to `kill`, `pause` and `start` again: `own_server("kafka")`."""
    started: list[Server] = []

    def start(name: str) -> Server:
        started.append(servers.start(name))
        return started[-1]

    yield start
    for server in started:
        server.resume()
        server.remove()


@pytest.fixture
def unique() -> str:
    """A name that no other test has: letters and digits, usable in topics, indices and databases."""
    return f"t{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def torch_installed() -> None:
    """PyTorch, which only the environment of `make test-torch` has: its default wheels are several gigabytes."""
    if importlib.util.find_spec("torch") is None:
        reason = "PyTorch is not installed in this environment: make test-torch runs these tests in one of its own"
        if os.environ.get("MINSHENG_REQUIRE_TORCH") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


class MailServer:
    """A real SMTP server in this process that keeps what it is sent."""

    def __init__(self) -> None:
        from aiosmtpd.controller import Controller

        self.messages: list[EmailMessage] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        import email
        import email.policy

        content = envelope.original_content  # type: ignore[attr-defined]
        self.messages.append(email.message_from_bytes(content, policy=email.policy.default))
        return "250 Message accepted"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    @property
    def url(self) -> str:
        """The Apprise address of a mail to the duty officer through this server."""
        return f"mailto://127.0.0.1:{self.port}?from=minsheng@example.test&to=duty@example.test"


@pytest.fixture
def smtp_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The installed Chromium or Chrome."""
    if not _driver_starts():
        leave_out("Playwright's driver does not start: apt-get install libatomic1")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    leave_out("no Chromium was found: apt-get install chromium fonts-noto-cjk")
    raise AssertionError("unreachable")


def _driver_starts() -> bool:
    from playwright._impl._driver import compute_driver_executable

    executable = compute_driver_executable()[0]
    return subprocess.run([executable, "--version"], capture_output=True, check=False).returncode == 0


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        _left_out[report.longrepr[2].removeprefix("Skipped: ")] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what this run did not test, and why: a skipped test is easily taken for a passed one."""
    if not _left_out:
        return
    terminalreporter.section("left out", yellow=True, bold=True)
    for reason, count in _left_out.most_common():
        terminalreporter.line(f"{count} test{'s' if count > 1 else ''}: {reason}")


@pytest.fixture(scope="session", autouse=True)
def loggers_that_listen() -> Iterator[None]:
    """A logger that is kept as the first command set it up would no more be heard by the tests after it."""
    configure = structlog.configure

    def anew(**given: Any) -> None:
        configure(**{**given, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", anew)
        yield
