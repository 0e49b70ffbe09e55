"""What a source would give, without storing anything; which kind of source an address is; and settings that fit it."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from crawlers.chromium import HOW_TO_GET_IT, close_browser, is_there
from crawlers.crawl import crawl_source
from crawlers.dates import parse_time
from crawlers.error_words import in_chinese
from crawlers.host_ledger import StoreLedger
from crawlers.intake import Outcome, PageMark
from crawlers.logins import Logins
from crawlers.politeness import HostGate
from crawlers.privacy import AuthorKeys, NamedAccounts
from crawlers.reactor import submit
from crawlers.run import Run, RunReport
from crawlers.sources import Source, make_source, period, seconds
from crawlers.spiders import KINDS
from minsheng.clock import CHINA, Clock
from minsheng.errors import BadInput
from minsheng.policies import PolicyRegister
from minsheng.problems import Problem
from minsheng.records import Document
from minsheng.redaction import redacted
from minsheng.settings import Settings
from minsheng.store import Store

GUESSED = ("feed", "sitemap", "json_api", "listing", "page")
"""Kinds that an address is tried as, in this order, where none is given."""
MOST_FEEDS = 3
"""Feeds of a page that are tried."""
OVERLAP = 0.3
"""The share of a feed's entries that its page must list, for the feed to stand for the page."""
ALIKE = 0.3
"""The share of titles that must read like a kind's, for it to be tried."""
SAMPLE = 4
"""Pages that are fetched to see whether it is that kind."""
_MESSAGES = re.compile(r"[?？]|怎么|如何|咨询|投诉|建议|求助|反映|请问|举报|能否|何时|为什么")
_DOCUMENTS = re.compile(r"通知|办法|公告|通告|意见|方案|细则|规定|条例|决定|措施|政策解读|批复|印发")
RHYTHMS = tuple(seconds(text) for text in ("5m", "10m", "15m", "30m", "1h", "2h", "6h", "12h", "1d"))
QUIET = tuple(seconds(text) for text in ("6h", "12h", "1d", "2d", "3d", "1w", "2w", "4w", "8w"))
LEAST_TIMES = 5
"""So many times are needed to speak of a rhythm."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the source would give.

    Attributes
    ----------
    published_at:
        None where neither the source's own page nor the thing's page gives a believable time.
    text:
        Characters of its text; None where its page was not fetched.
    """

    title: str
    url: str | None
    published_at: datetime | None
    text: int | None = None


class Checked(msgspec.Struct, kw_only=True):
    """What a source gave.

    Attributes
    ----------
    source:
        As it was read.
    proposed:
        The same with the name, the rhythm and the options that fit what was seen; what was given is kept.
    taken:
        All that the source's own page names, in its order.
    documents:
        What was fetched of it, newest first.
    feeds:
        Feeds that the page names.
    hub:
        Who tells of news (WebSub); empty where nobody does.
    """

    source: Source
    proposed: Source
    report: RunReport
    taken: list[Taken]
    documents: list[Document]
    feeds: list[str] = []
    hub: str = ""


class _Collected:
    """A sink that keeps what it gets, and remembers nothing."""

    def __init__(self) -> None:
        self.documents: list[Document] = []

    async def take(self, documents: Sequence[Document], marks: Sequence[PageMark]) -> list[Outcome]:
        self.documents += documents
        return ["new"] * len(documents)


