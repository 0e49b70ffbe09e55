"""The store's table of labels that persons have set."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

label_corrections = sa.Table(
    "label_corrections",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("document_id", sa.String(64), nullable=False),
    sa.Column("head", sa.String(120), nullable=False, comment="a head, or policy:<id>"),
    sa.Column("label", sa.String(60), comment="NULL: the person's label is withdrawn"),
    sa.Column("text_key", sa.String(64), nullable=False, index=True, comment="the same for the same text elsewhere"),
    sa.Column("model_label", sa.String(60), comment="what the model had said; NULL where it gave none"),
    sa.Column("model_score", sa.Float),
    sa.Column("model_version", sa.String(100)),
    sa.Column("set_by", sa.String(100), nullable=False),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("set_at", UtcDateTime, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, comment="of the document that was looked at"),
    sa.Column("opinion", sa.Integer, nullable=False, comment="with which it was sent through the log again"),
    sa.Index("ix_label_corrections_document_id_head", "document_id", "head"),
    comment="rows are only added; of a document and head the last one counts",
)
