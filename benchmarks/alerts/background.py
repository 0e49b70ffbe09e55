"""The background: real posts, reposts, headlines, citizens' messages and broadcast news, each text once.

Half the texts are for `develop`, the other half for `report`, so that nothing that thresholds were chosen on is in what
is reported.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

from benchmarks.mixed import data_folder
from classifiers.model import Text
from minsheng.records import Kind

Half = Literal["develop", "report"]

DAYS: dict[Half, int] = {"develop": 1, "report": 1}
"""Days at the full rate, after four weeks of the policies' own past."""

A_DAY = 100_000

SHARES: dict[str, float] = {"repost": 0.50, "post": 0.21, "hot-search": 0.24, "news": 0.025, "message": 0.025}
"""Kind of text → its share of the stream."""


class Said(NamedTuple):
    """A text of the background and what kind of document carries it."""

    kind: Kind
    text: Text


def texts(half: Half) -> dict[str, list[Said]]:
    """Name in `SHARES` → as many texts as the half's days need."""
    folder = data_folder()
    found = {}
    for name, share in SHARES.items():
        wanted = {each: int(share * A_DAY * days) for each, days in DAYS.items()}
        skipped = 0 if half == "develop" else wanted["develop"]
        match name:
            case "repost":
                source = _posts(folder / "text_reposts.txt.gz")
            case "post":
                source = _posts(folder / "text_weibo_2020.txt.gz")
            case "hot-search":
                source = _headlines(folder / "text_hot_search.txt.gz")
            case "news":
                source = _news(folder / "text_broadcast_news.txt.gz")
            case _:
                source = _messages()
        found[name] = list(islice(source, skipped, skipped + wanted[half]))
    return found


def _lines(path: object) -> Iterator[str]:
    with gzip.open(str(path), "rt", encoding="utf-8") as lines:
        for line in lines:
            if len(text := line.strip()) >= 6:
                yield text


def _posts(path: object) -> Iterator[Said]:
    return (Said("post", Text("", line[:280])) for line in _lines(path))


def _headlines(path: object) -> Iterator[Said]:
    return (Said("hot-search", Text(line[:60], "")) for line in _lines(path))


def _news(path: object) -> Iterator[Said]:
    return (Said("news", Text(line[:30], line[:200])) for line in _lines(path) if len(line) >= 40)


def _messages() -> Iterator[Said]:
    for name in ("messages_topic_train.csv.gz", "messages_with_replies.csv.gz"):
        with gzip.open(data_folder() / name, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                yield Said("message", Text(row["title"].strip(), row["text"].strip()[:200]))


def messages_left_over() -> Iterator[Said]:
    """Letters that neither half's background takes."""
    return islice(_messages(), sum(int(SHARES["message"] * A_DAY * days) for days in DAYS.values()), None)


def judge_all() -> None:
    """Judge every text of both halves, which takes the longest of all: once, then it is on disk."""
    from benchmarks.alerts.judgements import Judged

    judged = Judged()
    for half in DAYS:
        for name, listed in texts(half).items():
            for start in range(0, len(listed), 8192):
                judged.of([said.text for said in listed[start : start + 8192]])
            print(f"judged {half} {name}: {len(listed)}", flush=True)


if __name__ == "__main__":
    judge_all()
