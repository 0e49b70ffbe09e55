"""Count the turns of a ticket's escalation chain: it runs again once the ticket was reopened, or handed over."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_NAME = "escalation_timers"
_UNIQUE = "uq_escalation_timers_ticket_id_chain"


def upgrade() -> None:
    with op.batch_alter_table(_NAME) as batch_op:
        batch_op.add_column(sa.Column(
            "turn", sa.Integer(), nullable=False, server_default="1", comment="2 once it was reopened, or handed over",
        ))  # fmt: skip
        batch_op.drop_constraint(f"{_UNIQUE}_step", type_="unique")
        batch_op.create_unique_constraint(f"{_UNIQUE}_turn_step", ["ticket_id", "chain", "turn", "step"])


def downgrade() -> None:
    op.execute("DELETE FROM escalation_timers WHERE turn > 1")
    with op.batch_alter_table(_NAME) as batch_op:
        batch_op.drop_constraint(f"{_UNIQUE}_turn_step", type_="unique")
        batch_op.create_unique_constraint(f"{_UNIQUE}_step", ["ticket_id", "chain", "step"])
        batch_op.drop_column("turn")