def check(source: Source, settings: Settings, clock: Clock, *, limit: int = 10, store: Store | None = None) -> Checked:
    """Crawl a source once without storing anything.

    Parameters
    ----------
    limit:
        How many of the pages that it leads to are fetched.
    store:
        Where the register's policies and the source's login are looked up; without one there are none.
    """
    sink = _Collected()
    authors = AuthorKeys(secrets.token_bytes(32), named=NamedAccounts.from_settings(settings))
    known: dict[str, Any] = {}
    ledger = None
    if store is not None:
        login = Logins.from_settings(settings, store).of(source.id)
        known = {"policies": PolicyRegister(store).all, "login": login.cookie if login else ""}
        # Hosts that are left alone, and their budgets for the day, hold for a look, too.
        ledger = StoreLedger(store, clock, worker="check", others=tuple, longest=settings.crawl.timeout)
        ledger.refresh()
    run = Run(source, sink, None, clock, authors, limit=limit, **known)
    gate = HostGate.from_settings(settings.crawl, clock, ledger)

    async def look() -> RunReport:
        try:
            return await crawl_source(source, run, settings.crawl, gate)
        finally:
            await close_browser()
            if ledger is not None:
                await ledger.close()

    report = submit(look()).result()
    newest = sorted(sink.documents, key=lambda document: document.published_at, reverse=True)
    taken = _taken(run, newest)
    return Checked(
        source=source,
        proposed=propose(source, run.title, run.proposed, [one.published_at for one in taken]),
        report=report,
        taken=taken,
        documents=newest,
        feeds=list(run.offered),
        hub=redacted(run.offers[0].hub) if run.offers else "",
    )


def check_address(
    url: str,
    kind: str | None,
    options: dict[str, Any],
    settings: Settings,
    clock: Clock,
    *,
    limit: int = 10,
    store: Store | None = None,
) -> Checked:
    """Check an address, as the given kind, or as the first kind that gives something.

    A page that names a feed of what it lists is proposed as that feed.

    Raises
    ------
    BadInput
        If no kind gives anything; with what each said.
    WrongUse
        If the address, kind or options can't be used.
    """

    def look(tried: str, address: str, most: int = limit, options: dict[str, Any] = options) -> Checked:
        values = {"id": suggest_id(address), "kind": tried, "url": address, "options": options}
        return check(make_source(values, "the command line"), settings, clock, limit=most, store=store)

    if kind:
        return look(kind, url)
    if url.partition("://")[0].lower() in KINDS["mail"].schemes:
        return look("mail", url)
    # An option that only some kinds have says that it is one of them.
    guessed = [tried for tried in GUESSED if set(options) <= set(KINDS[tried].Options.__struct_fields__)] or GUESSED
    reasons: dict[str, str] = {}  # kind → what was wrong with the address as one
    feeds: list[str] = []
    scripts = ""  # the kind that the address is, once its scripts have run
    for tried in guessed:
        checked = look(tried, url)
        feeds += checked.feeds
        checked.feeds = feeds
        if checked.report.ok and checked.documents:
            return _better_than(checked, look, url) if tried == "listing" else checked
        if "javascript" in checked.proposed.options:
            scripts = scripts or tried
        error = checked.report.error
        if error and error in reasons.values() and not scripts:
            # Two kinds got the same answer of the same address: it is not to be had, whatever it is.
            raise BadInput(
                Problem("source-nothing", url=url, reason=error, told=in_chinese(error)),
                "look whether the address is right and the site is there",
            )
        reasons[tried] = error
    if scripts and "javascript" not in options:
        return _with_scripts(url, options, look, settings)
    said = "; ".join(f"as {tried}: {error or 'nothing found'}" for tried, error in reasons.items())
    raise BadInput(
        Problem("source-nothing", url=url, reason=said, told=in_chinese(said)),
        "say what it is: --kind, --option links=...",
    )


def _with_scripts(url: str, options: dict[str, Any], look: Any, settings: Settings) -> Checked:
    """What an address gives whose page is nothing without its scripts: a list, or an article."""
    if not is_there(settings.crawl.browser):
        raise BadInput(
            f"{url} needs JavaScript",
            f"a browser can run its scripts: {HOW_TO_GET_IT}; then: --kind listing --option javascript=list",
        )
    reasons = []
    for kind, which in (("listing", "list"), ("listing", "all"), ("page", "all")):
        checked: Checked = look(kind, url, options={**options, "javascript": which})
        if checked.report.ok and checked.documents:
            return checked
        reasons.append(f"as {kind}: {checked.report.error or 'nothing found'}")
    raise BadInput(f"{url} gives nothing, also with its scripts run: {'; '.join(dict.fromkeys(reasons))}")


