"""Brings the store's tables to the shape this program needs, and back, with Alembic.

Each step is a file in `migrations/versions`, named `<revision>_<what>.py` with revisions that sort: 0001, 0002, ...
All steps run in one transaction, under a lock: processes that start at the same moment wait for each other, and a step
that fails leaves the database as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minsheng.errors import MinshengError
from minsheng.store.database import Store

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x6D696E73  # any number, the same in every process: "mins"


def revisions() -> list[str]:
    """The revisions that this program knows, oldest first. Read from the file names: no Alembic at every start."""
    return sorted(path.name.split("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*_*.py"))


def current(store: Store) -> str | None:
    """The revision the database is at; None before the first migration."""
    with store.read() as connection:
        return _current(connection)


def migrate(store: Store) -> str:
    """Bring the database to the newest revision this program knows, and return it. Harmless when it is there.

    Raises
    ------
    MinshengError
        If the database is of a newer program; nothing is changed.
    Unavailable
        If it can't be reached.
    """
    newest = revisions()[-1]
    if current(store) == newest:
        return newest
    with store.begin() as connection:
        _lock(connection)
        _refuse_newer(store, _current(connection))
        from alembic import command

        command.upgrade(alembic_config(connection), "head")
    return newest


def downgrade(store: Store, revision: str) -> None:
    """Take the database back to an older revision, or to `base`: no tables, all data gone."""
    with store.begin() as connection:
        _lock(connection)
        _refuse_newer(store, _current(connection))
        from alembic import command

        command.downgrade(alembic_config(connection), revision)


def _current(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(sa.text("select version_num from alembic_version"))
    return revision


def _refuse_newer(store: Store, revision: str | None) -> None:
    known = revisions()
    if revision is not None and revision not in known:
        raise MinshengError(
            f"the store {store.url.render_as_string()} is of revision {revision}; this program knows up to {known[-1]}",
            "a newer Minsheng has used it: upgrade this one, or restore the backup made before that upgrade",
        )


def _lock(connection: Connection) -> None:
    """SQLite's transaction holds the write lock already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def alembic_config(connection: Connection) -> Config:
    """What Alembic's commands take to work on this connection, in its transaction."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
