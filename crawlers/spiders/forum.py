"""Forums: threads and their floors, of Discourse, NodeBB, Discuz!, phpBB and their like."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import lxml.html
from scrapy.http import Response

from crawlers import threads as reading
from crawlers.admission import Found
from crawlers.extraction import wall_of
from crawlers.json_values import json_of
from crawlers.linking import next_page
from crawlers.markup import element_text, parse_html
from crawlers.spiders.base import Options, SourceSpider, absolute, body_text
from crawlers.threads import Floor, Thread
from minsheng.errors import BadInput
from minsheng.records import Engagement


class ForumOptions(Options, frozen=True, kw_only=True):
    """Options of a forum. Selectors are CSS, the first of several that matches, or XPath that begins with `/`."""

    pages: int = 1  # how many pages of the list of threads are read
    thread_pages: int = 5  # how many pages are read of a thread
    threads: str = reading.THREADS  # links to threads in the list
    posts: str = reading.POSTS  # on a thread's page: each post
    author: str = reading.AUTHOR  # in a post: who wrote it
    time: str = reading.TIME  # in a post: its time
    text: str = reading.TEXT  # in a post: its words
    floor: str = reading.FLOOR  # in a post: its number
    quote: str = reading.QUOTE  # in a post's words: what it quotes, which is left out

    def __post_init__(self) -> None:
        for name in ("pages", "thread_pages"):
            if not 1 <= getattr(self, name) <= 1000:
                raise ValueError(f"{name} must be between 1 and 1000")


class ForumSpider(SourceSpider):
    """Reads a list of threads, and each thread that somebody has written in since."""

    kind = "forum"
    summary = "forums: threads, floors and whom they answer"
    Options = ForumOptions

    async def read(self, response: Response, page: int = 1, **kwargs: Any) -> AsyncIterator[Any]:
        found, following = await self.aside(self._threads, response, page)
        for thread in found:
            self.run.lead(thread.url, thread.title, None)
            yield await self.page(thread.url, self.thread, f"{thread.title} {thread.state}", thread=thread)
        if following and self.more(page, []) and self.run.claim_index(following):
            yield await self.index(following, page=page + 1)

    def _threads(self, response: Response, page: int) -> tuple[list[Thread], str | None]:
        """The threads of a list, and the address of its next page."""
        text = body_text(response)
        if text.lstrip()[:1] in ("{", "["):
            value = json_of(text, response.url)
            parts = urlsplit(response.url)
            listed = reading.listed_in_json(value, f"{parts.scheme}://{parts.netloc}")
            if listed is None:
                raise BadInput(
                    f"{response.url} is no list of threads", "give Discourse's latest.json or NodeBB's api/recent"
                )
            more = value.get("topic_list", {}).get("more_topics_url") if "topic_list" in value else None
            return listed, absolute(response, str(more).replace("/latest?", "/latest.json?")) if more else None
        tree = parse_html(text)
        found = self._listed(tree, response) if tree is not None else []
        if tree is None or not found:
            wall = wall_of(tree) if tree is not None else ""
            raise BadInput(
                f"{response.url}: {wall or 'no thread is seen'}", "give the links' selector: options.threads"
            )
        return found, next_page(tree, response.url, page)

    def _listed(self, tree: lxml.html.HtmlElement, response: Response) -> list[Thread]:
        found: dict[str, Thread] = {}
        for anchor in reading.each(tree, self.options.threads):
            url = absolute(response, anchor.get("href") or "")
            title = " ".join(element_text(anchor).split())
            if url is None or not title:
                continue
            row = next((node for node in anchor.iterancestors("tr", "li", "dl", "tbody", "article")), anchor)
            found.setdefault(url, Thread(url=url, title=title, state=reading.state_of(row, title)))
        return list(found.values())

    def thread(self, response: Response, thread: Thread) -> tuple[list[Found], bool]:
        title, floors, _ = self._floors(response, 0)
        if not floors:
            raise BadInput(f"{response.url}: no post is seen", "give the posts' selectors: options.posts, options.text")
        return self._documents(thread, title, floors, True), True

    async def complete(self, found: list[Found], response: Response) -> tuple[list[Found], bool]:
        """The further pages of the thread."""
        thread: Thread = response.cb_kwargs["rest"]["thread"]
        _, first, pages = await asyncio.to_thread(self._floors, response, 0)
        before, at, page = len(first), response, 1
        while page < self.options.thread_pages:
            url = self._next_of(at, page, pages)
            if url is None:
                break
            at = await self.fetch(url)
            if at.status != 200:
                self.run.page_failed(url, f"{url}: answered {at.status}")
                return found, False
            _, floors, _ = await asyncio.to_thread(self._floors, at, before)
            known = {one.key for one in found}
            further = [one for one in self._documents(thread, "", floors, False) if one.key not in known]
            if not further:
                break
            found = [*found, *further]
            before += len(floors)
            page += 1
        return found, True

    def _floors(self, response: Response, before: int) -> tuple[str, list[Floor], int]:
        text = body_text(response)
        if text.lstrip()[:1] in ("{", "["):
            read = reading.floors_in_json(json_of(text, response.url))
            return read if read is not None else ("", [], 1)
        tree = parse_html(text)
        if tree is None:
            return "", [], 1
        if wall := wall_of(tree):
            raise BadInput(f"{response.url}: {wall}")
        names = ("posts", "author", "time", "text", "floor", "quote")
        return "", reading.floors_in_page(tree, {name: getattr(self.options, name) for name in names}, before), 1

    def _next_of(self, response: Response, page: int, pages: int) -> str | None:
        text = body_text(response)
        if text.lstrip()[:1] in ("{", "["):
            address = response.url.partition("?")[0]
            return f"{address}?page={page + 1}" if page < pages else None
        tree = parse_html(text)
        return next_page(tree, response.url, page) if tree is not None else None

    def _documents(self, thread: Thread, title: str, floors: list[Floor], with_first: bool) -> list[Found]:
        """The first floor as a post with the thread's title, the others as replies to it, or to what they answer."""
        url = re.sub(r"\.json$", "", thread.url).replace("/api/topic/", "/topic/")
        found = []
        for place, floor in enumerate(floors):
            first = with_first and place == 0
            number = "1" if first else floor.number
            answered = floor.answers if floor.answers not in ("", "1", number) else ""
            found.append(
                Found(
                    key=thread.url if first else f"{thread.url}#{number}",
                    kind="post" if first else "reply",
                    title=(title or thread.title) if first else "",
                    text=floor.text,
                    url=url,
                    parent_key=None if first else f"{thread.url}#{answered}" if answered else thread.url,
                    author=floor.author or None,
                    published=floor.time or None,
                    engagement=Engagement(likes=floor.likes),
                )
            )
        return found
