"""Files of collected texts to documents: tables, JSON Lines, web archives, mail, with the columns people use."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from crawlers.admission import Admission, Found, Refusal, canonical_url
from crawlers.columns import found_in, matched
from crawlers.intake import Intake, Outcome, content_hash
from crawlers.privacy import AuthorKeys
from crawlers.rows import Row, read_rows
from minsheng.clock import Clock
from minsheng.errors import BadInput, Unavailable, WrongUse
from minsheng.logs import get_logger
from minsheng.problems import Problem
from minsheng.records import KINDS, Document, Kind, document_id

log = get_logger(__name__)

BATCH = 500
SORTED_UP_TO = 1_000_000
"""Rows that are held in memory to be sent in the order of their times; larger files go in their own order."""

KIND_WORDS: dict[str, Kind] = {
    **{kind: kind for kind in KINDS},
    "新闻": "news", "文章": "news", "微博": "post", "帖子": "post", "博文": "post", "留言": "message",
    "来信": "message", "诉求": "message", "回复": "reply", "评论": "reply", "热搜": "hot-search",
}  # fmt: skip
"""What a row may say that it is → its kind."""


class Skipped(msgspec.Struct, frozen=True):
    """A row that could not be used, by its line in the file."""

    line: int
    reason: str


class ImportReport(msgspec.Struct, kw_only=True):
    """What came of an import."""

    file: str
    source: str
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    rows: int = 0
    imported: int = 0
    unchanged: int = 0
    duplicates: int = 0
    skipped: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)
    examples: list[Skipped] = msgspec.field(default_factory=list)
    dates_estimated: int = 0
    rejects: str | None = None


def import_file(
    path: Path,
    intake: Intake,
    authors: AuthorKeys,
    clock: Clock,
    *,
    source: str | None = None,
    kind: Kind = "message",
    mapping: Mapping[str, str] | None = None,
    sort_by_time: bool = True,
    rejects: Path | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> ImportReport:
    """Send the rows of a file to the log, each once, however often the file is imported.

    Parameters
    ----------
    path:
        `.csv`, `.tsv`, `.xlsx`, `.xls`, `.jsonl`, `.ndjson`, `.json`, `.warc`, `.mbox` or `.eml`, also with `.gz`.
    source:
        The source's id; default: made of the file's name.
    kind:
        Of rows that name none.
    mapping:
        Column → field, for columns that are not recognised by their names.
    sort_by_time:
        Send the rows in the order of their times, as they happened, where they fit into memory.
    rejects:
        Where rows that can't be used are written as JSON Lines, with line and reason; None: they are only counted.
    progress:
        Called with rows done and rows in all (None while unknown).

    Raises
    ------
    BadInput
        If the file can't be read as such a file.
    WrongUse
        If there is no such file, no column for a title or text, or the mapping names a column or field that is not.
    """
    chosen = source or _source_id(path)
    report = ImportReport(file=str(path), source=chosen)
    writer = _Rejects(rejects, report)
    rows = read_rows(path)
    first = list(itertools.islice(rows, 100))
    if not first:
        raise BadInput(Problem("table-empty", file=path), "it needs a header and at least one row")
    names = dict.fromkeys(str(name) for row in first if not row.problem for name in row.values)
    columns = recognise(names, mapping or {}, str(path))
    if source and "source" in columns:
        # The source is given: what the rows call their source is the medium that they come from.
        columns.setdefault("outlet", columns.pop("source"))
    report.columns = columns
    documents = _documents(itertools.chain(first, rows), columns, chosen, kind, authors, clock, report, writer)
    with writer:
        _send(documents, intake, clock, report, sort_by_time, progress)
    return report


def recognise(names: Iterable[str], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    """Field → column. Raises `WrongUse` for a wrong mapping, and where no column is a title or a text."""
    present = list(names)
    columns = matched(present, mapping, where)
    if "title" not in columns and "text" not in columns:
        raise WrongUse(
            Problem("table-no-text", file=where, columns=", ".join(present[:20])),
            "say which: --map COLUMN=text",
        )
    return columns


def _documents(
    rows: Iterable[Row],
    columns: Mapping[str, str],
    source: str,
    kind: Kind,
    authors: AuthorKeys,
    clock: Clock,
    report: ImportReport,
    rejects: _Rejects,
) -> Iterator[Document]:
    admissions: dict[str, Admission] = {}
    seen: dict[str, str] = {}
    now = clock.now()
    for row in rows:
        report.rows += 1
        if row.problem:
            rejects.add(row, row.problem)
            continue
        try:
            found = _found(row, columns, kind)
            origin = _slug(_text(row.values, columns, "source")) or source
            admit = admissions.setdefault(origin, Admission(origin, authors))
            document = admit(found, now)
        except (ValueError, OverflowError) as error:
            rejects.add(row, str(error))
            continue
        if isinstance(document, Refusal):
            rejects.add(row, document.reason)
            continue
        hashed = content_hash(document)
        if seen.get(document.id) == hashed:
            report.duplicates += 1
            continue
        if document.id in seen:
            rejects.add(row, f"the id {found.native_id or found.key} is in the file already, with another text")
            continue
        seen[document.id] = hashed
        report.dates_estimated += document.published_estimated
        yield document
        reply = _reply(found.key, row.values, columns)
        answered = admit(reply, now) if reply is not None else None
        if isinstance(answered, Document):
            yield answered


def _found(row: Row, columns: Mapping[str, str], kind: Kind) -> Found:
    def get(field: str) -> str:
        return _text(row.values, columns, field)

    url = get("url")
    url = canonical_url(url) if url.lower().startswith(("http://", "https://")) else ""
    native = get("native_id")
    title, text = get("title"), get("text")
    said = get("kind").lower()
    if said and said not in KIND_WORDS:
        raise ValueError(f"unknown kind '{said}': use {', '.join(KINDS)}")
    # Without an id of its own a row is known by all that it says.
    key = native or url or document_id(get("published_at"), f"{title}\n{text}\n{get('author')}")
    return found_in(get, key, KIND_WORDS[said] if said else kind, title, text, url or None)


def _reply(key: str, values: Mapping[str, Any], columns: Mapping[str, str]) -> Found | None:
    """The answer that stands in a message's own row, as in records of a hotline; a document of its own."""
    text = _text(values, columns, "reply")
    if not text:
        return None
    return Found(
        key=f"{key}#reply-1",
        kind="reply",
        text=text,
        parent_key=key,
        # Where it has no time of its own, it is as old as what it answers, rather than of today.
        published=_text(values, columns, "reply_time") or _text(values, columns, "published_at") or None,
        outlet=_text(values, columns, "reply_by") or None,
    )


