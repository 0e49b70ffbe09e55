"""Indices for the lists and counts of open tickets: their rows are large, and need not be read for these."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not by `batch_alter_table`: an index needs no copy of the table.
    op.create_index(
        "ix_tickets_open",
        "tickets",
        ["level", "status", "historical", "exercise", "acknowledged_at", "policy_id", "version", "id", "closed_at"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_timers_ticket_id_due_at",
        "timers",
        ["ticket_id", "due_at", "kind", "paused_at"],
        sqlite_where=sa.text("cancelled_at IS NULL"),
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_timers_ticket_id_due_at", table_name="timers")
    op.drop_index("ix_tickets_open", table_name="tickets")
