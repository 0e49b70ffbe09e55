"""Search results of Weibo-like services, as JSON."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import msgspec
from scrapy.http import Request, Response

from crawlers.admission import Found
from crawlers.columns import count
from crawlers.extraction import wall_of
from crawlers.faults import LoginEnded
from crawlers.json_values import json_of
from crawlers.markup import html_text, parse_html
from crawlers.spiders.base import Harvest, absolute, body_text
from crawlers.spiders.searching import SearchOptions, SearchSpider
from minsheng.errors import BadInput
from minsheng.records import Engagement

LOGIN_HINT = "give the cookie of your own account again: minsheng sources login ID"
_LOGIN = re.compile(r"登[录陆]|passport|login|signin|visitor", re.IGNORECASE)


class WeiboSearchOptions(SearchOptions, frozen=True, kw_only=True):
    """Options of a search."""

    pages: int = 1  # how many pages of results are read; put in place of {page} in the address
    long_text: str = ""  # address of a long post's whole text, with {id} for its number; empty: it stays cut
    post_url: str = ""  # address of a post's own page, with {id} for its number; empty: posts have no address
    comments: str = ""  # address of a post's comments, with {id}, and {cursor} where they page; empty: none are read
    comment_pages: int = 1  # how many pages of comments are read of each post
    least_comments: int = 5  # posts with fewer comments are not asked for them

    def __post_init__(self) -> None:
        self.check_search()
        if not 1 <= self.pages <= 100:
            raise ValueError("pages must be between 1 and 100")
        if not 1 <= self.comment_pages <= 100:
            raise ValueError("comment_pages must be between 1 and 100")
        for name in ("long_text", "post_url", "comments"):
            address = getattr(self, name)
            if address and "{id}" not in address:
                raise ValueError(f"{name} needs {{id}} where the post's number goes")


class WeiboSearchSpider(SearchSpider):
    """Reads the posts of each query's results, page by page."""

    kind = "weibo_search"
    summary = "JSON search results of Weibo-like services"
    Options = WeiboSearchOptions

    async def requests(self) -> AsyncIterator[Request]:
        queries = await self.queries() if "{query}" in self.source.url else [""]
        for query in queries:
            place = await self.run.place(query)
            number = place["number"] if place is not None else 1
            resumes = query if place is not None else None
            yield await self.index(self._address(query, number), query=query, number=number, resumes=resumes)

    async def read(self, response: Response, query: str = "", number: int = 1, **kwargs: Any) -> AsyncIterator[Any]:
        posts = list(read_posts(response))
        short: list[Found] = []
        for post in posts:
            found = _found(post)
            if found is None:
                continue
            if self.options.post_url:
                found.url = absolute(response, self._of(self.options.post_url, found.key))
            if post.get("isLongText") and self.options.long_text and self.run.wants(found.published):
                # Asked for once, and again when it has spread much further: counts come only with the search.
                hint = f"{found.text} {found.engagement.total().bit_length()}"
                address = response.urljoin(self._of(self.options.long_text, found.key))
                yield await self.page(address, self.whole, hint, post=found)
            else:
                short.append(found)
            self.run.lead(found.url, found.text[:60], found.published)
            comments = found.engagement.comments or 0
            if self.options.comments and comments >= self.options.least_comments:
                # Asked for once, and again when there are about half as many more.
                hint = f"{comments.bit_length()} {comments >> max(comments.bit_length() - 2, 0)}"
                address = response.urljoin(self._comments(found.key, ""))
                yield await self.page(address, self.answers, hint, post=found.key)
        times = [str(post.get("created_at") or "") for post in posts]
        keys = [str(_number(post)) for post in posts]
        following = None
        if posts and "{page}" in self.source.url and self.more(number, times, [f"{query}\n{key}" for key in keys]):
            following = await self.index(self._address(query, number + 1), query=query, number=number + 1)
        # What has a page of its own is asked for beside this: that it is known says what was read.
        place = None if self.options.long_text or self.options.comments else {"number": number}
        harvest = Harvest(found=[found for found in short if self.run.wants(found.published)])
        for result in self.paged(harvest, query, number, place, following):
            yield result

    def whole(self, response: Response, post: Found) -> tuple[list[Found], bool]:
        """A long post with its whole text."""
        value = json_of(body_text(response), response.url)
        data = value.get("data") if isinstance(value, dict) else None
        text = (data or {}).get("longTextContent") if isinstance(data, dict) else None
        if not isinstance(text, str) or not text:
            raise BadInput(f"{response.url}: no longTextContent in the answer")
        post.text = html_text(text)
        return [post], True

    def answers(self, response: Response, post: str) -> tuple[list[Found], bool]:
        """A page of a post's comments, and of the answers to them."""
        return read_comments(response, post), True

    async def complete(self, found: list[Found], response: Response) -> tuple[list[Found], bool]:
        """The further pages of comments."""
        rest = response.cb_kwargs.get("rest", {}) if response.request else {}
        post, template = rest.get("post"), self.options.comments
        if not isinstance(post, str) or "{cursor}" not in template:
            return found, True
        known = {one.key for one in found}
        cursor = cursor_of(response)
        for _ in range(1, self.options.comment_pages):
            if not cursor:
                break
            following = await self.fetch(response.urljoin(self._comments(post, cursor)))
            if following.status != 200:
                self.run.page_failed(following.url, f"{following.url}: answered {following.status}")
                return found, False
            further = [one for one in read_comments(following, post) if one.key not in known]
            if not further:
                break
            known |= {one.key for one in further}
            found = [*found, *further]
            cursor = cursor_of(following)
        return found, True

    def _comments(self, post: str, cursor: str) -> str:
        return self._of(self.options.comments, post).replace("{cursor}", quote(cursor, safe=""))

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
    value = _answer(response)
    seen: set[str] = set()
    for post in _posts(value):
        number = _number(post)
        if number and number not in seen:
            seen.add(number)
            yield post


