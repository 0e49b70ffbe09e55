"""Documents of a file through the whole road in memory: judged, linked, grouped and put to the rules, on event time.

Nothing is read from or written to the log, the index or the store; ids stay as they stand in the file.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from alerts.observations import observe
from alerts.replay import Replay
from alerts.rules import RuleSet
from classifiers.linking import PolicyLinker
from classifiers.model import Model, Text, judge_with
from classifiers.stage import assessed
from crawlers.dates import parse_time
from crawlers.importing import KIND_WORDS, recognise
from crawlers.rows import read_rows
from grouping.memory import Memory
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from minsheng.policies import Policy
from minsheng.problems import Problem
from minsheng.records import KINDS, Assessed, Document, Engagement, EventRef, Grouped, document_id, encode
from minsheng.settings import Settings
from minsheng.workdays import WorkCalendar

BATCH = 256
SHOWN = 20
"""Wrong lines that are told one by one."""
YEARS = (1990, 2100)
_DAYS = (datetime(2020, 3, 4, 5, 6, tzinfo=CHINA), datetime(2021, 8, 9, 17, 18, tzinfo=CHINA))
_COUNTS = ("likes", "dislikes", "comments", "reposts", "views")


def replay_documents(
    documents: Sequence[Document], policies: Sequence[Policy], rules: RuleSet, settings: Settings, model: Model
) -> Replay:
    """What these documents would have opened, in the order of their times."""
    engine = Replay(
        settings.alert,
        rules,
        {policy.id: policy for policy in policies},
        WorkCalendar.from_settings(settings).is_workday,
    )
    for record in grouped(assess(documents, policies, model), settings):
        engine.take(observe(record, settings.alert.backfill_days, rules.words_in), record.event.merged)
    engine.finish()
    return engine


def assess(documents: Sequence[Document], policies: Sequence[Policy], model: Model) -> Iterator[Assessed]:
    """The documents, judged and linked, in the order of their times; a reply takes over what its parent is about."""
    from classifiers.linking import inherit

    linker = PolicyLinker(policies)
    versions = {**model.versions, "policies": linker.revision}
    links: dict[str, Any] = {}
    ordered = sorted(documents, key=lambda document: (document.published_at, document.id))
    for start in range(0, len(ordered), BATCH):
        part = ordered[start : start + BATCH]
        judged = judge_with(model, [Text(document.title, document.text) for document in part])
        for document, heads in zip(part, judged, strict=True):
            found = tuple(linker.link(document.title, document.text, document.url))
            if document.parent_id is not None:
                found = inherit(found, links.get(document.parent_id, ()))
            links[document.id] = found
            yield assessed(document, heads, found, versions, document.fetched_at)


def grouped(records: Iterable[Assessed], settings: Settings) -> Iterator[Grouped]:
    """The assessed documents with their duplicate groups and events, as the grouping stage would give them."""
    chosen = settings.group
    memory = Memory(timedelta(days=chosen.window_days), max_texts=chosen.max_texts, max_documents=chosen.max_documents)
    for record in records:
        placed = memory.place(record)
        event = EventRef(
            id=memory.today(placed.member.event),
            similarity=placed.member.event_similarity,
            merged=tuple(merge.event for merge in placed.merges),
        )
        yield Grouped(assessed=record, duplicate=placed.member.duplicate(), event=event)


def read_documents(path: Path) -> list[Document]:
    """The documents of a JSON Lines file (or another that `minsheng import` takes): records of the log, or rows with
    the columns that an import knows.

    Raises
    ------
    BadInput
        Naming each line (the first `SHOWN` of them) without text, a whole and sensible time, or an id of its own.
    """
    rows = read_rows(path)
    first = list(itertools.islice(rows, 100))
    if not first:
        raise BadInput(Problem("table-empty", file=path), "it needs at least one document")
    columns: Mapping[str, str] = {}
    if not all(row.values.get("record") == "document" for row in first if not row.problem):
        names = dict.fromkeys(str(name) for row in first if not row.problem for name in row.values)
        columns = recognise(names, {}, str(path))
    found: dict[str, Document] = {}
    wrong: list[str] = []
    for row in itertools.chain(first, rows):
        try:
            if row.problem:
                raise ValueError(row.problem)
            if row.values.get("record") == "document":
                document = msgspec.convert(row.values, Document)
            else:
                document = _document(row.values, columns, path.name.split(".")[0])
            encode(document)
            for moment in (document.published_at, document.fetched_at):
                _refuse_nonsense(moment)
            if found.setdefault(document.id, document) != document:
                raise ValueError(f"the id {document.id} is in the file already, for something else")
        except (ValueError, TypeError, msgspec.MsgspecError) as error:
            wrong.append(f"line {row.line}: {error}")
    if wrong:
        more = f"\n... and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        listed = f", {wrong[0]}" if len(wrong) == 1 else ":\n" + "\n".join(wrong[:SHOWN]) + more
        raise BadInput(f"{path}{listed}", "put the lines right, or leave them out")
    return list(found.values())


def _document(values: Mapping[str, Any], columns: Mapping[str, str], source: str) -> Document:
    def get(field: str) -> str:
        value = values.get(columns.get(field, ""))
        return "" if value is None else str(value).strip()

    title, text = get("title"), get("text")
    if not title and not text:
        raise ValueError("a row needs a title or a text")
    said = get("kind").lower() or "post"
    if said not in KIND_WORDS:
        raise ValueError(f"unknown kind '{said}': use {', '.join(KINDS)}")
    engagement = values.get("engagement")
    at = _time(get("published_at"))
    author = get("author")
    return Document(
        id=get("native_id") or document_id(get("source") or source, f"{at.isoformat()}\n{title}\n{text}\n{author}"),
        source=get("source") or source,
        kind=KIND_WORDS[said],
        published_at=at,
        fetched_at=_time(str(values["fetched_at"])) if values.get("fetched_at") else at,
        title=title,
        text=text,
        url=get("url") or None,
        native_id=get("native_id") or None,
        parent_id=get("parent_id") or None,
        author_key=_author_key(author) if author else None,
        engagement=msgspec.convert(engagement, Engagement)
        if isinstance(engagement, dict)
        else Engagement(**{name: int(float(count)) for name in _COUNTS if (count := get(name))}),
        region=get("region") or None,
        outlet=get("outlet") or None,
    )


def _time(text: str) -> datetime:
    if not text:
        raise ValueError("a row needs a time: published_at")
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        # As an import reads it; but what it means must not depend on the day of the replay (昨天, 11-24).
        told, anew = (parse_time(text, now) for now in _DAYS)
        if told is None or told != anew:
            raise ValueError(f"'{text[:40]}' is no whole time: write it as 2026-11-24T08:00") from None
        moment = told
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def _refuse_nonsense(moment: datetime) -> None:
    """Such years come of a wrong column or an empty cell, and windows reach back for weeks."""
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise ValueError(f"'{moment.isoformat()}' is no sensible time: years from {YEARS[0]} to {YEARS[1]}")


@lru_cache(maxsize=100_000)
def _author_key(author: str) -> str:
    return hashlib.sha256(author.encode("utf-8", "surrogatepass")).hexdigest()[:32]
