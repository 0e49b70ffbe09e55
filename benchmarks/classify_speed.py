"""Texts a second: the n-gram model with all its heads, against scikit-learn's own way to the same features.

    python -m benchmarks.classify_speed [--texts 5000] [--json]

The peer is what a scikit-learn pipeline would ship: `HashingVectorizer` over character 1-3-grams into the same number
of buckets, and one `decision_function` over as many labels (random weights: speed does not depend on them). It does no
request head, no calibration and no records. Both read the same mixed stream (80 % posts, 15 % messages, 5 % articles),
cut as the model cuts it, on one core, in turns; the best of the turns counts for each.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np

from benchmarks.mixed import mixed_stream
from classifiers.features import BITS, reading
from classifiers.model import Text
from classifiers.ngram import BATCH, NgramModel

LABELS = 16
TURNS = 3


def peer() -> Callable[[Sequence[Text]], object]:
    """scikit-learn's vectorizer and one linear layer."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=1 << BITS, alternate_sign=False)
    weights = np.random.default_rng(1).standard_normal((1 << BITS, LABELS), dtype=np.float32)

    def judge(texts: Sequence[Text]) -> object:
        return [
            vectorizer.transform([reading(text) for text in texts[start : start + BATCH]]) @ weights
            for start in range(0, len(texts), BATCH)
        ]

    return judge


def measure(judges: dict[str, Callable[[Sequence[Text]], object]], texts: Sequence[Text]) -> dict[str, float]:
    """Name → texts a second, the best of the turns."""
    best = dict.fromkeys(judges, 0.0)
    for _ in range(TURNS):
        for name, judge in judges.items():
            begun = time.perf_counter()
            judge(texts)
            best[name] = max(best[name], len(texts) / (time.perf_counter() - begun))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    end = datetime(2026, 1, 1, tzinfo=UTC)
    texts = [Text(document.title, document.text) for document in mixed_stream(options.texts, end)]
    found = measure({"ngram": NgramModel().judge, "scikit-learn": peer()}, texts)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    for name, speed in found.items():
        print(f"{name:14} {speed:8,.0f} texts/s")
    print(f"{'ratio':14} {found['ngram'] / found['scikit-learn']:8.1f}")


if __name__ == "__main__":
    main()
