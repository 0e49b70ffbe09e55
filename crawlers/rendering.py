"""Pages that scripts make: run in a browser whose every request is answered by the spider's own fetch.

The page that the spider was given is opened in `crawlers.chromium`. What its scripts ask for goes through Scrapy like
all else: robots.txt, the addresses that may be asked, each host's pace, hours and budget, sizes, time limits and the
user agent hold for it. Pictures, fonts, styles, frames and whatever is no part of the text is never asked for.

What a page may not do with that: reach networks of the operator's own, unless it lies in one itself; read answers of
other hosts that do not permit it; send forms, or post anything to another host.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urldefrag, urlsplit

from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, Request, Response
from scrapy.http.request import NO_CALLBACK

from crawlers.addresses import PUBLIC_ONLY, AddressRule
from crawlers.charset import declared_charset, decode
from crawlers.chromium import Chromium, require_playwright
from crawlers.host_rules import HostResting
from minsheng.errors import BadInput
from minsheng.logs import get_logger
from minsheng.settings import BrowserSettings

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

log = get_logger(__name__)

QUIET = 0.75
"""Seconds without a request after which a page counts as made."""
LOOK = 0.25
NAVIGATIONS = 5
"""Documents that one page may lead on to by itself."""
KEPT_SCRIPTS, KEPT_FOR = 16_000_000, 3600.0
"""Bytes and seconds that scripts are kept: each page of a site asks for the same ones."""
LONGEST_KEPT = 2_000_000

_POLICY = (
    "sandbox allow-scripts allow-same-origin; worker-src 'none'; object-src 'none'; frame-src 'none'; "
    "connect-src http: https:; form-action 'none'"
)
_SENT = ("accept", "content-type", "x-requested-with")
_KEPT_BACK = frozenset((
    "content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive", "set-cookie", "link",
    "content-disposition", "refresh", "report-to", "nel", "strict-transport-security", "clear-site-data", "alt-svc",
))  # fmt: skip
_TEXT = ("text/", "json", "javascript", "ecmascript", "xml")
_NOBODY = "http://nobody.invalid"


class _Script(NamedTuple):
    answer: tuple[int, dict[str, str], bytes]
    until: float


class Scripts:
    """Scripts that were had lately, by address."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Script] = OrderedDict()
        self._size = 0

    def get(self, key: str, now: float) -> tuple[int, dict[str, str], bytes] | None:
        script = self._kept.get(key)
        return script.answer if script is not None and script.until > now else None

    def keep(self, key: str, answer: tuple[int, dict[str, str], bytes], now: float) -> None:
        if answer[0] != 200 or len(answer[2]) > LONGEST_KEPT:
            return
        if (old := self._kept.pop(key, None)) is not None:
            self._size -= len(old.answer[2])
        self._kept[key] = _Script(answer, now + KEPT_FOR)
        self._size += len(answer[2])
        while self._size > KEPT_SCRIPTS:
            self._size -= len(self._kept.popitem(last=False)[1].answer[2])


_scripts = Scripts()


