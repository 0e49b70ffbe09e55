"""The embedded index: SQLite with FTS5, for one machine. Many readers and one writer at a time, also as processes.

How it lies on disk
-------------------
- `words`: a contentless FTS5 table over the tokens of `search.tokens`.
- `documents`: what is filtered and counted; `policies`: the same for the field with many values; `records`: the whole
  record as JSON, compressed where that pays.
- The row id is the hour of publication and a number within the hour. So newest first, spans of time and counts over
  time need no sorting and, for a search without filters, not even a join; within an hour rows are sorted exactly.

Modules: `file` (the tables, and bringing older ones up to date), `rows` (writing and reading records), `selection` (a
search as SQL), `index` (the seam's methods), `rebuild` (all words anew while others search and write).
"""

from search.embedded.index import EmbeddedIndex

__all__ = ["EmbeddedIndex"]
