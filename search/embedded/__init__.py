"""The embedded index: SQLite with FTS5, for one machine. Many readers and one writer at a time, also as processes.

How it lies on disk
-------------------
- `words`: a contentless FTS5 table over the tokens of `search.tokens`.
- `documents`: what is filtered and counted; `policies`: the same for the field with many values; `records`: the whole
  record as JSON, compressed where that pays.
- `blocks`, `columns`, `codes`: what is filtered and counted once more, column by column, for searches that meet many
  documents; `characters`: which of them hold the commonest characters; `loose`: the rows that have changed since.
- The row id is the hour of publication and a number within the hour. So newest first, spans of time and counts over
  time need no sorting and, for a search without filters, not even a join; within an hour rows are sorted exactly.

Modules: `file` (the tables, and bringing older ones up to date), `rows` (writing and reading records), `columns`,
`codes` and `characters` (the columns as a search reads them), `sealing` (rows taken into blocks), `expressions` (words
as FTS5 reads them), `selection` (what a search selects, by words or by columns), `matches` (counted and put in order by
columns), `index` (the seam's methods), `rebuild` (all words anew while others search and write).
"""

from search.embedded.index import EmbeddedIndex

__all__ = ["EmbeddedIndex"]
