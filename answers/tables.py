"""The store's tables of the Q&A base."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

qa_revisions = sa.Table(
    "qa_revisions",
    metadata,
    sa.Column("entry_id", sa.String(100), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False, comment="clock time"),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), comment="SHA-256 of the content that was signed"),
    sa.Column("content", sa.Text, nullable=False, comment="JSON of answers.model.Content"),
    comment="append-only; two who change the same version meet on the key",
)

qa_entries = sa.Table(
    "qa_entries",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("policy_id", sa.String(100), nullable=False, index=True),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("published_version", sa.Integer, comment="what the public sees; null: nothing"),
    sa.Column("changed_at", UtcDateTime, nullable=False, index=True, comment="clock time"),
    comment="where each entry stands; its revisions are in qa_revisions",
)

qa_policy_texts = sa.Table(
    "qa_policy_texts",
    metadata,
    sa.Column("policy_id", sa.String(100), primary_key=True),
    sa.Column("origin", sa.Text, nullable=False, comment="address or file name"),
    sa.Column("at", UtcDateTime, nullable=False, comment="clock time"),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    comment="policies' own texts, the newest of each",
)

qa_askings = sa.Table(
    "qa_askings",
    metadata,
    sa.Column("document_id", sa.String(64), primary_key=True),
    sa.Column("policy_id", sa.String(100), primary_key=True),
    sa.Column("candidate_id", sa.String(100), nullable=False, index=True),
    sa.Column("published_at", UtcDateTime, nullable=False, index=True, comment="event time"),
    sa.Column("author", sa.String(64), nullable=False, comment="pseudonym, or the document where it is unsigned"),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("region", sa.String(200), nullable=False),
    sa.Column("question", sa.Text, nullable=False, comment="masked"),
    comment="who asked what about which policy; forgotten with the documents",
)

qa_candidates = sa.Table(
    "qa_candidates",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("policy_id", sa.String(100), nullable=False, index=True),
    sa.Column("clause", sa.String(100), nullable=False, comment="empty: none found"),
    sa.Column("question", sa.Text, nullable=False, comment="the wording that the others are compared with; masked"),
    sa.Column("dismissed", sa.Boolean, nullable=False, comment="a person said that it is no question to answer"),
    comment="questions that people ask, one row a matter",
)
