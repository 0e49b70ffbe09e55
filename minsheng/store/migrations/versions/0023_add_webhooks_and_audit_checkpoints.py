"""Webhooks with their deliveries, and how far the audit log was checked."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "audit_checkpoints",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("line", _BIG, nullable=False, comment="the last line of the log that was good"),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="its hash"),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False, comment="the log was walked from its beginning"),
        sa.Column("broken", _BIG, nullable=True, comment="the first line that was not good; none: all were"),
        sa.Column("signature", sa.String(length=64), nullable=False, comment="with the console's key"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_checkpoints")),
        comment="how far the audit log was checked",
    )
    op.create_table(
        "webhooks",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("user_id", _BIG, nullable=False, comment="whose scope counts"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("url_sealed", sa.Text(), nullable=False, comment="encrypted: such addresses are secrets"),
        sa.Column("host", sa.String(length=260), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False, comment="what deliveries are signed with, encrypted"),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("first", _BIG, nullable=False, comment="the timeline's last line when it was made"),
        sa.Column("seen", _BIG, nullable=False, comment="the last line of tickets' timelines that was looked at"),
        sa.Column("stopped_at", _MOMENT, nullable=True),
        sa.Column("why", sa.Text(), server_default="", nullable=False, comment="it was stopped; empty: by a person"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_webhooks_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        comment="addresses of programs that are told when tickets change",
    )
    with op.batch_alter_table("webhooks") as batch_op:
        batch_op.create_index(batch_op.f("ix_webhooks_user_id"), ["user_id"], unique=False)
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("webhook_id", _BIG, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False, comment="the same thing is told once"),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", _MOMENT, nullable=True, comment="none: delivered, or given up"),
        sa.Column("claimed_until", _MOMENT, nullable=True, comment="somebody is sending it"),
        sa.Column("delivered_at", _MOMENT, nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("webhook_id", "key", name=op.f("uq_webhook_deliveries_webhook_id_key")),
        comment="what webhooks are told, and how that went",
    )
    with op.batch_alter_table("webhook_deliveries") as batch_op:
        batch_op.create_index("ix_webhook_deliveries_next_try_at", ["next_try_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("webhook_deliveries") as batch_op:
        batch_op.drop_index("ix_webhook_deliveries_next_try_at")
    op.drop_table("webhook_deliveries")
    with op.batch_alter_table("webhooks") as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhooks_user_id"))
    op.drop_table("webhooks")
    op.drop_table("audit_checkpoints")
