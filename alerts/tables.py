"""The store's tables of alerts: what was observed, tickets with their history, timers, and notices to be sent."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

observations = sa.Table(
    "observations",
    metadata,
    sa.Column("document_id", sa.String(64), primary_key=True),
    sa.Column("version", _BIG, nullable=False),
    sa.Column("event_id", sa.String(64), nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
    sa.Column("source", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("author_key", sa.String(64)),
    sa.Column("sentiment", sa.String(20), nullable=False),
    sa.Column("negativity", sa.Float, nullable=False, comment="probability of negative"),
    sa.Column("request", sa.String(20), nullable=False),
    sa.Column("topic", sa.String(60), nullable=False),
    sa.Column("policy_id", sa.String(100), comment="the surest unambiguous link"),
    sa.Column("reach", _BIG, nullable=False, comment="people who did something: likes, comments, reposts"),
    sa.Column("duplicate_group", sa.String(64), nullable=False),
    sa.Column("risk_kind", sa.String(40), comment="what its words hint at"),
    sa.Column("headline", sa.String(100), nullable=False),
    sa.Column("concerned", sa.Boolean, nullable=False, comment="negative, or asks for something"),
    sa.Column("historical", sa.Boolean, nullable=False, comment="already old when it was fetched"),
    sa.Column("outlet", sa.String(100), comment="the medium named as its origin"),
    sa.Column("region", sa.String(100), comment="where it is about"),
    sa.Column(
        "words", sa.Text, nullable=False, server_default="", comment="lists of watch words that fit it, with commas"
    ),
    sa.Index("ix_observations_event_id_published_at", "event_id", "published_at"),
    sa.Index("ix_observations_policy_id_published_at", "policy_id", "published_at"),
    sa.Index("ix_observations_published_at", "published_at"),
    comment="one compact row per grouped document",
)

observation_policies = sa.Table(
    "observation_policies",
    metadata,
    sa.Column(
        "document_id", sa.String(64), sa.ForeignKey("observations.document_id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("policy_id", sa.String(100), primary_key=True),
    sa.Column("published_at", UtcDateTime, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Index("ix_observation_policies_policy_id_published_at", "policy_id", "published_at"),
)

policy_hours = sa.Table(
    "policy_hours",
    metadata,
    sa.Column("policy_id", sa.String(100), primary_key=True),
    sa.Column("hour", UtcDateTime, primary_key=True),
    sa.Column("voices", sa.Integer, nullable=False, comment="documents with words of their own"),
    sa.Column("concerned", sa.Integer, nullable=False, comment="those of them that are negative or ask for help"),
    comment="a policy's past, for its baseline",
)

rule_changes = sa.Table(
    "rule_changes",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("version", sa.String(60), nullable=False),
    sa.Column("digest", sa.String(12), nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="the rule file, as it was installed"),
    comment="append-only: which rules came into force when, and by whom; the last row is in force",
)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("number", sa.String(20), nullable=False, unique=True),
    sa.Column("event_id", sa.String(64), nullable=False),
    sa.Column("policy_id", sa.String(100), index=True),
    sa.Column("unit", sa.String(200), nullable=False, server_default="", comment="who is to deal with it"),
    sa.Column("level", sa.String(10), nullable=False, comment="the highest so far"),
    sa.Column("peak_level", sa.String(10), nullable=False, server_default="none", comment="the highest judged so far"),
    sa.Column("current_level", sa.String(10), nullable=False, comment="where the risk stands now"),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("risk_kind", sa.String(40), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False),
    sa.Column("documents", sa.JSON, nullable=False, comment="ids of the documents behind the parts"),
    sa.Column("plan", sa.JSON(none_as_null=True), comment="copied when the ticket opened; later plans don't touch it"),
    sa.Column("historical", sa.Boolean, nullable=False),
    sa.Column("exercise", sa.Boolean, nullable=False, server_default=sa.false(), comment="a drill, nothing real"),
    sa.Column("slow", sa.Boolean, nullable=False, server_default=sa.false(), comment="letters, no burst yet"),
    sa.Column("told_voices", sa.Integer, nullable=False, server_default="0", comment="in the window last told of"),
    sa.Column("round", sa.Integer, nullable=False, server_default="1", comment="counts openings: 2 after a reopening"),
    sa.Column("judged_since", UtcDateTime, comment="reopened: what was published until then counts no more"),
    sa.Column("posts", sa.Integer, nullable=False, server_default="0", comment="documents of its event"),
    sa.Column("last_post_at", UtcDateTime, comment="event time of the newest one"),
    sa.Column("opened_at", UtcDateTime, nullable=False, comment="event time"),
    sa.Column("raised_at", UtcDateTime, nullable=False, comment="event time of the highest level"),
    sa.Column("created_at", UtcDateTime, nullable=False, comment="clock time"),
    sa.Column("acknowledged_at", UtcDateTime),
    sa.Column("responded_at", UtcDateTime),
    sa.Column("paused_at", UtcDateTime, comment="its clocks stand still since then"),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("version", sa.Integer, nullable=False, comment="counts changes of level and status: optimistic locking"),
    sa.Column("timeline_length", sa.Integer, nullable=False, server_default="0", comment="lines of its timeline"),
    sa.Column("timeline_hash", sa.String(64), nullable=False, server_default="", comment="hash of the last line"),
    sa.Index("ix_tickets_status_opened_at", "status", "opened_at"),
    sa.Index("ix_tickets_opened_at", "opened_at"),
)

open_ticket_of_event = sa.Index(
    "uq_tickets_event_id_open",
    tickets.c.event_id,
    unique=True,
    sqlite_where=tickets.c.closed_at.is_(None),
    postgresql_where=tickets.c.closed_at.is_(None),
)
"""One open ticket per event: the database refuses a second one."""

unclosed = sa.Index(
    "ix_tickets_opened_at_open",
    tickets.c.opened_at,
    sqlite_where=tickets.c.closed_at.is_(None),
    postgresql_where=tickets.c.closed_at.is_(None),
)
"""The list of open tickets, newest first, whatever number of closed ones there is."""

standing = sa.Index(
    "ix_tickets_open",
    *(
        tickets.c[name]
        for name in (
            "policy_id", "level", "status", "historical", "exercise", "acknowledged_at", "version", "id",
            "closed_at",
        )
    ),
    sqlite_where=tickets.c.closed_at.is_(None),
    postgresql_where=tickets.c.closed_at.is_(None),
)  # fmt: skip
"""What is counted and ordered of the open tickets, without touching their rows, which are large. It begins with what
most viewers see a part of, and holds `closed_at`, empty in all of them, because SQLite would else look it up in the
row."""

scope = sa.Index(
    "ix_tickets_scope", *(tickets.c[name] for name in ("policy_id", "historical", "exercise", "event_id", "id"))
)
"""Whose tickets are whose, and which are real: for counts over those that have ended, too."""

ticket_timeline = sa.Table(
    "ticket_timeline",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", _BIG, sa.ForeignKey("tickets.id"), nullable=False, index=True),
    sa.Column("number", sa.Integer, nullable=False, comment="counts from 1 within the ticket"),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False, comment="clock time"),
    sa.Column("event_time", UtcDateTime, comment="time of the document that caused it"),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, comment="the ticket's version after it"),
    sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of this line and the hash of the one before"),
    sa.UniqueConstraint("ticket_id", "number"),
    comment="append-only: what happened to a ticket",
)

timers = sa.Table(
    "timers",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", _BIG, sa.ForeignKey("tickets.id"), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("round", sa.Integer, nullable=False, server_default="1", comment="of the ticket, when it was set"),
    sa.Column("title", sa.String(100), nullable=False, server_default="", comment="what is due, for people"),
    sa.Column("working", sa.Boolean, nullable=False, server_default=sa.false(), comment="counts working time only"),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("paused_at", UtcDateTime, comment="it stands still since then"),
    sa.Column("fired_at", UtcDateTime),
    sa.Column("cancelled_at", UtcDateTime),  # it waits for nothing any more
    sa.Column("met_at", UtcDateTime, comment="when what it asks for was done"),
    sa.Column(
        "apart", sa.Boolean, nullable=False, server_default=sa.false(), comment="an answer alone does not meet it"
    ),
    sa.Column(
        "replaced", sa.Boolean, nullable=False, server_default=sa.false(),
        comment="it ended because the level brought others: what it asks for was not done then",
    ),
    sa.UniqueConstraint("ticket_id", "kind", "round"),
    # What is due, and how many were kept, without touching the rows.
    sa.Index("ix_timers_due_at", "due_at", "kind", "replaced", "met_at", "cancelled_at", "ticket_id"),
)  # fmt: skip

is_term = timers.c.kind.not_like("%-warning")
"""A clock, and not the warning before its end."""

sa.Index(
    "ix_timers_ticket_id_due_at",
    timers.c.ticket_id,
    timers.c.due_at,
    timers.c.kind,
    timers.c.paused_at,
    sqlite_where=timers.c.cancelled_at.is_(None),
    postgresql_where=timers.c.cancelled_at.is_(None),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(250), nullable=False, unique=True, comment="the same notice is never put in twice"),
    sa.Column("ticket_id", _BIG, sa.ForeignKey("tickets.id"), index=True),
    sa.Column("notice_id", _BIG, comment="the notice that it came from"),
    sa.Column("reason", sa.String(20), nullable=False, comment="new, worse, due or overdue"),
    sa.Column("channel", sa.String(100), nullable=False),
    sa.Column("person", sa.String(60), comment="who it is for; null: whoever reads the channel"),
    sa.Column("address", sa.String(200), comment="what the channel knows the person by"),
    sa.Column(
        "urgency", sa.SmallInteger, nullable=False, server_default="0", comment="1 blue to 4 red: what goes first"
    ),
    sa.Column("bundle", sa.String(200), comment="rows with the same one, due together, are one message"),
    sa.Column("instead_of", _BIG, comment="the row that did not get through"),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_try_at", UtcDateTime, nullable=False),
    sa.Column("claimed_until", UtcDateTime, comment="somebody is sending it"),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("message", sa.String(32), comment="the message that carried it, by itself or with others"),
    sa.Column("dead_at", UtcDateTime, comment="given up, or no longer of use"),
    sa.Column("last_error", sa.Text),
    sa.Column("read_at", UtcDateTime, comment="its link was opened"),
    sa.Column("acknowledged_at", UtcDateTime, comment="its link was used"),
    sa.Index("ix_outbox_next_try_at", "next_try_at"),
    sa.Index("ix_outbox_sent_at", "sent_at"),
    sa.Index("ix_outbox_notice_id", "notice_id"),
    sa.Index("ix_outbox_instead_of", "instead_of"),
)
