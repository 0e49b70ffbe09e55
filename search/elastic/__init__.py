"""The index on Elasticsearch 8.19 or 9, also on a server without any modules beyond the core.

Shape
-----
- One index a month, `<prefix>-documents-2026.11`, made by a template, behind the alias `<prefix>-documents`.
- `title` and `text` are analysed by Elasticsearch's standard analyser, which takes each Chinese character as a word, so
  that anybody's own `match_phrase` finds a Chinese phrase. (Pairs beside the characters would slow indexing down by a
  third for nothing that a phrase needs.) `words.title` and `words.text` hold the tokens of `search.analysis`; our own
  searches use these alone, so they find exactly what the embedded index finds. The whole record lies under `record`,
  kept but not indexed: nothing can search or count authors.

- A month is sorted on disk as its documents are shown, the newest first. Months of an older program are not until they
  are made anew, and answer the same, only later.

A page is one request: of words alone one search, which counts its matches; where facets or counts over time are asked
for, or no words, one search that counts, whose answer Elasticsearch keeps until something new is indexed, and one for
the page, which then need not look at every match. A page by relevance opens its point in time first; one that shows
duplicates once looks up their copies after.

One id, one place
-----------------
Elasticsearch compares versions within one index, so each id must stay in one month's index. A document goes to the
month (in China) of `published_at`, which only another revision can change, and rarely does. So a first revision is
simply written. A later one is looked up by id in all months, which sees what was written a moment ago. Where its month
is not the one of the copy found, or no copy is found, `<prefix>-homes` first remembers the new month for that id: a
replay of the first revision is then sent there too, and conflicts, as it must. Then the new copy is written and the old
one deleted; a stop in between is mended when the record is written again.

Made anew
---------
A month that is made anew becomes `<prefix>-rebuilt-2026.11-2` (then -3, ...); the name that it had before stays as an
alias, so that it is written to by the same name for ever.

Modules: `mapping` (what lies in a document, and the template), `months` (indices, aliases, homes), `writing`, `queries`
(a search as Elasticsearch reads it, and its answers), `answers` (telling what is wrong), `index` (the seam's methods),
`rebuild`.
"""

from search.elastic.index import ElasticsearchIndex

__all__ = ["ElasticsearchIndex"]
