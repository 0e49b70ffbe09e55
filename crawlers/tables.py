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

source_changes = sa.Table(
    "source_changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("source_id", sa.String(100), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.String(50), nullable=False),
    sa.Column("url", sa.Text, nullable=False),  # what is secret in it is hidden
    sa.Column("action", sa.String(20), nullable=False),  # see crawlers.source_history
    sa.Column("actor", sa.String(60), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""Who stopped a source, let it go on or took it away, and why. It outlives the source."""

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
    sa.Column("state", sa.String(20), nullable=False, server_default=""),  # after the last run; see crawlers.health
    sa.Column("state_since", UtcDateTime),
    sa.Column("last_error_at", UtcDateTime),
    sa.Column("last_seen_at", UtcDateTime),  # when a run last saw anything at all, known or new
    sa.Column("empty_runs", sa.Integer, nullable=False, server_default="0"),  # in a row that answered and held nothing
    sa.Column("sample", sa.JSON(none_as_null=True)),  # the last good document: title, url, published_at
    sa.Column("fields", sa.JSON(none_as_null=True)),  # which fields its documents have had; see crawlers.fields
    sa.Column("rhythm", sa.JSON(none_as_null=True)),  # what was learned; see crawlers.rhythm
    sa.Column("leased_by", sa.String(100), index=True),  # the crawler that is at it now
    sa.Column("leased_at", UtcDateTime),
)
"""How each source is doing. Kept apart from `sources`, so that it outlives a file that is edited or moved."""

crawl_hours = sa.Table(
    "crawl_hours",
    metadata,
    sa.Column("source_id", sa.String(100), primary_key=True),
    sa.Column("hour", UtcDateTime, primary_key=True),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Column("ok", sa.Integer, nullable=False),  # runs that answered
    sa.Column("new", sa.Integer, nullable=False),  # documents that had not been there, published in the last two days
    sa.Index("ix_crawl_hours_hour", "hour"),
)
"""What came of each source hour by hour; a few weeks of it, to learn rhythms from and to say what was seen when."""

crawl_workers = sa.Table(
    "crawl_workers",
    metadata,
    sa.Column("id", sa.String(100), primary_key=True),
    sa.Column("machine", sa.String(200), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)
"""The crawlers that work on this store, and when each last said so."""

operator_tickets = sa.Table(
    "operator_tickets",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("subject", sa.String(100), nullable=False),  # of kind `source`: its id
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("advice", sa.Text, nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("told", sa.JSON, nullable=False),  # channel → when it was told, or why not
)
"""What operators have to look at: one open ticket for each thing that is wrong, however often it is tried."""

open_operator_ticket = sa.Index(
    "uq_operator_tickets_kind_subject_open",
    operator_tickets.c.kind,
    operator_tickets.c.subject,
    unique=True,
    sqlite_where=operator_tickets.c.closed_at.is_(None),
    postgresql_where=operator_tickets.c.closed_at.is_(None),
)

crawl_hosts = sa.Table(
    "crawl_hosts",
    metadata,
    sa.Column("host", sa.String(260), primary_key=True),  # with its port, where the address names one
    sa.Column("day", sa.String(10), nullable=False, server_default=""),  # China's date that `requests` are of
    sa.Column("requests", sa.Integer, nullable=False, server_default="0"),
    sa.Column("paused_until", UtcDateTime),
    sa.Column("pauses", sa.Integer, nullable=False, server_default="0"),  # in a row, without a good answer between
    sa.Column("pause_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("next_at", UtcDateTime),  # when the next request may start, where several crawlers share the host
    sa.Column("under_way", sa.JSON(none_as_null=True)),  # token of a request → until when it counts at most
)
"""What all crawlers together have asked of each host, and what it said to that."""

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
    sa.Column("sending_since", UtcDateTime),  # where the log has not confirmed that it has this revision
)
"""Documents that are on the log, or on their way, with what decides whether a new fetch of one is a new revision."""

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

backfill_positions = sa.Table(
    "backfill_positions",
    metadata,
    sa.Column("source_id", sa.String(100), primary_key=True),
    sa.Column("way_hash", sa.String(32), primary_key=True),  # of the window, and what the pages are of, as a query
    sa.Column("place", sa.JSON, nullable=False),  # what its kind asks for the page with; see crawlers.backfills
    sa.Column("reached_at", UtcDateTime, nullable=False),
)
"""The last page whose finds are stored, of backfills that are under way or were stopped."""

websub_subscriptions = sa.Table(
    "websub_subscriptions",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True),  # the last part of the address that the hub calls
    sa.Column("source_id", sa.String(100), nullable=False, index=True),
    sa.Column("hub", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),  # what the hub calls the feed
    sa.Column("own_network", sa.Boolean, nullable=False),  # the hub may lie in a network of the operator's own
    sa.Column("callback", sa.Text, nullable=False),  # the whole address that the hub calls
    sa.Column("secret", sa.String(64), nullable=False),  # signs what the hub posts
    sa.Column("wanted", sa.Boolean, nullable=False),  # false: it is being ended
    sa.Column("state", sa.String(20), nullable=False),  # see crawlers.websub.subscriptions
    sa.Column("next_at", UtcDateTime, nullable=False, index=True),  # when the hub is asked next
    sa.Column("tries", sa.Integer, nullable=False),  # since the hub last confirmed
    sa.Column("asked_at", UtcDateTime),
    sa.Column("confirmed_at", UtcDateTime),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("pushed_at", UtcDateTime),
    sa.Column("pushes", sa.Integer, nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),  # runs in a row that found news of which the hub had not told
    sa.Column("error", sa.Text, nullable=False),
)
"""Feeds whose hubs are to tell of news."""

wanted_subscription = sa.Index(
    "uq_websub_subscriptions_source_id_wanted",
    websub_subscriptions.c.source_id,
    unique=True,
    sqlite_where=websub_subscriptions.c.wanted.is_(sa.true()),
    postgresql_where=websub_subscriptions.c.wanted.is_(sa.true()),
)
