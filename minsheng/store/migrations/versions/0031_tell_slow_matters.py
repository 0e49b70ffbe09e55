"""Tell tickets that nothing but letters over weeks made from those of a burst: a burst on one of the former is news."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column(
        "slow", sa.Boolean(), nullable=False, server_default=sa.false(), comment="letters, no burst yet",
    ))  # fmt: skip


def downgrade() -> None:
    op.drop_column("tickets", "slow")
