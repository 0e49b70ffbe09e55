"""Evaluations of responses, and supervisors' score sheets."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "response_evaluations",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("ticket_id", _BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="clock time"),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False, comment="what was published"),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("score", sa.Float(), nullable=False, comment="0 to 1"),
        sa.Column("grade", sa.String(length=10), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("unanswered", sa.JSON(), nullable=False, comment="demands that the reply does not answer"),
        sa.Column("method", sa.Integer(), nullable=False, comment="version of the method"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_response_evaluations_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response_evaluations")),
        comment="append-only; the newest of a ticket counts",
    )
    with op.batch_alter_table("response_evaluations") as batch_op:
        batch_op.create_index(batch_op.f("ix_response_evaluations_ticket_id"), ["ticket_id"], unique=False)
    op.create_table(
        "response_sheets",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("ticket_id", _BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="clock time"),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False, comment="item → 1 to 5"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_response_sheets_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response_sheets")),
        comment="supervisors' score sheets; append-only, the newest of a ticket counts",
    )
    with op.batch_alter_table("response_sheets") as batch_op:
        batch_op.create_index(batch_op.f("ix_response_sheets_ticket_id"), ["ticket_id"], unique=False)


def downgrade() -> None:
    for table in ("response_sheets", "response_evaluations"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_index(batch_op.f(f"ix_{table}_ticket_id"))
        op.drop_table(table)
