"""Connections, transactions and the few things that SQLite and PostgreSQL spell differently."""

from __future__ import annotations

import sqlite3
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine

from minsheng.errors import Unavailable
from minsheng.settings import Settings

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables. They are declared beside the code that uses them; `minsheng.store.tables` imports every such module."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware time, kept as UTC on both databases; naive ones are refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the store takes only times with a zone")
        # SQLite's DateTime drops the zone; all times are UTC, so that they sort and compare as text.
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Store:
    """A database with the product's tables. Safe to use from several threads and processes.

    Parameters
    ----------
    url:
        An SQLAlchemy URL: `sqlite:///file` or `postgresql+pg8000://...`.
    """

    def __init__(self, url: str | sa.URL, *, connect_args: Mapping[str, Any] | None = None) -> None:
        self.url = sa.make_url(url)
        self.engine = _engine(self.url, dict(connect_args or {}))

    @classmethod
    def from_settings(cls, settings: Settings) -> Store:
        """The store that the settings name. Makes the data folder; does not touch the tables: see `migrate`."""
        chosen = settings.store
        if chosen.kind == "embedded":
            path = settings.path(chosen.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls(sa.URL.create("sqlite", database=str(path)))
        url = sa.URL.create(
            "postgresql+pg8000",
            username=chosen.user,
            password=chosen.password.reveal() if chosen.password else None,
            host=chosen.host,
            port=chosen.port,
            database=chosen.database,
        )
        context = ssl.create_default_context() if chosen.ssl else None
        return cls(url, connect_args={"ssl_context": context} if context else {})

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back if it raises.

        On SQLite it takes the write lock at its start, so that two writers wait for each other instead of failing.

        Raises
        ------
        Unavailable
            If the database can't be reached or stays locked.
        """
        with self._reachable(), self._connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. On SQLite it does not wait for writers."""
        with self._reachable(), self._connect() as connection:
            reading = connection.execution_options(minsheng_read=True) if self.name == "sqlite" else connection
            with reading.begin():
                yield reading

    def _connect(self) -> Connection:
        try:
            return self.engine.connect()
        except OSError as error:  # what pg8000 lets through: TLS, name resolution
            raise self._away(str(error), "check that the database runs: minsheng doctor") from error

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        """Turn "the database can't be worked with now" into `Unavailable`; a wrong statement stays what it is."""
        try:
            yield
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            why = _why_away(error)
            if why is None:
                raise
            raise self._away(*why) from error

    def _away(self, message: str, hint: str) -> Unavailable:
        return Unavailable("store", f"{self.url.render_as_string(hide_password=True)}: {message}", hint)

    def check(self) -> str:
        """One line on the database behind. Raises `Unavailable`."""
        with self.read() as connection:
            if self.name == "sqlite":
                version = connection.scalar(sa.text("select sqlite_version()"))
                return f"SQLite {version}, {self.url.database}"
            version = connection.scalar(sa.text("show server_version"))
            return f"PostgreSQL {version}, {self.url.host}:{self.url.port}/{self.url.database}"

    def create_all(self) -> None:
        """Create all declared tables without migrations; for tests."""
        import minsheng.store.tables  # noqa: F401 - declares them

        with self.begin() as connection:
            metadata.create_all(connection)

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: sa.URL, connect_args: dict[str, Any]) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _postgresql(url, connect_args)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": 30, **connect_args})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # Python's own BEGIN comes too late and only before writes; `begin` below issues it instead.
        connection.isolation_level = None
        for pragma in ("busy_timeout=30000", "synchronous=FULL", "foreign_keys=ON"):  # a power cut takes nothing back
            connection.execute(f"PRAGMA {pragma}")
        _write_ahead(connection)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("minsheng_read")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a new file to write-ahead logging. SQLite's busy timeout does not cover the switch, so two processes that
    start at the same moment would fail here."""
    for attempt in range(100):
        try:
            if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] in ("wal", "memory"):
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or attempt == 99:
                raise
        time.sleep(0.02)


def _postgresql(url: sa.URL, connect_args: dict[str, Any]) -> Engine:
    from minsheng.store import pg8000_statements

    pg8000_statements.install()
    engine = sa.create_engine(url, pool_pre_ping=True, pool_size=8, connect_args={"timeout": 30, **connect_args})

    @sa.event.listens_for(engine, "handle_error")
    def recognise(context: sa.ExceptionContext) -> None:
        # The dialect does not know that a connection is of no use after the server said goodbye: the pool keeps it.
        if _sqlstate(context.original_exception).startswith(("08", "57P")):
            context.is_disconnect = True

    return engine


def _sqlstate(error: BaseException | None) -> str:
    """The server's code of an error that pg8000 raised; empty where it came from elsewhere."""
    told = error.args[0] if error is not None and error.args else None
    return str(told.get("C", "")) if isinstance(told, dict) else ""


