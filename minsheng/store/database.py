"""Connections, transactions and the few things that SQLite and PostgreSQL spell differently."""

from __future__ import annotations

import sqlite3
import ssl
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
        with _reachable(self), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. On SQLite it does not wait for writers."""
        with _reachable(self), self.engine.connect() as connection:
            reading = connection.execution_options(minsheng_read=True) if self.name == "sqlite" else connection
            with reading.begin():
                yield reading

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
        return sa.create_engine(url, pool_pre_ping=True, pool_size=8, connect_args={"timeout": 30, **connect_args})
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": 30, **connect_args})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # Python's own BEGIN comes too late and only before writes; `begin` below issues it instead.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("minsheng_read")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def _reachable(store: Store) -> Iterator[None]:
    """Turn "the server is not there" into `Unavailable`; a wrong statement stays what it is."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        cause = getattr(error, "orig", None) or error
        where = store.url.render_as_string(hide_password=True)
        raise Unavailable("store", f"{where}: {cause}", "check that the database runs: minsheng doctor") from error


def upsert(
    store: Store,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keys: Sequence[str],
    connection: Connection,
    update: Sequence[str] | None = None,
) -> None:
    """Insert the rows; where one with the same `keys` is there, update it (`update`: only these columns)."""
    if not rows:
        return
    insert = postgresql.insert(table) if store.name == "postgresql" else sqlite.insert(table)
    columns = update if update is not None else [name for name in rows[0] if name not in keys]
    statement = insert.on_conflict_do_update(
        index_elements=list(keys), set_={name: insert.excluded[name] for name in columns}
    )
    connection.execute(statement, [dict(row) for row in rows])


def insert_or_ignore(
    store: Store, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, connection: Connection
) -> None:
    """Insert the rows that break no unique constraint; leave the others as they are."""
    if not rows:
        return
    insert = postgresql.insert(table) if store.name == "postgresql" else sqlite.insert(table)
    connection.execute(insert.on_conflict_do_nothing(), [dict(row) for row in rows])
