"""The policy Q&A base: entries with their revisions, the policies' texts, and what people ask."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "qa_askings",
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("candidate_id", sa.String(length=100), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False, comment="event time"),
        sa.Column(
            "author", sa.String(length=64), nullable=False, comment="pseudonym, or the document where it is unsigned"
        ),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("region", sa.String(length=200), nullable=False),
        sa.Column("question", sa.Text(), nullable=False, comment="masked"),
        sa.PrimaryKeyConstraint("document_id", "policy_id", name=op.f("pk_qa_askings")),
        comment="who asked what about which policy; forgotten with the documents",
    )
    with op.batch_alter_table("qa_askings") as batch_op:
        batch_op.create_index(batch_op.f("ix_qa_askings_candidate_id"), ["candidate_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_qa_askings_published_at"), ["published_at"], unique=False)

    op.create_table(
        "qa_candidates",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("clause", sa.String(length=100), nullable=False, comment="empty: none found"),
        sa.Column(
            "question", sa.Text(), nullable=False, comment="the wording that the others are compared with; masked"
        ),
        sa.Column("dismissed", sa.Boolean(), nullable=False, comment="a person said that it is no question to answer"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qa_candidates")),
        comment="questions that people ask, one row a matter",
    )
    with op.batch_alter_table("qa_candidates") as batch_op:
        batch_op.create_index(batch_op.f("ix_qa_candidates_policy_id"), ["policy_id"], unique=False)

    op.create_table(
        "qa_entries",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=True, comment="what the public sees; null: nothing"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, comment="clock time"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qa_entries")),
        comment="where each entry stands; its revisions are in qa_revisions",
    )
    with op.batch_alter_table("qa_entries") as batch_op:
        batch_op.create_index(batch_op.f("ix_qa_entries_changed_at"), ["changed_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_qa_entries_policy_id"), ["policy_id"], unique=False)

    op.create_table(
        "qa_policy_texts",
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False, comment="address or file name"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="clock time"),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_qa_policy_texts")),
        comment="policies' own texts, the newest of each",
    )
    op.create_table(
        "qa_revisions",
        sa.Column("entry_id", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="clock time"),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True, comment="SHA-256 of the content that was signed"),
        sa.Column("content", sa.Text(), nullable=False, comment="JSON of answers.model.Content"),
        sa.PrimaryKeyConstraint("entry_id", "version", name=op.f("pk_qa_revisions")),
        comment="append-only; two who change the same version meet on the key",
    )


def downgrade() -> None:
    op.drop_table("qa_revisions")
    op.drop_table("qa_policy_texts")
    with op.batch_alter_table("qa_entries") as batch_op:
        batch_op.drop_index(batch_op.f("ix_qa_entries_policy_id"))
        batch_op.drop_index(batch_op.f("ix_qa_entries_changed_at"))

    op.drop_table("qa_entries")
    with op.batch_alter_table("qa_candidates") as batch_op:
        batch_op.drop_index(batch_op.f("ix_qa_candidates_policy_id"))

    op.drop_table("qa_candidates")
    with op.batch_alter_table("qa_askings") as batch_op:
        batch_op.drop_index(batch_op.f("ix_qa_askings_published_at"))
        batch_op.drop_index(batch_op.f("ix_qa_askings_candidate_id"))

    op.drop_table("qa_askings")
