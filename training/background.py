"""Makes `grouping/background.npz`: how many ordinary texts contain each hashed character n-gram.

    python -m training.background DATA_FOLDER

Counts are kept as 8 x log2(1 + documents) in one byte; no text can be read out of them.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from grouping.vectors import BINS, fold, ngram_bins, own_words

EACH = 40_000
"""Texts taken of each file, so that no file drowns the others."""

KINDS = {
    "messages": ("messages_topic_train.csv.gz", "messages_with_replies.csv.gz"),
    "posts": (
        "emotion_usual_train.csv.gz",
        "emotion_virus_train.csv.gz",
        "polarity_weibo2018_train.csv.gz",
        "text_weibo_2020.txt.gz",
        "text_reposts.txt.gz",
    ),
    "news": ("news_toutiao_train.csv.gz", "text_hot_search.txt.gz", "text_broadcast_news.txt.gz"),
}
"""An n-gram is as ordinary as it is in the kind of text that uses it most: "dear leaders" opens every message to a
government and says nothing there, however rare it is in posts."""

SCALE = 1_000_000
"""Counts are kept per so many texts."""


def texts(path: Path) -> Iterator[str]:
    """The texts of one file, evenly over its length."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        if ".csv" in path.name:
            rows = [f"{row.get('title', '')}\n{row.get('text', '')}" for row in csv.DictReader(lines)]
        else:
            rows = [line for line in lines if len(line) > 8]
    step = max(1, len(rows) // EACH)
    yield from rows[::step][:EACH]


def main() -> None:
    folder = Path(sys.argv[1])
    rate = np.zeros(BINS)
    for kind, names in KINDS.items():
        frequency = np.zeros(BINS, np.uint32)
        total = 0
        for name in names:
            for text in texts(folder / name):
                frequency[np.unique(ngram_bins(fold(own_words(text))[:600]))] += 1
                total += 1
        print(f"{kind}: {total} texts", file=sys.stderr)
        rate = np.maximum(rate, frequency / total)
    levels = np.minimum(255, np.round(8 * np.log2(1 + SCALE * rate))).astype(np.uint8)
    target = Path(__file__).parents[1] / "grouping" / "background.npz"
    np.savez_compressed(target, levels=levels, documents=np.array(SCALE))
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
