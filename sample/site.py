"""A local site that speaks as the crawled ones do: feeds and their hub, listings and articles, boards and more.

Nothing is visible before its time. `SampleSite` serves in a thread of this process; `minsheng sample serve` keeps one
open.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec

from minsheng.clock import Clock, SystemClock
from minsheng.errors import WrongUse
from minsheng.logs import get_logger
from minsheng.policies.model import Policy
from sample import exports, files, forums, interfaces, pages, sitemaps, weibo
from sample.content import Article, Entry, Outlet, Post, load_world
from sample.hub import PATH as HUB_PATH
from sample.hub import Feed, Hub
from sample.policies import moved_policies
from sample.timeline import Dated, arrange

log = get_logger(__name__)

E = TypeVar("E", bound=Entry)

ROBOTS = """User-agent: *
Disallow: /print/
Disallow: /board/admin

Sitemap: {base_url}/sitemap.xml
"""

LONGEST_FORM = 10_000
"""Bytes that may be posted to the hub."""

_EMOJI = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><circle cx="8" cy="8" r="7" fill="#fc0"/></svg>'
)


class Page(NamedTuple):
    """A body, as text or as the bytes of a file; its media type and charset; when the newest thing in it appeared."""

    body: str | bytes
    media_type: str = "text/html"
    charset: str = "utf-8"
    modified: datetime | None = None
    link: str = ""


class Site:
    """What is at each address, at each moment. Knows nothing of sockets.

    Parameters
    ----------
    anchor:
        The world's "now", see `sample.timeline`.
    """

    def __init__(self, clock: Clock, anchor: datetime, *, live: bool = False) -> None:
        world = load_world()
        self.clock = clock
        self.anchor = anchor
        self.live = live
        self.scene = arrange(world, anchor, live=live)
        self.outlets = {outlet.id: outlet for outlet in world.outlets}
        self.policies: Mapping[str, Policy] = {policy.id: policy for policy in moved_policies(anchor)}
        self._articles = {pages.article_path(item): item for item in self.scene.articles}
        self._posts = {weibo.mid_of(item.entry): item for item in self.scene.posts}
        self._by_id = {item.entry.id: item for item in self.scene.posts if item.entry.id is not None}

    def get(self, path: str, query: Mapping[str, str], base_url: str, cookie: str = "") -> Page | None:
        """The page at a path, or None where there is none (yet); a few want the cookie of a login."""
        first, _, rest = path.lstrip("/").partition("/")
        if path in ("/", "/index.html"):
            return Page(pages.home(list(self.outlets.values()), self._visible(self.scene.hot)))
        if path == "/robots.txt":
            return Page(ROBOTS.format(base_url=base_url), "text/plain")
        if first.startswith("sitemap") and not rest:
            return self._sitemap(first, base_url)
        if path == "/static/app.js":
            return Page(pages.app_script(), "text/javascript")
        if path in ("/app/", "/app/article.html"):
            return Page(pages.app_page())
        if path == "/static/emoji.svg":
            return Page(_EMOJI, "image/svg+xml")
        if first == "hot":
            return self._hot(rest)
        if first == "api":
            return self._api(rest, query, base_url)
        if path == "/latest.json" or first in ("t", "bbs"):
            return self._forum(first, rest, query)
        if first == "weibo":
            return self._weibo(rest, query, cookie)
        if first == "board":
            return self._board(rest, query)
        if first == "print":
            return self._print(f"/{rest}")
        if first == "exports":
            return self._export(rest, base_url)
        if first == "files":
            return self._file(rest)
        if first == "notice":
            return self._notice(rest.removesuffix(".html"), base_url)
        if first in self.outlets:
            return self._outlet(self.outlets[first], path, rest, base_url)
        return None

    def _outlet(self, outlet: Outlet, path: str, rest: str, base_url: str) -> Page | None:
        items = [item for item in self._visible(self.scene.articles) if item.entry.outlet == outlet.id]
        modified = items[0].at if items else None
        if rest == "feed.xml" and outlet.feed:
            body = pages.feed(outlet, items[:30], base_url, modified or self.anchor)
            return Page(body, f"application/{outlet.feed}+xml", modified=modified)
        if rest == "feed.json" and outlet.feed:
            answer = _json(pages.json_feed(outlet, items[:30], base_url), "application/feed+json")
            return answer._replace(modified=modified)
        if page := _page_number(rest):
            chosen, count = _cut(items, page, pages.PAGE_SIZE)
            if not chosen:
                return None
            return Page(pages.listing_page(outlet, chosen, page, count), charset=outlet.charset, modified=modified)
        item = self._articles.get(path)
        if item is None or item not in items:
            return None
        # Of the others only those that were there when it appeared: its page then never changes.
        others = [other for other in items if other.at < item.at]
        policy = self.policies.get(item.entry.policy) if item.entry.policy else None
        return Page(pages.article_page(item, outlet, others, policy), charset=outlet.charset, modified=item.at)

    def _timeline(self, query: Mapping[str, str], base_url: str) -> Page:
        """Posts as Mastodon gives them, the next page named in the Link header."""
        items = self._visible(self.scene.posts)
        start = _positive(query["after"]) if query.get("after", "").isdecimal() else 0
        statuses = [forums.status(item, self._by_id) for item in items[start : start + forums.SIZE]]
        following = f'<{base_url}/api/v1/timelines/public?after={start + forums.SIZE}>; rel="next"'
        page = _json(statuses)
        return page._replace(link=following) if start + forums.SIZE < len(items) else page

    def _forum(self, first: str, rest: str, query: Mapping[str, str]) -> Page | None:
        """The board's messages once more: as Discourse's JSON, and as pages like those of Discuz!."""
        now = self.clock.now()
        threads = [
            (item, reply if (reply := self.scene.replies.get(place)) and reply.at <= now else None)
            for place, item in enumerate(self.scene.messages)
            if item.at <= now
        ]
        if first == "latest.json":
            return _json(
                forums.topic_list(threads, int(query.get("page", "0")) if query.get("page", "0").isdecimal() else 0)
            )
        if first == "bbs" and rest == "forum.html":
            return Page(pages.forum_list([(forums.thread_number(item), item, reply) for item, reply in threads[:20]]))
        number = re.fullmatch(r"(?:thread-)?(\d+)(?:-1-1\.html|\.json)", rest)
        found = next((one for one in threads if number and forums.thread_number(one[0]) == int(number[1])), None)
        if found is None:
            return None
        return _json(forums.topic(*found)) if first == "t" else Page(pages.forum_thread(*found))

    def _api(self, rest: str, query: Mapping[str, str], base_url: str) -> Page | None:
        """Interfaces as portals have them: articles by page number, messages by the mark of the last one seen."""
        if rest == "articles":
            items = self._visible(self.scene.articles)
            chosen, count = _cut(items, _positive(query.get("page", "1")), 20)
            return _json({"code": 0, "data": {"pages": count, "list": [interfaces.article(item) for item in chosen]}})
        if rest == "article":
            wanted = query.get("id", "")
            found = next(
                (i for i in self._visible(self.scene.articles) if wanted == str(pages.number_of(i.entry))), None
            )
            return _json({"code": 0, "data": interfaces.whole_article(found)}) if found is not None else None
        if rest == "v1/timelines/public":
            return self._timeline(query, base_url)
        if rest == "messages":
            messages = self._visible(self.scene.messages)
            start = _positive(query.get("after", "0")) if query.get("after") else 0
            return _json(interfaces.messages(messages, start))
        return None

    def _sitemap(self, name: str, base_url: str) -> Page | None:
        """An index; news of the last two days with titles and times; for each outlet its pages, as gzip."""
        items = self._visible(self.scene.articles)
        if name == "sitemap.xml":
            parts = [("sitemap-news.xml", items[0].at)] if items else []
            for outlet in self.outlets:
                times = [item.at for item in items if item.entry.outlet == outlet]
                parts += [(f"sitemap-{outlet}.xml.gz", max(times))] if times else []
            return Page(sitemaps.index(parts, base_url), "application/xml")
        if name == "sitemap-news.xml":
            fresh = [item for item in items if self.clock.now() - item.at < timedelta(days=2)]
            return Page(sitemaps.news(fresh, self.outlets, base_url), "application/xml")
        outlet = name.removeprefix("sitemap-").removesuffix(".xml.gz")
        if outlet not in self.outlets or not name.endswith(".xml.gz"):
            return None
        of_outlet = [item for item in items if item.entry.outlet == outlet]
        return Page(sitemaps.compressed(of_outlet, base_url), "application/gzip")

    def _file(self, name: str) -> Page | None:
        """A file that hangs on a policy's page."""
        policy, _, kind = name.rpartition(".")
        found = self.policies.get(policy)
        item = next((item for item in self.scene.articles if item.entry.policy == policy), None)
        if found is None or item is None or item.at > self.clock.now() or kind not in pages.FILES:
            return None
        return Page(files.make(kind, tuple(pages.file_lines(kind, found))), files.MEDIA_TYPES[kind], modified=item.at)

    def _export(self, name: str, base_url: str) -> Page | None:
        """A file to import: tables, an archive, a mailbox."""
        if name not in exports.MEDIA_TYPES:
            return None

        def page_of(item: Dated[Article]) -> tuple[str, bytes]:
            path = pages.article_path(item)
            page = self.get(path, {}, base_url)
            assert page is not None
            assert isinstance(page.body, str)
            return f"{base_url}{path}", page.body.encode(page.charset, "xmlcharrefreplace")

        made = exports.make(name, self.scene, self.clock.now(), page_of)
        return Page(made, exports.MEDIA_TYPES[name])

    def _notice(self, policy: str, base_url: str) -> Page | None:
        """A policy's page at an address that stays, as notices have that are edited in place."""
        path = next((path for path, item in self._articles.items() if item.entry.policy == policy), None)
        return self.get(path, {}, base_url) if path is not None and policy else None

    def _print(self, path: str) -> Page | None:
        """Print versions: the same text again, which robots.txt asks robots to leave alone."""
        item = self._articles.get(path)
        if item is None or item.at > self.clock.now():
            return None
        return Page(f"{item.entry.title}\n\n{item.entry.text}\n", "text/plain", modified=item.at)

    def _weibo(self, rest: str, query: Mapping[str, str], cookie: str) -> Page | None:
        now = self.clock.now()
        if rest == "login":
            return Page(f"{weibo.login(now)}\n", "text/plain")
        if rest == "members" and not weibo.is_logged_in(cookie, now):
            return _json(weibo.LOGIN_WANTED)
        if rest in ("search", "members"):
            items = self._visible(self.scene.posts)
            page = _positive(query.get("page", "1"))
            return _json(weibo.search_answer(items, self._by_id, query.get("q", ""), page))
        if rest == "comments":
            item = self._post(query.get("id", ""))
            return _json(weibo.comments_answer(item, self._visible(self.scene.posts))) if item is not None else None
        whole = rest == "statuses/extend"
        mid = query.get("id", "") if whole else rest.removeprefix("status/")
        item = self._post(mid)
        if item is None:
            return None
        if whole:
            return _json({"ok": 1, "data": {"longTextContent": weibo.markup(item.entry.text)}})
        return Page(pages.post_page(weibo.mblog(item, self._by_id, whole=True)), modified=item.at)

    def _post(self, mid: str) -> Dated[Post] | None:
        item = self._posts.get(mid)
        return item if item is not None and item.at <= self.clock.now() else None

    def _hot(self, rest: str) -> Page | None:
        terms = self._visible(self.scene.hot)
        if rest == "search.json":
            return _json(weibo.hot_answer(terms))
        return Page(pages.hot_page(terms)) if rest == "board.html" else None

    def _board(self, rest: str, query: Mapping[str, str]) -> Page | None:
        now = self.clock.now()
        count = len(self.scene.messages)
        # Numbers count up with time, so the newest message has the highest.
        visible = [(10_000 + count - place, place) for place in range(count) if self.scene.messages[place].at <= now]
        replies = {place: reply for place, reply in self.scene.replies.items() if reply.at <= now}
        if rest in ("", "list"):
            page = _positive(query.get("page", "1"))
            chosen, total = _cut(visible, page, pages.PAGE_SIZE)
            rows = [(number, self.scene.messages[place], place in replies) for number, place in chosen]
            return Page(pages.board_list(rows, page, total)) if rows else None
        if rest != "detail":
            return None
        for number, place in visible:
            if query.get("tid") == str(number):
                item, reply = self.scene.messages[place], replies.get(place)
                return Page(pages.board_message(number, item, reply), modified=reply.at if reply else item.at)
        return None

    def _visible(self, items: Iterable[Dated[E]]) -> list[Dated[E]]:
        now = self.clock.now()
        return [item for item in items if item.at <= now]


