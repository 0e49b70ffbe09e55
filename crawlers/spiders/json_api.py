"""Any interface that answers with JSON: where its entries are, what their parts are called, how it pages."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from scrapy.http import Request, Response

from crawlers.admission import Found
from crawlers.columns import COLUMNS, found_in
from crawlers.extraction import extract
from crawlers.faults import LayoutChanged, LoginEnded
from crawlers.json_values import json_of
from crawlers.markup import html_text
from crawlers.spiders.base import Harvest, absolute, body_text
from crawlers.spiders.searching import SearchOptions, SearchSpider
from minsheng.errors import BadInput
from minsheng.records import Kind
from minsheng.settings import Secret

FIELDS = tuple(name for name in COLUMNS if name not in ("source", "kind") and not name.startswith("reply"))
_PLACES = ("query", "page", "offset", "cursor")
_LOGIN = re.compile(r"登[录陆]|token|unauthor|forbidden|session|cookie|鉴权|认证|签名|授权|log ?in", re.IGNORECASE)
_NEXT_LINK = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')


class JsonApiOptions(SearchOptions, frozen=True, kw_only=True):
    """Options of an interface. Where something is in an answer is said in JMESPath, as `data.list[].item`."""

    items: str = ""  # where the entries are; empty: the longest list whose entries have a title or text
    # field → where it is in an entry; those not given are recognised by their names
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    pages: int = 1  # how many pages are read of each query
    first_page: int = 1  # the number of the first page, put in place of {page}
    page_size: int = 20  # entries on a page; {offset} grows by it
    cursor: str = ""  # where an answer gives the mark of the next page, put in place of {cursor}
    next_page: str = ""  # where an answer gives the address of the next page; `header`: in the Link header
    post: str = ""  # the body of a POST request, with the same places as the address; empty: GET
    # sent with each request; a secret names the place that holds it
    headers: dict[str, str | Secret] = msgspec.field(default_factory=dict)
    post_url: str = ""  # address of an entry's own page, with {id} for its id, where the entry gives none
    full_text: bool = False  # follow each entry's address and take the article's text
    kind: Kind = "news"  # what its entries are

    def __post_init__(self) -> None:
        self.check_search()
        if not 1 <= self.pages <= 1000:
            raise ValueError("pages must be between 1 and 1000")
        if self.page_size < 1:
            raise ValueError("page_size must be at least 1")
        if self.post_url and "{id}" not in self.post_url:
            raise ValueError("post_url needs {id} where the entry's id goes")
        for field in self.fields:
            if field not in FIELDS:
                raise ValueError(f"fields: there is no field {field}; known are: {', '.join(FIELDS)}")
        ways = (self.items, self.cursor, self.next_page if self.next_page != "header" else "", *self.fields.values())
        for expression in filter(None, ways):
            _compiled(expression)


class JsonApiSpider(SearchSpider):
    """Reads the answers of an interface, page by page."""

    kind = "json_api"
    summary = "any interface that answers with JSON"
    Options = JsonApiOptions

    async def requests(self) -> AsyncIterator[Request]:
        template = self.source.url + self.options.post
        for query in await self.queries() if "{query}" in template else [""]:
            if (place := await self.run.place(query)) is not None:
                yield await self._ask(place["places"], place["number"], place["url"], resumes=query)
                continue
            yield await self._ask(
                {"query": query, "page": str(self.options.first_page), "offset": "0", "cursor": ""}, 1
            )

    async def read(
        self, response: Response, number: int = 1, places: Mapping[str, str] | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        options = self.options
        value, entries, found = await self.aside(self._read, response)
        if entries and not found:
            raise LayoutChanged(
                f"{response.url}: none of {len(entries)} entries has a title or text",
                f"say where they are: options.fields; an entry has {', '.join(list(map(str, entries[0]))[:20])}",
            )
        plain: list[Found] = []
        for one in found:
            self.run.lead(one.url, one.title or one.text[:60], one.published)
            if not self.run.wants(one.published):
                continue
            if options.full_text and one.url:
                yield await self.page(one.url, self.article, f"{one.title}\n{one.text}", instead=[one], entry=one)
            else:
                plain.append(one)
        following = None
        here = dict(places or {})
        query = here.get("query", "")
        if entries and self.more(number, [one.published for one in found], [f"{query}\n{one.key}" for one in found]):
            try:
                following = await self._following(response, value, number, here)
            except BadInput:
                yield Harvest(found=plain)
                raise
        # Where the entries have pages of their own, what is known of those says what was read.
        place = (
            None if options.full_text else {"places": here, "number": number, "url": response.meta["minsheng_asked"]}
        )
        for result in self.paged(Harvest(found=plain), query, number, place, following):
            yield result

    def article(self, response: Response, entry: Found) -> tuple[list[Found], bool]:
        page = extract(body_text(response), response.url, self.run.now())
        whole = msgspec.structs.replace(
            entry,
            title=entry.title or page.title,
            text=page.text or entry.text,
            published=entry.published or page.published_at,
            outlet=entry.outlet or page.outlet,
            attachments=page.attachments,
            next_page=page.next_page,
        )
        return [whole], True

    async def _ask(self, places: dict[str, str], number: int, url: str = "", *, resumes: str | None = None) -> Request:
        options = self.options
        headers = {
            name: value.reveal() if isinstance(value, Secret) else value for name, value in options.headers.items()
        }
        return await self.index(
            url or _filled(self.source.url, places, _as_part),
            body=_filled(options.post, places, _as_json if options.post.lstrip()[:1] in ("{", "[") else _as_part),
            headers=headers,
            # What is secret goes to the address that the operator gave, and nowhere else.
            follow=not self._secret(),
            resumes=resumes,
            number=number,
            places=places,
        )

    def _secret(self) -> bool:
        return any(isinstance(value, Secret) for value in self.options.headers.values())

    async def _following(self, response: Response, value: Any, number: int, places: dict[str, str]) -> Request | None:
        """The request for the next page, by whichever way the interface pages; None where there is none."""
        options = self.options
        template = self.source.url + options.post
        if options.next_page:
            if options.next_page == "header":
                link = _NEXT_LINK.search((response.headers.get("Link") or b"").decode("latin-1"))
                said = link[1] if link else None
            else:
                said = _search(options.next_page, value)
            url = absolute(response, said) if isinstance(said, str) and said else None
            if url and self._secret() and not self.trusted(url):
                raise BadInput(f"{url}: the next page is at another host, which the secret header is not for")
            return await self._ask(places, number + 1, url) if url and self.run.claim_index(url) else None
        if options.cursor:
            cursor = _search(options.cursor, value)
            if cursor in (None, "", False, places.get("cursor")) or "{cursor}" not in template:
                return None
            return await self._ask({**places, "cursor": str(cursor)}, number + 1)
        if "{page}" in template or "{offset}" in template:
            page, offset = str(options.first_page + number), str(options.page_size * number)
            return await self._ask({**places, "page": page, "offset": offset}, number + 1)
        return None

    def _read(self, response: Response) -> tuple[Any, list[dict[str, Any]], list[Found]]:
        """An answer, its entries, and what is found of them."""
        value = json_of(body_text(response), response.url)
        entries = self._entries(value, response)
        return value, entries, [one for entry in entries if (one := self._found(entry, response)) is not None]

    def _entries(self, value: Any, response: Response) -> list[dict[str, Any]]:
        if self.options.items:
            found = _search(self.options.items, value)
            if found is None and not _refusal(value):
                raise LayoutChanged(
                    f"{response.url}: nothing is at items = {self.options.items}",
                    f"the answer has {', '.join(list(map(str, value))[:20])}" if isinstance(value, dict) else "",
                )
        else:
            found = max(_lists(value), key=len, default=None)
        if not found and (said := _refusal(value)):
            if _LOGIN.search(said):
                raise LoginEnded(f"{response.url}: the service wants a login: {said}", "renew options.headers")
            raise BadInput(f"{response.url}: the service refuses: {said}")
        if not isinstance(found, list):
            raise BadInput(f"{response.url}: no list of entries is seen", "say where they are: options.items")
        return [entry for entry in found if isinstance(entry, dict)]

    def _found(self, entry: Mapping[str, Any], response: Response) -> Found | None:
        def get(field: str) -> str:
            said = self.options.fields.get(field)
            value = _search(said, entry) if said else _named(entry, field)
            return str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""

        native = get("native_id")
        url = absolute(response, get("url")) if get("url") else None
        if url is None and native and self.options.post_url:
            url = absolute(response, self.options.post_url.replace("{id}", quote(native, safe="")))
        title, text = html_text(get("title")), html_text(get("text"))
        if not title and not text:
            return None
        return found_in(get, native or url or title or text[:200], self.options.kind, title, text, url)


def _named(entry: Mapping[str, Any], field: str) -> Any:
    """The part of an entry that is called like the field, in whatever way names are written."""
    plain = {re.sub(r"[_\-]", "", str(name)).lower(): name for name in reversed(list(entry))}
    for name in COLUMNS[field]:
        found = plain.get(re.sub(r"[_\-]", "", name).lower())
        if found is not None and entry[found] not in (None, ""):
            value = entry[found]
            # A user is often a thing of its own.
            if isinstance(value, Mapping):
                value = next((value[key] for key in ("name", "screen_name", "nickname", "id") if value.get(key)), None)
            return value
    return None


def _refusal(value: Any) -> str:
    """What an answer says that is well-formed and yet a refusal; empty where it is none."""
    if not isinstance(value, dict):
        return ""
    codes = [value[name] for name in ("code", "errno", "errcode", "error_code", "ret", "status") if name in value]
    said = next((value[name] for name in ("msg", "message", "error", "errmsg") if value.get(name)), "")
    well = ("0", "200", "success", "ok", "true", "1")
    refused = any(str(code).lower() not in well for code in codes) or ("error" in value and bool(value["error"]))
    return f"{said or codes[0]}"[:200] if refused else ""


def _lists(value: Any) -> Iterator[list[Any]]:
    """Lists of entries that have a title or a text, at whatever depth; an empty list where there is no other."""
    waiting = deque([value])
    while waiting:
        one = waiting.popleft()
        if isinstance(one, list):
            entries = [entry for entry in one if isinstance(entry, dict)]
            if not one or any(_named(entry, "title") or _named(entry, "text") for entry in entries):
                yield one
            waiting += entries
        elif isinstance(one, dict):
            waiting += [inner for inner in one.values() if isinstance(inner, (dict, list))]


def _filled(template: str, places: Mapping[str, str], safely: Any) -> str:
    for name in _PLACES:
        template = template.replace(f"{{{name}}}", safely(places.get(name, "")))
    return template


def _as_part(text: str) -> str:
    """Text for a place within an address or a form."""
    return quote(text, safe="")


def _as_json(text: str) -> str:
    """Text for a place within a JSON string."""
    return msgspec.json.encode(text).decode()[1:-1]


def _compiled(expression: str) -> Any:
    import jmespath

    try:
        return jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"'{expression}' is no JMESPath: {' '.join(str(error).split())}") from error


def _search(expression: str, value: Any) -> Any:
    import jmespath

    try:
        return _compiled(expression).search(value)
    except jmespath.exceptions.JMESPathError as error:
        raise BadInput(f"'{expression}' can't be applied to the answer: {' '.join(str(error).split())}") from error
