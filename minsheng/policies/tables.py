"""The store's table of policies."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

policies = sa.Table(
    "policies",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("number", sa.String(200), index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("department", sa.String(200), index=True),
    sa.Column("stage", sa.String(20), nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="the whole policy as JSON"),
    sa.Column("content_hash", sa.String(16), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)
