"""Versions of policies."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_versions",
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="from 1, without gaps"),
        sa.Column("content", sa.Text(), nullable=False, comment="the whole policy as JSON"),
        sa.Column("content_hash", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=100), nullable=False, comment="empty: from before versions were kept"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", "number", name=op.f("pk_policy_versions")),
        comment="append-only: every policy as it was",
    )


def downgrade() -> None:
    op.drop_table("policy_versions")
