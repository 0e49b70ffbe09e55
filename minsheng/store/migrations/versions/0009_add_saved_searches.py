"""Saved searches and watch topics."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False, comment="who saved it"),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("query", sa.Text(), nullable=False, comment="as typed"),
        sa.Column("filters", sa.Text(), nullable=False, comment="search.index.Filters as JSON"),
        sa.Column("exclude", sa.Text(), nullable=False, comment="words that documents must not hold, as JSON"),
        sa.Column(
            "notify", sa.Boolean(), nullable=False, comment="a watch topic: its owner wants to be told of new hits"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=True, comment="when new hits were asked for last"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_saved_searches_owner_name")),
    )
    op.create_table(
        "saved_search_hits",
        sa.Column("search_id", _BIG, nullable=False),
        sa.Column("document_id", sa.String(length=512), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when it was given as new"),
        sa.ForeignKeyConstraint(
            ["search_id"], ["saved_searches.id"], name=op.f("fk_saved_search_hits_search_id_saved_searches")
        ),
        sa.PrimaryKeyConstraint("search_id", "document_id", name=op.f("pk_saved_search_hits")),
        comment="what was given as new lately, so that it is not given again",
    )


def downgrade() -> None:
    op.drop_table("saved_search_hits")
    op.drop_table("saved_searches")
