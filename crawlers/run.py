"""One crawl of one source: what it may know, what came of it, and what is remembered at its end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import msgspec
import sqlalchemy as sa

from crawlers import backfills, hot_ranks, tables
from crawlers.admission import Admission, Found, Refusal
from crawlers.backfills import Place, Window
from crawlers.dates import parse_time
from crawlers.faults import Fault
from crawlers.host_rules import HostResting
from crawlers.hot_ranks import Seen
from crawlers.intake import Outcome, PageMark, url_hash
from crawlers.privacy import AuthorKeys
from crawlers.sources import Source
from crawlers.websub.discovery import Offer
from minsheng.clock import Clock
from minsheng.logs import get_logger
from minsheng.policies.model import Policy
from minsheng.records import Document
from minsheng.redaction import redacted, secrets_in
from minsheng.store import Store

log = get_logger(__name__)

MOST_LEADS = 500
LOGIN_COMMAND = "minsheng sources login ID"
"""How hints name the command that gives a login."""

MOST_NEW = 200
RECENT = timedelta(days=2)
"""What was published longer ago was found late, and says nothing of a source's rhythm."""
AT_A_TIME = 500
"""Pages looked up in one query."""
TOGETHER = 200
"""Finds admitted and stored at a time."""
AT_ONCE = 20_000
"""Characters that are searched for persons in the crawl's loop; more are in a thread."""


class RunReport(msgspec.Struct, kw_only=True):
    """What came of a run.

    Attributes
    ----------
    ok:
        The source's own page answered and could be read.
    items:
        Documents sent to the log: new ones and new revisions.
    new, recent:
        Documents that were not known, and those of them that were published in the last two days.
    unchanged:
        Things seen that were known already.
    rejected:
        Things found that are no documents, by reason.
    outside:
        Documents that a backfill met and that were published outside its window.
    failed:
        Pages of the source that could not be had; they are tried again at the next run.
    error:
        The first thing that went wrong; also where the run is `ok` on the whole.
    fault:
        `login` where the service wants one, `layout` where what used to be there is missing: somebody must act.
    looked:
        All of the source's own pages that were asked for were read; otherwise one had not changed, or could not be had.
    named:
        Things that the source's own pages name, wanted or not, where that is known without asking for them.
    blocked:
        The site refuses us.
    resting_until:
        A host is not to be asked before; None where nothing of the kind happened.
    held_off:
        What went wrong first is that a host is left alone, so that nothing was learned of the source itself.
    with_login:
        An operator's login was sent.
    unfinished:
        A backfill stopped before it came to the beginning of its window; the next one goes on from there.
    """

    source: str
    ok: bool = False
    items: int = 0
    new: int = 0
    recent: int = 0
    unchanged: int = 0
    rejected: dict[str, int] = msgspec.field(default_factory=dict)
    outside: int = 0
    failed: int = 0
    seconds: float = 0.0
    error: str = ""
    looked: bool = False
    named: int = 0
    blocked: bool = False
    resting_until: datetime | None = None
    held_off: bool = False
    with_login: bool = False
    fault: Fault = ""
    unfinished: bool = False


class Lead(NamedTuple):
    """Something that a source's own page names, whether it was followed or not: address, title, time as found."""

    url: str | None
    title: str
    published: datetime | str | None


class Sink(Protocol):
    """Where documents go. `crawlers.sink` sends them to the log."""

    async def take(self, documents: Sequence[Document], marks: Sequence[PageMark]) -> list[Outcome]:
        """Returns when all is stored."""
        ...


