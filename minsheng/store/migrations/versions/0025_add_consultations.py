"""Consultations on drafts: comments, the opinions they are folded into, and what was done."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "consultations",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False, comment="the draft in the register"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.String(length=200), nullable=False, comment="empty: not known"),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False, comment="the draft's words"),
        sa.Column("origin", sa.Text(), nullable=False, comment="address or file name of the text"),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "published_on",
            sa.Date(),
            nullable=True,
            comment="the day it was made public what was taken up; null: not yet",
        ),
        sa.Column("published_url", sa.Text(), nullable=True),
        sa.Column("published_by", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consultations")),
        sa.UniqueConstraint("policy_id", "opens_on", name=op.f("uq_consultations_policy_id_opens_on")),
        comment="drafts that opinions are asked on",
    )
    with op.batch_alter_table("consultations") as batch_op:
        batch_op.create_index("ix_consultations_policy_id", ["policy_id"], unique=False)
        batch_op.create_index("ix_consultations_closes_on", ["closes_on"], unique=False)

    op.create_table(
        "consultation_comments",
        sa.Column("consultation_id", _ID, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="hash over what it says, or the document's id"),
        sa.Column(
            "part",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="from 0; a letter on several clauses has several",
        ),
        sa.Column("text", sa.Text(), nullable=False, comment="masked"),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("origin", sa.String(length=300), nullable=False, comment="file name, or index"),
        sa.Column("document_id", sa.String(length=64), nullable=True, comment="where it was taken from the index"),
        sa.Column("clause", sa.String(length=100), nullable=False, comment="empty: the draft as a whole"),
        sa.Column("how", sa.String(length=20), nullable=False, comment="number, quotation, meaning, none or editor"),
        sa.Column("stance", sa.String(length=20), nullable=False),
        sa.Column("stance_by", sa.String(length=100), nullable=False, comment="empty: the model"),
        sa.Column("unsure", sa.Boolean(), nullable=False, comment="the model does not stand by the stance"),
        sa.Column("opinion", sa.Integer(), nullable=False, comment="its number in consultation_opinions"),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consultation_id", "key", "part", name=op.f("pk_consultation_comments")),
        comment="what people said on drafts; nothing of who they are",
    )
    with op.batch_alter_table("consultation_comments") as batch_op:
        batch_op.create_index(
            "ix_consultation_comments_consultation_id_opinion", ["consultation_id", "opinion"], unique=False
        )

    op.create_table(
        "consultation_opinions",
        sa.Column("consultation_id", _ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="from 1; never reused"),
        sa.Column("clause", sa.String(length=100), nullable=False),
        sa.Column("stance", sa.String(length=20), nullable=False),
        sa.Column("said", sa.Text(), nullable=False, comment="its first comment, masked"),
        sa.Column("wording", sa.Text(), nullable=False, comment="what the public reads of it; empty: nothing"),
        sa.Column(
            "outcome",
            sa.String(length=20),
            nullable=True,
            comment="adopted, partly, rejected or noted; null: not decided",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("consultation_id", "number", name=op.f("pk_consultation_opinions")),
        comment="comments that say the same on one clause, and what became of it; those left without comments stay",
    )
    op.create_table(
        "consultation_steps",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("consultation_id", _ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, comment="in words"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consultation_steps")),
        comment="append-only: what was done with consultations",
    )
    with op.batch_alter_table("consultation_steps") as batch_op:
        batch_op.create_index("ix_consultation_steps_consultation_id", ["consultation_id"], unique=False)


def downgrade() -> None:
    for table in ("consultation_steps", "consultation_opinions", "consultation_comments", "consultations"):
        op.drop_table(table)
