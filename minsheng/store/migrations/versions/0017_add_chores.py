"""Chores: work that is done again and again."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chores",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True, comment="somebody is at it"),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True, comment="why the last try failed; null: it did not"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chores")),
        comment="work that is done again and again: when next, and how it went last",
    )


def downgrade() -> None:
    op.drop_table("chores")