class Run:
    """The state of one run of one source; used from the crawl's event loop only.

    Parameters
    ----------
    store:
        What is known of pages; None: nothing is, and nothing is remembered (`minsheng sources check`).
    policies:
        Reads the register.
    login:
        The cookie header that is sent to the source's own host.
    limit:
        How many pages that the source leads to may be fetched; in a backfill also of its own pages, where it can go on
        from the last of them.
    window:
        Only what was published then is taken: a backfill. The source's own pages are then read anew, as far back as
        they go, and not remembered.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        store: Store | None,
        clock: Clock,
        authors: AuthorKeys,
        *,
        limit: int | None = None,
        window: Window | None = None,
        login: str = "",
        policies: Callable[[], Sequence[Policy]] = tuple,
    ) -> None:
        self._policies = policies
        self.login = login
        self.source = source
        self.window = window
        self.report = RunReport(source=source.id, with_login=bool(login))
        self.leads: list[Lead] = []  # what the source's own pages name, the first `MOST_LEADS`
        self.offered: list[str] = []  # feeds that the source's own page names, where it is none itself
        self.proposed: dict[str, Any] = {}  # options that would fit what was seen; only where `looking`
        self.title = ""  # what the source's own page calls itself
        self.offers: list[Offer] | None = None  # hubs that tell of news; None: it was not read whether there are any
        self._sink = sink
        self._store = store
        self._clock = clock
        self._admit = Admission(source.id, authors, secrets_in(source.url))
        self.new: list[Document] = []  # some of the new documents, for what is learned of the source
        self._at_end: list[PageMark] = []
        self._unchanged_index = False
        self._claimed: set[str] = set()
        self._remembering = window is None
        self._claimed_index: set[str] = set()
        self._known: dict[str, PageMark | None] = {}
        self._limit = limit
        self._places: dict[str, int] = {}
        self._place_lock = asyncio.Lock()
        self._all_stored = True
        self._answered = 0
        self._index_errors: list[str] = []
        self._rejected: Counter[str] = Counter()

    def wants(self, published: datetime | str | None) -> bool:
        """False where something was surely published outside the window."""
        time = self._time(published)
        return self.window is None or time is None or self.window.since <= time < self.window.until

    def past(self, published: datetime | str | None) -> bool:
        """True where something was surely published before the window."""
        time = self._time(published)
        return self.window is not None and time is not None and time < self.window.since

    def _time(self, published: datetime | str | None) -> datetime | None:
        if self.window is None:
            return None
        return parse_time(published, self.now()) if isinstance(published, str) else published

    @property
    def fetched(self) -> int:
        """Pages that the source leads to and that were asked for in this run."""
        return len(self._claimed)

    def unfinished(self) -> None:
        """The source's own pages hold more than this run takes: the next one must see them again."""
        self._remembering = False

    async def place(self, way: str) -> Place | None:
        """Where an earlier backfill of the same window stopped on a way; None: begin at the first page."""
        if self._store is None or self.window is None:
            return None
        return await asyncio.to_thread(backfills.place_of, self._store, self.source.id, self.window, way)

    async def reached(self, way: str, number: int, place: Place | None) -> None:
        """Keep that the finds of a page are stored, of a backfill; None: it was the last one of its way."""
        if self._store is None or self.window is None or not self._all_stored:
            return
        async with self._place_lock:
            if number < self._places.get(way, 0):
                return  # a later page was stored before this one
            self._places[way] = number
            now = self.now()
            await asyncio.to_thread(backfills.reached, self._store, self.source.id, self.window, way, place, now)

    def own_pages_spent(self, most: int, *, limited: bool) -> bool:
        """Whether a backfill has read as many of the source's own pages as it may; then the report says so.

        Parameters
        ----------
        limited:
            What the user set as the limit counts for them, too.
        """
        spent = self._answered >= (min(most, self._limit) if limited and self._limit else most)
        self.report.unfinished = self.report.unfinished or spent
        return spent

    @property
    def looking(self) -> bool:
        """Whether this is only a look at what a source would give: nothing is stored."""
        return self._store is None

    def now(self) -> datetime:
        return self._clock.now()

    async def know(self, urls: Sequence[str]) -> None:
        """Read what is remembered of many pages at once, before `page` is asked for each."""
        unknown = [url for url in dict.fromkeys(urls) if url not in self._known]
        if self._store is not None and unknown:
            self._known |= await asyncio.to_thread(_all_remembered, self._store, self.source.id, unknown)

    async def page(self, url: str) -> PageMark | None:
        """What is remembered of a page."""
        if self._store is None:
            return None
        if url in self._known:
            return self._known[url]
        return await asyncio.to_thread(_remembered, self._store, self.source.id, url)

    async def unsettled(self, before: datetime, limit: int) -> list[PageMark]:
        """Pages where something is still expected, not asked for since `before`; the longest waiting first."""
        if self._store is None:
            return []
        return await asyncio.to_thread(_unsettled, self._store, self.source.id, before, limit)

    async def record_ranks(self, seen: Sequence[Seen]) -> dict[str, datetime]:
        """Keep the places of a hot list's terms; since when each has been on it. Empty where nothing is stored."""
        if self._store is None:
            return {}
        return await asyncio.to_thread(hot_ranks.record, self._store, self.source.id, seen, self.now())

    async def ranks_unchanged(self) -> None:
        """Keep that a hot list stands as it did."""
        if self._store is not None:
            await asyncio.to_thread(hot_ranks.record_unchanged, self._store, self.source.id, self.now())

    async def policies(self) -> Sequence[Policy]:
        """The register's policies, as they are now."""
        return await asyncio.to_thread(self._policies)

    def claim(self, url: str) -> bool:
        """True the first time a page is asked for in this run, while there may be more."""
        if url in self._claimed or (self._limit is not None and len(self._claimed) >= self._limit):
            return False
        self._claimed.add(url)
        return True

    def claim_index(self, url: str) -> bool:
        """True the first time a page of the source's own is asked for in this run; these count to no limit."""
        if url in self._claimed_index:
            return False
        self._claimed_index.add(url)
        return True

    async def take(self, found: Sequence[Found], mark: PageMark | None) -> None:
        """Admit what a page gave and store it, with the page's mark. Returns when stored."""
        documents: list[Document] = []
        outside = 0
        for start in range(0, len(found), TOGETHER):
            for admitted in await self._admitted(found[start : start + TOGETHER]):
                if isinstance(admitted, Refusal):
                    self._rejected[admitted.reason] += 1
                    self._warn("rejected", key=admitted.key, reason=admitted.reason)
                elif self.wants(None if admitted.published_estimated else admitted.published_at):
                    documents.append(admitted)
                else:
                    outside += 1
        if outside:
            # Not remembered: whoever asks for that time has it fetched then.
            self.report.outside += outside
            mark = None
        # Lists show the newest first; the log tells things in the order in which they happened.
        documents.sort(key=lambda document: document.published_at)
        for start in range(0, max(len(documents), 1), TOGETHER):
            # Others' finds are stored between; the page's mark comes with the last of its own.
            part, last = documents[start : start + TOGETHER], start + TOGETHER >= len(documents)
            self._count(part, await self._sink.take(part, [mark] if mark and last else []))

    async def _admitted(self, found: Sequence[Found]) -> list[Document | Refusal]:
        """The document of each find, or why there is none; where there is much to read, in a thread."""

        def admit() -> list[Document | Refusal]:
            return [self._admit(one, self.now()) for one in found]

        if sum(len(one.text) for one in found) + 100 * len(found) <= AT_ONCE:
            return admit()
        return await asyncio.to_thread(admit)

    def _count(self, documents: Sequence[Document], outcomes: Sequence[Outcome]) -> None:
        fresh = [one for one, outcome in zip(documents, outcomes, strict=True) if outcome == "new"]
        self.new += fresh[: MOST_NEW - len(self.new)]
        self.report.new += len(fresh)
        self.report.recent += sum(self.now() - one.published_at < RECENT for one in fresh)
        self.report.unchanged += outcomes.count("unchanged")
        self.report.items += len(outcomes) - outcomes.count("unchanged")

    def lead(self, url: str | None, title: str, published: datetime | str | None) -> None:
        """Note something that the source's own page names, for whoever looks what a source would give."""
        # A crawl has no use for them, and each title would be searched for persons.
        if self.looking and len(self.leads) < MOST_LEADS:
            self.leads.append(Lead(url and redacted(url), self.private(title), published))

    def private(self, text: str) -> str:
        """A text as it may be kept or shown: without what points at a person."""
        return self._admit.private(text)

    def _named(self, reason: str) -> str:
        """With the command that mends it as it is to be typed: who says so does not know which source it is."""
        return reason.replace(LOGIN_COMMAND, f"{LOGIN_COMMAND.removesuffix('ID')}{self.source.id}")

    def _warn(self, event: str, **values: Any) -> None:
        """Into the log; whoever only looks is shown what came of it, and asks some kinds that it can't be."""
        (log.debug if self.looking else log.warning)(event, source=self.source.id, **values)

    def answered(self, url: str) -> None:
        self._answered += 1

    def index_unchanged(self) -> None:
        """A page of the source's own is as it was when it was read last."""
        self._unchanged_index = True

    def index_failed(self, reason: str, fault: Fault = "") -> None:
        """The source's own page could not be had or read."""
        self.report.fault = self.report.fault or fault
        reason = self._named(reason)
        self._index_errors.append(reason)
        self._warn("source_failed", reason=reason)

    def page_failed(self, url: str, reason: str, fault: Fault = "") -> None:
        """A page that the source leads to could not be had or read; it is tried again at the next run."""
        self.report.fault = self.report.fault or fault
        reason = self._named(reason)
        self.report.failed += 1
        self.report.error = self.report.error or reason
        self._warn("page_failed", url=url, reason=reason)

    def rests(self, resting: HostResting) -> None:
        """A host is not asked now; the run that comes when it may be gets what is missing."""
        report = self.report
        report.failed += 1
        report.blocked = report.blocked or resting.refused
        report.held_off = report.held_off or not report.error
        if report.resting_until is None:
            report.error = report.error or str(resting)
            self._warn("host_rests", reason=str(resting))
        report.resting_until = max(report.resting_until or resting.until, resting.until)

    def not_stored(self, reason: str) -> None:
        """Something found could not be stored; the next run finds it again."""
        self._all_stored = False
        self._index_errors.append(reason)

    def refused(self, reason: str, url: str) -> None:
        """A page that will not come, so that asking again is no use until the page that leads there changes."""
        self._rejected[reason] += 1
        self._warn("page_refused", url=url, reason=reason)

    def mark_at_end(self, mark: PageMark) -> None:
        self._at_end.append(mark)

    async def finish(self, broken: str = "") -> RunReport:
        """Settle the report and remember the source's own pages, where everything they led to is stored."""
        report = self.report
        report.rejected = dict(self._rejected)
        errors = [error for error in (broken, *self._index_errors, report.error) if error]
        report.error = redacted(errors[0]) if errors else ""
        report.ok = not broken and not self._index_errors and self._answered > 0
        report.looked = report.looked and not self._unchanged_index
        if report.ok and not report.failed and self._at_end and self._remembering:
            await self._sink.take([], self._at_end)
        if not report.ok and not report.error:
            report.error = "no answer"
        return report


