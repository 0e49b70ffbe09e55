"""The store's tables of applications for information."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

applications = sa.Table(
    "disclosure_applications",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("department", sa.String(200), nullable=False, comment="who answers; may be empty"),
    sa.Column("number", sa.String(100), nullable=False, comment="the department's own"),
    sa.Column("received_on", sa.Date, nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False, comment="masked"),
    sa.Column("content", sa.Text, nullable=False, comment="masked"),
    sa.Column("region", sa.String(200), nullable=False),
    sa.Column("policy_id", sa.String(100), index=True),
    sa.Column("policy_named", sa.Text, nullable=False, comment="as the file has it, where the register lacks it"),
    sa.Column("correction_asked_on", sa.Date),
    sa.Column("corrected_on", sa.Date),
    sa.Column("opinion_asked_on", sa.Date),
    sa.Column("opinion_given_on", sa.Date),
    sa.Column("extended_on", sa.Date),
    sa.Column("extension_days", sa.Integer, comment="null: not extended"),
    sa.Column("answered_on", sa.Date),
    sa.Column("outcome", sa.String(20)),
    sa.Column("review", sa.String(20), comment="of an administrative review"),
    sa.Column("litigation", sa.String(20), comment="of a lawsuit"),
    sa.Column("matter", sa.Integer, comment="the application that asks the same; null: not compared yet"),
    sa.UniqueConstraint("department", "number"),
    comment="applications for information, without who made them",
)

changes = sa.Table(
    "disclosure_changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("application_id", sa.Integer, sa.ForeignKey("disclosure_applications.id"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False, comment="clock time"),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("file", sa.String(300), nullable=False),
    sa.Column("fields", sa.JSON, nullable=False, comment="field: [before, after]; empty when it came first"),
    comment="append-only: which import brought or changed an application",
)
