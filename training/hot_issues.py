"""The gold list of hot issues joined with the real messages that it was read from, in two halves.

`training/labels/hot_issues.csv` names each issue's messages by a hash of their texts; see `training/labels/README.md`.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

from classifiers.model import Text
from minsheng.clock import CHINA
from minsheng.errors import BadInput
from minsheng.records import Assessed, Document, Judgement, document_id
from training.data import FOLDER
from training.labels.reading import LABELS, text_hash

MESSAGES = "messages_unlabelled.csv.gz"

Half = Literal["develop", "report"]


class Issue(NamedTuple):
    """A hot issue: `members` are places in the stream of messages. `sure` is false where its border is a matter of
    opinion."""

    id: str
    description: str
    sure: bool
    half: Half
    members: frozenset[int]


class Messages(NamedTuple):
    """Real messages in the order of their times, as grouping gets them, and the issues among them."""

    stream: list[Assessed]
    issues: list[Issue]


def messages(folder: Path = FOLDER) -> Messages:
    """All messages and all issues. Raises `BadInput` where the data is not there, or is another version."""
    path = folder / MESSAGES
    if not path.exists():
        raise BadInput(f"{path} is not there", "the shared data is needed, see training/labels/README.md")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = [(time_of(row["posted_at"]), place, row) for place, row in enumerate(csv.DictReader(lines))]
    rows.sort(key=lambda row: row[:2])
    stream, places = [], dict[str, list[int]]()
    for number, (at, _, row) in enumerate(rows):
        stream.append(_assessed(row, at))
        places.setdefault(text_hash(Text(title=row["title"], text=row["text"])), []).append(number)
    return Messages(stream, _issues(places))


def hot_texts() -> set[str]:
    """The hashes of all messages of the gold list."""
    with (LABELS / "hot_issues.csv").open(encoding="utf-8", newline="") as lines:
        return {row["hash"] for row in csv.DictReader(lines)}


def half_of(issue: str) -> Half:
    """The half that an issue is in, by a hash of its id: weights and thresholds come from `develop` alone."""
    return "develop" if hashlib.sha256(issue.encode()).digest()[0] % 2 else "report"


def _issues(places: dict[str, list[int]]) -> list[Issue]:
    found: dict[str, tuple[str, bool, set[int]]] = {}
    missing = 0
    with (LABELS / "hot_issues.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            about = found.setdefault(row["issue"], (row["description"], row["certainty"] == "sure", set()))
            about[2].update(places.get(row["hash"], ()))
            missing += row["hash"] not in places
    if missing:
        raise BadInput(f"{missing} texts of hot_issues.csv are not in {MESSAGES}", "use the file it was made from")
    return [Issue(name, text, sure, half_of(name), frozenset(at)) for name, (text, sure, at) in found.items()]


def _assessed(row: dict[str, str], at: datetime) -> Assessed:
    nothing = Judgement(label="neutral", scores={"neutral": 1.0})
    document = Document(
        id=document_id("board", row["message_id"]), source="board", kind="message", title=row["title"].strip(),
        text=row["text"].strip(), author_key=row["author_hash"], published_at=at, fetched_at=at,
    )  # fmt: skip
    return Assessed(
        document=document, sentiment=nothing, emotion=nothing, topic=nothing, request=nothing, assessed_at=at
    )


def time_of(text: str) -> datetime:
    """A time as the data writes it, "2019/4/25 9:32:09" or "2019-04-25"; Chinese time."""
    day, _, clock = text.strip().replace("-", "/").partition(" ")
    year, month, date = map(int, day.split("/"))
    hour, minute, second, *_ = [*map(int, clock.split(":") if clock else []), 0, 0, 0]
    return datetime(year, month, date, hour, minute, second, tzinfo=CHINA)
