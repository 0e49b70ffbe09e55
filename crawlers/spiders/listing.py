"""Listing pages that lead to articles: news columns, notices, announcements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal

import lxml.html
from scrapy.http import Response

from crawlers.admission import Found
from crawlers.attached import kind_of
from crawlers.extraction import NoArticle, extract
from crawlers.linking import Link, article_links, block_selector, next_page, selected_links
from crawlers.markup import page_title, parse_html
from crawlers.record_lists import with_records
from crawlers.spiders.base import Harvest, Options, SourceSpider, absolute, body_text
from crawlers.walls import find_wall, gone_by_title
from minsheng.errors import BadInput
from minsheng.records import Attachment


class ListingOptions(Options, frozen=True, kw_only=True):
    """Options of a listing."""

    links: str = ""  # CSS selector, or XPath, of the links to articles; empty: found automatically
    next_page: str = ""  # CSS selector, or XPath, of the link to the next page; empty: found automatically
    pages: int = 1  # how many pages of the list are read
    kind: Literal["news", "post", "message"] = "news"  # what its articles are
    javascript: Literal["no", "list", "all"] = "no"  # whose scripts run in a browser; all: the articles', too

    def __post_init__(self) -> None:
        if not 1 <= self.pages <= 1000:
            raise ValueError("pages must be between 1 and 1000")


class ListingSpider(SourceSpider):
    """Reads a list page by page, and each article that is not known yet."""

    kind = "listing"
    summary = "listing pages that lead to articles"
    Options = ListingOptions

    async def read(self, response: Response, page: int = 1, **kwargs: Any) -> AsyncIterator[Any]:
        links, following = await self.aside(read_list, response, self.options.links, self.options.next_page, page)
        await self.run.know([link.url for link in links])
        if self.run.looking and page == 1:
            self._propose(response)
        for link in links:
            self.run.lead(link.url, link.title, link.date)
            if not self.run.wants(link.date):
                continue
            if kind_of(link.url):
                async for result in self.listed_file(link):
                    yield result
            else:
                yield await self.page(link.url, self.article, link.title, link=link)
        if following and self.more(page, [link.date for link in links]) and self.run.claim_index(following):
            yield await self.index(following, page=page + 1)

    def _propose(self, response: Response) -> None:
        tree = _list_tree(response)
        if tree is None:
            return
        self.run.title = page_title(tree)
        if not self.options.links and (selector := block_selector(tree, response.url)):
            self.run.proposed["links"] = selector

    def article(self, response: Response, link: Link) -> tuple[list[Found], bool]:
        return [read_article(response, link, self.options.kind, self.run.now())], True

    async def listed_file(self, link: Link) -> AsyncIterator[Any]:
        """A link that leads to a file: what the list says of it is all there is to read."""
        yield Harvest(
            found=[
                Found(
                    key=link.url,
                    kind=self.options.kind,
                    title=link.title,
                    url=link.url,
                    published=link.date or None,
                    attachments=(Attachment(url=link.url, name=link.title),),
                )
            ]
        )


def read_article(response: Response, link: Link, kind: Literal["news", "post", "message"], now: datetime) -> Found:
    """The article at a link, with what the list says of it where the page itself says nothing."""
    page = extract(body_text(response), response.url, now)
    return Found(
        key=link.url,
        kind=kind,
        title=page.title or link.title,
        text=page.text,
        url=link.url,
        published=page.published_at or link.date or page.published_raw,
        outlet=page.outlet,
        author=page.author,
        attachments=page.attachments,
        next_page=page.next_page,
    )


def _list_tree(response: Response) -> lxml.html.HtmlElement | None:
    return parse_html(with_records(body_text(response)))


def read_list(response: Response, links: str, following: str, page: int) -> tuple[list[Link], str | None]:
    """The links of a list and the address of its next page. Raises `BadInput` where there are none."""
    tree = _list_tree(response)
    if tree is None:
        raise BadInput(f"{response.url} is an empty page")
    if not links and (wall := gone_by_title(tree)):
        # It has links as well: to what else there is.
        raise NoArticle(wall.obstacle, f"{response.url}: {wall.reason}", wall.hint)
    found = selected_links(tree, response.url, links) if links else article_links(tree, response.url)
    if not found:
        wall = find_wall(tree)
        if wall is not None:
            raise NoArticle(wall.obstacle, f"{response.url}: {wall.reason}", wall.hint)
        frames = (absolute(response, frame.get("src") or "") for frame in tree.iter("iframe", "frame"))
        shown = next(filter(None, frames), None)
        raise BadInput(
            f"{response.url}: {'nothing matches links = ' + links if links else 'no list of links is seen'}",
            f"the page shows another one, which may hold the list: {shown}"
            if shown
            else "give the links' selector: options.links; where scripts make the list: options.javascript",
        )
    return found, next_page(tree, response.url, page, following)
