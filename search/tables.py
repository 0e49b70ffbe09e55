"""The store's tables of saved searches."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

saved_searches = sa.Table(
    "saved_searches",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("owner", sa.String(100), nullable=False, comment="who saved it"),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("query", sa.Text, nullable=False, comment="as typed"),
    sa.Column("filters", sa.Text, nullable=False, comment="search.index.Filters as JSON"),
    sa.Column("exclude", sa.Text, nullable=False, comment="words that documents must not hold, as JSON"),
    sa.Column("notify", sa.Boolean, nullable=False, comment="a watch topic: its owner wants to be told of new hits"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ran_at", UtcDateTime, comment="when new hits were asked for last"),
    sa.UniqueConstraint("owner", "name"),
)

saved_search_hits = sa.Table(
    "saved_search_hits",
    metadata,
    sa.Column("search_id", _BIG, sa.ForeignKey("saved_searches.id"), primary_key=True),
    sa.Column("document_id", sa.String(512), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False, comment="when it was given as new"),
    comment="what was given as new lately, so that it is not given again",
)
