"""Comments as they come in: rows of a file, or documents of the index; masked, and without who wrote them."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from answers.clauses import canonical
from consultations.model import STANCE_WORDS, Consultation
from crawlers.columns import COLUMNS, plain_name
from crawlers.dates import parse_time
from crawlers.importing import recognise
from crawlers.privacy.masking import mask, mask_names
from crawlers.rows import Row, read_rows
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from minsheng.problems import Problem
from search.index import Filters, Index, Search

LONGEST = 20_000
"""Characters of a comment that are kept."""
KINDS = ("message", "post", "reply")
"""What people write; news say nothing on a draft."""
INDEX = "index"
_NAME = "[姓名]"
_OWN: dict[str, tuple[str, ...]] = {
    "clause": ("clause", "条款", "针对条款", "涉及条款", "对应条款", "条目", "意见条款"),
    "stance": ("stance", "立场", "态度", "是否同意"),
}
_STANCES = {
    **{word: key for key, word in STANCE_WORDS.items()}, **{key: key for key in STANCE_WORDS},
    "同意": "support", "赞成": "support", "不同意": "against", "建议": "neutral", "中立": "neutral", "咨询": "question",
}  # fmt: skip


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A comment to be placed. `clause` and `stance` where its file, or a person, has said them; empty: to be told."""

    key: str
    text: str
    origin: str
    submitted_at: datetime | None = None
    document_id: str | None = None
    clause: str = ""
    stance: str = ""
    stance_by: str = ""
    unsure: bool = False


class Unusable(msgspec.Struct, frozen=True):
    """A row that is no comment, by its line in the file."""

    line: int
    reason: str


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held: the comments, the rows that are none, and which column was taken for what."""

    comments: tuple[Given, ...]
    unusable: tuple[Unusable, ...]
    columns: dict[str, str]


def read_comments(path: Path, *, name: str = "", mapping: Mapping[str, str] | None = None, now: datetime) -> Read:
    """The comments of a CSV, XLSX, XLS or JSON Lines file, by the columns that people use.

    Columns that tell who wrote them are not read; a name in such a column is masked in the text, too.

    Parameters
    ----------
    name:
        What the file is called; default: as on the disk.
    mapping:
        Column → field, for columns that are not recognised by their names.
    now:
        What times without a year count from.

    Raises
    ------
    BadInput
        If the file can't be read, or holds no rows.
    WrongUse
        If there is no such file, or no column for the comment.
    """
    called = name or path.name
    rows = read_rows(path)
    first = list(itertools.islice(rows, 100))
    if not first:
        raise BadInput(Problem("table-empty", file=called), "it needs a header and at least one row")
    present = dict.fromkeys(str(column) for row in first if not row.problem for column in row.values)
    wanted = {column: field for column, field in (mapping or {}).items() if field not in _OWN}
    own = {field: column for column, field in (mapping or {}).items() if field in _OWN and column in present}
    plain = {plain_name(column): column for column in present}
    for field, names in _OWN.items():
        own.setdefault(field, next((plain[plain_name(one)] for one in names if plain_name(one) in plain), ""))
    columns = recognise([one for one in present if one not in own.values()], wanted, called)
    columns |= {field: column for field, column in own.items() if column}
    found: list[Given] = []
    unusable: list[Unusable] = []
    seen: Counter[str] = Counter()
    for row in itertools.chain(first, rows):
        try:
            found.append(_given(row, columns, called, seen, now))
        except ValueError as error:
            unusable.append(Unusable(row.line, str(error)))
    kept = {field: column for field, column in columns.items() if field in (*_OWN, *_READ)}
    return Read(comments=tuple(found), unusable=tuple(unusable), columns=kept)


_READ = ("native_id", "title", "text", "published_at")
assert set(_READ) < set(COLUMNS)


def _given(row: Row, columns: Mapping[str, str], origin: str, seen: Counter[str], now: datetime) -> Given:
    if row.problem:
        raise ValueError(row.problem)

    def get(field: str) -> str:
        value: Any = row.values.get(columns.get(field, ""))
        return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()

    text = _joined(get("title"), get("text"))
    if not text:
        raise ValueError("no comment in this row")
    author = get("author")
    if 2 <= len(author) <= 20 and not author.isdecimal():
        text = text.replace(author, _NAME)
    text = _masked(text)
    said = get("stance")
    if said and said not in _STANCES:
        raise ValueError(f"unknown stance '{said}': use {', '.join(STANCE_WORDS)}")
    when = get("published_at")
    submitted = parse_time(when, now) if when else None
    # Serial numbers begin again in each file, and two people may send the same words: all of it counts, and how often.
    whole = f"{get('native_id')}\n{text}\n{when}"
    seen[whole] += 1
    key = hashlib.sha256(f"{whole}\n{seen[whole]}".encode()).hexdigest()[:32]
    return Given(
        key=key, text=text, origin=origin[:300], submitted_at=submitted, clause=canonical(get("clause")),
        stance=_STANCES.get(said, ""), stance_by="file" if said else "",
    )  # fmt: skip


def comments_of(index: Index, one: Consultation) -> Iterator[Given]:
    """What the index has of people on the draft, from its first to its last day; the stances are those found there."""
    until = datetime.combine(one.closes_on, datetime.min.time(), CHINA) + timedelta(days=1)
    since = datetime.combine(one.opens_on, datetime.min.time(), CHINA)
    filters = Filters(policies=(one.policy_id,), kinds=KINDS, since=since, until=until)
    after: str | None = None
    while True:
        page = index.search(Search(filters=filters, size=500, after=after, highlight=False))
        for hit in page.hits:
            document, stance = hit.record.document, hit.record.assessed.stance
            text = _masked(_joined(document.title, document.text))
            if text:
                yield Given(
                    key=document.id, text=text, origin=INDEX, submitted_at=document.published_at,
                    document_id=document.id, stance=stance.label if stance else "",
                    unsure=stance.unsure if stance else False,
                )  # fmt: skip
        after = page.cursor
        if after is None:
            return


def outside(comments: Iterable[Given], one: Consultation) -> int:
    """How many were submitted before its first or after its last day."""
    days = (given.submitted_at.astimezone(CHINA).date() for given in comments if given.submitted_at is not None)
    return sum(not one.opens_on <= day <= one.closes_on for day in days)


def _joined(title: str, text: str) -> str:
    return text if not title or title in text else f"{title}\n{text}".strip()


def _masked(text: str) -> str:
    return mask(mask_names(text[:LONGEST])).strip()
