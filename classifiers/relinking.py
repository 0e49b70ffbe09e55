"""Linking the past anew, after policies were added or changed.

The index holds the past. It is read newest first, page by page, so memory stays small and a stop loses one page at
most: where it stood is kept after every page. Only a document whose links come out different is sent through the log
again, as a new opinion (`Assessed.opinion` one higher) with the models' other opinions as they were. What persons have
set holds: it outranks the linker.

It is sent to the topic of grouped documents, with the duplicate group and event that it has: what grouping has
forgotten meanwhile stays in its event. The index keeps the higher version; the alert stage takes it in place of the
older one, and a document that is old news by then opens no ticket that wakes anybody (`alerts.observations`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from classifiers.corrections import CurrentLabels, Labels, corrected, corrected_links
from classifiers.linking import PolicyLinker, inherit
from minsheng.clock import Clock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.records import Document, Grouped, Judgement, PolicyLink
from search.index import Filters, Index, Search
from stream.log import GROUPED, Producer
from stream.messages import record_message

log = get_logger(__name__)

PAGE = 200
"""Documents read at a time."""

REMEMBERED = 20_000
"""Documents whose own links are kept for the replies to come."""

LONGEST_THREAD = 100
"""Replies to replies that are followed up; a longer thread's far end counts as not there."""

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds to wait before each time that what could not be reached is tried again."""

T = TypeVar("T")
Links = tuple[PolicyLink, ...]
Stances = Callable[[Sequence[Document]], tuple[Sequence[Judgement | None], str | None]]
"""Documents → what the model says of their stance, and the model's version; None where it has no such head."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is, as it is kept for going on after a stop.

    Attributes
    ----------
    register:
        The revision of the register that it links by.
    since:
        Documents published before are left alone; None: none are.
    cursor:
        Where in the index to read on; None at the start, and at the end.
    total, seen, changed:
        Documents to look at, looked at, and sent again.
    gained, lost:
        Policy id → documents that it was newly linked to for sure, and no longer is.
    """

    register: str
    since: datetime | None = None
    cursor: str | None = None
    total: int = 0
    seen: int = 0
    changed: int = 0
    gained: dict[str, int] = {}
    lost: dict[str, int] = {}
    finished: bool = False


class ProgressFile:
    """Where a run's progress is kept: one small JSON file, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Progress | None:
        """The run that was stopped; None where there is none, or where it can't be read: then all is done again."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Progress)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("relink_progress_unreadable", file=str(self._path), reason=str(error))
            return None

    def write(self, progress: Progress) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.new")
        new.write_bytes(msgspec.json.encode(progress))
        new.replace(self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


class _Own(NamedTuple):
    """What a document's own words say, whom it answers, and what it had from there so far."""

    links: Links
    parent: str | None
    inherited: Links


