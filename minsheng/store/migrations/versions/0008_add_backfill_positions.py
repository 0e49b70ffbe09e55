"""How far the backfills of sources have got that are read page by page."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backfill_positions",
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("way_hash", sa.String(length=32), nullable=False),
        sa.Column("place", sa.JSON(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "way_hash", name=op.f("pk_backfill_positions")),
    )


def downgrade() -> None:
    op.drop_table("backfill_positions")
