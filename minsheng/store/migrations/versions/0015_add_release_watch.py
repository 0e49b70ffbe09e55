"""The watch over releases: interpretation materials, timers and reports; notices about something else than a ticket."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "policy_interpretations",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column(
            "form", sa.String(length=20), nullable=False, comment="text, picture, video, press-conference, qa or case"
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False, comment="the day it is, or is going to be, published"),
        sa.Column("url", sa.Text(), nullable=True, comment="where it can be read or seen"),
        sa.Column(
            "responsible", sa.String(length=200), nullable=False, comment="who answers for it; empty: nobody was named"
        ),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=100), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_interpretations")),
        comment="interpretation materials of policies; withdrawn, never removed",
    )
    with op.batch_alter_table("policy_interpretations") as batch_op:
        batch_op.create_index(batch_op.f("ix_policy_interpretations_policy_id"), ["policy_id"], unique=False)

    op.create_table(
        "release_reports",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False, comment="after the release"),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="alerts.release.report.ReleaseReport as JSON"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of the content"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_reports")),
        sa.UniqueConstraint(
            "policy_id", "released_on", "hours", name=op.f("uq_release_reports_policy_id_released_on_hours")
        ),
        comment="append-only: first reports after releases, as they were found then",
    )
    op.create_table(
        "release_timers",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("policy_id", sa.String(length=100), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=False, comment="the day it was set for"),
        sa.Column("kind", sa.String(length=10), nullable=False, comment="remind or report"),
        sa.Column("distance", sa.Integer(), nullable=False, comment="days before the release, or hours after it"),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), server_default="", nullable=False, comment="what came of it, in Chinese"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_timers")),
        sa.UniqueConstraint(
            "policy_id",
            "released_on",
            "kind",
            "distance",
            name=op.f("uq_release_timers_policy_id_released_on_kind_distance"),
        ),
        comment="reminders before a release and reports after it: one row each, fired once",
    )
    with op.batch_alter_table("release_timers") as batch_op:
        batch_op.create_index("ix_release_timers_due_at", ["due_at"], unique=False)

    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        # There a column is changed by making the table anew, and what hangs on its rows would go with the old one.
        op.execute("CREATE TABLE kept_decisions AS SELECT * FROM notice_decisions")
    with op.batch_alter_table("notice_decisions") as batch_op:
        batch_op.alter_column("ticket_id", existing_type=_BIG, nullable=True)

    with op.batch_alter_table("notices") as batch_op:
        batch_op.add_column(
            sa.Column(
                "matter",
                sa.String(length=120),
                nullable=True,
                comment="what it is about where that is no ticket: policy:ID",
            )
        )
        batch_op.alter_column("ticket_id", existing_type=_BIG, nullable=True)
        batch_op.create_index(batch_op.f("ix_notices_matter"), ["matter"], unique=False)
    if sqlite:
        op.execute("DELETE FROM notice_decisions")
        op.execute("INSERT INTO notice_decisions SELECT * FROM kept_decisions")
        op.execute("DROP TABLE kept_decisions")


def downgrade() -> None:
    # What is about no ticket has no place there.
    op.execute("DELETE FROM notice_decisions WHERE ticket_id IS NULL")
    op.execute("DELETE FROM notices WHERE ticket_id IS NULL")
    with op.batch_alter_table("notices") as batch_op:
        batch_op.drop_index(batch_op.f("ix_notices_matter"))
        batch_op.alter_column("ticket_id", existing_type=_BIG, nullable=False)
        batch_op.drop_column("matter")

    with op.batch_alter_table("notice_decisions") as batch_op:
        batch_op.alter_column("ticket_id", existing_type=_BIG, nullable=False)

    with op.batch_alter_table("release_timers") as batch_op:
        batch_op.drop_index("ix_release_timers_due_at")

    op.drop_table("release_timers")
    op.drop_table("release_reports")
    with op.batch_alter_table("policy_interpretations") as batch_op:
        batch_op.drop_index(batch_op.f("ix_policy_interpretations_policy_id"))

    op.drop_table("policy_interpretations")