_AWAY = {
    # Connection lost, going down or starting, too many connections, out of disk or memory, read-only after a failover.
    "server": ("08", "57P", "53", "25006", "58"),
    # Wrong role, password or database: nothing the statement did, and waiting workers must not take it for poison.
    "settings": ("28", "3D"),
    # Waited too long for a lock, or had to give way to another transaction: the same again may well succeed.
    "contention": ("40", "55P03"),
}
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}


def _why_away(error: sa.exc.SQLAlchemyError) -> tuple[str, str] | None:
    """What to tell and what to do if the database can't be worked with now; None if the statement is to blame."""
    if isinstance(error, sa.exc.TimeoutError):
        return "all connections are in use", "more work at once than the store can take: start fewer workers"
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return f"the file is damaged: {original}", "restore the last backup"
        return (str(original), "check the disk and its rights: minsheng doctor") if code in _SQLITE_AWAY else None
    state = _sqlstate(original)
    told = original.args[0].get("M", "") if state and original is not None else str(original)
    if state.startswith(_AWAY["settings"]):
        return told, "check user, password and database in [store] of the settings"
    if state.startswith(_AWAY["contention"]):
        return told, "another process holds what this one needs"
    if state.startswith(_AWAY["server"]) or (not state and isinstance(error, sa.exc.InterfaceError)):
        return told, "check that the database runs: minsheng doctor"
    return None


def upsert(
    store: Store,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keys: Sequence[str],
    connection: Connection,
    update: Sequence[str] | None = None,
) -> None:
    """Insert the rows; where one with the same `keys` is there, update it (`update`: only these columns).

    All rows have the same columns. Of rows with the same keys, later ones update earlier ones.
    """
    if not rows:
        return
    columns = list(update) if update is not None else [name for name in rows[0] if name not in keys]
    # PostgreSQL refuses to touch a row twice in one statement.
    merged: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        merged[key] = {**merged[key], **{name: row[name] for name in columns}} if key in merged else row
    insert, parameters = _insert(store, table, list(merged.values()))
    if columns:
        changed = {name: insert.excluded[name] for name in columns}
        statement = insert.on_conflict_do_update(index_elements=list(keys), set_=changed)
    else:
        statement = insert.on_conflict_do_nothing(index_elements=list(keys))
    connection.execute(statement, parameters)


def insert_or_ignore(
    store: Store, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, connection: Connection
) -> None:
    """Insert the rows that break no unique constraint; leave the others as they are. All have the same columns."""
    if not rows:
        return
    insert, parameters = _insert(store, table, rows)
    connection.execute(insert.on_conflict_do_nothing(), parameters)


def _insert(store: Store, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """The database's own kind of INSERT, and the parameters that bring the rows to it.

    PostgreSQL gets each column as one array: pg8000 would send an executemany row by row, ten times as slow.
    """
    if store.name != "postgresql":
        return sqlite.insert(table), [dict(row) for row in rows]
    names = list(rows[0])
    # One dimension: a JSON value that is a list is still one value.
    arrays = [sa.bindparam(f"{name}_s", type_=postgresql.ARRAY(table.c[name].type, dimensions=1)) for name in names]
    given = sa.func.unnest(*arrays).table_valued(*(sa.column(name) for name in names), name="given").render_derived()
    insert = postgresql.insert(table).from_select(names, sa.select(*(given.c[name] for name in names)))
    return insert, {f"{name}_s": [row[name] for row in rows] for name in names}
