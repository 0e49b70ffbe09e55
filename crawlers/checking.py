"""What a source would give, without storing anything; and which kind of source an address is."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from crawlers.crawl import crawl_source
from crawlers.intake import Outcome, PageMark
from crawlers.politeness import HostGate
from crawlers.privacy import AuthorKeys
from crawlers.reactor import submit
from crawlers.run import Run, RunReport
from crawlers.sources import Source, make_source
from minsheng.clock import Clock
from minsheng.errors import BadInput
from minsheng.records import Document
from minsheng.settings import Settings

GUESSED = ("feed", "listing", "page")
"""Kinds that an address is tried as, in this order, where none is given."""


class Checked(msgspec.Struct, kw_only=True):
    """What a source gave: the source as it was read, the report, and the documents, newest first."""

    source: Source
    report: RunReport
    documents: list[Document]


class _Collected:
    """A sink that keeps what it gets, and remembers nothing."""

    def __init__(self) -> None:
        self.documents: list[Document] = []

    async def take(self, documents: Sequence[Document], marks: Sequence[PageMark]) -> list[Outcome]:
        self.documents += documents
        return ["new"] * len(documents)


def check(source: Source, settings: Settings, clock: Clock, *, limit: int = 10) -> Checked:
    """Crawl a source once without storing anything.

    Parameters
    ----------
    limit:
        How many of the pages that it leads to are fetched.
    """
    sink = _Collected()
    run = Run(source, sink, None, clock, AuthorKeys(secrets.token_bytes(32)), limit=limit)
    gate = HostGate.from_settings(settings.crawl, clock)
    report = submit(crawl_source(source, run, settings.crawl, gate)).result()
    newest = sorted(sink.documents, key=lambda document: document.published_at, reverse=True)
    return Checked(source=source, report=report, documents=newest)


def check_address(
    url: str, kind: str | None, options: dict[str, Any], settings: Settings, clock: Clock, *, limit: int = 10
) -> Checked:
    """Check an address, as the given kind, or as the first kind that gives something.

    Raises
    ------
    BadInput
        If no kind gives anything; with what each said.
    WrongUse
        If the address, kind or options can't be used.
    """
    reasons: list[str] = []
    for tried in (kind,) if kind else GUESSED:
        values = {"id": suggest_id(url), "kind": tried, "url": url, "options": options}
        checked = check(make_source(values, "the command line"), settings, clock, limit=limit)
        if kind or (checked.report.ok and checked.documents):
            return checked
        reasons.append(f"as {tried}: {checked.report.error or 'nothing found'}")
    raise BadInput(f"{url} gives nothing — {'; '.join(reasons)}", "say what it is: --kind, --option links=...")


def suggest_id(url: str) -> str:
    """A source id made of an address: `www.example.org/news/list.html` → `example.org-news`."""
    parts = urlsplit(url)
    path = re.sub(r"(?:index|list|default)?\.\w+$", "", parts.path)
    words = f"{(parts.hostname or '').removeprefix('www.')}{path}".lower()
    return re.sub(r"[^a-z0-9.]+", "-", words).strip("-.")[:100] or "source"
