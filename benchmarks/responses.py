"""How well departments answered real messages: the evaluation of responses against a reader's scores, and its speed.

    python -m benchmarks.responses

The peers rank answers by what a simple report would count: how long the answer is, how fast it came, and how many of
the message's words it takes up (cosine of TF-IDF of character 1- to 3-grams).
"""

from __future__ import annotations

import time
from collections import Counter

import numpy as np

from alerts.responses.demands import Asked
from alerts.responses.grade import CHINESE, grade_of
from training.data import FOLDER
from training.hot_issues import time_of
from training.response_scores import PAIRS, evaluate_pair, pairs, scored, spearman


def main() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    rows = scored(FOLDER)
    everything = pairs(FOLDER / PAIRS)
    taken = {row["message_id"]: _days(row) for row in everything}
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    vectors.fit([f"{row.asked.title}\n{row.asked.text}\n{row.reply}" for row in rows])
    asked = vectors.transform([f"{row.asked.title}\n{row.asked.text}" for row in rows])
    replied = vectors.transform([row.reply for row in rows])
    rankings = {
        "evaluation of responses": [evaluate_pair(row.asked, row.reply).score for row in rows],
        "length of the answer": [float(len(row.reply)) for row in rows],
        "words in common": np.asarray(asked.multiply(replied).sum(axis=1)).ravel().tolist(),
        "speed of the answer": [-taken[row.asked.document_id] for row in rows],
    }
    print(f"{'Spearman with the reader':<28} {'develop':>8} {'report':>8}")
    for name, values in rankings.items():
        line = f"{name:<28}"
        for half in ("develop", "report"):
            places = [place for place, row in enumerate(rows) if row.half == half]
            agreement = spearman([values[place] for place in places], [float(rows[place].score) for place in places])
            line += f" {agreement:>8.3f}"
        print(line)
    start = time.perf_counter()
    grades = Counter(
        grade_of(evaluate_pair(Asked(title=row["title"], text=row["text"]), row["reply"]).score) for row in everything
    )
    seconds = time.perf_counter() - start
    shares = "，".join(f"{words} {grades[grade] / len(everything):.0%}" for grade, words in CHINESE.items())
    print(f"\n{len(everything)} answers: {shares}; {len(everything) / seconds:,.0f} a second")
    days = sorted(taken.values())
    print(f"days to the answer: median {days[len(days) // 2]:.1f}, nine of ten within {days[len(days) * 9 // 10]:.1f}")


def _days(row: dict[str, str]) -> float:
    return (time_of(row["replied_at"]) - time_of(row["posted_at"])).total_seconds() / 86400


if __name__ == "__main__":
    main()
