"""The duty book, notices with the decisions on them, silences, escalations, channels; messages to persons."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_states",
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("rests", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True, comment="nothing is sent before"),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_states")),
        comment="how each channel does: its circuit breaker",
    )
    op.create_table(
        "duty_books",
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="TOML, as it was given"),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_duty_books")),
        comment="the duty book; the highest revision is in force",
    )
    op.create_table(
        "duty_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("roster", sa.String(length=60), nullable=False, comment="its id; empty: every roster"),
        sa.Column("person", sa.String(length=60), nullable=False, comment="who is not on duty"),
        sa.Column("by", sa.String(length=60), nullable=True, comment="who is instead; null: the roster's backup"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_changes")),
        comment="stand-ins, swaps (two stand-ins) and absences; never removed, only withdrawn",
    )
    with op.batch_alter_table("duty_changes") as batch_op:
        batch_op.create_index(batch_op.f("ix_duty_changes_until"), ["until"], unique=False)

    op.create_table(
        "silences",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket", sa.String(length=20), nullable=False, comment="its number; empty: any"),
        sa.Column("policy", sa.String(length=100), nullable=False, comment="its id; empty: any"),
        sa.Column("department", sa.String(length=100), nullable=False, comment="of the policy; empty: any"),
        sa.Column("levels", sa.JSON(), nullable=False, comment="none: every level but red"),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="ended before its time"),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
    )
    with op.batch_alter_table("silences") as batch_op:
        batch_op.create_index(batch_op.f("ix_silences_until"), ["until"], unique=False)

    op.create_table(
        "escalation_timers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chain", sa.String(length=60), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False, comment="counted from 1"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receivers", sa.JSON(), nullable=False, comment="copied when the ticket opened"),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=True, comment="why it was cancelled, in Chinese"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_escalation_timers_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_timers")),
        sa.UniqueConstraint("ticket_id", "chain", "step", name=op.f("uq_escalation_timers_ticket_id_chain_step")),
        comment="a ticket's copy of its escalation chain: one timer a step",
    )
    with op.batch_alter_table("escalation_timers") as batch_op:
        batch_op.create_index(batch_op.f("ix_escalation_timers_due_at"), ["due_at"], unique=False)

    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False, comment="ticket, reason and detail: once each"),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column(
            "receivers", sa.JSON(none_as_null=True), nullable=True, comment="who is told; null: the routes decide"
        ),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "look_at", sa.DateTime(timezone=True), nullable=False, comment="when to decide; far off once that is done"
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_notices_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
        comment="what people are to be told of tickets, before anybody has decided who and when",
    )
    with op.batch_alter_table("notices") as batch_op:
        batch_op.create_index(batch_op.f("ix_notices_look_at"), ["look_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_notices_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "notice_decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column(
            "receiver", sa.String(length=120), nullable=False, comment="person:ID or channel:NAME; empty: everybody"
        ),
        sa.Column(
            "cause",
            sa.String(length=120),
            nullable=False,
            comment="what it was because of: a silence, a route, a ticket",
        ),
        sa.Column("why", sa.Text(), nullable=False, comment="in Chinese"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.id"], name=op.f("fk_notice_decisions_notice_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_decisions")),
        sa.UniqueConstraint(
            "notice_id",
            "stage",
            "outcome",
            "receiver",
            "cause",
            name=op.f("uq_notice_decisions_notice_id_stage_outcome_receiver_cause"),
        ),
        comment="append-only: what was decided about a notice, and why",
    )
    with op.batch_alter_table("notice_decisions") as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_decisions_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_decisions_ticket_id"), ["ticket_id"], unique=False)

    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(
            sa.Column(
                "notice_id",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                nullable=True,
                comment="the notice that it came from",
            )
        )
        batch_op.add_column(
            sa.Column(
                "person", sa.String(length=60), nullable=True, comment="who it is for; null: whoever reads the channel"
            )
        )
        batch_op.add_column(
            sa.Column("address", sa.String(length=200), nullable=True, comment="what the channel knows the person by")
        )
        batch_op.add_column(
            sa.Column(
                "urgency",
                sa.SmallInteger(),
                server_default="0",
                nullable=False,
                comment="1 blue to 4 red: what goes first",
            )
        )
        batch_op.add_column(
            sa.Column(
                "bundle",
                sa.String(length=200),
                nullable=True,
                comment="rows with the same one, due together, are one message",
            )
        )
        batch_op.add_column(
            sa.Column(
                "instead_of",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                nullable=True,
                comment="the row that did not get through",
            )
        )
        batch_op.add_column(
            sa.Column(
                "message",
                sa.String(length=32),
                nullable=True,
                comment="the message that carried it, by itself or with others",
            )
        )
        batch_op.add_column(
            sa.Column("read_at", sa.DateTime(timezone=True), nullable=True, comment="its link was opened")
        )
        batch_op.add_column(
            sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True, comment="its link was used")
        )
        batch_op.alter_column(
            "key", existing_type=sa.String(length=200), type_=sa.String(length=250), existing_nullable=False
        )
        batch_op.alter_column(
            "ticket_id", existing_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        )
        batch_op.create_index(batch_op.f("ix_outbox_sent_at"), ["sent_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_notice_id"), ["notice_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_instead_of"), ["instead_of"], unique=False)


def downgrade() -> None:
    # What is about no ticket can't be kept by the older program.
    op.execute("delete from outbox where ticket_id is null")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_instead_of"))
        batch_op.drop_index(batch_op.f("ix_outbox_notice_id"))
        batch_op.drop_index(batch_op.f("ix_outbox_sent_at"))
        batch_op.alter_column(
            "ticket_id", existing_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        )
        batch_op.alter_column(
            "key", existing_type=sa.String(length=250), type_=sa.String(length=200), existing_nullable=False
        )
        batch_op.drop_column("acknowledged_at")
        batch_op.drop_column("read_at")
        batch_op.drop_column("message")
        batch_op.drop_column("instead_of")
        batch_op.drop_column("bundle")
        batch_op.drop_column("urgency")
        batch_op.drop_column("address")
        batch_op.drop_column("person")
        batch_op.drop_column("notice_id")

    with op.batch_alter_table("notice_decisions") as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_decisions_ticket_id"))
        batch_op.drop_index(batch_op.f("ix_notice_decisions_at"))

    op.drop_table("notice_decisions")
    with op.batch_alter_table("notices") as batch_op:
        batch_op.drop_index(batch_op.f("ix_notices_ticket_id"))
        batch_op.drop_index(batch_op.f("ix_notices_look_at"))

    op.drop_table("notices")
    with op.batch_alter_table("escalation_timers") as batch_op:
        batch_op.drop_index(batch_op.f("ix_escalation_timers_due_at"))

    op.drop_table("escalation_timers")
    with op.batch_alter_table("silences") as batch_op:
        batch_op.drop_index(batch_op.f("ix_silences_until"))

    op.drop_table("silences")
    with op.batch_alter_table("duty_changes") as batch_op:
        batch_op.drop_index(batch_op.f("ix_duty_changes_until"))

    op.drop_table("duty_changes")
    op.drop_table("duty_books")
    op.drop_table("channel_states")
