"""The store's table of response plans."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

response_plans = sa.Table(
    "response_plans",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(20), nullable=False, comment="draft, reviewed, in-force or retired"),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("content", sa.JSON, nullable=False, comment="the whole plan"),
    sa.Column("written_by", sa.String(100), nullable=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
    sa.Column("reviewed_by", sa.String(100)),
    sa.Column("reviewed_at", UtcDateTime),
    sa.Column("decided_by", sa.String(100), comment="who put it in force, or retired it"),
    sa.Column("decided_at", UtcDateTime),
    comment="every version of every plan; files come beside them",
)

in_force_once = sa.Index(
    "uq_response_plans_id_in_force",
    response_plans.c.id,
    unique=True,
    sqlite_where=response_plans.c.state == sa.literal_column("'in-force'"),
    postgresql_where=response_plans.c.state == sa.literal_column("'in-force'"),
)
"""One version of a plan is in force: the database refuses a second one."""
