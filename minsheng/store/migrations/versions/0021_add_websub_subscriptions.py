"""Feeds whose hubs are to tell of news."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "websub_subscriptions",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("own_network", sa.Boolean(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pushes", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_websub_subscriptions")),
    )
    with op.batch_alter_table("websub_subscriptions") as batch_op:
        batch_op.create_index(batch_op.f("ix_websub_subscriptions_source_id"), ["source_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_websub_subscriptions_next_at"), ["next_at"], unique=False)
        batch_op.create_index(
            "uq_websub_subscriptions_source_id_wanted",
            ["source_id"],
            unique=True,
            sqlite_where=sa.text("wanted IS 1"),
            postgresql_where=sa.text("wanted IS true"),
        )


def downgrade() -> None:
    with op.batch_alter_table("websub_subscriptions") as batch_op:
        batch_op.drop_index("uq_websub_subscriptions_source_id_wanted")
        batch_op.drop_index(batch_op.f("ix_websub_subscriptions_next_at"))
        batch_op.drop_index(batch_op.f("ix_websub_subscriptions_source_id"))

    op.drop_table("websub_subscriptions")
