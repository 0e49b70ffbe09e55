"""Alembic runs this file for every command; `minsheng.store.migrate` hands it the connection."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

import minsheng.store.tables  # noqa: F401 - declares all tables
from minsheng.store import UtcDateTime, metadata


def render(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Migrations stand for themselves: what they write must not change when the program's own types do."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "server_default" and isinstance(item, sa.DefaultClause):
        for word in (sa.true(), sa.false()):
            if isinstance(item.arg, type(word)):
                return f"sa.{word}()"  # SQLite would write 1, which PostgreSQL takes for a number
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    render_item=render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