def read_comments(response: Response, post: str) -> list[Found]:
    """The comments of an answer, each pointing at the post or at the comment that it answers. Raises `BadInput`."""
    found: dict[str, Found] = {}
    for comment in _posts(_answer(response)):
        one = _found(comment)
        if one is None or one.key == post:
            continue
        root = comment.get("rootid") or comment.get("root_id")
        parent = str(root) if root and str(root) != one.key else post
        likes = _count(comment.get("like_count") or comment.get("like_counts"))
        engagement = msgspec.structs.replace(one.engagement, likes=likes if likes is not None else one.engagement.likes)
        # One comment may stand twice: hot ones at the top, too.
        found.setdefault(
            one.key,
            msgspec.structs.replace(one, kind="reply", parent_key=parent, engagement=engagement),
        )
    return list(found.values())


def cursor_of(response: Response) -> str:
    """The mark of the next page of comments; empty where there is none."""
    value = _answer(response)
    data = value.get("data") if isinstance(value, dict) else None
    for holder in (data, value):
        mark = holder.get("max_id") if isinstance(holder, dict) else None
        if mark not in (None, 0, "0", ""):
            return str(mark)
    return ""


def _answer(response: Response) -> Any:
    """The JSON of an answer. Raises `LoginEnded` where it is a page to log in on, or says that it wants a login."""
    text = body_text(response)
    if text.lstrip("\ufeff \t\r\n")[:1] == "<":
        tree = parse_html(text)
        wall = wall_of(tree) if tree is not None else ""
        if wall and ("login" in wall or "captcha" in wall):
            raise LoginEnded(f"{response.url}: {wall}", LOGIN_HINT)
    value = json_of(text, response.url)
    if not isinstance(value, dict):
        return value
    # The service says that it refuses in several ways; ok = 0 alone means that there is nothing.
    name = next(
        (one for one in ("error_code", "errno", "ok") if value.get(one) not in (None, 0, 1, "0", "1", "")), "ok"
    )
    code = value.get(name)
    said = " ".join(str(value.get(one) or "") for one in ("msg", "message", "error", "url")).strip()
    refused = code not in (None, 0, 1, "0", "1", "")
    if str(code) == "-100" or (_LOGIN.search(said) and (refused or (code in (0, "0") and not any(_posts(value))))):
        raise LoginEnded(f"{response.url}: the service wants a login ({name} = {code}): {said}", LOGIN_HINT)
    if refused:
        raise BadInput(f"{response.url}: the service refuses ({name} = {code}): {said}", "ask more seldom")
    return value


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
        # By name, which the operator's list of public institutions' accounts names, too.
        author=str(user.get("screen_name") or user.get("id") or "") or None,
        published=str(post.get("created_at") or "") or None,
        engagement=Engagement(
            likes=_count(post.get("attitudes_count")),
            comments=_count(post.get("comments_count")),
            reposts=_count(post.get("reposts_count")),
            views=_count(post.get("reads_count")),
        ),
        region=_region(post),
    )


def _region(post: dict[str, Any]) -> str | None:
    """`发布于 四川` of posts, `来自四川` of comments; a post's own source is the program that it was written with."""
    for name, before in (("region_name", "发布于"), ("source", "来自")):
        said = str(post.get(name) or "").strip()
        if said.startswith(before) or (said and name == "region_name"):
            return said.removeprefix(before).strip() or None
    return None


def _number(post: dict[str, Any]) -> str | None:
    value = post.get("mid") or post.get("id") or post.get("idstr")
    return str(value) if isinstance(value, (str, int)) and str(value) else None


def _count(value: Any) -> int | None:
    """Counts come as numbers, and as `1.2万` or `100万+`."""
    return count(str(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
