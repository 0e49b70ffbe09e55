"""Single sign-on: who has come in by it, and which ways back were taken."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sso_people",
        sa.Column(
            "subject_hash", sa.String(length=64), nullable=False, comment="SHA-256 of the issuer and its id of a person"
        ),
        sa.Column("user_id", _BIG, nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sso_people_user_id")),
        sa.PrimaryKeyConstraint("subject_hash", name=op.f("pk_sso_people")),
        sa.UniqueConstraint("user_id", name=op.f("uq_sso_people_user_id")),
        comment="users who have come in by single sign-on",
    )
    op.create_table(
        "sso_states",
        sa.Column("state_hash", sa.String(length=64), nullable=False, comment="SHA-256"),
        sa.Column(
            "until", sa.Float(), nullable=False, comment="seconds since 1970; then nobody takes the state any more"
        ),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_sso_states")),
        comment="ways back from single sign-on that were taken: none is taken twice",
    )


def downgrade() -> None:
    op.drop_table("sso_states")
    op.drop_table("sso_people")