def _send(
    documents: Iterable[Document],
    intake: Intake,
    clock: Clock,
    report: ImportReport,
    sort_by_time: bool,
    progress: Callable[[int, int | None], None],
) -> None:
    total: int | None = None
    if sort_by_time:
        held: list[Document] = []
        waiting = iter(documents)
        for document in waiting:
            held.append(document)
            if len(held) >= SORTED_UP_TO:
                log.warning("not_sorted", file=report.file, reason=f"more than {SORTED_UP_TO} rows")
                break
        else:
            # Grouping reads the log in its order: history is replayed as it happened.
            held.sort(key=lambda document: document.published_at)
            total = len(held)
        documents = itertools.chain(held, waiting)
    batch: list[Document] = []
    done = 0
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            done += _flush(batch, intake, clock, report)
            progress(done, total)
    done += _flush(batch, intake, clock, report)
    progress(done, total)


def _flush(batch: list[Document], intake: Intake, clock: Clock, report: ImportReport) -> int:
    outcomes = take_patiently(intake, batch, clock) if batch else []
    report.unchanged += outcomes.count("unchanged")
    report.imported += len(outcomes) - outcomes.count("unchanged")
    batch.clear()
    return len(outcomes)


def take_patiently(intake: Intake, batch: list[Document], clock: Clock, minutes: float = 10) -> list[Outcome]:
    """Store a batch, waiting for a log that is away up to `minutes`. Raises `Unavailable` after that."""
    pause = 0.5
    deadline = clock.monotonic() + minutes * 60
    while True:
        try:
            return intake.take(batch)
        except Unavailable as error:
            if clock.monotonic() + pause > deadline:
                raise
            log.warning("waiting", reason=str(error), seconds=pause)
            clock.sleep(pause)
            pause = min(pause * 2, 30.0)


class _Rejects:
    """Writes rows that can't be used, so that they can be mended and imported again."""

    def __init__(self, path: Path | None, report: ImportReport) -> None:
        self._path = path
        self._report = report
        self._file: Any = None

    def __enter__(self) -> _Rejects:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: Row, reason: str) -> None:
        report = self._report
        report.skipped += 1
        general = re.sub(r"'[^']*'|\d+", "…", reason)
        report.reasons[general] = report.reasons.get(general, 0) + 1
        if len(report.examples) < 20:
            report.examples.append(Skipped(row.line, reason))
        if self._path is None:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
            report.rejects = str(self._path)
        line = {"line": row.line, "reason": reason, "row": dict(row.values)}
        self._file.write(msgspec.json.encode(line) + b"\n")


def _text(values: Mapping[str, Any], columns: Mapping[str, str], field: str) -> str:
    value = values.get(columns.get(field, ""))
    if value is None or isinstance(value, (dict, list)):
        return ""
    return str(value).strip()


def _slug(text: str) -> str:
    """A source id made of a row's own words; empty where there are none."""
    return re.sub(r"[\s/\\]+", "-", text.strip().lower())[:100]


def _source_id(path: Path) -> str:
    stem = path.name.lower().removesuffix(".gz").rpartition(".")[0] or path.name
    return "import-" + (re.sub(r"[^a-z0-9_.-]+", "-", stem).strip("-") or "file")
