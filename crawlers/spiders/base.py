"""What all spiders share: conditional requests, known pages left alone, failures told, finds handed over."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import msgspec
import scrapy
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Request, Response, TextResponse
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from crawlers.admission import Found, canonical_url
from crawlers.apart import Asked, Read, read_apart
from crawlers.backfills import Place
from crawlers.charset import declared_charset, decode
from crawlers.chromium import chromium
from crawlers.continued import follow
from crawlers.extraction import Page, extract
from crawlers.failures import is_known, words_for
from crawlers.faults import Fault, SourceFault
from crawlers.host_rules import HostResting
from crawlers.inflate import inflated
from crawlers.intake import PageMark
from crawlers.politeness import user_agent
from crawlers.rendering import Rendering
from crawlers.robots import RobotsUnavailable
from crawlers.run import Run
from crawlers.sources import Source
from minsheng.errors import BadInput, MinshengError
from minsheng.logs import get_logger
from minsheng.redaction import redacted
from minsheng.settings import CrawlSettings

log = get_logger(__name__)
T = TypeVar("T")

ASK_AGAIN = timedelta(hours=6)
"""How long a page where something is still expected, such as a reply, is left alone."""
SMALL = 64_000
"""Bytes; a page up to this is read at once, in some milliseconds: handing it to a thread and back costs as much."""
GONE = (404, 410)
NO_SUCH_PAGE = (400, *GONE, 422)
"""How services answer to the mark of a page that they do not know any more."""
MOST_PAGES = 2000
"""Pages of a list that a backfill reads."""
REFUSED = (403, 429, 451)
_FORBIDDEN = "Forbidden by robots.txt"
_IGNORED = {
    "during decompression": "larger than crawl.max_body",
    "max redirections reached": "it leads on and on",
}
"""What Scrapy's words of it hold, and ours."""
CHALLENGES = (412, 521)
"""How guards before sites answer with scripts that test who asks; without scripts 521 says that the site is down."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kind lets one choose, one field each, with defaults that fit most sources."""


class Harvest(msgspec.Struct, kw_only=True):
    """What a page gave: its finds, and what to remember of the page once they are stored.

    Attributes
    ----------
    reached:
        Where a backfill has got with this page: which way, the page's number, and what asks for it again; None in
        place of that where it was the last one.
    """

    found: list[Found]
    page: PageMark | None = None
    reached: tuple[str, int, Place | None] | None = None


