"""The crawler's tables: sources, how each is doing, and what of it is known already."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("kind", sa.String(50), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("every", sa.Integer, nullable=False),  # seconds
    sa.Column("quiet_after", sa.Integer),  # seconds
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("file", sa.Text),  # the file that is the truth about it; NULL where the row itself is
)
"""What is crawled. Rows that come from files are overwritten by them at the start of each crawl."""

crawl_state = sa.Table(
    "crawl_state",
    metadata,
    sa.Column("source_id", sa.String(100), primary_key=True),
    sa.Column("next_run_at", UtcDateTime),
    sa.Column("last_run_at", UtcDateTime),
    sa.Column("last_ok_at", UtcDateTime),
    sa.Column("last_item_at", UtcDateTime),  # when something new last came
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # in a row
    sa.Column("last_error", sa.Text, nullable=False, server_default=""),
    sa.Column("items", sa.Integer, nullable=False, server_default="0"),  # of the last run
    sa.Column("rejected", sa.Integer, nullable=False, server_default="0"),  # of the last run
)
"""How each source is doing. Kept apart from `sources`, so that it outlives a file that is edited or moved."""

crawl_pages = sa.Table(
    "crawl_pages",
    metadata,
    sa.Column("source_id", sa.String(100), primary_key=True),
    sa.Column("url_hash", sa.String(32), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", sa.Text),
    sa.Column("hint", sa.String(32)),  # hash of what the page that links here said about it
    sa.Column("settled", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("fetched_at", UtcDateTime, nullable=False),
)
"""Pages whose documents are on the log. `settled` is false where something is still expected there, such as a reply."""

crawl_documents = sa.Table(
    "crawl_documents",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("source_id", sa.String(100), nullable=False, index=True),
    sa.Column("content_hash", sa.String(32), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("reach", sa.Integer, nullable=False),  # likes, comments and so on, as last sent
    sa.Column("published_at", UtcDateTime, nullable=False),
    sa.Column("stored_at", UtcDateTime, nullable=False),
)
"""Documents that are on the log, with what decides whether a new fetch of one is a new revision."""

hot_terms = sa.Table(
    "hot_terms",
    metadata,
    sa.Column("source_id", sa.String(100), primary_key=True),
    sa.Column("word_hash", sa.String(32), primary_key=True),
    sa.Column("since", UtcDateTime, primary_key=True),
    sa.Column("word", sa.Text, nullable=False),
    sa.Column("last_seen", UtcDateTime, nullable=False, index=True),
    sa.Column("best", sa.Integer, nullable=False),  # the highest place; 1 is the top
    sa.Column("steps", sa.JSON, nullable=False),  # [minutes after `since`, place or 0 for gone, heat], at each change
)
"""Stays of terms on hot lists, with their places over time."""

source_logins = sa.Table(
    "source_logins",
    metadata,
    sa.Column("source_id", sa.String(100), primary_key=True),
    sa.Column("sealed", sa.Text, nullable=False),  # encrypted; the key is not in the store
    sa.Column("given_at", UtcDateTime, nullable=False),
)
"""Cookies that an operator gave for sources."""
