"""The store's table of drills."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

drills = sa.Table(
    "drills",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("number", sa.String(20), nullable=False, unique=True),
    sa.Column("scenario", sa.String(60), nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("policy_id", sa.String(100), nullable=False, comment="whose plan and people are drilled"),
    sa.Column("level", sa.String(10), nullable=False, comment="that the scenario is to reach"),
    sa.Column("actor", sa.String(100), nullable=False, comment="who started it"),
    sa.Column("started_at", UtcDateTime, nullable=False, comment="its posts were put onto the log"),
    sa.Column("posts", sa.Integer, nullable=False),
    sa.Column("plan_opened_at", UtcDateTime, comment="its ticket was opened first, with the plan on it"),
    sa.Column("plan_opened_by", sa.String(100)),
    sa.Column("ended_at", UtcDateTime, comment="its ticket was closed, or none came"),
    sa.Column("report", sa.Text, comment="alerts.drills.report.DrillReport as JSON, once it has ended"),
    sa.Index("ix_drills_ended_at", "ended_at"),
    comment="exercises, each with its report",
)
