"""Hot lists: what a service's readers search for most, with the place of each term over time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from scrapy.http import Response

from crawlers.admission import Found
from crawlers.hot_lists import read_hot, time_of
from crawlers.hot_ranks import Seen
from crawlers.spiders.base import Harvest, Options, SourceSpider, absolute, body_text
from minsheng.clock import CHINA
from minsheng.records import Engagement

FIELDS = ("word", "heat", "url", "time", "text")


class HotOptions(Options, frozen=True, kw_only=True):
    """Options of a hot list."""

    top: int = 50  # how many places are read
    items: str = ""  # JSON: where the entries are, as data.realtime; empty: found automatically
    # JSON: part → where it is in an entry, as word = "note"; parts: word, heat, url, time, text
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    rows: str = ""  # pages: CSS selector, or XPath, of the entries; empty: found automatically

    def __post_init__(self) -> None:
        if not 1 <= self.top <= 1000:
            raise ValueError("top must be between 1 and 1000")
        for field in self.fields:
            if field not in FIELDS:
                raise ValueError(f"fields: there is no part {field}; known are: {', '.join(FIELDS)}")


class HotSpider(SourceSpider):
    """Reads a hot list; each stay of a term on it is a document, and its way up and down is kept."""

    kind = "hot"
    summary = "hot lists: Weibo, Baidu, Zhihu, Toutiao and their like"
    Options = HotOptions

    async def read(self, response: Response, **kwargs: Any) -> AsyncIterator[Any]:
        options, now = self.options, self.run.now()
        terms = read_hot(body_text(response), response.url, options.items, options.fields, options.rows)[: options.top]
        # Its places are kept in the store, so what points at a person is masked here already.
        terms = [msgspec.structs.replace(term, word=self.run.private(term.word)) for term in terms]
        seen = [Seen(term.word, rank, term.heat) for rank, term in enumerate(terms, start=1)]
        since = await self.run.record_ranks(seen)
        found = []
        for term in terms:
            url = absolute(response, term.url) if term.url else None
            begun = since.get(term.word, now)
            said = time_of(term, now)
            self.run.lead(url, term.word, said or begun)
            found.append(
                Found(
                    # A term that comes back after a day is another matter.
                    key=f"{term.word}#{begun.astimezone(CHINA):%Y-%m-%dT%H:%M}",
                    kind="hot-search",
                    title=term.word,
                    text=term.text,
                    url=url,
                    published=said or begun,
                    engagement=Engagement(views=term.heat),
                )
            )
        yield Harvest(found=found)

    async def unchanged(self, response: Response) -> None:
        await self.run.ranks_unchanged()
