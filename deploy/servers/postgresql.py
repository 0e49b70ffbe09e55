"""One PostgreSQL server: the system's own where it is installed, otherwise binaries from Maven Central."""

from __future__ import annotations

import os
import platform
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.servers.process import HOST, Server, ServerUnavailable, run_tool
from deploy.servers.tools import resolve_jars

USER = "minsheng"
OWN_ACCOUNTS = ("postgres", "nobody")


class PostgreSQLServer(Server):
    """PostgreSQL without passwords. `address` is the SQLAlchemy URL of its first, empty database."""

    name = "postgresql"
    stop_signal = signal.SIGINT  # SIGTERM would wait until every client has left

    def __init__(self, cache: Path, folder: Path | None = None, *, detached: bool = False) -> None:
        super().__init__(cache, folder, detached=detached)
        # It refuses to run as root.
        self.account = _ordinary_account() if os.geteuid() == 0 else None

    @property
    def address(self) -> str:
        return self.url("minsheng")

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+pg8000://{USER}@{HOST}:{self.port}/{database}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @classmethod
    def fetch(cls, cache: Path) -> None:
        if _system_binaries() is None:
            resolve_jars(cache, f"postgresql-{_architecture()}")

    def prepare(self) -> None:
        binaries = _system_binaries() or self._unpack()
        self._binaries = binaries
        if self.account:
            # Other folders above this one may be closed to the account, this one and those of /tmp are not.
            self.folder.chmod(0o755)
            self._data.mkdir()
            shutil.chown(self._data, self.account)
        command = [str(binaries / "initdb"), "-D", str(self._data), "-U", USER, "-A", "trust", "-E", "UTF8"]
        run_tool(
            [*command, "--locale=C", "--no-sync"], "creating PostgreSQL's data", account=self.account, cwd=self.folder
        )

    def command(self) -> Sequence[str]:
        options = {
            "port": self.port,
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": 200,
            # A kill of the process loses nothing without it; only a power cut would.
            "fsync": "off",
        }
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self._data), *flags]

    def answers(self) -> bool:
        with _session(HOST, self.port, "postgres") as run:
            if not run("select 1 from pg_database where datname = 'minsheng'"):
                run("create database minsheng")
        return True

    def settings(self) -> Mapping[str, str]:
        return {
            "MINSHENG_STORE__KIND": "postgresql",
            "MINSHENG_STORE__HOST": HOST,
            "MINSHENG_STORE__PORT": str(self.port),
            "MINSHENG_STORE__USER": USER,
        }

    def _unpack(self) -> Path:
        """Binaries for this instance alone: the account that runs them can't look into root's folders."""
        jars = resolve_jars(self.cache, f"postgresql-{_architecture()}")
        jar = next(jars.glob("embedded-postgres-binaries-*.jar"))
        home = self.folder / "postgresql"
        with zipfile.ZipFile(jar) as archive:
            inner = next(name for name in archive.namelist() if name.endswith(".txz"))
            with archive.open(inner) as packed, tarfile.open(fileobj=packed, mode="r:xz") as files:
                # Filters came with Python 3.11.4, and Debian 12 has 3.11.2.
                files.extraction_filter = getattr(tarfile, "tar_filter", None)
                files.extractall(home)  # noqa: S202 - our own pinned archive
        return home / "bin"


@contextmanager
def fresh_database(address: str, *, copied_from: str | None = None) -> Iterator[str]:
    """A new database on the server behind `address`: its URL. Dropped at the end, whoever is still connected.

    Parameters
    ----------
    copied_from:
        The URL of a database there that the new one begins as; nobody may be connected to it. Default: an empty one.
    """
    found = re.fullmatch(r"postgresql\+pg8000://[^@]+@([^:]+):(\d+)/\w+", address)
    if found is None:
        raise ValueError(f"not the address of a development PostgreSQL: {address}")
    host, port = found[1], int(found[2])
    name = f"test_{secrets.token_hex(6)}"
    with _session(host, port, "postgres") as run:
        run(f"create database {name}" + (f" template {copied_from.rpartition('/')[2]}" if copied_from else ""))
    try:
        yield f"{address.rpartition('/')[0]}/{name}"
    finally:
        with _session(host, port, "postgres") as run:
            run(f"drop database if exists {name} with (force)")


@contextmanager
def _session(host: str, port: int, database: str) -> Iterator[Callable[[str], object]]:
    import pg8000.native

    connection = pg8000.native.Connection(USER, host=host, port=port, database=database, timeout=30)
    try:
        yield connection.run
    finally:
        connection.close()


def _ordinary_account() -> str:
    for name in OWN_ACCOUNTS:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise ServerUnavailable("PostgreSQL does not run as root and there is no account for it", "adduser postgres")


def _system_binaries() -> Path | None:
    """The folder that holds `initdb` and `postgres`; Debian keeps it off the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: -int(found.parent.name))
    config = shutil.which("pg_config")
    if config:
        # Debian's client packages bring pg_config without the server, so its answer is checked like the others.
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True)
        folders.append(Path(answer.stdout.strip()))
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if {"initdb", "postgres"} <= {f.name for f in folder.glob("*")}), None)


def _architecture() -> str:
    machine = platform.machine().lower()
    known = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64v8", "arm64": "arm64v8"}
    if platform.system() != "Linux" or machine not in known:
        raise ServerUnavailable("PostgreSQL is not installed", "install PostgreSQL 14 or later")
    return known[machine]
