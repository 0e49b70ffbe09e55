"""What crawlers know of hosts and of each other; how sources do over time; tickets for operators."""

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
    op.create_table(
        "crawl_hours",
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("ok", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "hour", name=op.f("pk_crawl_hours")),
    )
    with op.batch_alter_table("crawl_hours") as batch_op:
        batch_op.create_index("ix_crawl_hours_hour", ["hour"], unique=False)
    op.create_table(
        "crawl_workers",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("machine", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crawl_workers")),
    )
    op.create_table(
        "operator_tickets",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_tickets")),
    )
    with op.batch_alter_table("operator_tickets") as batch_op:
        batch_op.create_index(
            "uq_operator_tickets_kind_subject_open",
            ["kind", "subject"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
    with op.batch_alter_table("crawl_state") as batch_op:
        batch_op.add_column(sa.Column("state", sa.String(length=20), server_default="", nullable=False))
        batch_op.add_column(sa.Column("state_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("empty_runs", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("sample", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("fields", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("rhythm", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("leased_by", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("leased_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_crawl_state_leased_by"), ["leased_by"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("crawl_state") as batch_op:
        batch_op.drop_index(batch_op.f("ix_crawl_state_leased_by"))
        for column in (
            "leased_at",
            "leased_by",
            "rhythm",
            "fields",
            "sample",
            "empty_runs",
            "last_seen_at",
            "last_error_at",
            "state_since",
            "state",
        ):
            batch_op.drop_column(column)
    op.drop_table("operator_tickets")
    op.drop_table("crawl_workers")
    op.drop_table("crawl_hours")
    op.drop_table("crawl_hosts")
