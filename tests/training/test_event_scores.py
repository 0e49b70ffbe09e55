"""The gold list of hot issues, and what events score on it."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from grouping.joining import same_matter, trees
from minsheng.records import Assessed, Document, Judgement
from tests.shared_data import shared_data, shared_data_folder
from training.event_join import ASKED, LEAST, LEAVES, RATE, SEEDS, SHARE, TREES, Pairs, pairs, trees_from
from training.event_scores import best_f1, score_events, scores, unmatched
from training.hot_issues import Issue, Messages, half_of, messages
from training.labels.reading import HASH_DIGITS, LABELS


def rows() -> list[dict[str, str]]:
    with (LABELS / "hot_issues.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_list_is_well_formed() -> None:
    found = rows()
    assert len({row["hash"] for row in found}) == len(found), "no text is in two issues"
    assert all(len(row["hash"]) == HASH_DIGITS and int(row["hash"], 16) for row in found)
    assert {row["certainty"] for row in found} == {"sure", "soft"}
    sizes = Counter(row["issue"] for row in found)
    assert len(sizes) == 85
    assert min(sizes.values()) >= 2, "copies share a hash, so an issue of four messages can have fewer texts"
    assert Counter(half_of(issue) for issue in sizes) == {"develop": 44, "report": 41}
    assert all(len({row["description"] for row in found if row["issue"] == issue}) == 1 for issue in sizes)


def data(authors: str, *issues: set[int]) -> Messages:
    nothing = Judgement(label="neutral", scores={"neutral": 1.0})
    at = datetime(2026, 3, 1, tzinfo=UTC)
    stream = [
        Assessed(
            document=Document(
                id=str(place), source="board", kind="message", text="x", author_key=author, published_at=at,
                fetched_at=at,
            ),
            sentiment=nothing, emotion=nothing, topic=nothing, request=nothing, assessed_at=at,
        )
        for place, author in enumerate(authors)
    ]  # fmt: skip
    return Messages(
        stream,
        [
            Issue(f"h{number}", "", True, "develop" if number % 2 else "report", frozenset(places))
            for number, places in enumerate(issues)
        ],
    )


def test_scores_of_a_grouping() -> None:
    made = data("aabbccddee", {0, 1, 2, 3}, {4, 5, 6, 7})
    found = scores(made, ["x"] * 4 + ["y"] * 2 + ["z"] * 2 + ["w"] * 2)
    assert found["report"] == {"issues": 1, "found": 1.0, "mean_f1": 1.0}
    assert found["develop"] == {"issues": 1, "found": 0.0, "mean_f1": pytest.approx(2 / 3, abs=1e-3)}
    assert (found["events"], found["unmatched"]) == (1, 0)


def test_an_event_that_is_mostly_something_else_matches_nothing_and_one_author_is_none() -> None:
    made = data("abcdefgggg", {0, 1, 2, 3})
    events = ["x", "x", "y", "y", "x", "x", "z", "z", "z", "z"]
    assert best_f1(made.issues[0], events) == pytest.approx(2 / 3)
    assert unmatched(made, events) == {}, "half of it is the issue, and z has one author"
    assert set(unmatched(made, ["x"] * 2 + ["y"] * 2 + ["x"] * 3 + ["z"] * 3)) == {"x"}


@pytest.mark.shared_data
@pytest.mark.timeout(300)
def test_grouping_finds_most_hot_issues() -> None:
    shared_data("messages_unlabelled.csv.gz")
    found = score_events(shared_data_folder())
    assert found["report"]["found"] >= 0.83
    assert found["report"]["mean_f1"] >= 0.87
    assert found["unmatched"] <= 90


def test_trees_say_what_they_were_grown_to_say() -> None:
    """What is written for grouping gives the library's own probabilities."""
    from sklearn.ensemble import GradientBoostingClassifier

    draw = np.random.default_rng(3)
    rows = draw.normal(size=(600, 12))
    same = rows[:, 0] + rows[:, 5] * rows[:, 7] > 0
    found = Pairs(rows[:, :4], rows[:, 4:], same, draw.uniform(0.1, 2, 600))
    odds = np.mean(
        [
            GradientBoostingClassifier(
                n_estimators=TREES, learning_rate=RATE, max_leaf_nodes=LEAVES, min_samples_leaf=LEAST, subsample=SHARE,
                max_features=ASKED, random_state=seed,
            )
            .fit(rows, same, sample_weight=found.weights)
            .decision_function(rows)
            for seed in SEEDS
        ],
        axis=0,
    )  # fmt: skip
    assert same_matter(rows, trees_from(found)) == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)


@pytest.mark.shared_data
def test_the_shipped_trees_are_those_of_the_development_half() -> None:
    shared_data("messages_unlabelled.csv.gz")
    found = pairs(messages(shared_data_folder()))
    rows = np.concatenate([found.features, found.common], axis=1)
    # Another machine may round a threshold otherwise: what they say is compared.
    assert np.abs(same_matter(rows, trees_from(found)) - same_matter(rows, trees())).mean() < 0.01
