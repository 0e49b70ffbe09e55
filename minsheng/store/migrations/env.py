"""Alembic runs this file for every command; `minsheng.store.migrate` hands it the connection."""

from alembic import context

import minsheng.store.tables  # noqa: F401 - declares all tables
from minsheng.store import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
