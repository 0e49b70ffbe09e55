"""Casework: tasks, research sheets, attachments, links; timelines bound by hashes; rounds of timers."""

import hashlib
import json
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_assignments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="counts from 1 within the ticket"),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("demand", sa.Text(), nullable=False, comment="what the unit is to do"),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("passed_by", sa.String(length=100), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state", sa.String(length=20), nullable=False, comment="passed, reported, returned, accepted or withdrawn"
        ),
        sa.Column("report", sa.Text(), nullable=False, comment="the last one; earlier ones are in the timeline"),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True, comment="accepted or withdrawn"),
        sa.Column(
            "overdue_at", sa.DateTime(timezone=True), nullable=True, comment="when it was noted that it is overdue"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_assignments_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_assignments")),
        sa.UniqueConstraint("ticket_id", "number", name=op.f("uq_ticket_assignments_ticket_id_number")),
        comment="tasks passed down to lower units (督办), and what they reported back",
    )
    with op.batch_alter_table("ticket_assignments", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_assignments_due_at", ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_assignments_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "ticket_attachments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False, comment="cleaned"),
        sa.Column(
            "hash",
            sa.String(length=64),
            nullable=False,
            comment="SHA-256 of the bytes, and the file's name on the disk",
        ),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_attachments_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_attachments")),
        sa.UniqueConstraint("ticket_id", "hash", name=op.f("uq_ticket_attachments_ticket_id_hash")),
    )
    with op.batch_alter_table("ticket_attachments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_attachments_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "ticket_links",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="document, policy or page"),
        sa.Column("target", sa.String(length=500), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_links_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_links")),
        sa.UniqueConstraint("ticket_id", "kind", "target", name=op.f("uq_ticket_links_ticket_id_kind_target")),
    )
    with op.batch_alter_table("ticket_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_links_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "ticket_relations",
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("other_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="related, or split: other was split off"),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["other_id"], ["tickets.id"], name=op.f("fk_ticket_relations_other_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_relations_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "other_id", name=op.f("pk_ticket_relations")),
    )
    with op.batch_alter_table("ticket_relations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_relations_other_id"), ["other_id"], unique=False)

    op.create_table(
        "ticket_research_sheets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256 of ticket, version and content"),
        sa.Column("written_by", sa.String(length=100), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_by", sa.String(length=100), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_research_sheets_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_research_sheets")),
        sa.UniqueConstraint("ticket_id", "version", name=op.f("uq_ticket_research_sheets_ticket_id_version")),
        comment="research sheets (研判单): each save is a version; a signed one never changes",
    )
    with op.batch_alter_table("ticket_research_sheets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_research_sheets_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "ticket_tasks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="counts from 1 within the ticket"),
        sa.Column("origin", sa.String(length=20), nullable=False, comment="plan, officer or release"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=100), nullable=True),
        sa.Column("note", sa.Text(), nullable=False, comment="what came of it"),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "overdue_at", sa.DateTime(timezone=True), nullable=True, comment="when it was noted that it is overdue"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_tasks_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_tasks")),
        sa.UniqueConstraint("ticket_id", "number", name=op.f("uq_ticket_tasks_ticket_id_number")),
        comment="what is to be done in a ticket, by whom and by when",
    )
    with op.batch_alter_table("ticket_tasks", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_tasks_due_at", ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_tasks_ticket_id"), ["ticket_id"], unique=False)

    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "unit", sa.String(length=200), server_default="", nullable=False, comment="who is to deal with it"
            )
        )
        batch_op.add_column(
            sa.Column(
                "peak_level",
                sa.String(length=10),
                server_default="none",
                nullable=False,
                comment="the highest judged so far",
            )
        )
        batch_op.add_column(
            sa.Column("exercise", sa.Boolean(), server_default="0", nullable=False, comment="a drill, nothing real")
        )
        batch_op.add_column(
            sa.Column(
                "round",
                sa.Integer(),
                server_default="1",
                nullable=False,
                comment="counts openings: 2 after a reopening",
            )
        )
        batch_op.add_column(
            sa.Column(
                "judged_since",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="reopened: what was published until then counts no more",
            )
        )
        batch_op.add_column(
            sa.Column("posts", sa.Integer(), server_default="0", nullable=False, comment="documents of its event")
        )
        batch_op.add_column(
            sa.Column("last_post_at", sa.DateTime(timezone=True), nullable=True, comment="event time of the newest one")
        )
        batch_op.add_column(sa.Column("responded_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column(
                "paused_at", sa.DateTime(timezone=True), nullable=True, comment="its clocks stand still since then"
            )
        )
        batch_op.add_column(
            sa.Column(
                "timeline_length", sa.Integer(), server_default="0", nullable=False, comment="lines of its timeline"
            )
        )
        batch_op.add_column(
            sa.Column(
                "timeline_hash",
                sa.String(length=64),
                server_default="",
                nullable=False,
                comment="hash of the last line",
            )
        )
        batch_op.create_index("ix_tickets_opened_at", ["opened_at"], unique=False)
        batch_op.create_index(
            "ix_tickets_opened_at_open",
            ["opened_at"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    with op.batch_alter_table("ticket_timeline") as batch_op:
        batch_op.add_column(
            sa.Column(
                "number", sa.Integer(), server_default="0", nullable=False, comment="counts from 1 within the ticket"
            )
        )
        batch_op.add_column(
            sa.Column(
                "version", sa.Integer(), server_default="1", nullable=False, comment="the ticket's version after it"
            )
        )
        batch_op.add_column(
            sa.Column(
                "hash",
                sa.String(length=64),
                server_default="",
                nullable=False,
                comment="SHA-256 of this line and the hash of the one before",
            )
        )
    _chain()
    with op.batch_alter_table("ticket_timeline") as batch_op:
        for column in ("number", "version", "hash"):
            batch_op.alter_column(column, server_default=None)
        batch_op.create_unique_constraint(batch_op.f("uq_ticket_timeline_ticket_id_number"), ["ticket_id", "number"])

    with op.batch_alter_table("timers", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "round", sa.Integer(), server_default="1", nullable=False, comment="of the ticket, when it was set"
            )
        )
        batch_op.add_column(
            sa.Column(
                "title", sa.String(length=100), server_default="", nullable=False, comment="what is due, for people"
            )
        )
        batch_op.add_column(
            sa.Column("working", sa.Boolean(), server_default="0", nullable=False, comment="counts working time only")
        )
        batch_op.add_column(
            sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True, comment="it stands still since then")
        )
        batch_op.drop_constraint(batch_op.f("uq_timers_ticket_id_kind"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_timers_ticket_id_kind_round"), ["ticket_id", "kind", "round"])

    op.execute("update timers set title = '发布权威信息' where kind like 'information%'")
    op.execute("update timers set title = '举行新闻发布会' where kind like 'conference%'")
    op.execute("update timers set title = '作出回应' where kind like 'response%'")
    op.execute("update tickets set peak_level = level")


def _chain() -> None:
    """Number the lines that are there and bind each to the one before."""
    connection = op.get_bind()
    time = sa.DateTime(timezone=True)
    tickets = sa.table(
        "tickets",
        sa.column("id", sa.BigInteger),
        sa.column("number", sa.String),
        sa.column("version", sa.Integer),
        sa.column("timeline_length", sa.Integer),
        sa.column("timeline_hash", sa.String),
    )
    lines = sa.table(
        "ticket_timeline",
        sa.column("id", sa.BigInteger),
        sa.column("ticket_id", sa.BigInteger),
        sa.column("number", sa.Integer),
        sa.column("kind", sa.String),
        sa.column("at", time),
        sa.column("event_time", time),
        sa.column("actor", sa.String),
        sa.column("detail", sa.JSON),
        sa.column("version", sa.Integer),
        sa.column("hash", sa.String),
    )
    for ticket in connection.execute(sa.select(tickets.c.id, tickets.c.number, tickets.c.version)).all():
        previous = hashlib.sha256(f"minsheng ticket {ticket.number}".encode()).hexdigest()
        number = 0
        of_ticket = sa.select(lines).where(lines.c.ticket_id == ticket.id).order_by(lines.c.id)
        for number, line in enumerate(connection.execute(of_ticket).mappings().all(), 1):
            times = [
                None if moment is None else _utc(moment).isoformat() for moment in (line["at"], line["event_time"])
            ]
            content = [previous, number, line["kind"], *times, line["actor"], line["detail"]]
            text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            previous = hashlib.sha256(text.encode()).hexdigest()
            values = {"number": number, "hash": previous, "version": ticket.version}
            connection.execute(lines.update().where(lines.c.id == line["id"]).values(**values))
        if number:
            head = {"timeline_length": number, "timeline_hash": previous}
            connection.execute(tickets.update().where(tickets.c.id == ticket.id).values(**head))


def _utc(moment: Any) -> Any:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def downgrade() -> None:
    with op.batch_alter_table("timers", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_timers_ticket_id_kind_round"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_timers_ticket_id_kind"), ["ticket_id", "kind"])
        batch_op.drop_column("paused_at")
        batch_op.drop_column("working")
        batch_op.drop_column("title")
        batch_op.drop_column("round")

    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_tickets_opened_at_open",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.drop_index("ix_tickets_opened_at")
        batch_op.drop_column("timeline_hash")
        batch_op.drop_column("timeline_length")
        batch_op.drop_column("paused_at")
        batch_op.drop_column("responded_at")
        batch_op.drop_column("last_post_at")
        batch_op.drop_column("posts")
        batch_op.drop_column("judged_since")
        batch_op.drop_column("round")
        batch_op.drop_column("exercise")
        batch_op.drop_column("peak_level")
        batch_op.drop_column("unit")

    with op.batch_alter_table("ticket_timeline", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_ticket_timeline_ticket_id_number"), type_="unique")
        batch_op.drop_column("hash")
        batch_op.drop_column("version")
        batch_op.drop_column("number")

    with op.batch_alter_table("ticket_tasks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_tasks_ticket_id"))
        batch_op.drop_index("ix_ticket_tasks_due_at")

    op.drop_table("ticket_tasks")
    with op.batch_alter_table("ticket_research_sheets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_research_sheets_ticket_id"))

    op.drop_table("ticket_research_sheets")
    with op.batch_alter_table("ticket_relations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_relations_other_id"))

    op.drop_table("ticket_relations")
    with op.batch_alter_table("ticket_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_links_ticket_id"))

    op.drop_table("ticket_links")
    with op.batch_alter_table("ticket_attachments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_attachments_ticket_id"))

    op.drop_table("ticket_attachments")
    with op.batch_alter_table("ticket_assignments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_assignments_ticket_id"))
        batch_op.drop_index("ix_ticket_assignments_due_at")

    op.drop_table("ticket_assignments")
