"""Public timelines, hashtags and searches of Mastodon and services that speak its interface."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit

from scrapy.http import Request, Response

from crawlers.admission import Found
from crawlers.faults import LoginEnded
from crawlers.json_values import json_of
from crawlers.markup import html_text
from crawlers.spiders.base import Harvest, absolute, body_text
from crawlers.spiders.searching import SearchOptions, SearchSpider
from minsheng.errors import BadInput
from minsheng.records import Attachment, Engagement
from minsheng.settings import Secret

PAGE = 40
"""Posts of an answer; the most that the interface gives."""
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')


class MastodonOptions(SearchOptions, frozen=True, kw_only=True):
    """Options of a Mastodon-like service."""

    read: Literal["public", "local", "tags", "search"] = (
        "local"  # whose posts: all known, its own, by hashtag, by search
    )
    tags: tuple[str, ...] = ()  # hashtags without #, for read = "tags"
    pages: int = 1  # how many answers of 40 posts are read
    token: Secret | None = None  # an access token, where the service wants one; a search always does

    def __post_init__(self) -> None:
        self.check_search()
        if not 1 <= self.pages <= 1000:
            raise ValueError("pages must be between 1 and 1000")
        if self.read == "tags" and not self.tags:
            raise ValueError('read = "tags" needs tags')


class MastodonSpider(SearchSpider):
    """Reads public posts. Those of people who ask not to be indexed are left out."""

    kind = "mastodon"
    summary = "public posts of Mastodon-like services"
    Options = MastodonOptions

    async def requests(self) -> AsyncIterator[Request]:
        base = f"{urlsplit(self.source.url).scheme}://{urlsplit(self.source.url).netloc}"
        options = self.options
        if urlsplit(self.source.url).path.startswith("/api/"):
            addresses = [self.source.url]
        elif options.read == "tags":
            tags = [tag.removeprefix("#") for tag in options.tags]
            addresses = [f"{base}/api/v1/timelines/tag/{quote(tag, safe='')}?limit={PAGE}" for tag in tags]
        elif options.read == "search":
            words = await self.queries()
            addresses = [f"{base}/api/v2/search?type=statuses&limit={PAGE}&q={quote(word, safe='')}" for word in words]
        else:
            local = "&local=true" if options.read == "local" else ""
            addresses = [f"{base}/api/v1/timelines/public?limit={PAGE}{local}"]
        for address in addresses:
            if (place := await self.run.place(address)) is not None:
                yield await self._ask(place["url"], place["page"], address, resumes=address)
            else:
                yield await self._ask(address, 1, address)

    async def _ask(self, url: str, page: int, way: str, *, resumes: str | None = None) -> Request:
        token = self.options.token
        headers = {"Authorization": f"Bearer {token.reveal()}"} if token is not None else {}
        return await self.index(url, headers=headers, follow=token is None, resumes=resumes, page=page, way=way)

    def _as_safe(self, url: str) -> str:
        """The address, by https where the source's own is: services behind a proxy name themselves without."""
        own, other = urlsplit(self.source.url), urlsplit(url)
        if own.scheme == "https" and own.netloc.lower() == other.netloc.lower():
            url = other._replace(scheme="https").geturl()
        if self.options.token is not None and not self.trusted(url):
            raise BadInput(f"{url}: the next page is at another host, which the token is not for")
        return url

    async def read(self, response: Response, page: int = 1, way: str = "", **kwargs: Any) -> AsyncIterator[Any]:
        value = json_of(body_text(response), response.url)
        posts = value.get("statuses") if isinstance(value, dict) else value
        if isinstance(value, dict) and value.get("error"):
            raise LoginEnded(f"{response.url}: the service refuses: {value['error']}", "give a token: options.token")
        if not isinstance(posts, list):
            raise BadInput(
                f"{response.url} is no list of posts", "give the service's address, as https://mastodon.example"
            )
        found = [one for post in posts if isinstance(post, dict) for one in _read(post, response)]
        for one in found:
            self.run.lead(one.url, one.text[:60], one.published)
        link = _NEXT.search((response.headers.get("Link") or b"").decode("latin-1"))
        following = absolute(response, link[1]) if link else None
        times, keys = [one.published for one in found], [f"{way}\n{one.key}" for one in found]
        further = None
        harvest = Harvest(found=[one for one in found if self.run.wants(one.published)])
        if posts and following and self.more(page, times, keys) and self.run.claim_index(following):
            try:
                further = await self._ask(self._as_safe(following), page + 1, way)
            except BadInput:
                yield harvest
                raise
        place = {"url": response.meta["minsheng_asked"], "page": page}
        for result in self.paged(harvest, way, page, place, further):
            yield result


def _read(post: Mapping[str, Any], response: Response) -> list[Found]:
    """The post, and the one that it passes on. Empty where its author asks not to be indexed."""
    shared = post.get("reblog")
    inner = _read(shared, response) if isinstance(shared, dict) else []
    account = post.get("account")
    if not isinstance(account, dict) or account.get("noindex") or post.get("visibility") not in (None, "public"):
        return inner
    number = str(post.get("id") or "")
    text = "\n".join(filter(None, (html_text(str(post.get(name) or "")) for name in ("spoiler_text", "content"))))
    if not number or not text:
        return inner
    files = post.get("media_attachments")
    one = Found(
        key=number,
        native_id=number,
        kind="reply" if post.get("in_reply_to_id") else "post",
        text=text,
        url=_address(post, number, str(account.get("acct") or ""), response),
        parent_key=str(post.get("in_reply_to_id") or "") or (inner[0].key if inner else None),
        author=str(account.get("acct") or "") or None,
        published=str(post.get("created_at") or "") or None,
        engagement=Engagement(
            likes=_number(post.get("favourites_count")),
            reposts=_number(post.get("reblogs_count")),
            comments=_number(post.get("replies_count")),
        ),
        attachments=tuple(
            Attachment(url=link, name=str(file.get("description") or "")[:200])
            for file in (files if isinstance(files, list) else ())
            if isinstance(file, dict) and (link := absolute(response, str(file.get("url") or "")))
        ),
    )
    return [one, *inner]


def _address(post: Mapping[str, Any], number: str, author: str, response: Response) -> str | None:
    """Where the post is read: at its own address, or, as that mostly holds its author's name, by its number."""
    own = absolute(response, str(post.get("url") or post.get("uri") or "")) or None
    name = author.partition("@")[0].lower()
    if own is None or not name or name not in unquote(urlsplit(own).path).lower():
        return own
    return absolute(response, f"/web/statuses/{quote(number, safe='')}")


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
