"""Many rows at once.

PostgreSQL's driver sends one statement a row and reads each value by itself; there the rows travel as one JSON value
instead, several times faster. SQLite has no round trips to save.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.observations import Observation
from minsheng.store import Store

_decoder = msgspec.json.Decoder(list[Observation])


def fetch(store: Store, connection: Connection, query: sa.Select[Any]) -> Iterable[Observation]:
    """The observations that a query for all their columns finds."""
    if store.name != "postgresql":
        return map(Observation._make, connection.execute(query))
    found = query.subquery()
    text = connection.scalar(sa.select(sa.cast(sa.func.json_agg(sa.func.json_build_array(*found.c)), sa.Text)))
    return _decoder.decode(text) if text is not None else ()


def insert(store: Store, connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, none of which may be there."""
    if not rows:
        return
    if store.name != "postgresql":
        connection.execute(table.insert(), [dict(row) for row in rows])
        return
    listed = ", ".join(rows[0])
    connection.execute(
        sa.text(
            f"insert into {table.name} ({listed}) "  # noqa: S608 - names of our own tables and columns
            f"select {listed} from json_populate_recordset(null::{table.name}, cast(:rows as json))"
        ),
        {"rows": msgspec.json.encode(rows).decode()},
    )


def update(store: Store, connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update rows by their `id`; all have the same columns."""
    if not rows:
        return
    columns = [name for name in rows[0] if name != "id"]
    if store.name != "postgresql":
        statement = table.update().where(table.c.id == sa.bindparam("of_id"))
        values = [{"of_id": row["id"], **{name: row[name] for name in columns}} for row in rows]
        connection.execute(statement.values({name: sa.bindparam(name) for name in columns}), values)
        return
    setting = ", ".join(f"{name} = fresh.{name}" for name in columns)
    connection.execute(
        sa.text(
            f"update {table.name} set {setting} "  # noqa: S608 - names of our own tables and columns
            f"from json_populate_recordset(null::{table.name}, cast(:rows as json)) fresh "
            f"where {table.name}.id = fresh.id"
        ),
        {"rows": msgspec.json.encode(rows).decode()},
    )
