"""The store's tables of the console: units, users, their sessions, one-time links, tries to sign in, the audit log."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

units = sa.Table(
    "units",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("parent_id", _BIG, sa.ForeignKey("units.id"), index=True),
    sa.Column("name", sa.String(200), nullable=False, unique=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False, comment="sees everything, with or without a policy"),
    sa.Column("policies", sa.JSON, nullable=False, comment="ids of policies that are its own"),
    sa.Column("departments", sa.JSON, nullable=False, comment="departments whose policies are its own"),
    sa.Column("topics", sa.JSON, nullable=False, comment="topics whose policies are its own"),
    sa.Column("regions", sa.JSON, nullable=False, comment="how names of its regions begin; empty: as the unit above"),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(60), nullable=False, unique=True, comment="what is typed to sign in, lower case"),
    sa.Column("display", sa.String(100), nullable=False),
    sa.Column("unit_id", _BIG, sa.ForeignKey("units.id"), index=True, comment="without one nothing is seen"),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("password_hash", sa.String(200), comment="argon2id; none until the one-time link was used"),
    sa.Column("totp_sealed", sa.Text, comment="the second factor's secret, encrypted"),
    sa.Column("totp_step", _BIG, comment="the time step of the last code taken: none is taken twice"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("disabled_at", UtcDateTime),
)

sessions = sa.Table(
    "user_sessions",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True, comment="SHA-256 of the cookie"),
    sa.Column("user_id", _BIG, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("address", sa.String(60), nullable=False),
    sa.Column("agent", sa.String(300), nullable=False),
)

links = sa.Table(
    "one_time_links",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", _BIG, sa.ForeignKey("users.id"), comment="none: for the first administrator"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),
    comment="whoever opens one may choose a password, once",
)

sso_people = sa.Table(
    "sso_people",
    metadata,
    sa.Column("subject_hash", sa.String(64), primary_key=True, comment="SHA-256 of the issuer and its id of a person"),
    sa.Column("user_id", _BIG, sa.ForeignKey("users.id"), nullable=False, unique=True),
    sa.Column("linked_at", UtcDateTime, nullable=False),
    comment="users who have come in by single sign-on",
)

sso_states = sa.Table(
    "sso_states",
    metadata,
    sa.Column("state_hash", sa.String(64), primary_key=True, comment="SHA-256"),
    sa.Column("until", sa.Float, nullable=False, comment="seconds since 1970; then nobody takes the state any more"),
    comment="ways back from single sign-on that were taken: none is taken twice",
)

failures = sa.Table(
    "sign_in_failures",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("subject", sa.String(80), nullable=False, comment="user:<name> or address:<address>"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_sign_in_failures_subject_at", "subject", "at"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", _BIG, primary_key=True, comment="counts without gaps"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(60), nullable=False),
    sa.Column("address", sa.String(60), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, comment="JSON"),
    sa.Column("previous", sa.String(64), nullable=False, comment="hash of the line before"),
    sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 over this line and the hash before"),
    sa.Index("ix_audit_actor_at", "actor", "at"),
    comment="append-only",
)

audit_checkpoints = sa.Table(
    "audit_checkpoints",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("line", _BIG, nullable=False, comment="the last line of the log that was good"),
    sa.Column("hash", sa.String(64), nullable=False, comment="its hash"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False, comment="the log was walked from its beginning"),
    sa.Column("broken", _BIG, comment="the first line that was not good; none: all were"),
    sa.Column("signature", sa.String(64), nullable=False, comment="with the console's key"),
    comment="how far the audit log was checked",
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("user_id", _BIG, sa.ForeignKey("users.id"), nullable=False, index=True, comment="whose scope counts"),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("url_sealed", sa.Text, nullable=False, comment="encrypted: such addresses are secrets"),
    sa.Column("host", sa.String(260), nullable=False),
    sa.Column("secret_sealed", sa.Text, nullable=False, comment="what deliveries are signed with, encrypted"),
    sa.Column("events", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("first", _BIG, nullable=False, comment="the timeline's last line when it was made"),
    sa.Column("seen", _BIG, nullable=False, comment="the last line of tickets' timelines that was looked at"),
    sa.Column("stopped_at", UtcDateTime),
    sa.Column("why", sa.Text, nullable=False, server_default="", comment="it was stopped; empty: by a person"),
    comment="addresses of programs that are told when tickets change",
)

webhook_deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("webhook_id", _BIG, sa.ForeignKey("webhooks.id"), nullable=False),
    sa.Column("key", sa.String(60), nullable=False, comment="the same thing is told once"),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_try_at", UtcDateTime, comment="none: delivered, or given up"),
    sa.Column("claimed_until", UtcDateTime, comment="somebody is sending it"),
    sa.Column("delivered_at", UtcDateTime),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("webhook_id", "key"),
    sa.Index("ix_webhook_deliveries_next_try_at", "next_try_at"),
    comment="what webhooks are told, and how that went",
)

handovers = sa.Table(
    "duty_handovers",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("unit_id", _BIG, sa.ForeignKey("units.id"), nullable=False, index=True, comment="whose duty room"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("open", sa.Text, nullable=False, comment="what is not settled"),
    sa.Column("done", sa.Text, nullable=False, comment="what was done in this watch"),
    sa.Column("watch", sa.Text, nullable=False, comment="what to keep an eye on"),
    sa.Column("tickets", sa.JSON, nullable=False, comment="numbers, levels and titles of open tickets when signed"),
    sa.Column("written_by", sa.String(60), nullable=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
    sa.Column("signed_at", UtcDateTime, comment="by who goes; from then on it never changes"),
    sa.Column("hash", sa.String(64), comment="SHA-256 of what was signed"),
    sa.Column("taken_by", sa.String(60)),
    sa.Column("taken_at", UtcDateTime, comment="by who comes"),
    comment="logs of shift changes (交接班)",
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("user_id", _BIG, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True, comment="SHA-256 of the token"),
    sa.Column("hint", sa.String(12), nullable=False, comment="how it begins"),
    sa.Column("rights", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("last_address", sa.String(60), nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    comment="what programs show instead of a session",
)

api_answers = sa.Table(
    "api_answers",
    metadata,
    sa.Column("user_id", _BIG, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("key", sa.String(200), primary_key=True, comment="the caller's Idempotency-Key"),
    sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 of method, path and body"),
    sa.Column("claim", sa.String(32), nullable=False, comment="of the request that is, or was, at work on it"),
    sa.Column("claimed_at", UtcDateTime, nullable=False),
    sa.Column("status", sa.SmallInteger, comment="of the answer; none while it is being made"),
    sa.Column("headers", sa.JSON(none_as_null=True)),
    sa.Column("body", sa.LargeBinary),
    sa.Index("ix_api_answers_claimed_at", "claimed_at"),
    comment="answers to writing requests, to be given again",
)
