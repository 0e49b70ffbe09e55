"""Makes `answers/vectors.npz`: how the encoder's first layer is turned into vectors that texts are compared by.

python -m training.answer_vectors [DATA_FOLDER]

Measured on citizens' messages (`messages_topic_train.csv.gz`): the mean of all tokens' vectors is taken off, the
directions are scaled by the fourth root of their variance (halfway to whitening), and the `DIMENSIONS` strongest are
kept. Made anew whenever the encoder is; `python -m training.answer_scores --fit` then fits the confidence.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path

import numpy as np

from answers.encoding import FILE, Hidden, Parts, unit
from training.data import FOLDER

MESSAGES = "messages_topic_train.csv.gz"
DIMENSIONS = 96
TEXTS = 4_000
"""Messages whose titles and openings are encoded."""
FLOOR = 1e-3
"""Directions with less variance than this share of the strongest one's are not blown up further."""


def make(folder: Path = FOLDER, dimensions: int = DIMENSIONS) -> Parts:
    """Measure, from the shared data in `folder`."""
    with gzip.open(folder / MESSAGES, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    hidden = Hidden()
    titles = hidden.run([row["title"] for row in rows[:TEXTS]])
    openings = hidden.run([row["text"].strip()[:80] for row in rows])
    counts = np.zeros(hidden.vocabulary)
    for ids, _ in openings:
        counts[np.unique(ids)] += 1
    rarity = np.log((len(openings) + 1) / (counts + 1))
    vectors = np.concatenate([rows for _, rows in titles])
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    strongest = np.argsort(-variances)[:dimensions]
    projection = directions[:, strongest] * (variances[strongest] + FLOOR * variances.max()) ** -0.25
    wholes = []
    for ids, rows_ in titles:
        weights = rarity[ids].astype(np.float32)
        wholes.append(unit(weights @ ((rows_ - mean) @ projection).astype(np.float32)))
    return Parts(
        mean=mean.astype(np.float32),
        projection=projection.astype(np.float32),
        centre=np.mean(wholes, axis=0).astype(np.float32),
        rarity=rarity.astype(np.float32),
        encoder=hidden.version,
    )


def main() -> None:
    parts = make(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    arrays = {name: value.astype(np.float16) for name, value in parts._asdict().items() if name != "encoder"}
    np.savez_compressed(FILE, encoder=np.array(parts.encoder), **arrays)
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes, for the encoder {parts.encoder}")


if __name__ == "__main__":
    main()
