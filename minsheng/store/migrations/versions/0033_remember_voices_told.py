"""How many voices there were when people were last told of a ticket: many more at the same level are told again."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column(
        "told_voices", sa.Integer(), nullable=False, server_default="0", comment="in the window last told of",
    ))  # fmt: skip


def downgrade() -> None:
    op.drop_column("tickets", "told_voices")
