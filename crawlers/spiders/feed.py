"""RSS and Atom feeds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Literal

from scrapy.http import Response

from crawlers.admission import Found
from crawlers.markup import html_text
from crawlers.spiders.base import Harvest, Options, SourceSpider, absolute, body_text
from minsheng.errors import BadInput
from minsheng.records import Attachment

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


class FeedOptions(Options, frozen=True, kw_only=True):
    """Options of a feed."""

    full_text: bool = False  # follow each entry's link and take the article's text instead of the feed's summary
    kind: Literal["news", "post", "message"] = "news"  # what its entries are


class FeedSpider(SourceSpider):
    """Reads a feed, and its articles where asked to."""

    kind = "feed"
    summary = "RSS and Atom feeds"
    Options = FeedOptions

    async def read(self, response: Response, **kwargs: Any) -> AsyncIterator[Any]:
        found = entries(response, self.options.kind)
        if not self.options.full_text:
            yield Harvest(found=found)
            return
        for entry in found:
            if entry.url is None:
                yield Harvest(found=[entry])
                continue
            yield await self.page(entry.url, self.article, f"{entry.title}\n{entry.text}", entry=entry)

    def article(self, response: Response, entry: Found) -> tuple[list[Found], bool]:
        """The entry with its article's text; the feed's own title and time are kept where it has them."""
        from crawlers.extraction import extract

        page = extract(body_text(response), response.url, self.run.now())
        entry.title = entry.title or page.title
        entry.text = page.text or entry.text
        entry.published = entry.published or page.published_at
        entry.outlet = page.outlet or entry.outlet
        entry.author = entry.author or page.author
        entry.next_page = page.next_page
        return [entry], True


def entries(response: Response, kind: Literal["news", "post", "message"] = "news") -> list[Found]:
    """The entries of a feed, also of a broken one as far as it can be read. Raises `BadInput` where it is no feed."""
    import feedparser

    # The bytes are decoded by our own rules: feeds, too, declare charsets they are not in.
    text = _DECLARATION.sub("", body_text(response), count=1)
    feed = feedparser.parse(
        text.encode("utf-8", "replace"),
        response_headers={"content-type": "application/xml; charset=utf-8", "content-location": response.url},
    )
    if (feed.bozo or not feed.version) and not any(e.get("title") or e.get("summary") for e in feed.entries):
        cause = feed.get("bozo_exception")
        raise BadInput(
            f"{response.url} is no feed{f': {cause}' if cause else ''}",
            "give the address of the feed itself, not of the page that links to it",
        )
    found = [_entry(entry, response, kind) for entry in feed.entries]
    shared = {key for key, times in Counter(one.key for one in found).items() if times > 1}
    for one in found:
        if one.key in shared:
            # Some feeds give all their entries one address, or one id.
            one.key = f"{one.key}#{one.title}"
    return found


def _entry(entry: Any, response: Response, kind: Literal["news", "post", "message"]) -> Found:
    url = absolute(response, entry.get("link", "")) if entry.get("link") else None
    contents = [content.get("value", "") for content in entry.get("content", ())]
    body = max((*contents, entry.get("summary", "")), key=len)
    title = html_text(entry.get("title", ""))
    native = entry.get("id") or None
    source = entry.get("source") or {}
    return Found(
        key=url or native or title,
        kind=kind,
        title=title,
        text=html_text(body),
        url=url,
        native_id=native,
        author=entry.get("author") or None,
        published=entry.get("published") or entry.get("updated") or entry.get("created") or None,
        outlet=source.get("title") if hasattr(source, "get") else None,
        attachments=tuple(
            Attachment(url=link, media_type=file.get("type") or "")
            for file in entry.get("enclosures", ())
            if file.get("href") and (link := absolute(response, file["href"]))
        ),
    )
