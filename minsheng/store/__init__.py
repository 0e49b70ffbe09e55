"""The store seam: what is looked after rather than streamed, in SQLite or PostgreSQL, both through SQLAlchemy.

Each part of the product declares its tables beside the code that uses them, on the `metadata` here, and works with
`Store.begin()`; statements are SQLAlchemy Core and run on both databases.
"""

from minsheng.store.database import Store, UtcDateTime, insert_or_ignore, metadata, upsert

__all__ = ["Store", "UtcDateTime", "insert_or_ignore", "metadata", "upsert"]
