"""The store's tables of the release watch."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

release_timers = sa.Table(
    "release_timers",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("policy_id", sa.String(100), nullable=False),
    sa.Column("released_on", sa.Date, nullable=False, comment="the day it was set for"),
    sa.Column("kind", sa.String(10), nullable=False, comment="remind or report"),
    sa.Column("distance", sa.Integer, nullable=False, comment="days before the release, or hours after it"),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("fired_at", UtcDateTime),
    sa.Column("cancelled_at", UtcDateTime),
    sa.Column("why", sa.Text, nullable=False, server_default="", comment="what came of it, in Chinese"),
    sa.UniqueConstraint("policy_id", "released_on", "kind", "distance"),
    sa.Index("ix_release_timers_due_at", "due_at"),
    comment="reminders before a release and reports after it: one row each, fired once",
)

release_reports = sa.Table(
    "release_reports",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("policy_id", sa.String(100), nullable=False),
    sa.Column("released_on", sa.Date, nullable=False),
    sa.Column("hours", sa.Integer, nullable=False, comment="after the release"),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="alerts.release.report.ReleaseReport as JSON"),
    sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the content"),
    sa.UniqueConstraint("policy_id", "released_on", "hours"),
    comment="append-only: first reports after releases, as they were found then",
)
