"""Learns the weights of `grouping.joining` from the hot issues of the development half.

    python -m training.event_join [DATA_FOLDER]

Pairs of messages of one issue are examples of the same matter; pairs of such a message and any other that shares some
of its words are examples of two matters. Each message counts alike, however large its issue is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from grouping.familiar import Familiar
from grouping.joining import Weights, features, headline
from grouping.memory import title_of
from grouping.vectors import BINS, vectorise
from training.data import FOLDER
from training.hot_issues import Messages, messages

ALIKE = 0.05
"""Cosine from which a pair of two matters is worth learning from."""

SAME, OTHERS = 6.0, 8.0
"""What the pairs of one message and its issue weigh together, and by what its other pairs are divided."""


def learn(data: Messages) -> Weights:
    """Fit the model."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    familiar = Familiar()
    vectors = [vectorise(one.document.title, one.document.text, familiar.meet) for one in data.stream]
    heads = [headline(title_of(one.document)) for one in data.stream]
    days = np.array([one.document.published_at.timestamp() / 86_400 for one in data.stream])

    def matrix(parts: list[tuple[np.ndarray, np.ndarray]]) -> csr_matrix:
        ends = np.cumsum([0, *(len(bins) for bins, _ in parts)])
        bins, values = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
        return csr_matrix((values.astype(np.float32), bins, ends), shape=(len(parts), BINS))

    texts = matrix([(vector.bins, vector.weights) for vector in vectors])
    present = texts.copy()
    present.data[:] = 1
    headlines = matrix([(head.bins, head.shares) for head in heads])
    rows, labels, weights = [], [], []
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
            labels += [1] * len(same) + [0] * len(others)
            weights += [SAME / len(same)] * len(same) + [min(1.0, OTHERS / len(issue.members))] * len(others)
    model = LogisticRegression(max_iter=1_000).fit(np.concatenate(rows), labels, sample_weight=weights)
    return Weights(float(model.intercept_[0]), *map(float, model.coef_[0]))


def main() -> None:
    learned = learn(messages(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
    print("WEIGHTS =", Weights(*(round(value, 2) for value in learned)))


if __name__ == "__main__":
    main()
