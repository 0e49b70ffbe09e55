"""Stays of terms on hot lists, with their places over time; cookies given for sources, sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hot_terms",
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("word_hash", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("best", sa.Integer(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "word_hash", "since", name=op.f("pk_hot_terms")),
    )
    with op.batch_alter_table("hot_terms") as batch_op:
        batch_op.create_index(batch_op.f("ix_hot_terms_last_seen"), ["last_seen"], unique=False)
    op.create_table(
        "source_logins",
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_source_logins")),
    )


def downgrade() -> None:
    op.drop_table("source_logins")
    with op.batch_alter_table("hot_terms") as batch_op:
        batch_op.drop_index(batch_op.f("ix_hot_terms_last_seen"))
    op.drop_table("hot_terms")
