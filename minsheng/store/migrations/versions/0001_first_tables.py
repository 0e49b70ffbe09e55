"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crawl_documents",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("content_hash", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crawl_documents")),
    )
    with op.batch_alter_table("crawl_documents") as batch_op:
        batch_op.create_index(batch_op.f("ix_crawl_documents_source_id"), ["source_id"], unique=False)

    op.create_table(
        "crawl_pages",
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("url_hash", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("hint", sa.String(length=32), nullable=True),
        sa.Column("settled", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "url_hash", name=op.f("pk_crawl_pages")),
    )
    op.create_table(
        "crawl_state",
        sa.Column("source_id", sa.String(length=100), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_item_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("items", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_crawl_state")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("first_document", sa.String(length=40), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("aggrieved", sa.Integer(), nullable=False),
        sa.Column("policies", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        comment="Events of two documents or more; one document alone is an event only in its record.",
    )
    with op.batch_alter_table("events") as batch_op:
        batch_op.create_index(batch_op.f("ix_events_last_at"), ["last_at"], unique=False)

    op.create_table(
        "grouping_members",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("duplicate_group", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=False),
        sa.Column("event_similarity", sa.Float(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text_hash", sa.BigInteger(), nullable=False),
        sa.Column("policies", sa.JSON(), nullable=False),
        sa.Column("aggrieved", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_grouping_members")),
        sa.UniqueConstraint("document", name=op.f("uq_grouping_members_document")),
        comment="What grouping remembers, in the order it was grouped; the stage's memory is rebuilt from it.",
    )
    op.create_table(
        "grouping_owner",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grouping_owner")),
        comment="Fences off a grouping process that was taken for dead but still runs.",
    )
    op.create_table(
        "grouping_positions",
        sa.Column("topic", sa.String(length=80), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_grouping_positions")),
        comment="The log position that grouping_members belongs to; both change in one transaction.",
    )
    op.create_table(
        "observations",
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("author_key", sa.String(length=64), nullable=True),
        sa.Column("sentiment", sa.String(length=20), nullable=False),
        sa.Column("negativity", sa.Float(), nullable=False, comment="probability of negative"),
        sa.Column("request", sa.String(length=20), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=True, comment="the surest unambiguous link"),
        sa.Column(
            "reach",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            comment="people who did something: likes, comments, reposts",
        ),
        sa.Column("duplicate_group", sa.String(length=64), nullable=False),
        sa.Column("risk_kind", sa.String(length=40), nullable=True, comment="what its words hint at"),
        sa.Column("headline", sa.String(length=100), nullable=False),
        sa.Column("concerned", sa.Boolean(), nullable=False, comment="negative, or asks for something"),
        sa.Column("historical", sa.Boolean(), nullable=False, comment="already old when it was fetched"),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_observations")),
        comment="one compact row per grouped document",
    )
    with op.batch_alter_table("observations") as batch_op:
        batch_op.create_index("ix_observations_event_id_published_at", ["event_id", "published_at"], unique=False)
        batch_op.create_index("ix_observations_published_at", ["published_at"], unique=False)

    op.create_table(
        "policies",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("number", sa.String(length=200), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.String(length=200), nullable=True),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="the whole policy as JSON"),
        sa.Column("content_hash", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
    )
    with op.batch_alter_table("policies") as batch_op:
        batch_op.create_index(batch_op.f("ix_policies_department"), ["department"], unique=False)
        batch_op.create_index(batch_op.f("ix_policies_number"), ["number"], unique=False)

    op.create_table(
        "policy_hours",
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voices", sa.Integer(), nullable=False, comment="documents with words of their own"),
        sa.Column("concerned", sa.Integer(), nullable=False, comment="those of them that are negative or ask for help"),
        sa.PrimaryKeyConstraint("policy_id", "hour", name=op.f("pk_policy_hours")),
        comment="a policy's past, for its baseline",
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("quiet_after", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("file", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=True),
        sa.Column("level", sa.String(length=10), nullable=False, comment="the highest so far"),
        sa.Column("current_level", sa.String(length=10), nullable=False, comment="where the risk stands now"),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("risk_kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("documents", sa.JSON(), nullable=False, comment="ids of the documents behind the parts"),
        sa.Column(
            "plan",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="copied when the ticket opened; later plans don't touch it",
        ),
        sa.Column("historical", sa.Boolean(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False, comment="event time"),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False, comment="event time of the highest level"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, comment="clock time"),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="counts changes of level and status: optimistic locking"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("number", name=op.f("uq_tickets_number")),
    )
    with op.batch_alter_table("tickets") as batch_op:
        batch_op.create_index(batch_op.f("ix_tickets_policy_id"), ["policy_id"], unique=False)
        batch_op.create_index("ix_tickets_status_opened_at", ["status", "opened_at"], unique=False)
        batch_op.create_index(
            "uq_tickets_event_id_open",
            ["event_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "observation_policies",
        sa.Column("document_id", sa.String(length=64), nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["observations.document_id"],
            name=op.f("fk_observation_policies_document_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "policy_id", name=op.f("pk_observation_policies")),
    )
    with op.batch_alter_table("observation_policies") as batch_op:
        batch_op.create_index(
            "ix_observation_policies_policy_id_published_at", ["policy_id", "published_at"], unique=False
        )

    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False, comment="the same notice is never put in twice"),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False, comment="new, worse, due or overdue"),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True, comment="somebody is sending it"),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True, comment="given up, or no longer of use"),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_outbox_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.create_index("ix_outbox_next_try_at", ["next_try_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "ticket_timeline",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="clock time"),
        sa.Column(
            "event_time", sa.DateTime(timezone=True), nullable=True, comment="time of the document that caused it"
        ),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_timeline_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_timeline")),
        comment="append-only: what happened to a ticket",
    )
    with op.batch_alter_table("ticket_timeline") as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_timeline_ticket_id"), ["ticket_id"], unique=False)

    op.create_table(
        "timers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_timers_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timers")),
        sa.UniqueConstraint("ticket_id", "kind", name=op.f("uq_timers_ticket_id_kind")),
    )
    with op.batch_alter_table("timers") as batch_op:
        batch_op.create_index("ix_timers_due_at", ["due_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("timers") as batch_op:
        batch_op.drop_index("ix_timers_due_at")

    op.drop_table("timers")
    with op.batch_alter_table("ticket_timeline") as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_timeline_ticket_id"))

    op.drop_table("ticket_timeline")
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_ticket_id"))
        batch_op.drop_index("ix_outbox_next_try_at")

    op.drop_table("outbox")
    with op.batch_alter_table("observation_policies") as batch_op:
        batch_op.drop_index("ix_observation_policies_policy_id_published_at")

    op.drop_table("observation_policies")
    with op.batch_alter_table("tickets") as batch_op:
        batch_op.drop_index(
            "uq_tickets_event_id_open",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.drop_index("ix_tickets_status_opened_at")
        batch_op.drop_index(batch_op.f("ix_tickets_policy_id"))

    op.drop_table("tickets")
    op.drop_table("sources")
    op.drop_table("policy_hours")
    with op.batch_alter_table("policies") as batch_op:
        batch_op.drop_index(batch_op.f("ix_policies_number"))
        batch_op.drop_index(batch_op.f("ix_policies_department"))

    op.drop_table("policies")
    with op.batch_alter_table("observations") as batch_op:
        batch_op.drop_index("ix_observations_published_at")
        batch_op.drop_index("ix_observations_event_id_published_at")

    op.drop_table("observations")
    op.drop_table("grouping_positions")
    op.drop_table("grouping_owner")
    op.drop_table("grouping_members")
    with op.batch_alter_table("events") as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_last_at"))

    op.drop_table("events")
    op.drop_table("crawl_state")
    op.drop_table("crawl_pages")
    with op.batch_alter_table("crawl_documents") as batch_op:
        batch_op.drop_index(batch_op.f("ix_crawl_documents_source_id"))

    op.drop_table("crawl_documents")