class Relinker:
    """Links the documents of an index anew and sends those whose links changed.

    Parameters
    ----------
    index:
        Read only.
    producer:
        Sends to the topic of grouped documents. What is sent twice has no effect the second time.
    linker:
        Made from the register as it is now.
    labels:
        What persons have set; it outranks the linker and the model. None where there is nothing of the kind.
    stances:
        Judges the stance of documents that are linked without doubt for the first time: a record has a stance only
        beside such a link. None: they get none.
    """

    def __init__(
        self,
        index: Index,
        producer: Producer,
        linker: PolicyLinker,
        clock: Clock,
        *,
        labels: CurrentLabels | None = None,
        stances: Stances | None = None,
    ) -> None:
        self._index = index
        self._producer = producer
        self._linker = linker
        self._clock = clock
        self._labels = labels
        self._stances = stances
        self._known: OrderedDict[str, _Own] = OrderedDict()

    def run(self, progress: Progress, stop: threading.Event, *, after_page: Callable[[Progress], None]) -> Progress:
        """Go on from `progress` to the end, or until `stop` is set; then the page in hand is finished.

        Parameters
        ----------
        after_page:
            Called when everything of a page is stored in the log, with how far it is now.

        Raises
        ------
        Unavailable
            If index or log can't be reached, also after some tries. What was reached is in the last `after_page`.
        """
        if progress.cursor is None:
            self._patiently(self._index.refresh, stop)
        while not progress.finished and not stop.is_set():
            progress = self._patiently(partial(self._page, progress), stop)
            after_page(progress)
        return progress

    def _page(self, progress: Progress) -> Progress:
        if self._labels is not None:
            self._labels.refresh()
        page = self._index.search(
            Search(filters=Filters(since=progress.since), size=PAGE, after=progress.cursor, highlight=False)
        )
        records = [hit.record for hit in page.hits]
        now = self._clock.now()
        changed = [
            (record, links)
            for record, links in zip(records, self.links_of(records), strict=True)
            if links != record.assessed.policies
        ]
        if changed:
            opinions = self._new_opinions([record for record, _ in changed], [links for _, links in changed], now)
            self._producer.send([record_message(GROUPED, record) for record in opinions])
        gained, lost = dict(progress.gained), dict(progress.lost)
        for record, links in changed:
            before, after = _asserted(record.assessed.policies), _asserted(links)
            _count(gained, after - before)
            _count(lost, before - after)
        return msgspec.structs.replace(
            progress,
            cursor=page.cursor,
            total=max(page.total, progress.seen + len(records)),
            seen=progress.seen + len(records),
            changed=progress.changed + len(changed),
            gained=gained,
            lost=lost,
            finished=page.cursor is None,
        )

    def links_of(self, records: Sequence[Grouped]) -> list[Links]:
        """The links of each record as they ought to be, with those of what it answers or reposts."""
        for record in records:
            self._remember(record)
        self._fetch_parents([record.document.parent_id for record in records])
        links = [self._whole(record.document.id) for record in records]
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return links

    def _fetch_parents(self, wanted: Iterable[str | None]) -> None:
        """Read the documents that are answered, and those that they answer, one level at a time."""
        for _ in range(LONGEST_THREAD):
            missing = sorted({parent for parent in wanted if parent is not None} - self._known.keys())
            if not missing:
                return
            found = self._index.get(missing)
            for record in found.values():
                self._remember(record)
            wanted = [record.document.parent_id for record in found.values()]

    def _whole(self, document_id: str) -> Links:
        """A document's own links and, from the far end of its thread on, those of what it answers."""
        thread: list[tuple[str, _Own]] = []
        ids: set[str] = set()
        at: str | None = document_id
        while at is not None and at in self._known and at not in ids:
            ids.add(at)
            thread.append((at, self._known[at]))
            at = self._known[at].parent
        # What the far end answers is not in the index (any more): what it had from there, it keeps.
        name, far = thread[-1]
        links = far.links
        if far.parent is not None and far.parent not in ids:
            links = inherit(far.links, far.inherited, factor=1.0)
        links = corrected_links(links, self._said_of(name))
        for name, own in reversed(thread[:-1]):
            links = corrected_links(inherit(own.links, links), self._said_of(name))
        return links

    def _said_of(self, document_id: str) -> Labels:
        return self._labels.of(document_id) if self._labels is not None else {}

    def _remember(self, record: Grouped) -> None:
        document = record.document
        known = self._known.get(document.id)
        if known is None:
            register = self._linker.ids
            inherited = tuple(
                link for link in record.assessed.policies if link.reason == "parent" and link.policy_id in register
            )
            known = _Own(self._own(document), document.parent_id, inherited)
        self._known[document.id] = known
        self._known.move_to_end(document.id)

    def _own(self, document: Document) -> Links:
        return tuple(self._linker.link(document.title, document.text, document.url))

    def _new_opinions(self, records: Sequence[Grouped], links: Sequence[Links], now: datetime) -> list[Grouped]:
        """The records with these links; a stance just where a policy is linked without doubt, none of advertising."""
        linked = [
            any(not link.ambiguous for link in each) and not record.assessed.advertises
            for record, each in zip(records, links, strict=True)
        ]
        first = [one.document for one, now_linked in zip(records, linked, strict=True) if now_linked and _is_new(one)]
        stance_of: dict[str, Judgement | None] = {}
        version = None
        if first and self._stances is not None:
            stances, version = self._stances(first)
            stance_of = {document.id: stance for document, stance in zip(first, stances, strict=True)}
        opinions = []
        for record, each, now_linked in zip(records, links, linked, strict=True):
            before = record.assessed
            stance = stance_of.get(record.document.id, before.stance) if now_linked else None
            models = {**before.models, "policies": self._linker.revision}
            if stance is None:
                models.pop("stance", None)
            elif record.document.id in stance_of and version is not None:
                models["stance"] = version
            opinion = msgspec.structs.replace(
                before, policies=each, stance=stance, models=models, opinion=before.opinion + 1, assessed_at=now
            )
            opinions.append(
                msgspec.structs.replace(record, assessed=corrected(opinion, self._said_of(record.document.id)))
            )
        return opinions

    def _patiently(self, action: Callable[[], T], stop: threading.Event) -> T:
        """Do it, and again after a pause where something is away, a few times."""
        for pause in PAUSES:
            try:
                return action()
            except Unavailable as error:
                log.warning("relink_waiting", reason=str(error), pause=pause)
                if stop.wait(pause):
                    raise
        return action()


def _is_new(record: Grouped) -> bool:
    """Whether no policy was linked without doubt so far, so that the record has no stance."""
    return all(link.ambiguous for link in record.assessed.policies)


def _asserted(links: Links) -> set[str]:
    return {link.policy_id for link in links if not link.ambiguous}


def _count(into: dict[str, int], policies: Iterable[str]) -> None:
    for policy in policies:
        into[policy] = into.get(policy, 0) + 1


def in_words(counts: Mapping[str, int]) -> str:
    """Counts by policy, most first: `water 12, birth 3`."""
    return ", ".join(f"{policy} {count:,}" for policy, count in sorted(counts.items(), key=lambda item: -item[1]))
