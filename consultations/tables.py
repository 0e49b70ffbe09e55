"""The store's tables of consultations."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

consultations = sa.Table(
    "consultations",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("policy_id", sa.String(100), nullable=False, index=True, comment="the draft in the register"),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("department", sa.String(200), nullable=False, comment="empty: not known"),
    sa.Column("opens_on", sa.Date, nullable=False),
    sa.Column("closes_on", sa.Date, nullable=False, index=True),
    sa.Column("text", sa.Text, nullable=False, comment="the draft's words"),
    sa.Column("origin", sa.Text, nullable=False, comment="address or file name of the text"),
    sa.Column("added_by", sa.String(100), nullable=False),
    sa.Column("added_at", UtcDateTime, nullable=False),
    sa.Column("published_on", sa.Date, comment="the day it was made public what was taken up; null: not yet"),
    sa.Column("published_url", sa.Text),
    sa.Column("published_by", sa.String(100)),
    sa.UniqueConstraint("policy_id", "opens_on"),
    comment="drafts that opinions are asked on",
)

comments = sa.Table(
    "consultation_comments",
    metadata,
    sa.Column("consultation_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True, comment="hash over what it says, or the document's id"),
    sa.Column("part", sa.Integer, primary_key=True, comment="from 0; a letter on several clauses has several"),
    sa.Column("text", sa.Text, nullable=False, comment="masked"),
    sa.Column("submitted_at", UtcDateTime),
    sa.Column("origin", sa.String(300), nullable=False, comment="file name, or index"),
    sa.Column("document_id", sa.String(64), comment="where it was taken from the index"),
    sa.Column("clause", sa.String(100), nullable=False, comment="empty: the draft as a whole"),
    sa.Column("how", sa.String(20), nullable=False, comment="number, quotation, meaning, none or editor"),
    sa.Column("stance", sa.String(20), nullable=False),
    sa.Column("stance_by", sa.String(100), nullable=False, comment="empty: the model"),
    sa.Column("unsure", sa.Boolean, nullable=False, comment="the model does not stand by the stance"),
    sa.Column("opinion", sa.Integer, nullable=False, comment="its number in consultation_opinions"),
    sa.Column("added_at", UtcDateTime, nullable=False),
    sa.Index(None, "consultation_id", "opinion"),
    comment="what people said on drafts; nothing of who they are",
)

opinions = sa.Table(
    "consultation_opinions",
    metadata,
    sa.Column("consultation_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, comment="from 1; never reused"),
    sa.Column("clause", sa.String(100), nullable=False),
    sa.Column("stance", sa.String(20), nullable=False),
    sa.Column("said", sa.Text, nullable=False, comment="its first comment, masked"),
    sa.Column("wording", sa.Text, nullable=False, comment="what the public reads of it; empty: nothing"),
    sa.Column("outcome", sa.String(20), comment="adopted, partly, rejected or noted; null: not decided"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.String(100)),
    sa.Column("decided_at", UtcDateTime),
    sa.Column("version", sa.Integer, nullable=False),
    comment="comments that say the same on one clause, and what became of it; those left without comments stay",
)

steps = sa.Table(
    "consultation_steps",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("consultation_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("detail", sa.Text, nullable=False, comment="in words"),
    comment="append-only: what was done with consultations",
)
