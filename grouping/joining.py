"""Whether two texts with headlines are about the same matter: a logistic model over four comparisons of the two looks
first, and of those that it finds promising, trees over these and what the two have in common letter for letter.

Both come from `training/event_join.py`, which learns them on one half of the hot issues in
`training/labels/hot_issues.csv`; the other half is what quality is reported on. Who wrote a text is not asked: that
would raise the scores a little, and tie a person's unrelated matters together.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grouping.vectors import fold, ngram_bins, own_words, rarity

HEAD_SIZE = 24
"""N-grams kept of a headline, the rarest: names of estates, roads, companies and schools are among them."""

SAME_TIME = 14.0
"""Days within which the distance in time says nothing."""

LITTLE = 0.01
"""Added to a cosine, so that none has a logarithm too."""


class Headline(NamedTuple):
    """A headline's rarest n-grams: `bins` (int32) and the `shares` (float32) of its rarity that each of them makes up,
    which sum to 1."""

    bins: npt.NDArray[np.int32]
    shares: npt.NDArray[np.float32]


class Weights(NamedTuple):
    """The logistic model. `covered` and `both` are the shares of a headline found in the other text: the larger and the
    smaller one of the two directions."""

    bias: float
    cosine: float
    days: float
    covered: float
    both: float


WEIGHTS = Weights(bias=6.6, cosine=2.12, days=-0.84, covered=1.97, both=-0.05)


def headline(title: str) -> Headline:
    """The rarest n-grams of a title or first sentence; empty for an empty one."""
    found = np.unique(ngram_bins(fold(own_words(title))))
    rare = rarity()[found]
    found, rare = found[rare > 0], rare[rare > 0]
    order = np.lexsort((found, -rare))[:HEAD_SIZE]
    bins, squares = found[order], rare[order] ** 2
    return Headline(bins.astype(np.int32), (squares / max(float(squares.sum()), 1e-6)).astype(np.float32))


def features(
    cosines: npt.NDArray[np.float32],
    days: npt.NDArray[np.float64],
    forth: npt.NDArray[np.float32],
    back: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """What the model looks at, one row a pair: `days` between the two, and the shares of the one's headline found in
    the other (`forth`) and the other way round (`back`)."""
    return np.stack(
        [
            np.log(LITTLE + np.maximum(cosines, 0).astype(np.float64)),
            np.log(np.maximum(np.abs(days), SAME_TIME)),
            np.maximum(forth, back).astype(np.float64),
            np.minimum(forth, back).astype(np.float64),
        ],
        axis=1,
    )


class Trees(NamedTuple):
    """Boosted trees. Of each tree and node, shape (trees, nodes): the `features` asked, the `thresholds` up to which
    the way is to the node on the `left`, else on the `right`, and the `values` (log-odds) of leaves, which lead to
    themselves. `bias` is added to their sum; no leaf lies deeper than `depth`."""

    features: npt.NDArray[np.int8]
    thresholds: npt.NDArray[np.float64]
    left: npt.NDArray[np.int8]
    right: npt.NDArray[np.int8]
    values: npt.NDArray[np.float32]
    bias: float
    depth: int


@lru_cache(maxsize=1)
def trees() -> Trees:
    """The shipped ones."""
    with resources.files("grouping").joinpath("joining.npz").open("rb") as file, np.load(file) as data:
        return Trees(
            data["features"], data["thresholds"], data["left"], data["right"], data["values"],
            bias=float(data["bias"]), depth=int(data["depth"]),
        )  # fmt: skip


def same_matter(rows: npt.NDArray[np.float64], model: Trees | None = None) -> npt.NDArray[np.float64]:
    """The probability that the two are about the same matter.

    Parameters
    ----------
    rows:
        One a pair: what `features` gives, then what `grouping.wording.common` does.
    """
    model = model or trees()
    asked = rows.astype(np.float32)
    tree, row = np.arange(len(model.features)), np.arange(len(rows))[:, None]
    node = np.zeros((len(rows), len(tree)), np.intp)
    for _ in range(model.depth):
        below = asked[row, model.features[tree, node]] <= model.thresholds[tree, node]
        node = np.where(below, model.left[tree, node], model.right[tree, node])
    odds: npt.NDArray[np.float64] = model.bias + model.values[tree, node].sum(axis=1, dtype=np.float64)
    return 1 / (1 + np.exp(-odds))


def promising(rows: npt.NDArray[np.float64], weights: Weights = WEIGHTS) -> npt.NDArray[np.float64]:
    """The same by the logistic model, from rows of `features`: soon, and less surely."""
    return 1 / (1 + np.exp(-(weights.bias + rows @ _slopes(weights))))


@lru_cache(maxsize=4)
def _slopes(weights: Weights) -> npt.NDArray[np.float64]:
    return np.array(weights[1:])
