"""Search results of Weibo-like services, as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

from scrapy.http import Request, Response

from crawlers.admission import Found
from crawlers.importing import count
from crawlers.json_values import json_of
from crawlers.markup import html_text
from crawlers.spiders.base import Harvest, Options, SourceSpider, absolute, body_text
from minsheng.errors import BadInput
from minsheng.records import Engagement


class WeiboSearchOptions(Options, frozen=True, kw_only=True):
    """Options of a search."""

    queries: tuple[str, ...] = ()  # what is searched for, one after another; put in place of {query} in the address
    pages: int = 1  # how many pages of results are read; put in place of {page} in the address
    long_text: str = ""  # address of a long post's whole text, with {id} for its number; empty: it stays cut
    post_url: str = ""  # address of a post's own page, with {id} for its number; empty: posts have no address

    def __post_init__(self) -> None:
        if not 1 <= self.pages <= 100:
            raise ValueError("pages must be between 1 and 100")
        for name, address in (("long_text", self.long_text), ("post_url", self.post_url)):
            if address and "{id}" not in address:
                raise ValueError(f"{name} needs {{id}} where the post's number goes")


class WeiboSearchSpider(SourceSpider):
    """Reads the posts of each query's results, page by page."""

    kind = "weibo_search"
    summary = "JSON search results of Weibo-like services"
    Options = WeiboSearchOptions

    async def requests(self) -> AsyncIterator[Request]:
        if "{query}" in self.source.url and not self.options.queries:
            self.run.index_failed("nothing to search for: give options.queries")
            return
        queries = self.options.queries if "{query}" in self.source.url else ("",)
        for query in queries:
            yield await self.index(self._address(query, 1), query=query, number=1)

    async def read(self, response: Response, query: str = "", number: int = 1, **kwargs: Any) -> AsyncIterator[Any]:
        posts = list(read_posts(response))
        short: list[Found] = []
        for post in posts:
            found = _found(post)
            if found is None:
                continue
            if self.options.post_url:
                found.url = absolute(response, self._of(self.options.post_url, found.key))
            if post.get("isLongText") and self.options.long_text:
                # Asked for once, and again when it has spread much further: counts come only with the search.
                hint = f"{found.text} {found.engagement.total().bit_length()}"
                address = response.urljoin(self._of(self.options.long_text, found.key))
                yield await self.page(address, self.whole, hint, post=found)
            else:
                short.append(found)
        yield Harvest(found=short)
        if posts and number < self.options.pages and "{page}" in self.source.url:
            yield await self.index(self._address(query, number + 1), query=query, number=number + 1)

    def whole(self, response: Response, post: Found) -> tuple[list[Found], bool]:
        """A long post with its whole text."""
        value = json_of(body_text(response), response.url)
        data = value.get("data") if isinstance(value, dict) else None
        text = (data or {}).get("longTextContent") if isinstance(data, dict) else None
        if not isinstance(text, str) or not text:
            raise BadInput(f"{response.url}: no longTextContent in the answer")
        post.text = html_text(text)
        return [post], True

    def _of(self, template: str, number: str) -> str:
        return template.replace("{id}", quote(number, safe=""))

    def _address(self, query: str, number: int) -> str:
        return self.source.url.replace("{query}", quote(query, safe="")).replace("{page}", str(number))


def read_posts(response: Response) -> Iterator[dict[str, Any]]:
    """Every post in an answer, reposted ones too, each once.

    Raises
    ------
    BadInput
        If the answer is no JSON, or says that it wants a login or refuses us.
    """
    value = json_of(body_text(response), response.url)
    if isinstance(value, dict) and value.get("ok") not in (None, 0, 1, True):
        said = value.get("msg") or value.get("url") or ""
        raise BadInput(f"{response.url}: the service refuses (ok = {value['ok']}): {said}", "it may want a login")
    seen: set[str] = set()
    for post in _posts(value):
        number = _number(post)
        if number and number not in seen:
            seen.add(number)
            yield post


def _posts(value: Any) -> Iterator[dict[str, Any]]:
    """Posts at whatever depth: cards, groups of cards, lists of statuses."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(reversed(one))
        elif isinstance(one, dict):
            if "created_at" in one and ("text" in one or "raw_text" in one):
                yield one
            waiting.extend(reversed([inner for inner in one.values() if isinstance(inner, (dict, list))]))


def _found(post: dict[str, Any]) -> Found | None:
    number = _number(post)
    text = post.get("text") or post.get("raw_text") or ""
    user = post.get("user") if isinstance(post.get("user"), dict) else None
    parent = post.get("retweeted_status")
    # A deleted post has no user and says that it is deleted: not the author's words.
    if number is None or user is None or not isinstance(text, str):
        return None
    return Found(
        key=number,
        native_id=number,
        kind="post",
        text=html_text(text),
        parent_key=_number(parent) if isinstance(parent, dict) else None,
        author=str(user.get("id") or user.get("screen_name") or "") or None,
        published=str(post.get("created_at") or "") or None,
        engagement=Engagement(
            likes=_count(post.get("attitudes_count")),
            comments=_count(post.get("comments_count")),
            reposts=_count(post.get("reposts_count")),
            views=_count(post.get("reads_count")),
        ),
        region=str(post.get("region_name") or "").removeprefix("发布于").strip() or None,
    )


def _number(post: dict[str, Any]) -> str | None:
    value = post.get("mid") or post.get("id") or post.get("idstr")
    return str(value) if isinstance(value, (str, int)) and str(value) else None


def _count(value: Any) -> int | None:
    """Counts come as numbers, and as `1.2万` or `100万+`."""
    return count(str(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
