"""RSS, Atom and JSON feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from scrapy.http import Response

from crawlers.addresses import AddressRule
from crawlers.admission import Found
from crawlers.apart import Head, Unread
from crawlers.extraction import extract
from crawlers.spiders.base import Harvest, Options, SourceSpider, body_text
from crawlers.websub.discovery import Offer, offer_of

SUMMARY = 300
"""Entries with fewer characters hold a summary rather than the article."""


class FeedOptions(Options, frozen=True, kw_only=True):
    """Options of a feed."""

    full_text: bool = False  # follow each entry's link and take the article's text instead of the feed's summary
    pages: int = 1  # how many pages are read of a feed that says where its older entries are
    kind: Literal["news", "post", "message"] = "news"  # what its entries are
    javascript: Literal["no", "all"] = "no"  # all: the scripts of its articles are run in a browser
    push: bool = True  # have its hub (WebSub) tell of news, where it names one and receive.public_url is set

    def __post_init__(self) -> None:
        if not 1 <= self.pages <= 1000:
            raise ValueError("pages must be between 1 and 1000")


class FeedSpider(SourceSpider):
    """Reads a feed, and its articles where asked to."""

    kind = "feed"
    summary = "RSS, Atom and JSON feeds"
    Options = FeedOptions
    index_scripts = ""

    async def read(self, response: Response, page: int = 1, **kwargs: Any) -> AsyncIterator[Any]:
        try:
            head, parts = await self.read_apart("feed", response, kind=self.options.kind)
        except Unread as error:
            self.run.offered += error.head.offered
            raise
        self.run.title = self.run.title or head.title
        if page == 1:
            self.run.offers = self._offers(response, head)
        plain: list[Found] = []
        times: list[Any] = []
        lengths: list[int] = []
        async for entries in parts:
            times += [entry.published for entry in entries]
            lengths += [len(entry.text) for entry in entries]
            if self.options.full_text:
                await self.run.know([entry.url for entry in entries if entry.url])
            for entry in entries:
                self.run.lead(entry.url, entry.title, entry.published)
                if not self.run.wants(entry.published):
                    continue
                if not self.options.full_text or entry.url is None:
                    plain.append(entry)
                    continue
                hint = f"{entry.title}\n{entry.text}"
                yield await self.page(entry.url, self.article, hint, instead=[entry], entry=entry)
        if lengths and page == 1:
            # Half of the entries are no more than a summary: the article has the rest.
            self.run.proposed = {"full_text": True} if sorted(lengths)[len(lengths) // 2] < SUMMARY else {}
        yield Harvest(found=plain)
        if head.older and self.more(page, times) and self.run.claim_index(head.older):
            yield await self.index(head.older, page=page + 1)

    def _offers(self, response: Response, head: Head) -> list[Offer]:
        if not self.options.push:
            return []
        address = response.ip_address
        offer = offer_of(
            response.url,
            [value.decode("latin-1") for value in response.headers.getlist("Link")],
            head.hubs,
            head.topic,
            # A feed out there is no way into the operator's own networks.
            own_network=address is not None and not AddressRule().allows(str(address)),
        )
        return [offer] if offer is not None else []

    def article(self, response: Response, entry: Found) -> tuple[list[Found], bool]:
        """The entry with its article's text; the feed's own title and time are kept where it has them."""
        page = extract(body_text(response), response.url, self.run.now())
        whole = msgspec.structs.replace(
            entry,
            title=entry.title or page.title,
            text=page.text or entry.text,
            published=_exact(entry.published) or page.published_at or entry.published,
            outlet=page.outlet or entry.outlet,
            author=entry.author or page.author,
            next_page=page.next_page,
        )
        return [whole], True


def _exact(published: Any) -> Any:
    """A time that the feed itself gives; a bare day, taken from an address, is less than the page knows."""
    return published if isinstance(published, str) else None
