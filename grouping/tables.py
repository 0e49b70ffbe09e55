"""Tables of grouping: what it remembers of documents, the position that belongs to it, and the events."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("first_document", sa.String(40), nullable=False),
    sa.Column("first_at", UtcDateTime, nullable=False),
    sa.Column("last_at", UtcDateTime, nullable=False, index=True),
    sa.Column("documents", sa.Integer, nullable=False),
    sa.Column("aggrieved", sa.Integer, nullable=False),  # of them that grieve or ask for something
    sa.Column("policies", sa.JSON, nullable=False),  # policy id → documents linked to it
    comment="Events of two documents or more; one document alone is an event only in its record.",
)

members = sa.Table(
    "grouping_members",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document", sa.String(40), nullable=False, unique=True),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("duplicate_group", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),  # first, exact, near
    sa.Column("similarity", sa.Float, nullable=False),
    sa.Column("event_similarity", sa.Float, nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
    sa.Column("text_hash", sa.BigInteger, nullable=False),
    sa.Column("policies", sa.JSON, nullable=False),
    sa.Column("aggrieved", sa.Boolean, nullable=False),
    sa.Column("title", sa.Text, nullable=False),  # where it has a vector
    sa.Column("titled", sa.Boolean, nullable=False, server_default=sa.false()),  # the title is its own
    # Of the first of a duplicate group: int32 bins, float32 weights, then the letters that copies are told by.
    sa.Column("vector", sa.LargeBinary),
    comment="What grouping remembers, in the order it was grouped; the stage's memory is rebuilt from it.",
)

history = sa.Table(
    "event_history",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(8), nullable=False),  # merged, parted, split
    sa.Column("event", sa.String(40), nullable=False, index=True),
    sa.Column("other", sa.String(40), nullable=False, index=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),  # system: grouping itself
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("documents", sa.JSON, nullable=False),  # that a split moved
    sa.Column("score", sa.Float),
    sa.Column("document", sa.String(40)),  # that showed two events to be one
    sa.Column("applied", sa.Boolean, nullable=False),  # whether grouping has taken it into its memory
    comment="What became of events; rows are only added, and ids never used again.",
)

positions = sa.Table(
    "grouping_positions",
    metadata,
    sa.Column("topic", sa.String(80), primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    comment="The log position that grouping_members belongs to; both change in one transaction.",
)

familiar = sa.Table(
    "grouping_familiar",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("texts", sa.Integer, nullable=False),  # met by the young generation
    sa.Column("young", sa.LargeBinary, nullable=False),
    sa.Column("old", sa.LargeBinary, nullable=False),
    comment="Which n-grams recent texts had, one bit a bin, compressed; belongs to the positions.",
)

owner = sa.Table(
    "grouping_owner",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    comment="Fences off a grouping process that was taken for dead but still runs.",
)
