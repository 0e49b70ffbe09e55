"""All words indexed anew, a thousand records at a time, while others search and write.

The new words go to `words_anew`, row by row; `rebuilding` holds the row reached. Whoever writes meanwhile (see
`search.embedded.rows`) keeps the part that is done up to date; the rest will be read from the records when its turn
comes. At the end the new table takes the place of the old one in one transaction. A rebuild that was stopped goes on
where it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from search import tokens
from search.embedded.file import WORDS, transaction
from search.embedded.packing import add_words, unpack
from search.embedded.rows import rebuilt_to

BATCH = 1_000


def rebuild(connection: sqlite3.Connection, progress: Callable[[int, int], None]) -> int:
    """Index the words of all records anew.

    Parameters
    ----------
    progress:
        Called after every batch with how many records are done and how many there are.

    Returns
    -------
    How many records the new words cover.
    """
    with transaction(connection, write=True):
        if rebuilt_to(connection) is None:
            connection.execute(f"CREATE VIRTUAL TABLE words_anew {WORDS}")
            connection.execute("CREATE TABLE rebuilding (upto INTEGER NOT NULL)")
            connection.execute("INSERT INTO rebuilding VALUES (-1)")
        upto = rebuilt_to(connection)
        (done,) = connection.execute("SELECT count(*) FROM records WHERE row <= ?", (upto,)).fetchone()
    while True:
        with transaction(connection, write=True):
            upto = rebuilt_to(connection)
            if upto is None:  # another process has finished it
                return int(done)
            rows = connection.execute(
                "SELECT row, body FROM records WHERE row > ? ORDER BY row LIMIT ?", (upto, BATCH)
            ).fetchall()
            words = tokens.of_records([unpack(kept) for _, kept in rows])
            for (row, _), found in zip(rows, words, strict=True):
                add_words(connection, "words_anew", row, found)
            done += len(rows)
            if rows:
                connection.execute("UPDATE rebuilding SET upto = ?", (rows[-1][0],))
            (total,) = connection.execute("SELECT count(*) FROM records").fetchone()
            if len(rows) < BATCH:
                connection.execute("DROP TABLE words")
                connection.execute("ALTER TABLE words_anew RENAME TO words")
                connection.execute("DROP TABLE rebuilding")
        progress(done, total)
        if len(rows) < BATCH:
            return int(done)
