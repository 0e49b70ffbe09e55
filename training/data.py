"""The labelled texts: reading, cleaning, and the split into training and held-out examples.

The texts stay outside the repository. `development` files are held out whole; of the other files one text in ten is,
chosen by a hash of the text itself, so that the split is the same on every machine. No text is on both sides.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from classifiers.labelled_files import SENTIMENT_OF_EMOTION
from classifiers.model import Text
from classifiers.text_key import text_key

FOLDER = Path(os.environ.get("MINSHENG_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")

key = text_key
"""Texts with the same key are one text, whatever their spaces, punctuation, width and case."""

PARTS = 10
HELD_OUT_PART = 0
OPENING = 80
"""Characters."""


class Example(NamedTuple):
    """A labelled text. `part` is 0 to 9, by a hash of the whole text that it comes from."""

    text: Text
    label: str
    part: int


class Slice(NamedTuple):
    """Examples of one kind: `train` to learn from, `held_out` to score on."""

    head: str
    name: str
    train: list[Example]
    held_out: list[Example]


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(name: str, label: str, folder: Path = FOLDER) -> list[Example]:
    """The rows of `name` with a text and a label, each text once."""
    found: dict[bytes, Example] = {}
    with gzip.open(folder / name, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            text = Text(title=row.get("title") or "", text=row.get("text") or "")
            if (text.title or text.text).strip() and row[label]:
                found.setdefault(key(text), Example(text, row[label], part_of(text)))
    return list(found.values())


FILES = (
    "emotion_usual_train.csv.gz",
    "emotion_usual_dev.csv.gz",
    "emotion_virus_train.csv.gz",
    "emotion_virus_dev.csv.gz",
    "messages_topic_train.csv.gz",
    "polarity_weibo2018_train.csv.gz",
)
"""What the n-gram model is made from and scored on."""


def slices(folder: Path = FOLDER) -> list[Slice]:
    """All examples of all heads."""
    usual, usual_dev, virus, virus_dev = (read(name, "emotion", folder) for name in FILES[:4])
    topic, topic_dev = _tenth(read(FILES[4], "topic", folder))
    polarity, polarity_dev = _tenth(read(FILES[5], "sentiment", folder))
    made = [
        Slice("emotion", "usual", usual, usual_dev),
        Slice("emotion", "virus", virus, virus_dev),
        Slice("sentiment", "usual", _sentiment(usual), _sentiment(usual_dev)),
        Slice("sentiment", "virus", _sentiment(virus), _sentiment(virus_dev)),
        Slice("sentiment", "polarity", polarity, polarity_dev),
        Slice("topic", "messages", topic, topic_dev),
        # Messages are long and posts are short: so that the head has seen short texts too.
        Slice("topic", "openings", openings(topic), openings(topic_dev)),
    ]
    held_out = {key(example.text) for part in made for example in part.held_out}
    return [part._replace(train=[one for one in part.train if key(one.text) not in held_out]) for part in made]


def part_of(text: Text) -> int:
    """One of ten parts, by the text's hash."""
    return int.from_bytes(key(text)[:8], "big") % PARTS


def openings(examples: Iterable[Example]) -> list[Example]:
    """The examples cut to the length of a post: the title alone, or how the text begins. Each once."""
    cut = [one._replace(text=Text("", one.text.title or one.text.text[:OPENING])) for one in examples]
    found = {key(one.text): one for one in cut if one.text.text.strip()}
    return list(found.values())


def _tenth(examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    every = list(examples)
    return (
        [one for one in every if one.part != HELD_OUT_PART],
        [one for one in every if one.part == HELD_OUT_PART],
    )


def _sentiment(examples: Iterable[Example]) -> list[Example]:
    return [
        one._replace(label=SENTIMENT_OF_EMOTION[one.label]) for one in examples if one.label in SENTIMENT_OF_EMOTION
    ]


def in_part(text: Text, part: int) -> bool:
    """True for the texts of one of the ten parts."""
    return part_of(text) == part
