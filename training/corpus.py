"""The unlabelled texts that the encoder learns the language from, without any text that something is scored on."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from classifiers.model import Text
from training.data import FOLDER, in_part, key, slices

LINES = (
    "text_weibo_2020.txt.gz",
    "text_reposts.txt.gz",
    "text_hot_search.txt.gz",
    "text_broadcast_news.txt.gz",
    "text_laws.txt.gz",
)
TABLES = (
    "messages_topic_train.csv.gz",
    "messages_unlabelled.csv.gz",
    "messages_with_replies.csv.gz",
    "emotion_usual_train.csv.gz",
    "emotion_virus_train.csv.gz",
    "polarity_weibo2018_train.csv.gz",
    "news_toutiao_train.csv.gz",
    "news_thucnews_train.csv.gz",
)
SHARES = {"text_broadcast_news.txt.gz": 0.4, "text_laws.txt.gz": 0.3}
"""The part of a file's lines that is read, where it isn't all: time goes to the kinds of text that are judged, posts,
messages and headlines."""

TWICE = TABLES
"""The tasks' own texts, two times an epoch."""

_TAG = re.compile(r"</?[a-z]+>")

LONG = 120
"""Characters of one piece; longer texts are cut into pieces."""

SHORT_JOINED = "text_hot_search.txt.gz"
"""Its lines are a few words each; several make one piece, or most of the time would go into padding."""


def pieces(folder: Path = FOLDER) -> Iterator[str]:
    """Every text, in pieces of at most `LONG` characters."""
    held_out = {key(example.text) for part in slices(folder) for example in part.held_out}
    for name in LINES:
        with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
            texts = (_plain(line) for line in lines if _chosen(line, SHARES.get(name, 1.0)))
            yield from _joined(texts) if name == SHORT_JOINED else _cut(texts)
    for name in (*TABLES, *TWICE):
        with gzip.open(folder / name, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                text = Text(row.get("title") or "", row.get("text") or "")
                if in_part(text, 0) or key(text) in held_out:
                    continue
                yield from _cut([f"{text.title} {text.text}".strip()])
                if row.get("reply"):
                    yield from _cut([row["reply"]])


def _chosen(line: str, share: float) -> bool:
    return share >= 1 or zlib.crc32(line.encode("utf-8", "replace")) < share * 2**32


def _plain(line: str) -> str:
    return _TAG.sub(" ", line).strip()


def _cut(texts: Iterator[str] | list[str]) -> Iterator[str]:
    for text in texts:
        for start in range(0, len(text), LONG):
            piece = text[start : start + LONG]
            if len(piece) >= 6:
                yield piece


def _joined(texts: Iterator[str]) -> Iterator[str]:
    held = ""
    for text in texts:
        if len(held) + len(text) > 60:
            yield held
            held = ""
        held = f"{held}。{text}" if held else text
    yield held
