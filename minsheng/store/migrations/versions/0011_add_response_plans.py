"""Response plans as records: every version, from draft to being in force."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "response_plans",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False, comment="draft, reviewed, in-force or retired"),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False, comment="the whole plan"),
        sa.Column("written_by", sa.String(length=100), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.String(length=100), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=100), nullable=True, comment="who put it in force, or retired it"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_response_plans")),
        comment="every version of every plan; files come beside them",
    )
    op.create_index(
        "uq_response_plans_id_in_force",
        "response_plans",
        ["id"],
        unique=True,
        sqlite_where=sa.text("state = 'in-force'"),
        postgresql_where=sa.text("state = 'in-force'"),
    )


def downgrade() -> None:
    op.drop_index("uq_response_plans_id_in_force", table_name="response_plans")
    op.drop_table("response_plans")