class SampleSite:
    """The site on a port of this machine, served from threads of this process.

    Parameters
    ----------
    port:
        0 takes any free one.
    live:
        Let the last hour of the world play out from now on, see `sample.timeline`.
    anchor:
        The world's "now"; default the clock's at `start`.

    Examples
    --------
    >>> with SampleSite() as site:  # doctest: +SKIP
    ...     print(site.base_url)
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Clock | None = None,
        live: bool = False,
        anchor: datetime | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.site = Site(self.clock, anchor or self.clock.now(), live=live)
        try:
            self._server = _Server((host, port), self.site)
        except OSError as error:
            raise WrongUse(
                f"port {port} of {host} can't be used: {error.strerror}", "choose another: --port"
            ) from error
        self.base_url = f"http://{host}:{self._server.server_address[1]}"
        self.hub = self._server.hub = Hub(self.clock, self._feed)
        self._thread = Thread(target=self._server.serve_forever, name="sample-site", daemon=True)

    def _feed(self, url: str) -> Feed | None:
        """The feed that the hub is asked for; None where the address is none of this site's feeds."""
        parts = urlsplit(url)
        if not parts.path.endswith(("/feed.xml", "/feed.json")) or parts.port != self._server.server_address[1]:
            return None
        page = self.site.get(parts.path, {}, f"{parts.scheme}://{parts.netloc}")
        if page is None:
            return None
        body = page.body if isinstance(page.body, bytes) else page.body.encode(page.charset)
        return Feed(body, page.media_type, page.modified)

    def start(self) -> None:
        self._thread.start()
        self.hub.start()
        log.info("sample_site_started", url=self.base_url)

    def stop(self) -> None:
        self.hub.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> SampleSite:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: Hub

    def __init__(self, address: tuple[str, int], site: Site) -> None:
        self.site = site
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_POST(self) -> None:
        """What is posted to the hub; nothing else takes anything."""
        length = self.headers.get("Content-Length", "")
        if urlsplit(self.path).path != HUB_PATH or not length.isdecimal() or int(length) > LONGEST_FORM:
            # What was not read must not be taken for the next request.
            self.close_connection = True
            self._send(HTTPStatus.NOT_FOUND, b"404 Not Found", {"Content-Type": "text/plain"}, with_body=True)
            return
        form = dict(parse_qsl(self.rfile.read(int(length)).decode("utf-8", "replace")))
        status, words = self.server.hub.ask(form)
        self._send(status, words.encode(), {"Content-Type": "text/plain; charset=utf-8"}, with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        host, port = self.server.server_address[:2]
        base_url = f"http://{self.headers.get('Host') or f'{host!s}:{port}'}"
        page = self.server.site.get(parts.path, query, base_url, self.headers.get("Cookie", ""))
        if page is None:
            self._send(HTTPStatus.NOT_FOUND, b"404 Not Found", {"Content-Type": "text/plain"}, with_body=with_body)
            return
        body = page.body if isinstance(page.body, bytes) else page.body.encode(page.charset, "xmlcharrefreplace")
        headers = {
            # The old site says its charset only in the page, as old sites do.
            "Content-Type": (
                page.media_type
                if page.charset == "gbk" or isinstance(page.body, bytes)
                else f"{page.media_type}; charset={page.charset}"
            ),
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        }
        if page.link:
            headers["Link"] = page.link
        if page.modified is not None:
            headers["Last-Modified"] = format_datetime(page.modified.astimezone(UTC), usegmt=True)
        if self._is_known(headers["ETag"], page.modified):
            self._send(HTTPStatus.NOT_MODIFIED, b"", headers, with_body=False)
        else:
            self._send(HTTPStatus.OK, body, headers, with_body=with_body)

    def _is_known(self, etag: str, modified: datetime | None) -> bool:
        """Whether the client has this version; where it names an ETag, the date does not count (RFC 9110)."""
        if tags := self.headers.get("If-None-Match"):
            return etag in tags
        since = self.headers.get("If-Modified-Since")
        if modified is None or since is None:
            return False
        try:
            return modified.replace(microsecond=0) <= parsedate_to_datetime(since)
        except (TypeError, ValueError):
            return False

    def _send(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str], *, with_body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        log.debug("sample_site_request", request=format % args)


T = TypeVar("T")


def _cut(items: Sequence[T], page: int, size: int) -> tuple[Sequence[T], int]:
    """The entries of a page, from 1, and the number of pages."""
    return items[(page - 1) * size : page * size], -(-len(items) // size)


def _page_number(rest: str) -> int | None:
    if rest in ("", "index.html"):
        return 1
    found = re.fullmatch(r"index_(\d{1,4})\.html", rest)
    return _positive(found[1]) if found else None


def _positive(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() else 1


def _json(value: Any, media_type: str = "application/json") -> Page:
    return Page(msgspec.json.encode(value).decode(), media_type)
