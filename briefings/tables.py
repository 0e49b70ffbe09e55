"""The store's tables of kept briefings."""

from __future__ import annotations

import sqlalchemy as sa

from minsheng.store import UtcDateTime, metadata

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

looks = sa.Table(
    "briefing_looks",
    metadata,
    sa.Column("version", sa.String(16), primary_key=True, comment="hash over the files"),
    sa.Column("files", sa.JSON, nullable=False, comment="name: text"),
    sa.Column("document", sa.LargeBinary, comment="the unit's own Word file"),
    comment="append-only: the template files that briefings were made with",
)

sequences = sa.Table(
    "briefing_sequences",
    metadata,
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("last", sa.Integer, nullable=False, comment="the last number given to a signed one"),
)

briefings = sa.Table(
    "briefings",
    metadata,
    sa.Column("id", _BIG, primary_key=True, autoincrement=True),
    sa.Column("number", sa.String(60), nullable=False, unique=True, comment="RB-20260508"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("code", sa.String(30), nullable=False, comment="the day, week or month"),
    sa.Column("edition", sa.Integer, nullable=False, comment="counts those of one kind and code"),
    sa.Column("matter", sa.String(250), nullable=False, comment="event:ID or policy:ID, where it is about one"),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("made_by", sa.String(100), nullable=False),
    sa.Column("report", sa.Text, nullable=False, comment="briefings.report.Report as JSON, as it was generated"),
    sa.Column("report_digest", sa.String(64), nullable=False, comment="SHA-256 of it"),
    sa.Column("look", sa.String(16), sa.ForeignKey("briefing_looks.version"), nullable=False),
    sa.Column("edits", sa.JSON, nullable=False, comment="paragraph: its text in place of the generated one"),
    sa.Column("secrecy", sa.String(60), nullable=False),
    sa.Column("urgency", sa.String(60), nullable=False),
    sa.Column("mark", sa.String(60), nullable=False),
    sa.Column("recipients", sa.JSON, nullable=False, comment="names that are printed"),
    sa.Column("receivers", sa.JSON, nullable=False, comment="who is told, as the duty book writes it"),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, comment="counts its steps"),
    sa.Column("issue_year", sa.Integer),
    sa.Column("issue_number", sa.Integer, comment="given when it is signed"),
    sa.Column("reviewed_by", sa.String(100)),
    sa.Column("reviewed_at", UtcDateTime),
    sa.Column("signed_by", sa.String(100)),
    sa.Column("signer", sa.String(100), nullable=False, comment="the name that is printed"),
    sa.Column("signed_at", UtcDateTime),
    sa.Column("digest", sa.String(64), comment="SHA-256 over all that was signed"),
    sa.Column("issued_at", UtcDateTime),
    sa.Column("withdrawn_at", UtcDateTime),
    sa.Column("reason", sa.Text, nullable=False, comment="why it was withdrawn, or why it corrects another one"),
    sa.Column("corrects", sa.String(60), comment="number of the one that this takes the place of"),
    sa.Column("corrected_by", sa.String(60), comment="number of the one that took its place"),
    sa.UniqueConstraint("kind", "code", "edition"),
    sa.UniqueConstraint("kind", "issue_year", "issue_number"),
    sa.Index("ix_briefings_made_at", "made_at"),
    comment="each with all that it shows: made again later it is the same",
)

steps = sa.Table(
    "briefing_steps",
    metadata,
    sa.Column("briefing_id", _BIG, sa.ForeignKey("briefings.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column(
        "edits", sa.JSON(none_as_null=True), comment="all changes of the text after this step, where it made any"
    ),
    comment="append-only: what was done with a briefing; two who do the same meet on the key",
)

reads = sa.Table(
    "briefing_reads",
    metadata,
    sa.Column("briefing_id", _BIG, sa.ForeignKey("briefings.id"), primary_key=True),
    sa.Column("reader", sa.String(100), primary_key=True),
    sa.Column("first_at", UtcDateTime, nullable=False),
    comment="who opened an issued briefing in the console, when first",
)
