"""The store's tables of response evaluations."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

response_evaluations = sa.Table(
    "response_evaluations",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", _BIG, sa.ForeignKey("tickets.id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False, comment="clock time"),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("reply", sa.Text, nullable=False, comment="what was published"),
    sa.Column("replied_at", UtcDateTime, nullable=False),
    sa.Column("score", sa.Float, nullable=False, comment="0 to 1"),
    sa.Column("grade", sa.String(10), nullable=False),
    sa.Column("parts", sa.JSON, nullable=False),
    sa.Column("unanswered", sa.JSON, nullable=False, comment="demands that the reply does not answer"),
    sa.Column("method", sa.Integer, nullable=False, comment="version of the method"),
    comment="append-only; the newest of a ticket counts",
)

response_sheets = sa.Table(
    "response_sheets",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", _BIG, sa.ForeignKey("tickets.id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False, comment="clock time"),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("items", sa.JSON, nullable=False, comment="item → 1 to 5"),
    sa.Column("note", sa.Text, nullable=False),
    comment="supervisors' score sheets; append-only, the newest of a ticket counts",
)
