"""Pages that hold nothing but where one is to go: followed as redirects are, with the same bounds."""

from __future__ import annotations

import re
from urllib.parse import urldefrag, urljoin

from scrapy.downloadermiddlewares.redirect import MetaRefreshMiddleware
from scrapy.http import HtmlResponse, Request, Response

from crawlers.admission import canonical_url
from crawlers.charset import decode
from crawlers.markup import base_of, element_text, page_title, parse_html
from crawlers.walls import wall_in

MOST_BYTES = 8_000
"""A page with more in it is one."""
MOST_WORDS = 40
"""Characters that such a page may say: 正在跳转，请稍候…"""
LONGEST_DELAY = 5
"""Seconds; what goes on later than that is a page that is shown anew, or a notice that is to be read first."""
_REFRESH = re.compile(r"\s*(?P<delay>\d{1,4})(?:\.\d+)?\s*[;,]\s*url\s*=\s*[\"']?(?P<url>[^\"'>\s]+)", re.IGNORECASE)
_SCRIPTED = re.compile(
    r"(?:^|[;{}\s.])location(?:\.href)?\s*=\s*[\"'](?P<set>[^\"'\s]+)[\"']\s*(?=[;}]|$|</)"
    r"|location\.(?:replace|assign)\(\s*[\"'](?P<called>[^\"'\s]+)[\"']\s*\)"
)
_MAY_LEAD = re.compile(rb"refresh|location", re.IGNORECASE)
_DECIDES = re.compile(r"document\.cookie|\bif\s*\(|userAgent|navigator|\beval\b")
"""What scripts do that lead some there and others not, or that test who asks."""


class ForwardMiddleware(MetaRefreshMiddleware):
    """Follows such pages; no further than other redirects, and never with a login."""

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        if request.meta.get("dont_redirect") or request.method != "GET" or not isinstance(response, HtmlResponse):
            return response
        if response.status != 200 or len(response.body) > MOST_BYTES:
            return response
        target = forwarded_to(response.body, response.url)
        if target is None:
            return response
        return self._redirect(self._redirect_request_using_get(request, response, target), request, "forwarding page")


def forwarded_to(body: bytes, url: str) -> str | None:
    """Where a page that says nothing else sends its readers, by `<meta>` or by script; None where it does not.

    A page that leads back to itself, as those do that want a cookie first, sends nobody anywhere.
    """
    if not _MAY_LEAD.search(body):
        return None  # nearly all pages: none is read twice
    tree = parse_html(decode(body))
    words = element_text(tree) if tree is not None else ""
    if tree is None or len(words) > MOST_WORDS or wall_in(f"{page_title(tree)}\n{words}") is not None:
        # A notice that something is gone leads to a front page, which is no article either.
        return None
    said: list[str] = []
    for meta in tree.iter("meta"):
        if (meta.get("http-equiv") or "").strip().lower() != "refresh" or _within(meta, "noscript"):
            continue
        match = _REFRESH.match(meta.get("content") or "")
        if match and int(match["delay"]) <= LONGEST_DELAY:
            said.append(match["url"])
    code = "\n".join(script.text or "" for script in tree.iter("script"))
    if not said and not _DECIDES.search(code):
        said = [match["set"] or match["called"] for match in _SCRIPTED.finditer(code)]
    if len(set(said)) != 1:
        return None
    try:
        target = canonical_url(urljoin(base_of(tree, url), said[0]))
    except ValueError:
        return None
    is_web = target.startswith(("http://", "https://"))
    return target if is_web and urldefrag(target).url != urldefrag(canonical_url(url)).url else None


def _within(element: object, tag: str) -> bool:
    return next(element.iterancestors(tag), None) is not None  # type: ignore[attr-defined]
