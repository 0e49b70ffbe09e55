"""The store's tables of casework: tasks, tasks passed down, research sheets, attachments, links, related tickets."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _row_of_a_ticket() -> tuple[sa.Column[int], sa.Column[int]]:
    ticket = sa.ForeignKey("tickets.id", ondelete="CASCADE")
    return (
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("ticket_id", _BIG, ticket, nullable=False, index=True),
    )


def _when_and_who(did: str, *, known: bool = True) -> tuple[sa.Column[datetime], sa.Column[str]]:
    """When something was done, and by whom; `known` False: it may not have been done yet."""
    return (
        sa.Column(f"{did}_at", UtcDateTime, nullable=not known),
        sa.Column(f"{did}_by", sa.String(100), nullable=not known),
    )


tasks = sa.Table(
    "ticket_tasks",
    metadata,
    *_row_of_a_ticket(),
    sa.Column("number", sa.Integer, nullable=False, comment="counts from 1 within the ticket"),
    sa.Column("origin", sa.String(20), nullable=False, comment="plan, officer or release"),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("due_at", UtcDateTime),
    *_when_and_who("created"),
    *_when_and_who("done", known=False),
    sa.Column("note", sa.Text, nullable=False, comment="what came of it"),
    sa.Column("cancelled_at", UtcDateTime),
    sa.Column("overdue_at", UtcDateTime, comment="when it was noted that it is overdue"),
    sa.UniqueConstraint("ticket_id", "number"),
    sa.Index("ix_ticket_tasks_due_at", "due_at"),
    comment="what is to be done in a ticket, by whom and by when",
)

assignments = sa.Table(
    "ticket_assignments",
    metadata,
    *_row_of_a_ticket(),
    sa.Column("number", sa.Integer, nullable=False, comment="counts from 1 within the ticket"),
    sa.Column("unit", sa.String(200), nullable=False),
    sa.Column("demand", sa.Text, nullable=False, comment="what the unit is to do"),
    *_when_and_who("passed"),
    sa.Column("due_at", UtcDateTime),
    sa.Column("state", sa.String(20), nullable=False, comment="passed, reported, returned, accepted or withdrawn"),
    sa.Column("report", sa.Text, nullable=False, comment="the last one; earlier ones are in the timeline"),
    sa.Column("reported_at", UtcDateTime),
    sa.Column("settled_at", UtcDateTime, comment="accepted or withdrawn"),
    sa.Column("overdue_at", UtcDateTime, comment="when it was noted that it is overdue"),
    sa.UniqueConstraint("ticket_id", "number"),
    sa.Index("ix_ticket_assignments_due_at", "due_at"),
    comment="tasks passed down to lower units (督办), and what they reported back",
)

sheets = sa.Table(
    "ticket_research_sheets",
    metadata,
    *_row_of_a_ticket(),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of ticket, version and content"),
    *_when_and_who("written"),
    *_when_and_who("signed", known=False),
    sa.UniqueConstraint("ticket_id", "version"),
    comment="research sheets (研判单): each save is a version; a signed one never changes",
)

attachments = sa.Table(
    "ticket_attachments",
    metadata,
    *_row_of_a_ticket(),
    sa.Column("name", sa.String(200), nullable=False, comment="cleaned"),
    sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of the bytes, and the file's name on the disk"),
    sa.Column("size", _BIG, nullable=False),
    *_when_and_who("added"),
    sa.Column("removed_at", UtcDateTime),
    sa.UniqueConstraint("ticket_id", "hash"),
)

links = sa.Table(
    "ticket_links",
    metadata,
    *_row_of_a_ticket(),
    sa.Column("kind", sa.String(20), nullable=False, comment="document, policy or page"),
    sa.Column("target", sa.String(500), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    *_when_and_who("added"),
    sa.UniqueConstraint("ticket_id", "kind", "target"),
)

relations = sa.Table(
    "ticket_relations",
    metadata,
    sa.Column("ticket_id", _BIG, sa.ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("other_id", _BIG, sa.ForeignKey("tickets.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("kind", sa.String(20), nullable=False, comment="related, or split: other was split off"),
    *_when_and_who("added"),
)
