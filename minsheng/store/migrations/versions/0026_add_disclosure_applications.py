"""Applications for information (依申请公开), and which imports brought and changed them."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disclosure_applications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=200), nullable=False, comment="who answers; may be empty"),
        sa.Column("number", sa.String(length=100), nullable=False, comment="the department's own"),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False, comment="masked"),
        sa.Column("content", sa.Text(), nullable=False, comment="masked"),
        sa.Column("region", sa.String(length=200), nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=True),
        sa.Column("policy_named", sa.Text(), nullable=False, comment="as the file has it, where the register lacks it"),
        sa.Column("correction_asked_on", sa.Date(), nullable=True),
        sa.Column("corrected_on", sa.Date(), nullable=True),
        sa.Column("opinion_asked_on", sa.Date(), nullable=True),
        sa.Column("opinion_given_on", sa.Date(), nullable=True),
        sa.Column("extended_on", sa.Date(), nullable=True),
        sa.Column("extension_days", sa.Integer(), nullable=True, comment="null: not extended"),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("review", sa.String(length=20), nullable=True, comment="of an administrative review"),
        sa.Column("litigation", sa.String(length=20), nullable=True, comment="of a lawsuit"),
        sa.Column(
            "matter", sa.Integer(), nullable=True, comment="the application that asks the same; null: not compared yet"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_applications")),
        sa.UniqueConstraint("department", "number", name=op.f("uq_disclosure_applications_department_number")),
        comment="applications for information, without who made them",
    )
    with op.batch_alter_table("disclosure_applications") as batch_op:
        batch_op.create_index(batch_op.f("ix_disclosure_applications_policy_id"), ["policy_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_disclosure_applications_received_on"), ["received_on"], unique=False)

    op.create_table(
        "disclosure_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="clock time"),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("file", sa.String(length=300), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False, comment="field: [before, after]; empty when it came first"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["disclosure_applications.id"],
            name=op.f("fk_disclosure_changes_application_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_changes")),
        comment="append-only: which import brought or changed an application",
    )
    with op.batch_alter_table("disclosure_changes") as batch_op:
        batch_op.create_index(batch_op.f("ix_disclosure_changes_application_id"), ["application_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("disclosure_changes") as batch_op:
        batch_op.drop_index(batch_op.f("ix_disclosure_changes_application_id"))
    op.drop_table("disclosure_changes")
    with op.batch_alter_table("disclosure_applications") as batch_op:
        batch_op.drop_index(batch_op.f("ix_disclosure_applications_received_on"))
        batch_op.drop_index(batch_op.f("ix_disclosure_applications_policy_id"))
    op.drop_table("disclosure_applications")
