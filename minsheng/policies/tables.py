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

policy_versions = sa.Table(
    "policy_versions",
    metadata,
    sa.Column("policy_id", sa.String(100), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, comment="from 1, without gaps"),
    sa.Column("content", sa.Text, nullable=False, comment="the whole policy as JSON"),
    sa.Column("content_hash", sa.String(16), nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("changed_by", sa.String(100), nullable=False, comment="empty: from before versions were kept"),
    sa.Column("reason", sa.Text, nullable=False),
    comment="append-only: every policy as it was",
)

interpretations = sa.Table(
    "policy_interpretations",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("policy_id", sa.String(100), nullable=False, index=True),
    sa.Column("form", sa.String(20), nullable=False, comment="text, picture, video, press-conference, qa or case"),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("published_on", sa.Date, nullable=False, comment="the day it is, or is going to be, published"),
    sa.Column("url", sa.Text, comment="where it can be read or seen"),
    sa.Column("responsible", sa.String(200), nullable=False, comment="who answers for it; empty: nobody was named"),
    sa.Column("added_by", sa.String(100), nullable=False),
    sa.Column("added_at", UtcDateTime, nullable=False),
    sa.Column("withdrawn_by", sa.String(100)),
    sa.Column("withdrawn_at", UtcDateTime),
    comment="interpretation materials of policies; withdrawn, never removed",
)
