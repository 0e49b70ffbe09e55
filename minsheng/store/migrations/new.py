"""For developers: writes the migration from the newest revision to what the tables declare now.

    python -m minsheng.store.migrations.new "add what"

Read it before you commit it: a renamed column looks like one dropped and one added. Both databases then run it, up and
down, in tests/contract/test_store.py.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from minsheng.store.database import Store
from minsheng.store.migrate import alembic_config, migrate, revisions


def write(message: str) -> Path:
    """Write the next migration, and return its file."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/store.db")
        if revisions():
            migrate(store)
        with store.begin() as connection:
            config = alembic_config(connection)
            number = int(revisions()[-1]) + 1 if revisions() else 1
            script = command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")
        store.close()
    assert script is not None
    assert not isinstance(script, list)
    return Path(script.path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(write(sys.argv[1]))
