"""The sample site's sitemaps: an index, news with the news extension, and gzipped ones."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from sample.content import Article, Outlet
from sample.pages import article_path
from sample.timeline import Dated

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_NEWS = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'


def index(parts: Sequence[tuple[str, datetime]], base_url: str) -> str:
    """The sitemap that leads to the others: their names, and when the newest thing in each appeared."""
    rows = "".join(
        f"<sitemap><loc>{base_url}/{name}</loc><lastmod>{at.isoformat(timespec='seconds')}</lastmod></sitemap>\n"
        for name, at in parts
    )
    return f"{_HEAD}<sitemapindex {_SPACE}>\n{rows}</sitemapindex>\n"


def news(items: Sequence[Dated[Article]], outlets: Mapping[str, Outlet], base_url: str) -> str:
    """Fresh articles with their titles and times."""
    rows = "".join(
        f"<url><loc>{base_url}{article_path(item)}</loc><news:news><news:publication>"
        f"<news:name>{escape(outlets[item.entry.outlet].name)}</news:name><news:language>zh-cn</news:language>"
        f"</news:publication><news:publication_date>{item.at.isoformat(timespec='seconds')}</news:publication_date>"
        f"<news:title>{escape(item.entry.title)}</news:title></news:news></url>\n"
        for item in items
    )
    return f"{_HEAD}<urlset {_SPACE} {_NEWS}>\n{rows}</urlset>\n"


def compressed(items: Sequence[Dated[Article]], base_url: str) -> bytes:
    """All articles of an outlet, as a gzip file that is the same whenever it is made."""
    rows = "".join(
        f"<url><loc>{base_url}{article_path(item)}</loc><lastmod>{item.at:%Y-%m-%d}</lastmod></url>\n" for item in items
    )
    return gzip.compress(f"{_HEAD}<urlset {_SPACE}>\n{rows}</urlset>\n".encode(), mtime=0)