class SourceSpider(scrapy.Spider):
    """A spider for one kind of source.

    A subclass sets `kind`, `summary` and `Options`, and writes `read`, which gets the source's own page (a feed, a
    list, search results) and yields `Harvest`s and requests made by `index` and `page`.

    The promises that this class keeps for all of them: a page that has not changed is answered by 304 and left; a page
    whose finds are not stored is not remembered; whatever goes wrong is told to the run, which goes on.
    """

    kind: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    schemes: ClassVar[tuple[str, ...]] = ("http", "https")  # of its addresses
    Options: ClassVar[type[Options]] = Options
    index_scripts: ClassVar[str] = "list"  # from which `javascript` on the scripts of its own pages run; "": never

    handle_httpstatus_list = [304]  # noqa: RUF012 - Scrapy's own name and type

    def __init__(self, source: Source, options: Any, run: Run, **kwargs: Any) -> None:
        super().__init__(name=source.id, **kwargs)
        self.source = source
        self.options = options
        self.run = run
        self._keys: set[str] = set()  # of what stood on the source's own pages, in a backfill

    def start_urls_of(self) -> Iterator[str]:
        """The addresses that a run begins with."""
        yield self.source.url

    async def start(self) -> AsyncIterator[Any]:
        try:
            async for request in self.requests():
                yield request
        except Exception as error:
            # Scrapy would only log it: a key that is not there, for one.
            self.run.index_failed(said(error), fault_of(error))

    async def requests(self) -> AsyncIterator[Any]:
        """What a run begins with."""
        for url in self.start_urls_of():
            yield await self.index(url)

    async def index(
        self,
        url: str,
        *,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        follow: bool = True,
        resumes: str | None = None,
        **cb_kwargs: Any,
    ) -> Request:
        """A request for a page of the source that leads to others or holds many: handed to `read`, conditional.

        Parameters
        ----------
        body:
            Makes it a POST request; as JSON where it is an object or a list, else as a form.
        headers:
            Sent besides those of every request.
        follow:
            Whether redirects are followed. Not where a secret is sent: it is for that address alone.
        resumes:
            The way that a backfill goes on with here. Where the page isn't there any more, the next one begins anew.
        """
        # Several questions may be put to one address.
        key = f"{url}#{body}" if body else url
        kind = {}
        if body:
            is_json = body.lstrip()[:1] in ("{", "[")
            kind = {"Content-Type": "application/json" if is_json else "application/x-www-form-urlencoded"}
        return Request(
            url,
            method="POST" if body else "GET",
            body=body,
            callback=self._indexed,
            errback=self._index_failed,
            headers={**await self._validators(key), **kind, **self._login(url), **(headers or {})},
            cb_kwargs=cb_kwargs,
            meta={
                "minsheng_key": key,
                "minsheng_asked": url,
                "minsheng_resumes": resumes,
                **({} if follow and not self._login(url) else {"dont_redirect": True}),
            },
            dont_filter=True,
            priority=10,
        )

    def more(self, page: int, times: Sequence[datetime | str | None], keys: Sequence[str] = ()) -> bool:
        """Whether to go on to the next page of the source after page number `page`, which held things of these times.

        A backfill goes on until all of a page is older than its window, or stood on pages before: some services give
        their last page again and again. A look takes one page more than the first, to show whether paging works.

        Parameters
        ----------
        keys:
            Of what the page held, where the finds stand in the source's own pages; then `paged` keeps the bounds.
        """
        if self.run.window is not None:
            dated = [time for time in times if time]
            new = not keys or not self._keys.issuperset(keys)
            self._keys.update(keys)
            return (
                (page < MOST_PAGES or bool(keys)) and new and not (dated and all(self.run.past(time) for time in dated))
            )
        pages: int = getattr(self.options, "pages", 1)
        return page < (max(pages, 2) if self.run.looking else pages)

    def paged(
        self, harvest: Harvest, way: str, number: int, place: Place | None, following: Request | None
    ) -> Iterator[Any]:
        """The finds that stand in page `number` of the source's own, and the request for the next of these pages.

        A backfill keeps how far it has got with that, and stops after so many pages; the next one goes on.

        Parameters
        ----------
        way:
            What the pages are of, where a source has several: a query, a timeline.
        place:
            What asks for this page again; None where its finds are not all in `harvest`.
        following:
            None after the last page.
        """
        if self.run.window is not None:
            spent = following is not None and self.run.own_pages_spent(MOST_PAGES, limited=place is not None)
            if place is not None:
                harvest.reached = (way, number, None if following is None else place)
            following = None if spent else following
        yield harvest
        if following is not None:
            yield following

    async def page(
        self, url: str, callback: Callable[..., Any], hint: str = "", *, instead: Sequence[Found] = (), **cb_kwargs: Any
    ) -> Request | None:
        """A request for a page with content; None where it is known, settled, and its `hint` has not changed.

        Parameters
        ----------
        hint:
            What the page that leads here says about it. When those words change, the page is asked for again.
        instead:
            What is taken meanwhile where the page can't be had or read: what was said of it elsewhere.
        """
        known = await self.run.page(url)
        hashed = hint_of(hint)
        if known is not None and known.hint == hashed and (known.settled or not self._due(known)):
            self.run.report.unchanged += 1
            return None
        return self._page_request(url, callback, hashed, known, cb_kwargs, instead)

    async def expected(self, callback: Callable[..., Any], limit: int = 50) -> AsyncIterator[Request]:
        """Requests for pages where something is still expected, whether anything leads there now or not."""
        for known in await self.run.unsettled(self.run.now() - ASK_AGAIN, limit):
            request = self._page_request(known.url, callback, known.hint or "", known, {})
            if request is not None:
                yield request

    def _due(self, known: PageMark) -> bool:
        return known.fetched_at is None or known.fetched_at < self.run.now() - ASK_AGAIN

    def _page_request(
        self,
        url: str,
        callback: Callable[..., Any],
        hint: str,
        known: PageMark | None,
        cb_kwargs: dict[str, Any],
        instead: Sequence[Found] = (),
    ) -> Request | None:
        if not self.run.claim(url):
            return None
        return Request(
            url,
            callback=self._fetched,
            errback=self._page_failed,
            headers={
                **({} if known is None or self._runs_scripts("all") else _conditional(known.etag, known.last_modified)),
                **self._login(url),
            },
            meta={"dont_redirect": True} if self._login(url) else {},
            cb_kwargs={
                "reader": callback,
                "hint": hint,
                "asked": url,
                "known": known,
                "rest": cb_kwargs,
                "instead": list(instead),
            },
            # Two addresses may redirect to one page; each is remembered by itself.
            dont_filter=True,
        )

    async def fetch(self, url: str) -> Response:
        """One more answer that a page needs to be whole, asked for on the way.

        Raises
        ------
        IgnoreRequest
            If robots.txt forbids it, or it is at no public address.
        HostResting
            If its host is not to be asked now; like any other failure it may be left to whoever calls `complete`.
        """
        meta = {"dont_redirect": True} if self._login(url) else {}
        request = Request(url, headers=self._login(url), meta=meta, dont_filter=True)
        assert self.crawler.engine is not None
        return await self.crawler.engine.download_async(request)

    def trusted(self, url: str) -> bool:
        """Whether an address is as good for a secret as the source's own: the same host, and no less safe a way."""
        own, other = urlsplit(self.source.url), urlsplit(url)
        return own.netloc.lower() == other.netloc.lower() and other.scheme in (own.scheme, "https")

    def _login(self, url: str) -> dict[str, str]:
        """The operator's cookie, for the source's own host alone."""
        return {"Cookie": self.run.login} if self.run.login and self.trusted(url) else {}

    async def read_apart(self, reader: str, response: Response, **asked: Any) -> Read:
        """A page of the source's own that may be very large, read where it holds up nobody; see `crawlers.apart`."""
        question = Asked(
            reader=reader,
            url=response.url,
            content_type=_header(response, "Content-Type") or "",
            now=self.run.now(),
            **asked,
        )
        return await read_apart(question, response.body)

    async def aside(self, reading: Callable[..., T], response: Response, *rest: Any) -> T:
        """What `reading` makes of a page: at once where that is small, else in a thread, while the others go on."""
        if len(response.body) <= SMALL:
            return reading(response, *rest)
        return await asyncio.to_thread(reading, response, *rest)

    async def read(self, response: Response, **kwargs: Any) -> AsyncIterator[Any]:
        """Read a page that `index` asked for."""
        raise NotImplementedError
        yield

    async def complete(self, found: list[Found], response: Response) -> tuple[list[Found], bool]:
        """What a page gave, with what it leads to; False where something of that is to be asked for again."""
        return found, True

    async def unchanged(self, response: Response) -> None:
        """Called where a page of the source's own has not changed."""

    def mark(self, response: Response, url: str, hint: str | None = None, settled: bool = True) -> PageMark:
        """What to remember of a page so that it need not be fetched again."""
        return PageMark(
            self.source.id,
            url,
            _header(response, "ETag"),
            _header(response, "Last-Modified"),
            hint,
            settled,
        )

    async def follow_pages(self, found: list[Found]) -> bool:
        """Complete the articles that go on at other pages; False where one is not whole, and is to be tried again."""
        whole = True
        for one in found:
            if one.next_page and (wrong := await follow(one, self._read_page)):
                self.run.page_failed(one.url or one.key, wrong)
                whole = False
        return whole

    async def _read_page(self, url: str) -> Page:
        assert self.crawler.engine is not None
        try:
            response = await self.crawler.engine.download_async(Request(url, dont_filter=True))
        except HostResting:
            raise
        except Exception as error:
            raise BadInput(words_for(error)) from error
        if response.status != 200:
            raise BadInput(f"answered {response.status}")
        if self._runs_scripts("all"):
            response = await self._made_by_scripts(response)
        return await asyncio.to_thread(extract, body_text(response), response.url, self.run.now())

    async def _indexed(self, response: Response, **kwargs: Any) -> AsyncIterator[Any]:
        self.run.answered(response.url)
        if response.status == 304:
            self.run.index_unchanged()
            await self.unchanged(response)
            return
        self.run.report.looked = True
        try:
            if self._runs_scripts("list"):
                response = await self._made_by_scripts(response)
            async for result in self.read(response, **kwargs):
                if result is not None:
                    yield result
        except HostResting as error:
            self.run.rests(error)
            self.run.index_failed(str(error))
            return
        except Exception as error:
            self._propose_scripts(error, self.index_scripts)
            self.run.index_failed(said(error), fault_of(error))
            await self._begin_anew(response.meta)
            return
        # Remembered only when all that the page led to is stored: until then the next run must see it again.
        self.run.mark_at_end(self.mark(response, response.meta["minsheng_key"]))

    async def _fetched(
        self,
        response: Response,
        reader: Callable[..., Any],
        hint: str,
        asked: str,
        known: PageMark | None,
        rest: dict[str, Any],
        instead: list[Found],
    ) -> AsyncIterator[Any]:
        if response.status == 304:
            self.run.report.unchanged += 1
            yield Harvest(found=[], page=known and known._replace(hint=hint))
            return
        try:
            if self._runs_scripts("all"):
                response = await self._made_by_scripts(response)
            found, settled = await self.aside(partial(reader, **rest), response)
        except HostResting as error:
            self.run.rests(error)
            yield Harvest(found=instead)
            return
        except Exception as error:
            self._propose_scripts(error, "all")
            # Also what nobody thought of: Scrapy would only log it, and the page would never be tried again.
            self.run.page_failed(asked, said(error), fault_of(error))
            yield Harvest(found=instead)
            return
        whole = False
        try:
            all_pages = await self.follow_pages(found)
            found, whole = await self.complete(found, response)
            whole = whole and all_pages
        except Exception as error:
            # What the page itself gave is taken; the page is asked for again.
            self.not_had(asked, error)
        yield Harvest(found=found, page=self.mark(response, asked, hint, settled) if whole else None)

    def _runs_scripts(self, which: str) -> bool:
        """Whether the scripts of the source's own pages (`list`) or of those that they lead to (`all`) are run."""
        chosen = getattr(self.options, "javascript", "no")
        if which == "all":
            return bool(chosen == "all")
        return chosen in {"list": ("list", "all"), "all": ("all",)}.get(self.index_scripts, ())

    async def _made_by_scripts(self, response: Response) -> Response:
        """The page as its scripts make it; a file as it is."""
        media_type = (_header(response, "Content-Type") or "").lower()
        if not isinstance(response, TextResponse) or (media_type and "html" not in media_type):
            return response
        assert self.crawler.engine is not None
        settings: CrawlSettings = self.crawler.settings["MINSHENG_CRAWL"]
        fetch = self.crawler.engine.download_async
        browser = await chromium(settings.browser, user_agent(settings))
        return await Rendering(response, fetch, self._login, settings.browser, settings.max_body).run(browser)

    def _propose_scripts(self, error: Exception, which: str) -> None:
        """Where a page is nothing without its scripts, propose that they are run."""
        offered = any(field.name == "javascript" for field in msgspec.structs.fields(self.Options))
        if self.run.looking and offered and getattr(error, "obstacle", "") == "javascript":
            self.run.proposed["javascript"] = "all" if self.run.proposed.get("javascript") == "all" else which

    async def _begin_anew(self, meta: Mapping[str, Any]) -> None:
        """Forget where a backfill stopped: there is no such page any more."""
        if (way := meta.get("minsheng_resumes")) is not None:
            await self.run.reached(way, 0, None)

    async def _index_failed(self, failure: Failure) -> None:
        error = failure.value
        fault = login_fault(failure, index=True)
        if isinstance(error, HostResting):
            self.run.rests(error)
        elif not fault and (
            (isinstance(error, HttpError) and _refuses(error.response))
            or (isinstance(error, IgnoreRequest) and _FORBIDDEN in str(error))
        ):
            self.run.report.blocked = True
        self.run.index_failed(reason_of(failure), fault)
        if isinstance(error, HttpError) and error.response.status in NO_SUCH_PAGE:
            request: Request = failure.request  # type: ignore[attr-defined]
            await self._begin_anew(request.meta)

    def _page_failed(self, failure: Failure) -> Iterator[Harvest]:
        request: Request = failure.request  # type: ignore[attr-defined]
        asked, hint, instead = (request.cb_kwargs[name] for name in ("asked", "hint", "instead"))
        if isinstance(failure.value, HttpError):
            status = failure.value.response.status
            if status in GONE:
                self.run.refused(f"answered {status}", asked)
                yield Harvest(found=instead, page=PageMark(self.source.id, asked, hint=hint))
            else:
                self.run.page_failed(asked, reason_of(failure), login_fault(failure, index=False))
                yield Harvest(found=instead)
        elif isinstance(failure.value, HostResting):
            self.run.rests(failure.value)
            yield Harvest(found=instead)
        elif isinstance(failure.value, IgnoreRequest):
            # Not settled: the operator may get a permission, or list the network.
            self.run.refused(ignored(failure.value), asked)
            yield Harvest(found=instead, page=PageMark(self.source.id, asked, hint=hint, settled=False))
        else:
            self.run.page_failed(asked, reason_of(failure))
            yield Harvest(found=instead)

    def not_had(self, url: str, error: Exception) -> None:
        """Tell the run why `fetch` gave nothing; the next run asks again."""
        if isinstance(error, HostResting):
            self.run.rests(error)
        else:
            self.run.page_failed(url, f"{url}: {said(error)}", fault_of(error))

    async def _validators(self, url: str) -> dict[str, str]:
        if self.run.window is not None or self._runs_scripts("list"):
            # A backfill wants the page again, changed or not; of one that scripts make, the page alone says nothing.
            return {}
        known = await self.run.page(url)
        return {} if known is None else _conditional(known.etag, known.last_modified)


