"""Say of a clock itself whether another level replaced it; indices for what is counted of tickets and their clocks."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("timers", sa.Column(
        "replaced", sa.Boolean(), nullable=False, server_default=sa.false(),
        comment="it ended because the level brought others: what it asks for was not done then",
    ))  # fmt: skip
    # What was worked out from the ticket's row until now. Of a round before the last one the row says nothing any more:
    # its clocks ended with the ticket.
    op.execute(
        "UPDATE timers SET replaced = TRUE WHERE cancelled_at IS NOT NULL AND EXISTS ("
        "SELECT 1 FROM tickets WHERE tickets.id = timers.ticket_id AND tickets.round = timers.round"
        " AND (tickets.responded_at IS NULL OR timers.cancelled_at < tickets.responded_at)"
        " AND (tickets.closed_at IS NULL OR timers.cancelled_at < tickets.closed_at))"
    )
    op.drop_index("ix_timers_due_at", table_name="timers")
    op.create_index("ix_timers_due_at", "timers", ["due_at", "kind", "replaced", "cancelled_at", "ticket_id"])
    op.create_index("ix_tickets_scope", "tickets", ["policy_id", "historical", "exercise", "event_id", "id"])
    _index_open("policy_id", "level", "status", "historical", "exercise", "acknowledged_at", "version")


def _index_open(*columns: str) -> None:
    op.drop_index("ix_tickets_open", table_name="tickets")
    where = sa.text("closed_at IS NULL")
    every = [*columns, "id", "closed_at"]
    op.create_index("ix_tickets_open", "tickets", every, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    _index_open("level", "status", "historical", "exercise", "acknowledged_at", "policy_id", "version")
    op.drop_index("ix_tickets_scope", table_name="tickets")
    op.drop_index("ix_timers_due_at", table_name="timers")
    op.create_index("ix_timers_due_at", "timers", ["due_at"])
    op.drop_column("timers", "replaced")
