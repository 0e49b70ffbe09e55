"""What departments were told of days that the law sets: consultations' results, applications for information."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "statutory_reminders",
        sa.Column("matter", sa.String(length=60), nullable=False, comment="consultation:ID or application:ID"),
        sa.Column("due_on", sa.Date(), nullable=False, comment="another day is told of anew"),
        sa.Column("step", sa.String(length=10), nullable=False, comment="soon or late"),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notice", sa.String(length=200), nullable=False, comment="the key of the notice that told of it"),
        sa.PrimaryKeyConstraint("matter", "due_on", "step", name=op.f("pk_statutory_reminders")),
        comment="append-only: days that the law sets, of which the department was told; each once a step",
    )


def downgrade() -> None:
    op.drop_table("statutory_reminders")
