"""Stores with all their tables: migrated once a process and copied, for the migrations take half a second each time."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from minsheng.store import Store
from minsheng.store.migrate import migrate


def made_store(url: str) -> Store:
    """A store with all tables and no rows.

    Parameters
    ----------
    url:
        Of an SQLite file that is not there yet, or what the fixture `postgresql_url` gives.
    """
    store = Store(url)
    if store.name == "sqlite":
        assert store.url.database is not None
        lay_store(Path(store.url.database))
    return store


def lay_store(path: Path) -> None:
    """Put the file of a store with all tables and no rows there, unless there is one: a data folder's is `store.db`."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        store = Store(f"sqlite:///{path}")
        migrate(store)
        store.close()
        assert not path.with_name("store.db-wal").exists(), "all of it is in the one file"
        return path.read_bytes()
