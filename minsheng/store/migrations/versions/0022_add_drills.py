"""Drills, each with its report."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drills",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("scenario", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False, comment="whose plan and people are drilled"),
        sa.Column("level", sa.String(length=10), nullable=False, comment="that the scenario is to reach"),
        sa.Column("actor", sa.String(length=100), nullable=False, comment="who started it"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="its posts were put onto the log"),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column(
            "plan_opened_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="its ticket was opened first, with the plan on it",
        ),
        sa.Column("plan_opened_by", sa.String(length=100), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True, comment="its ticket was closed, or none came"),
        sa.Column(
            "report", sa.Text(), nullable=True, comment="alerts.drills.report.DrillReport as JSON, once it has ended"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drills")),
        sa.UniqueConstraint("number", name=op.f("uq_drills_number")),
        comment="exercises, each with its report",
    )
    with op.batch_alter_table("drills") as batch_op:
        batch_op.create_index("ix_drills_ended_at", ["ended_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("drills") as batch_op:
        batch_op.drop_index("ix_drills_ended_at")

    op.drop_table("drills")