def _better_than(listing: Checked, look: Any, url: str) -> Checked:
    """What a listing is more than that: a board, a government column, or told by a feed; else the listing itself."""
    titles = [one.title for one in listing.taken]
    for kind, words, proof in (("board", _MESSAGES, _has_message), ("government", _DOCUMENTS, _has_particulars)):
        if sum(bool(words.search(title)) for title in titles) < ALIKE * len(titles):
            continue
        # A few pages tell whether it is one; the whole look follows only then.
        tried: Checked = look(kind, url, SAMPLE)
        if tried.report.ok and any(map(proof, tried.documents)):
            found: Checked = look(kind, url)
            found.feeds = listing.feeds
            return found
    return _feed_of(listing, look)


def _has_message(document: Document) -> bool:
    return document.kind == "message" and bool(document.text)


def _has_particulars(document: Document) -> bool:
    return document.official is not None and bool(document.official.number or document.official.index_number)


def _feed_of(listing: Checked, look: Any) -> Checked:
    """The feed that tells what a listing lists, where it names one; else the listing."""
    listed = {one.url for one in listing.taken}
    for address in listing.feeds[:MOST_FEEDS]:
        feed: Checked = look("feed", address)
        addresses = [one.url for one in feed.taken if one.url]
        if feed.report.ok and addresses and sum(url in listed for url in addresses) >= OVERLAP * len(addresses):
            feed.feeds = listing.feeds
            return feed
    return listing


def _taken(run: Run, documents: Sequence[Document]) -> list[Taken]:
    fetched = {document.url or document.title: document for document in documents}
    found: list[Taken] = []
    for lead in run.leads:
        document = fetched.pop(lead.url or lead.title, None)
        if document is not None:
            found.append(_of(document))
        else:
            time = parse_time(lead.published, run.now()) if isinstance(lead.published, str) else lead.published
            found.append(Taken(title=lead.title, url=lead.url, published_at=time))
    return [*found, *map(_of, fetched.values())]


def _of(document: Document) -> Taken:
    return Taken(
        title=document.title or document.text[:60],
        url=document.url,
        published_at=None if document.published_estimated else document.published_at,
        text=len(document.text),
    )


def propose(source: Source, title: str, options: dict[str, Any], times: Sequence[datetime | None]) -> Source:
    """The source with a name, options and a rhythm that fit; what it says itself is kept.

    Parameters
    ----------
    times:
        Of what it gave; None where there is no believable one.
    """
    given = Source(id="", kind="", url="")
    every, quiet_after = rhythm([time for time in times if time is not None])
    return msgspec.structs.replace(
        source,
        name=source.name or title[:100],
        every=every if every and source.every == given.every else source.every,
        quiet_after=source.quiet_after or quiet_after,
        options={**options, **source.options},
    )


def rhythm(times: Sequence[datetime]) -> tuple[str, str]:
    """How often to look, and how long a silence is no alarm: half the mean pause, and three times the longest.

    Returns
    -------
    Two periods, as `30m`; empty where there are too few times.
    """
    ordered = sorted(times)[-50:]
    if len(ordered) < LEAST_TIMES or ordered[0] == ordered[-1]:
        return "", ""
    gaps = [later - earlier for earlier, later in itertools.pairwise(ordered)]
    # Lists that give days only say nothing about hours.
    local = [time.astimezone(CHINA) for time in ordered]
    days_only = all((time.hour, time.minute) == (0, 0) for time in local)
    mean = (ordered[-1] - ordered[0]) / len(gaps)
    longest = max(*gaps, timedelta(days=1) if days_only else timedelta())
    every = max((size for size in RHYTHMS if size <= mean.total_seconds() / 2), default=RHYTHMS[0])
    quiet = min((size for size in QUIET if size >= 3 * longest.total_seconds()), default=QUIET[-1])
    return period(every), period(quiet)


def suggest_id(url: str) -> str:
    """A source id made of an address: `www.example.org/news/list.html` → `example.org-news`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "source"
    path = re.sub(r"(?:index|list|default)?\.\w+$", "", parts.path)
    words = f"{(parts.hostname or '').removeprefix('www.')}{path}".lower()
    return re.sub(r"[^a-z0-9.]+", "-", words).strip("-.")[:100] or "source"