class Rendering:
    """One page while its scripts run.

    Parameters
    ----------
    response:
        The page as it came.
    fetch:
        Asks for what it needs.
    login:
        The headers that the operator's account needs at an address.
    max_body:
        Bytes of the page that it may become.
    """

    def __init__(
        self,
        response: Response,
        fetch: Callable[[Request], Awaitable[Response]],
        login: Callable[[str], Mapping[str, str]],
        settings: BrowserSettings,
        max_body: int,
    ) -> None:
        self._response = response
        self._fetch = fetch
        self._login = login
        self._settings = settings
        self._max_body = max_body
        # A page out there is no way into the operator's own networks.
        self._public_only = response.ip_address is None or AddressRule().allows(str(response.ip_address))
        self._documents: dict[str, Response] = {urldefrag(response.url)[0]: response}
        self._requests = self._navigations = self._bytes = self._under_way = 0
        self._active = 0.0
        self.resting: HostResting | None = None
        self.refusals: list[str] = []  # what was not asked for, and why

    async def run(self, browser: Chromium) -> Response:
        """The page as its scripts have made it.

        Raises
        ------
        NoBrowser
            If there is none.
        HostResting
            If a host that the page needs is not to be asked now.
        BadInput
            If the page does not come to an end, becomes too large, or its process ends.
        """
        require_playwright()
        from playwright.async_api import Error

        url = self._response.url
        browser.too_large = False
        try:
            async with browser.page() as page:
                made = await self._made(page)
        except Error as error:
            if browser.too_large or "crash" in str(error).lower():
                raise BadInput(f"{url}: its scripts take more memory than crawl.browser.memory_mb") from error
            raise BadInput(f"{url}: the browser could not make the page: {_first_line(error)}") from error
        if self.resting is not None:
            raise self.resting
        if self.refusals:
            log.info("page_without", url=url, left_out=self.refusals[:5], more=max(len(self.refusals) - 5, 0))
        return made

    async def _made(self, page: Page) -> Response:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.timeout
        self._active = loop.time()
        await page.route("**/*", self._answer)
        url = self._response.url
        work = asyncio.ensure_future(self._content(page, end))

        def crashed(_: Page) -> None:
            work.cancel()

        page.on("crash", crashed)
        try:
            # The browser's own limits don't hold for a page whose scripts never pause.
            await asyncio.wait({work}, timeout=self._settings.timeout + 2.0)
            if work.cancelled():
                raise BadInput(f"{url}: its scripts take more memory than crawl.browser.memory_mb")
            if not work.done():
                raise BadInput(f"{url}: its scripts don't come to an end (crawl.browser.timeout)")
            html, address = work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        return HtmlResponse(
            address if address.startswith(("http://", "https://")) else url,
            status=200,
            headers={"Content-Type": "text/html; charset=utf-8"},
            body=html.encode("utf-8", "replace"),
            encoding="utf-8",
            request=self._response.request,
        )

    async def _content(self, page: Page, end: float) -> tuple[str, str]:
        loop = asyncio.get_running_loop()
        await page.goto(self._response.url, wait_until="commit", timeout=self._settings.timeout * 1000)
        last = -1
        while loop.time() < end:
            await asyncio.sleep(LOOK)
            if self._under_way or loop.time() - self._active < QUIET:
                continue
            size = await self._size(page)
            if size == last:
                break
            last = size
        # A page that goes on asking for ever, as tickers do, has its text by now.
        if await self._size(page) > self._max_body:
            raise BadInput(f"{self._response.url}: its scripts make it larger than crawl.max_body")
        return await page.content(), page.url

    async def _size(self, page: Page) -> int:
        found = await page.evaluate("document.documentElement ? document.documentElement.outerHTML.length : 0")
        return int(found)

    async def _answer(self, route: Route) -> None:
        """Answer one request of the page, whatever comes of it."""
        from playwright.async_api import Error

        self._under_way += 1
        try:
            try:
                answer = await self._answer_to(route)
            except Exception as error:
                self._refuse(route.request.url, error)
                answer = None
            if answer is None:
                await route.abort("blockedbyclient")
            else:
                status, headers, body = answer
                await route.fulfill(status=status, headers=headers, body=body)
        except Error:
            pass  # the page has gone on or away meanwhile
        finally:
            self._under_way -= 1
            self._active = asyncio.get_running_loop().time()

    async def _answer_to(self, route: Route) -> tuple[int, dict[str, str], bytes] | None:
        """Status, headers and body for a request; None where it is not asked."""
        request = route.request
        kind, url = request.resource_type, urldefrag(request.url)[0]
        if not url.startswith(("http://", "https://")):
            return None
        if kind == "document":
            if request.frame.parent_frame is not None or request.method != "GET":
                return None
            return await self._document(url)
        if kind == "stylesheet":
            # Scripts may wait for it; the text does not.
            return 200, {"content-type": "text/css"}, b""
        if kind == "script":
            now = asyncio.get_running_loop().time()
            key = f"{self._public_only} {url}"
            kept = _scripts.get(key, now)
            if kept is None:
                kept = self._open(await self._ask(url))
                if not self._login(url):
                    # What an account is given is for its source alone.
                    _scripts.keep(key, kept, now)
            return kept
        if kind in ("xhr", "fetch"):
            return await self._data(route, url)
        return None

    async def _document(self, url: str) -> tuple[int, dict[str, str], bytes] | None:
        """A document that the page is, or leads on to. One that was sent elsewhere is opened under its own address:
        else the scripts of one host would be taken for those of another."""
        response = self._documents.pop(url, None)
        if response is None:
            self._navigations += 1
            if self._navigations > NAVIGATIONS:
                raise BadInput("it leads on and on")
            response = await self._ask(url)
            if (there := urldefrag(response.url)[0]) != url:
                self._documents[there] = response
                script = f"<script>location.replace({_quoted(there)})</script>"
                return 200, {"content-type": "text/html; charset=utf-8"}, script.encode()
        media_type = (response.headers.get("Content-Type") or b"").decode("latin-1").lower()
        if media_type and "html" not in media_type:
            raise BadInput(f"it is no page but {media_type[:60]}")
        status, headers, body = self._open(response)
        headers["content-type"] = "text/html; charset=utf-8"
        before = headers.get("content-security-policy")
        headers["content-security-policy"] = f"{before}, {_POLICY}" if before else _POLICY
        return status, headers, body

    async def _data(self, route: Route, url: str) -> tuple[int, dict[str, str], bytes] | None:
        request = route.request
        own = urlsplit(url).netloc.lower() == urlsplit(request.frame.url).netloc.lower()
        if request.method not in ("GET", "POST") or (request.method == "POST" and not own):
            raise BadInput(f"{request.method} to another host")
        body = request.post_data_buffer or b""
        headers = {name: value for name, value in request.headers.items() if name.lower() in _SENT}
        response = await self._ask(url, method=request.method, body=body, headers=headers)
        if _origin_of(response.url) != _origin_of(url):
            raise BadInput("it was sent to another host")
        return self._open(response)

    async def _ask(
        self, url: str, *, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Response:
        self._requests += 1
        if self._requests > self._settings.requests:
            raise BadInput("more than crawl.browser.requests")
        if self._bytes > 2 * self._max_body:
            raise BadInput("more than twice crawl.max_body")
        login = dict(self._login(url))
        request = Request(
            url,
            method=method,
            body=body,
            headers={"Referer": self._response.url, **(headers or {}), **login},
            meta={PUBLIC_ONLY: self._public_only, **({"dont_redirect": True} if login else {})},
            callback=NO_CALLBACK,
            dont_filter=True,
        )
        response = await self._fetch(request)
        self._bytes += len(response.body)
        return response

    def _open(self, response: Response) -> tuple[int, dict[str, str], bytes]:
        """An answer as the browser gets it: text in UTF-8, whatever was declared, and readable only where permitted."""
        headers: dict[str, str] = {}
        for name, values in response.headers.items():
            key = name.decode("latin-1").lower()
            if key not in _KEPT_BACK:
                headers[key] = ", ".join(value.decode("latin-1") for value in values)
        # Where the answer says nothing, Playwright permits other hosts' scripts to read it.
        headers.setdefault("access-control-allow-origin", _NOBODY)
        body = response.body
        media_type = headers.get("content-type", "")
        plain = media_type.partition(";")[0].strip().lower()
        if not plain or any(word in plain for word in _TEXT):
            body = decode(body, declared_charset(media_type)).encode("utf-8", "replace")
            headers["content-type"] = f"{plain or 'text/plain'}; charset=utf-8"
        # A redirect that is not followed would be followed by the browser.
        return (response.status if not 300 <= response.status < 400 else 404), headers, body

    def _refuse(self, url: str, error: Exception) -> None:
        if isinstance(error, HostResting):
            self.resting = self.resting or error
        elif not isinstance(error, (BadInput, IgnoreRequest)):
            log.info("page_part_failed", url=url, reason=f"{type(error).__name__}: {error}")
        self.refusals.append(f"{url[:200]}: {error}")


def _origin_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _quoted(text: str) -> str:
    """A text as a script's literal that no address can leave."""
    return json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _first_line(error: Any) -> str:
    return str(error).strip().splitlines()[0][:200]
