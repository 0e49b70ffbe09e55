"""The store's tables of notices: what is to be told, what was decided and why, silences, escalations, channels."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(200), nullable=False, unique=True, comment="ticket, reason and detail: once each"),
    sa.Column("ticket_id", _BIG, sa.ForeignKey("tickets.id"), index=True),
    sa.Column("matter", sa.String(120), index=True, comment="what it is about where that is no ticket: policy:ID"),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("level", sa.String(10), nullable=False),
    sa.Column("receivers", sa.JSON(none_as_null=True), comment="who is told; null: the routes decide"),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("look_at", UtcDateTime, nullable=False, comment="when to decide; far off once that is done"),
    sa.Column("decided_at", UtcDateTime),
    sa.Index("ix_notices_look_at", "look_at"),
    comment="what people are to be told of tickets, before anybody has decided who and when",
)

notice_decisions = sa.Table(
    "notice_decisions",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("notice_id", _BIG, sa.ForeignKey("notices.id", ondelete="CASCADE"), nullable=False),
    sa.Column("ticket_id", _BIG, index=True),
    sa.Column("stage", sa.String(20), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("receiver", sa.String(120), nullable=False, comment="person:ID or channel:NAME; empty: everybody"),
    sa.Column("cause", sa.String(120), nullable=False, comment="what it was because of: a silence, a route, a ticket"),
    sa.Column("why", sa.Text, nullable=False, comment="in Chinese"),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("notice_id", "stage", "outcome", "receiver", "cause"),
    sa.Index("ix_notice_decisions_at", "at"),
    comment="append-only: what was decided about a notice, and why",
)

silences = sa.Table(
    "silences",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("ticket", sa.String(20), nullable=False, comment="its number; empty: any"),
    sa.Column("policy", sa.String(100), nullable=False, comment="its id; empty: any"),
    sa.Column("department", sa.String(100), nullable=False, comment="of the policy; empty: any"),
    sa.Column("levels", sa.JSON, nullable=False, comment="none: every level but red"),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, comment="ended before its time"),
    sa.Column("ended_by", sa.String(100)),
    sa.Index("ix_silences_until", "until"),
)

escalation_timers = sa.Table(
    "escalation_timers",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("ticket_id", _BIG, sa.ForeignKey("tickets.id"), nullable=False),
    sa.Column("chain", sa.String(60), nullable=False),
    sa.Column("turn", sa.Integer, nullable=False, server_default="1", comment="2 once it was reopened, or handed over"),
    sa.Column("step", sa.Integer, nullable=False, comment="counted from 1"),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("receivers", sa.JSON, nullable=False, comment="copied when the ticket opened"),
    sa.Column("fired_at", UtcDateTime),
    sa.Column("cancelled_at", UtcDateTime),
    sa.Column("why", sa.Text, comment="why it was cancelled, in Chinese"),
    sa.UniqueConstraint("ticket_id", "chain", "turn", "step"),
    sa.Index("ix_escalation_timers_due_at", "due_at"),
    comment="a ticket's copy of its escalation chain: one timer a step",
)

channel_states = sa.Table(
    "channel_states",
    metadata,
    sa.Column("channel", sa.String(100), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, comment="in a row"),
    sa.Column("rests", sa.Integer, nullable=False, comment="in a row"),
    sa.Column("rests_until", UtcDateTime, comment="nothing is sent before"),
    sa.Column("last_ok_at", UtcDateTime),
    sa.Column("last_failed_at", UtcDateTime),
    sa.Column("last_error", sa.Text),
    comment="how each channel does: its circuit breaker",
)
