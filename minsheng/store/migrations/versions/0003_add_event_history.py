"""Merges and splits of events; which remembered titles are a text's own, and which n-grams are familiar."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_history",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("other", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("documents", sa.JSON(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("document", sa.String(length=40), nullable=True),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_history")),
        comment="What became of events; rows are only added, and ids never used again.",
    )
    with op.batch_alter_table("event_history") as batch_op:
        batch_op.create_index(batch_op.f("ix_event_history_event"), ["event"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_history_other"), ["other"], unique=False)
    op.create_table(
        "grouping_familiar",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False),
        sa.Column("young", sa.LargeBinary(), nullable=False),
        sa.Column("old", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grouping_familiar")),
        comment="Which n-grams recent texts had, one bit a bin, compressed; belongs to the positions.",
    )
    with op.batch_alter_table("grouping_members") as batch_op:
        batch_op.add_column(sa.Column("titled", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("grouping_members") as batch_op:
        batch_op.drop_column("titled")
    op.drop_table("grouping_familiar")
    with op.batch_alter_table("event_history") as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_history_other"))
        batch_op.drop_index(batch_op.f("ix_event_history_event"))
    op.drop_table("event_history")
