"""Installed rules; outlet, region and watch words of observations."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rule_changes",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=12), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="the rule file, as it was installed"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_changes")),
        comment="append-only: which rules came into force when, and by whom; the last row is in force",
    )
    with op.batch_alter_table("observations") as batch_op:
        batch_op.add_column(
            sa.Column("outlet", sa.String(length=100), nullable=True, comment="the medium named as its origin")
        )
        batch_op.add_column(sa.Column("region", sa.String(length=100), nullable=True, comment="where it is about"))
        batch_op.add_column(
            sa.Column(
                "words",
                sa.Text(),
                server_default="",
                nullable=False,
                comment="lists of watch words that fit it, with commas",
            )
        )
        batch_op.create_index(
            batch_op.f("ix_observations_policy_id_published_at"), ["policy_id", "published_at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("observations") as batch_op:
        batch_op.drop_index(batch_op.f("ix_observations_policy_id_published_at"))
        batch_op.drop_column("words")
        batch_op.drop_column("region")
        batch_op.drop_column("outlet")
    op.drop_table("rule_changes")
