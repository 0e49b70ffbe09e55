"""Logs of shift changes."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "duty_handovers",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("unit_id", _BIG, nullable=False, comment="whose duty room"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("open", sa.Text(), nullable=False, comment="what is not settled"),
        sa.Column("done", sa.Text(), nullable=False, comment="what was done in this watch"),
        sa.Column("watch", sa.Text(), nullable=False, comment="what to keep an eye on"),
        sa.Column(
            "tickets", sa.JSON(), nullable=False, comment="numbers, levels and titles of open tickets when signed"
        ),
        sa.Column("written_by", sa.String(length=60), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "signed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="by who goes; from then on it never changes",
        ),
        sa.Column("hash", sa.String(length=64), nullable=True, comment="SHA-256 of what was signed"),
        sa.Column("taken_by", sa.String(length=60), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True, comment="by who comes"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_duty_handovers_unit_id_units")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_handovers")),
        comment="logs of shift changes (交接班)",
    )
    op.create_index(op.f("ix_duty_handovers_unit_id"), "duty_handovers", ["unit_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_duty_handovers_unit_id"), table_name="duty_handovers")
    op.drop_table("duty_handovers")
