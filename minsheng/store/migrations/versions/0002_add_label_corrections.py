"""Labels that persons have set."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label_corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("head", sa.String(length=120), nullable=False, comment="a head, or policy:<id>"),
        sa.Column("label", sa.String(length=60), nullable=True, comment="NULL: the person's label is withdrawn"),
        sa.Column("text_key", sa.String(length=64), nullable=False, comment="the same for the same text elsewhere"),
        sa.Column(
            "model_label",
            sa.String(length=60),
            nullable=True,
            comment="what the model had said; NULL where it gave none",
        ),
        sa.Column("model_score", sa.Float(), nullable=True),
        sa.Column("model_version", sa.String(length=100), nullable=True),
        sa.Column("set_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, comment="of the document that was looked at"),
        sa.Column("opinion", sa.Integer(), nullable=False, comment="with which it was sent through the log again"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_corrections")),
        comment="rows are only added; of a document and head the last one counts",
    )
    with op.batch_alter_table("label_corrections") as batch_op:
        batch_op.create_index("ix_label_corrections_document_id_head", ["document_id", "head"], unique=False)
        batch_op.create_index(batch_op.f("ix_label_corrections_text_key"), ["text_key"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("label_corrections") as batch_op:
        batch_op.drop_index(batch_op.f("ix_label_corrections_text_key"))
        batch_op.drop_index("ix_label_corrections_document_id_head")
    op.drop_table("label_corrections")
