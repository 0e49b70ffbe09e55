"""The store's tables of duty: the book by its revisions, and what changes from day to day."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

duty_books = sa.Table(
    "duty_books",
    metadata,
    sa.Column("revision", _BIG, primary_key=True, autoincrement=True),
    sa.Column("text", sa.Text, nullable=False, comment="TOML, as it was given"),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    comment="the duty book; the highest revision is in force",
)

duty_changes = sa.Table(
    "duty_changes",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("roster", sa.String(60), nullable=False, comment="its id; empty: every roster"),
    sa.Column("person", sa.String(60), nullable=False, comment="who is not on duty"),
    sa.Column("by", sa.String(60), comment="who is instead; null: the roster's backup"),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("withdrawn_at", UtcDateTime),
    sa.Column("withdrawn_by", sa.String(100)),
    sa.Index("ix_duty_changes_until", "until"),
    comment="stand-ins, swaps (two stand-ins) and absences; never removed, only withdrawn",
)
