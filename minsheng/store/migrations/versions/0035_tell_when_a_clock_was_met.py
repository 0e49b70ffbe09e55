"""When what a clock asks for was done, apart from when it stopped; and which clocks an answer does not meet.

Answers have stopped the press conference's clock as well until now: what is recorded stays as it was taken to be.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_COLUMNS = ["due_at", "kind", "replaced"]


def upgrade() -> None:
    done = sa.Column("met_at", sa.DateTime(timezone=True), nullable=True, comment="when what it asks for was done")
    op.add_column("timers", done)
    op.add_column(
        "timers",
        sa.Column(
            "apart", sa.Boolean(), server_default=sa.false(), nullable=False, comment="an answer alone does not meet it"
        ),
    )
    op.drop_index("ix_timers_due_at", table_name="timers")
    op.create_index("ix_timers_due_at", "timers", [*_COLUMNS, "met_at", "cancelled_at", "ticket_id"])
    op.execute("update timers set apart = true where kind like 'conference%'")
    op.execute(
        "update timers set met_at = (select responded_at from tickets where tickets.id = timers.ticket_id)"
        " where not replaced and kind not like '%-warning' and exists (select 1 from tickets"
        " where tickets.id = timers.ticket_id and tickets.round = timers.round and tickets.responded_at is not null)"
    )
    op.execute("update timers set cancelled_at = met_at where met_at is not null and cancelled_at is null")


def downgrade() -> None:
    op.drop_index("ix_timers_due_at", table_name="timers")
    op.create_index("ix_timers_due_at", "timers", [*_COLUMNS, "cancelled_at", "ticket_id"])
    op.drop_column("timers", "apart")
    op.drop_column("timers", "met_at")
