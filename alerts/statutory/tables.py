"""The store's table of what departments were told of days that the law sets."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

reminders = sa.Table(
    "statutory_reminders",
    metadata,
    sa.Column("matter", sa.String(60), primary_key=True, comment="consultation:ID or application:ID"),
    sa.Column("due_on", sa.Date, primary_key=True, comment="another day is told of anew"),
    sa.Column("step", sa.String(10), primary_key=True, comment="soon or late"),
    sa.Column("told_at", UtcDateTime, nullable=False),
    sa.Column("notice", sa.String(200), nullable=False, comment="the key of the notice that told of it"),
    comment="append-only: days that the law sets, of which the department was told; each once a step",
)
