"""Remember which documents were being sent to the log when a crawler ended, so that none is sent twice."""

import sqlalchemy as sa
from alembic import op

from minsheng.store import UtcDateTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("crawl_documents", sa.Column("sending_since", UtcDateTime(), nullable=True))
    # So far, revision 0 stood for a first one whose arrival was not known.
    op.execute("UPDATE crawl_documents SET revision = 1, sending_since = stored_at WHERE revision = 0")


def downgrade() -> None:
    op.execute("UPDATE crawl_documents SET revision = 0 WHERE revision = 1 AND sending_since IS NOT NULL")
    with op.batch_alter_table("crawl_documents") as batch_op:
        batch_op.drop_column("sending_since")
