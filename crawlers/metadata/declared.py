"""What a page declares of itself where a reader does not look: `<title>`, metas, JSON-LD, its scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import lxml.html
import msgspec

SCRIPT = 500_000
"""Characters of a script beyond which it is not read."""
_TITLES = ("og:title", "articletitle", "title", "twitter:title", "headline")
_TIMES = (
    "article:published_time", "og:published_time", "datepublished", "pubdate", "publishdate", "publish_date",
    "pubtime", "publishtime", "og:time", "og:release_date", "article:create_at", "weibo:article:create_at",
    "firstpublishedtime", "firstpublishtime", "apub:time", "datecreated", "bytedance:published_time",
)  # fmt: skip
_VAGUE_TIMES = ("dc.date", "date", "dcterms.created")
"""Often when the page was made, not when the article was published: asked only where nothing else says."""
_OUTLETS = ("contentsource", "source", "og:article:source", "mediaid", "article:source")
_SCRIPTED_TITLE = re.compile(
    r"(?:share|msg|news|article|wx|doc|info)?_?title[\"']?\s*[:=]\s*(?P<mark>[\"'])(?P<title>[^\"'\\<>{}\n]{6,100})(?P=mark)",
    re.IGNORECASE,
)
_SCRIPTED_TIME = re.compile(
    r"(?<![A-Za-z])(?:pub_?time|publish(?:ed)?_?(?:time|date|at)|pub_?date|news_?time|(?:ori_?)?created?_?(?:time|at)|date_?published"
    r"|ctime|ct)[\"']?\s*[:=]\s*[\"']?\s*"
    r"(?P<time>\d{4}[-/年]\d{1,2}[-/月]\d{1,2}(?:日?[\sT]+\d{1,2}:\d{2}(?::\d{2})?)?|1\d{9}(?:\d{3})?)"
    r"(?=[\"',;\s}])",
    re.IGNORECASE,
)


class Declared:
    """What a page declares of itself.

    Parameters
    ----------
    tree:
        The whole page.

    Attributes
    ----------
    title:
        What stands in `<title>`; empty where there is none.
    metas:
        By their names in small letters, the first of each.
    linked:
        The objects of JSON-LD.
    """

    def __init__(self, tree: lxml.html.HtmlElement) -> None:
        self._tree = tree
        element = next(iter(tree.iter("title")), None)
        self.title = " ".join((element.text_content() if element is not None else "").split())
        self.metas = _metas(tree)
        self.linked = list(_linked_data(tree))

    def titles(self) -> list[str]:
        """Headlines, with or without the names of site and column around them, `title` first where there is one."""
        said = [self.title, *self._in_metas(_TITLES), *self._in_linked(("headline", "title"))]
        return [" ".join(text.split()) for text in dict.fromkeys(said) if text.strip()]

    def times(self) -> list[str]:
        """When it was published."""
        return [*self._in_metas(_TIMES), *self._in_linked(("datePublished", "pubDate", "uploadDate"))]

    def vague_times(self) -> list[str]:
        """When it was published, or made."""
        return self._in_metas(_VAGUE_TIMES)

    def outlet(self) -> str | None:
        """The medium."""
        return next(iter(self._in_metas(_OUTLETS)), None)

    def authors(self) -> list[str]:
        """Who wrote it; many sites name themselves."""
        said: list[Any] = []
        for one in self.linked:
            who = one.get("author")
            who = who[0] if isinstance(who, list) and who else who
            said.append(who.get("name") if isinstance(who, dict) else who)
        said += self._in_metas(("author", "article:author"))
        return [name.strip() for name in said if isinstance(name, str)]

    def scripted_titles(self) -> list[str]:
        """What scripts set as the title of what is shared."""
        return [match["title"] for text in self._scripts() for match in _SCRIPTED_TITLE.finditer(text)][:8]

    def scripted_times(self) -> list[str]:
        """Times that scripts set into the page."""
        found: list[str] = []
        for text in self._scripts():
            found += [match["time"] for match in _SCRIPTED_TIME.finditer(text)]
            if len(found) > 20:
                break
        return found

    def _in_metas(self, names: Sequence[str]) -> list[str]:
        return [self.metas[name] for name in names if name in self.metas]

    def _in_linked(self, names: Sequence[str]) -> list[str]:
        return [one[name] for one in self.linked for name in names if isinstance(one.get(name), str)]

    def _scripts(self) -> Iterator[str]:
        texts = (script.text or "" for script in self._tree.iter("script"))
        return (text for text in texts if len(text) < SCRIPT)


def _metas(tree: lxml.html.HtmlElement) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").strip().lower()
        content = " ".join((meta.get("content") or "").split())
        if name and content:
            found.setdefault(name, content)
    return found


def _linked_data(tree: lxml.html.HtmlElement) -> Iterator[dict[str, Any]]:
    """The objects of JSON-LD."""
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or ""):
            continue
        try:
            # Some sites break lines inside strings, which JSON forbids.
            value = msgspec.json.decode(re.sub(r"[\x00-\x1f]+", " ", script.text or "").encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            continue
        waiting = value if isinstance(value, list) else [value]
        for one in waiting:
            if isinstance(one, dict):
                yield one
                graph = one.get("@graph")
                yield from (inner for inner in graph if isinstance(inner, dict)) if isinstance(graph, list) else ()
