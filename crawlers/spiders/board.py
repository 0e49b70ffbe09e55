"""Message boards: citizens' messages, and the departments' replies to them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Literal

import lxml.html
import msgspec
from scrapy.http import Response

from crawlers.admission import Found
from crawlers.dates import parse_time
from crawlers.extraction import wall_of
from crawlers.json_values import is_json, json_of, value_at
from crawlers.letters import Letter, read_letter
from crawlers.linking import select
from crawlers.markup import element_text, html_text, parse_html
from crawlers.sources import seconds
from crawlers.spiders.base import Harvest, Options, SourceSpider, absolute, body_text
from crawlers.spiders.listing import read_list
from minsheng.errors import BadInput

_STATE = re.compile(r"(?:已|未|待|正在)?(?:办理|回复|答复|受理|处理|办结)(?:中|完毕)?")
JSON_FIELDS = ("id", "title", "text", "time", "author", "region", "url", "reply", "reply_time", "reply_by")


class BoardOptions(Options, frozen=True, kw_only=True):
    """Options of a board. Selectors are CSS, or XPath that begins with `/`; the first element that matches counts."""

    links: str = ""  # links to messages in the list; empty: found automatically
    next_page: str = ""  # the link to the next page of the list; empty: found automatically
    pages: int = 1  # how many pages of the list are read
    title: str = ".message-title, h1, h2"  # a message's title
    text: str = ".message-content"  # its text; where nothing matches the default, the page's labels are read: 留言内容
    time: str = ".message-info .time"  # its time
    author: str = ".message-info .author"  # who wrote it
    region: str = ".message-info .area"  # where it is from
    number: str = ".message-info .tid"  # its number
    reply: str = ".reply"  # each reply, with its unit, time and text
    reply_text: str = ".reply-content"  # in a reply: its text
    reply_time: str = ".reply-time"  # in a reply: its time
    reply_by: str = ".reply-by"  # in a reply: the unit that answers
    javascript: Literal["no", "list", "all"] = "no"  # whose scripts run in a browser; all: the messages', too
    wait: str = "60d"  # how long a reply is looked for on a message's page
    items: str = ""  # boards that answer with JSON: where the messages are, as data.list
    # boards that answer with JSON: field → where it is in a message, as title = "subject"
    fields: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.pages <= 1000:
            raise ValueError("pages must be between 1 and 1000")
        seconds(self.wait)
        for field in self.fields:
            if field not in JSON_FIELDS:
                raise ValueError(f"fields: there is no field {field}; known are: {', '.join(JSON_FIELDS)}")


class BoardSpider(SourceSpider):
    """Reads a board's list, each message, and its replies as they come."""

    kind = "board"
    summary = "message boards with departments' replies"
    Options = BoardOptions

    async def requests(self) -> AsyncIterator[Any]:
        async for request in super().requests():
            yield request
        async for request in self.expected(self.message):
            yield request

    async def read(self, response: Response, page: int = 1, **kwargs: Any) -> AsyncIterator[Any]:
        if is_json(body_text(response)):
            yield Harvest(found=await self.aside(self._json_messages, response))
            return
        links, following = await self.aside(read_list, response, self.options.links, self.options.next_page, page)
        for link in links:
            self.run.lead(link.url, link.title, link.date)
            state = " ".join(_STATE.findall(link.context.replace(link.title, "")))
            yield await self.page(link.url, self.message, f"{link.title} {state}")
        if following and self.more(page, [link.date for link in links]) and self.run.claim_index(following):
            yield await self.index(following, page=page + 1)

    def message(self, response: Response) -> tuple[list[Found], bool]:
        """A message and its replies; settled once there is a reply, or none is looked for any more."""
        options = self.options
        tree = parse_html(body_text(response))
        if tree is None:
            raise BadInput(f"{response.url} is an empty page")
        key = absolute(response, response.url) or response.url
        text, title = _first(tree, options.text), _first(tree, options.title)
        if not text and options.text == BoardOptions().text and (letter := read_letter(tree)) is not None:
            return self._by_labels(key, letter)
        if not text:
            raise BadInput(f"{response.url}: {wall_of(tree) or f'nothing matches text = {options.text}'}")
        message = Found(
            key=key,
            kind="message",
            title=title,
            text=text,
            url=key,
            native_id=_first(tree, options.number) or None,
            author=_first(tree, options.author) or None,
            published=_first(tree, options.time) or None,
            region=_first(tree, options.region) or None,
        )
        replies = [
            _reply(
                key,
                place,
                _first(block, options.reply_text) or element_text(block),
                _first(block, options.reply_time),
                _first(block, options.reply_by),
            )
            for place, block in enumerate(select(tree, options.reply), start=1)
        ]
        return [message, *replies], bool(replies) or self._too_old(message.published)

    def _by_labels(self, key: str, letter: Letter) -> tuple[list[Found], bool]:
        """A message on a page that no selectors were given for."""
        message = Found(
            key=key,
            kind="message",
            title=letter.title,
            text=letter.text,
            url=key,
            native_id=letter.number or None,
            author=letter.author or None,
            published=letter.time or None,
            region=letter.region or None,
        )
        replies = [_reply(key, place, text, time, by) for place, (by, time, text) in enumerate(letter.replies, start=1)]
        return [message, *replies], bool(replies) or self._too_old(message.published)

    def _too_old(self, published: Any) -> bool:
        time = parse_time(str(published or ""), self.run.now())
        return time is not None and time < self.run.now() - timedelta(seconds=seconds(self.options.wait))

    def _json_messages(self, response: Response) -> list[Found]:
        value = json_of(body_text(response), response.url)
        items = value_at(value, self.options.items) if self.options.items else value
        if not isinstance(items, list):
            where = self.options.items or "the answer itself"
            raise BadInput(f"{response.url}: {where} is no list of messages", "say where they are: options.items")
        found: list[Found] = []
        for item in items:
            if isinstance(item, Mapping):
                found += self._json_message(item, response)
        return found

    def _json_message(self, item: Mapping[str, Any], response: Response) -> list[Found]:
        def get(field: str) -> str:
            value = value_at(item, self.options.fields.get(field, field))
            return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()

        url = absolute(response, get("url")) if get("url") else None
        key = get("id") or url or get("title")
        message = Found(
            key=key,
            kind="message",
            title=html_text(get("title")),
            text=html_text(get("text")),
            url=url,
            native_id=get("id") or None,
            author=get("author") or None,
            published=get("time") or None,
            region=get("region") or None,
        )
        if not get("reply"):
            return [message]
        return [message, _reply(key, 1, html_text(get("reply")), get("reply_time"), get("reply_by"))]


def _reply(key: str, place: int, text: str, time: str, by: str) -> Found:
    return Found(
        key=f"{key}#reply-{place}",
        kind="reply",
        text=text,
        url=key if key.startswith("http") else None,
        parent_key=key,
        published=time or None,
        outlet=by or None,
    )


def _first(tree: lxml.html.HtmlElement, selector: str) -> str:
    """The words of the first element that the selector names, tried part by part where it lists several."""
    for one in selector.split(",") if not selector.lstrip().startswith(("/", "(", "./")) else [selector]:
        for node in select(tree, one.strip()):
            if words := element_text(node):
                return words
    return ""
