"""Briefings that are kept: with their look, their steps, their numbers, and who opened them."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "briefing_looks",
        sa.Column("version", sa.String(length=16), nullable=False, comment="hash over the files"),
        sa.Column("files", sa.JSON(), nullable=False, comment="name: text"),
        sa.Column("document", sa.LargeBinary(), nullable=True, comment="the unit's own Word file"),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_briefing_looks")),
        comment="append-only: the template files that briefings were made with",
    )
    op.create_table(
        "briefing_sequences",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False, comment="the last number given to a signed one"),
        sa.PrimaryKeyConstraint("kind", "year", name=op.f("pk_briefing_sequences")),
    )
    op.create_table(
        "briefings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False, comment="RB-20260508"),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False, comment="the day, week or month"),
        sa.Column("edition", sa.Integer(), nullable=False, comment="counts those of one kind and code"),
        sa.Column(
            "matter", sa.String(length=250), nullable=False, comment="event:ID or policy:ID, where it is about one"
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("report", sa.Text(), nullable=False, comment="briefings.report.Report as JSON, as it was generated"),
        sa.Column("report_digest", sa.String(length=64), nullable=False, comment="SHA-256 of it"),
        sa.Column("look", sa.String(length=16), nullable=False),
        sa.Column("edits", sa.JSON(), nullable=False, comment="paragraph: its text in place of the generated one"),
        sa.Column("secrecy", sa.String(length=60), nullable=False),
        sa.Column("urgency", sa.String(length=60), nullable=False),
        sa.Column("mark", sa.String(length=60), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False, comment="names that are printed"),
        sa.Column("receivers", sa.JSON(), nullable=False, comment="who is told, as the duty book writes it"),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts its steps"),
        sa.Column("issue_year", sa.Integer(), nullable=True),
        sa.Column("issue_number", sa.Integer(), nullable=True, comment="given when it is signed"),
        sa.Column("reviewed_by", sa.String(length=100), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_by", sa.String(length=100), nullable=True),
        sa.Column("signer", sa.String(length=100), nullable=False, comment="the name that is printed"),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True, comment="SHA-256 over all that was signed"),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False, comment="why it was withdrawn, or why it corrects another one"),
        sa.Column(
            "corrects", sa.String(length=60), nullable=True, comment="number of the one that this takes the place of"
        ),
        sa.Column("corrected_by", sa.String(length=60), nullable=True, comment="number of the one that took its place"),
        sa.ForeignKeyConstraint(["look"], ["briefing_looks.version"], name=op.f("fk_briefings_look")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_briefings")),
        sa.UniqueConstraint("kind", "code", "edition", name=op.f("uq_briefings_kind_code_edition")),
        sa.UniqueConstraint(
            "kind", "issue_year", "issue_number", name=op.f("uq_briefings_kind_issue_year_issue_number")
        ),
        sa.UniqueConstraint("number", name=op.f("uq_briefings_number")),
        comment="each with all that it shows: made again later it is the same",
    )
    with op.batch_alter_table("briefings") as batch_op:
        batch_op.create_index("ix_briefings_made_at", ["made_at"], unique=False)

    op.create_table(
        "briefing_reads",
        sa.Column("briefing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader", sa.String(length=100), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefings.id"], name=op.f("fk_briefing_reads_briefing_id")),
        sa.PrimaryKeyConstraint("briefing_id", "reader", name=op.f("pk_briefing_reads")),
        comment="who opened an issued briefing in the console, when first",
    )
    op.create_table(
        "briefing_steps",
        sa.Column("briefing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column(
            "edits",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="all changes of the text after this step, where it made any",
        ),
        sa.ForeignKeyConstraint(["briefing_id"], ["briefings.id"], name=op.f("fk_briefing_steps_briefing_id")),
        sa.PrimaryKeyConstraint("briefing_id", "version", name=op.f("pk_briefing_steps")),
        comment="append-only: what was done with a briefing; two who do the same meet on the key",
    )


def downgrade() -> None:

    op.drop_table("briefing_steps")
    op.drop_table("briefing_reads")
    with op.batch_alter_table("briefings") as batch_op:
        batch_op.drop_index("ix_briefings_made_at")

    op.drop_table("briefings")
    op.drop_table("briefing_sequences")
    op.drop_table("briefing_looks")