def _remembered(store: Store, source_id: str, url: str) -> PageMark | None:
    table = tables.crawl_pages
    wanted = sa.select(table).where(table.c.source_id == source_id, table.c.url_hash == url_hash(url))
    with store.read() as connection:
        row = connection.execute(wanted).one_or_none()
    return None if row is None else _mark(row)


def _all_remembered(store: Store, source_id: str, urls: Sequence[str]) -> dict[str, PageMark | None]:
    table = tables.crawl_pages
    found: dict[str, PageMark | None] = dict.fromkeys(urls)
    with store.read() as connection:
        for start in range(0, len(urls), AT_A_TIME):
            hashes = {url_hash(url): url for url in urls[start : start + AT_A_TIME]}
            wanted = sa.select(table).where(table.c.source_id == source_id, table.c.url_hash.in_(list(hashes)))
            for row in connection.execute(wanted):
                found[hashes[row.url_hash]] = _mark(row)
    return found


def _unsettled(store: Store, source_id: str, before: datetime, limit: int) -> list[PageMark]:
    table = tables.crawl_pages
    wanted = sa.select(table).where(
        table.c.source_id == source_id, table.c.settled.is_(False), table.c.fetched_at < before
    )
    with store.read() as connection:
        return [_mark(row) for row in connection.execute(wanted.order_by(table.c.fetched_at).limit(limit))]


def _mark(row: sa.Row[Any]) -> PageMark:
    return PageMark(row.source_id, row.url, row.etag, row.last_modified, row.hint, row.settled, row.fetched_at)
