"""Learns the models of `grouping.joining` from the hot issues of the development half: prints the weights of the one
that looks first, and writes `grouping/joining.npz`, the trees.

    python -m training.event_join [DATA_FOLDER]

Pairs of messages of one issue are examples of the same matter; pairs of such a message and any other that shares some
of its words are examples of two matters. Each message counts alike, however large its issue is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grouping import joining
from grouping.duplicates import body_of
from grouping.familiar import Familiar
from grouping.joining import Trees, Weights, features, headline
from grouping.memory import title_of
from grouping.vectors import BINS, vectorise
from grouping.wording import common, wording
from training.data import FOLDER
from training.hot_issues import Messages, messages

ALIKE = 0.05
"""Cosine from which a pair of two matters is worth learning from."""

SAME, OTHERS = 6.0, 8.0
"""What the pairs of one message and its issue weigh together, and by what its other pairs are divided."""


TREES, LEAVES, LEAST, RATE, SHARE, ASKED = 120, 8, 40, 0.05, 0.5, 4
"""How many trees, of how many leaves, each of how many pairs at least; how much of each tree counts; of what share of
all pairs each is made; and how many features each of its questions is chosen from."""

SEEDS = (0, 1, 2)
"""By each of these the trees are grown once; the mean counts, as the draw of pairs and features moves the scores."""

FILE = Path(joining.__file__).with_name("joining.npz")


class Pairs(NamedTuple):
    """Examples: rows of `features` and of `common`, whether the two are of one issue, and how much each counts."""

    features: npt.NDArray[np.float64]
    common: npt.NDArray[np.float64]
    same: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float64]


def pairs(data: Messages) -> Pairs:
    """The examples of the development half."""
    from scipy.sparse import csr_matrix

    familiar = Familiar()
    vectors = [vectorise(one.document.title, one.document.text, familiar.meet) for one in data.stream]
    heads = [headline(title_of(one.document)) for one in data.stream]
    worded = [wording(title_of(one.document), body_of(one.document.title, one.document.text)) for one in data.stream]
    days = np.array([one.document.published_at.timestamp() / 86_400 for one in data.stream])

    def matrix(parts: list[tuple[np.ndarray, np.ndarray]]) -> csr_matrix:
        ends = np.cumsum([0, *(len(bins) for bins, _ in parts)])
        bins, values = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
        return csr_matrix((values.astype(np.float32), bins, ends), shape=(len(parts), BINS))

    texts = matrix([(vector.bins, vector.weights) for vector in vectors])
    present = texts.copy()
    present.data[:] = 1
    headlines = matrix([(head.bins, head.shares) for head in heads])
    rows, close, labels, weights = [], [], list[bool](), list[float]()
    for issue in data.issues:
        if issue.half != "develop":
            continue
        for place in sorted(issue.members):
            cosines = (texts @ texts[place].T).toarray().ravel()
            forth = (present @ headlines[place].T).toarray().ravel()
            back = (headlines @ present[place].T).toarray().ravel()
            same = np.array(sorted(issue.members - {place}))
            alike = np.flatnonzero(cosines > ALIKE)
            others = alike[~np.isin(alike, list(issue.members))]
            chosen = np.concatenate([same, others])
            rows.append(features(cosines[chosen], days[chosen] - days[place], forth[chosen], back[chosen]))
            close.append(np.array([common(worded[place], worded[other]) for other in chosen.tolist()]))
            labels += [True] * len(same) + [False] * len(others)
            weights += [SAME / len(same)] * len(same) + [min(1.0, OTHERS / len(issue.members))] * len(others)
    return Pairs(np.concatenate(rows), np.concatenate(close), np.array(labels), np.array(weights))


def weights_from(found: Pairs) -> Weights:
    """Fit the logistic model."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1_000).fit(found.features, found.same, sample_weight=found.weights)
    return Weights(float(model.intercept_[0]), *map(float, model.coef_[0]))


def trees_from(found: Pairs) -> Trees:
    """Grow the trees."""
    from sklearn.ensemble import GradientBoostingClassifier

    rows = np.concatenate([found.features, found.common], axis=1)
    grown = []
    for seed in SEEDS:
        model = GradientBoostingClassifier(
            n_estimators=TREES, learning_rate=RATE, max_leaf_nodes=LEAVES, min_samples_leaf=LEAST, subsample=SHARE,
            max_features=ASKED, random_state=seed,
        ).fit(rows, found.same, sample_weight=found.weights)  # fmt: skip
        grown += [one.tree_ for one in model.estimators_[:, 0]]
    share = np.average(found.same, weights=found.weights)
    shape = (len(grown), max(tree.node_count for tree in grown))
    own = np.broadcast_to(np.arange(shape[1], dtype=np.int8), shape)
    made = Trees(
        np.zeros(shape, np.int8), np.zeros(shape), own.copy(), own.copy(), np.zeros(shape, np.float32),
        bias=float(np.log(share / (1 - share))),
        depth=max(tree.max_depth for tree in grown),
    )  # fmt: skip
    for place, tree in enumerate(grown):
        asks = np.flatnonzero(tree.children_left >= 0)
        made.features[place, asks] = tree.feature[asks]
        made.thresholds[place, asks] = tree.threshold[asks]
        made.left[place, asks] = tree.children_left[asks]
        made.right[place, asks] = tree.children_right[asks]
        ends = np.flatnonzero(tree.children_left < 0)
        made.values[place, ends] = RATE / len(SEEDS) * tree.value[ends, 0, 0]
    return made


def main() -> None:
    found = pairs(messages(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
    print("WEIGHTS =", Weights(*(round(value, 2) for value in weights_from(found))))
    np.savez_compressed(FILE, **trees_from(found)._asdict())
    print(f"wrote {FILE.name}")


if __name__ == "__main__":
    main()
