"""What crawlers know of hosts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crawl_hosts",
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("day", sa.String(length=10), server_default="", nullable=False),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pauses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pause_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("under_way", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_crawl_hosts")),
    )


def downgrade() -> None:
    op.drop_table("crawl_hosts")
