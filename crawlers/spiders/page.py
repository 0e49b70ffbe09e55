"""One page that is watched by itself: a notice, a plan, a page of questions and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from scrapy.http import Response

from crawlers.admission import Found, canonical_url
from crawlers.extraction import extract
from crawlers.spiders.base import Harvest, Options, SourceSpider, body_text
from minsheng.errors import BadInput


class PageOptions(Options, frozen=True, kw_only=True):
    """Options of a page."""

    kind: Literal["news", "post", "message"] = "news"  # what it is
    javascript: Literal["no", "all"] = "no"  # all: its scripts are run in a browser


class PageSpider(SourceSpider):
    """Reads one article page; each change of its words is a new revision."""

    kind = "page"
    summary = "one page, watched for changes"
    Options = PageOptions
    index_scripts = "all"

    async def read(self, response: Response, **kwargs: Any) -> AsyncIterator[Any]:
        page = extract(body_text(response), response.url, self.run.now())
        found = Found(
            key=canonical_url(self.source.url),
            kind=self.options.kind,
            title=page.title,
            text=page.text,
            url=canonical_url(self.source.url),
            published=page.published_at or page.published_raw,
            outlet=page.outlet,
            author=page.author,
            attachments=page.attachments,
            next_page=page.next_page,
        )
        if not await self.follow_pages([found]):
            # A part alone would be a new revision, and the whole another.
            raise BadInput(f"{self.source.url} goes on at pages that can't be had")
        yield Harvest(found=[found])
