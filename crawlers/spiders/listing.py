"""Listing pages that lead to articles: news columns, notices, announcements."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Literal

from scrapy.http import Response

from crawlers.admission import Found
from crawlers.extraction import extract, wall_of
from crawlers.linking import Link, article_links, next_page, selected_links
from crawlers.markup import parse_html
from crawlers.spiders.base import Harvest, Options, SourceSpider, body_text
from minsheng.errors import BadInput
from minsheng.records import Attachment

_FILE = re.compile(r"\.(?:pdf|docx?|xlsx?|pptx?|wps|et|zip|rar|7z|jpe?g|png|gif|mp[34])$", re.IGNORECASE)


class ListingOptions(Options, frozen=True, kw_only=True):
    """Options of a listing."""

    links: str = ""  # CSS selector, or XPath, of the links to articles; empty: found automatically
    next_page: str = ""  # CSS selector, or XPath, of the link to the next page; empty: found automatically
    pages: int = 1  # how many pages of the list are read
    kind: Literal["news", "post", "message"] = "news"  # what its articles are

    def __post_init__(self) -> None:
        if not 1 <= self.pages <= 1000:
            raise ValueError("pages must be between 1 and 1000")


class ListingSpider(SourceSpider):
    """Reads a list page by page, and each article that is not known yet."""

    kind = "listing"
    summary = "listing pages that lead to articles"
    Options = ListingOptions

    async def read(self, response: Response, page: int = 1, **kwargs: Any) -> AsyncIterator[Any]:
        links, following = read_list(response, self.options.links, self.options.next_page, page)
        for link in links:
            if _FILE.search(link.url.partition("?")[0]):
                yield Harvest(found=[self._file(link)])
            else:
                yield await self.page(link.url, self.article, link.title, link=link)
        if following and page < self.options.pages and self.run.claim(following):
            yield await self.index(following, page=page + 1)

    def article(self, response: Response, link: Link) -> tuple[list[Found], bool]:
        page = extract(body_text(response), response.url, self.run.now())
        found = Found(
            key=link.url,
            kind=self.options.kind,
            title=page.title or link.title,
            text=page.text,
            url=link.url,
            published=page.published_at or link.date or page.published_raw,
            outlet=page.outlet,
            author=page.author,
            attachments=page.attachments,
            next_page=page.next_page,
        )
        return [found], True

    def _file(self, link: Link) -> Found:
        """A link that leads to a file: what the list says of it is all there is to read."""
        return Found(
            key=link.url,
            kind=self.options.kind,
            title=link.title,
            url=link.url,
            published=link.date or None,
            attachments=(Attachment(url=link.url, name=link.title),),
        )


def read_list(response: Response, links: str, following: str, page: int) -> tuple[list[Link], str | None]:
    """The links of a list and the address of its next page. Raises `BadInput` where there are none."""
    tree = parse_html(body_text(response))
    if tree is None:
        raise BadInput(f"{response.url} is an empty page")
    found = selected_links(tree, response.url, links) if links else article_links(tree, response.url)
    if not found:
        wall = wall_of(tree)
        raise BadInput(
            f"{response.url}: {wall or ('nothing matches links = ' + links if links else 'no list of links is seen')}",
            "give the links' selector: options.links",
        )
    return found, next_page(tree, response.url, page, following)