def body_text(response: Response) -> str:
    """The response's text, opened where it is gzip, decoded by our own rules. Raises `BadInput` where it is empty."""
    body = inflated(response.body, response.url)
    if not body.strip():
        raise BadInput(f"{response.url} answered with an empty page")
    return decode(body, declared_charset(_header(response, "Content-Type") or ""))


def said(error: Exception) -> str:
    """What an error says to an operator; one that was not foreseen also goes to the log with its place."""
    if isinstance(error, (MinshengError, HostResting, RobotsUnavailable)):
        return str(error)
    if is_known(error):
        return words_for(error)
    log.error("unforeseen", exc_info=error)
    return redacted(f"{type(error).__name__}: {error}")


def fault_of(error: Exception) -> Fault:
    """Whether somebody must do something about it, and what about."""
    return error.fault if isinstance(error, SourceFault) else ""


def login_fault(failure: Failure, *, index: bool) -> Fault:
    """`login` where the service wants one: it says so, or it sends whoever shows an ended one to its login page.

    Parameters
    ----------
    index:
        It was the source's own page. Of others that want a login where none was given, a source may have many.
    """
    error = failure.value
    if not isinstance(error, HttpError):
        return ""
    request: Request = failure.request  # type: ignore[attr-defined]
    secret = bool(request.meta.get("dont_redirect"))  # redirects are not followed where a secret was sent
    status = error.response.status
    return "login" if (status == 401 and (secret or index)) or (status // 100 == 3 and secret) else ""


def hint_of(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def absolute(response: Response, link: str) -> str | None:
    """The whole address of a link on the page; None where it leads to no web page."""
    try:
        url = response.urljoin(link.strip())
        return canonical_url(url) if url.startswith(("http://", "https://")) else None
    except ValueError:
        return None


def reason_of(failure: Failure) -> str:
    """Why a request failed, in a few words for an operator."""
    error = failure.value
    request: Request | None = getattr(failure, "request", None)
    where = redacted(f"{request.url}: ") if request is not None else ""
    if isinstance(error, HttpError):
        return f"{where}answered {error.response.status}"
    if isinstance(error, IgnoreRequest):
        return f"{where}{ignored(error)}"
    if isinstance(error, (HostResting, RobotsUnavailable)):
        return str(error)
    return f"{where}{words_for(error)}"


def _refuses(response: Response) -> bool:
    if response.status in CHALLENGES:
        return b"<script" in response.body[:20_000].lower()
    return response.status in REFUSED


def ignored(error: IgnoreRequest) -> str:
    """Why an answer was not taken, or not asked for, in the middle of a sentence."""
    words = str(error)
    told = next((ours for theirs, ours in _IGNORED.items() if theirs in words), words or "refused")
    return told[:1].lower() + told[1:]


def _conditional(etag: str | None, last_modified: str | None) -> dict[str, str]:
    headers = {}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    return headers


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None
