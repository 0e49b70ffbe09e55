"""Hot issues found among real messages, against the peer: n-gram TF-IDF with single linkage at its best threshold.

    python -m benchmarks.events [--unmatched]

Weights and thresholds of grouping were chosen on the half `develop`; `report` is the half to believe. The peer's
threshold is the best one for all issues together. `--unmatched` lists the events of four messages or more by two
authors or more that match no issue of the gold list, to be read: some are real issues that the list lacks.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from training.data import FOLDER
from training.event_scores import group, scores, unmatched
from training.hot_issues import Messages, messages

THRESHOLDS = np.arange(0.08, 0.41, 0.02)


def peer(data: Messages) -> tuple[float, dict[str, Any]]:
    """The best threshold and its scores."""
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [f"{one.document.title}\n{one.document.text}" for one in data.stream]
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True).fit_transform(texts)
    alike = (vectors @ vectors.T).tocsr()
    best: tuple[float, dict[str, Any]] = (0.0, {"all": {"found": -1.0}})
    for threshold in THRESHOLDS.tolist():
        linked = alike.copy()
        linked.data = (linked.data >= threshold).astype(np.int8)
        linked.eliminate_zeros()
        _, labels = connected_components(linked, directed=False)
        found = scores(data, labels.tolist())
        if found["all"]["found"] > best[1]["all"]["found"]:
            best = (threshold, found)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unmatched", action="store_true")
    chosen = parser.parse_args()
    data = messages(FOLDER)
    print(f"{len(data.stream)} messages, {len(data.issues)} issues")
    print(f"{'':<34} {'half':<8} {'issues':>6} {'found':>6} {'F1':>6} {'events':>7} {'unmatched':>9}")
    events = group(data.stream)
    threshold, found = peer(data)
    for name, made in (("grouping", scores(data, events)), (f"single linkage at {threshold:.2f}", found)):
        for half in ("develop", "report", "all"):
            row = made[half]
            line = f"{name:<34} {half:<8} {row['issues']:>6} {row['found']:>6.3f} {row['mean_f1']:>6.3f}"
            print(line + (f" {made['events']:>7} {made['unmatched']:>9}" if half == "all" else ""), flush=True)
    if chosen.unmatched:
        for places in sorted(unmatched(data, events).values(), key=len, reverse=True):
            titles = " / ".join(data.stream[place].document.title[:30] for place in sorted(places)[:8])
            print(f"{len(places):>4}  {titles}")


if __name__ == "__main__":
    main()
