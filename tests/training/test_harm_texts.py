"""The texts written to learn harm from: both labels, each text once, none learnt that is scored on."""

from __future__ import annotations

from collections import Counter

from training.data import key
from training.labels.harm import SIGNS, beside_others, harm_texts
from training.tasks import HELD_OUT_LABELLED


def test_both_labels_have_enough_and_each_text_stands_once() -> None:
    examples = harm_texts()
    labels = Counter(example.label for example in examples)
    assert set(labels) == {"harm", "none"} and min(labels.values()) >= 100, labels
    assert max(Counter(key(example.text) for example in examples).values()) == 1
    held_out = Counter(example.label for example in examples if example.part in HELD_OUT_LABELLED)
    assert min(held_out[label] for label in labels) >= 20, held_out


def test_many_look_alikes_hold_the_characters_of_harm() -> None:
    """Or else the characters alone would give the label away."""
    alike = [example for example in harm_texts() if example.label == "none" and SIGNS & set(example.text.text)]
    assert len(alike) >= 70


def test_joined_texts_keep_their_label_and_part_and_hold_no_text_that_is_scored_on() -> None:
    examples = harm_texts()
    learnt = [example for example in examples if example.part not in HELD_OUT_LABELLED]
    joined = beside_others(learnt)
    assert beside_others(learnt) == joined, "the same for the same seed"
    scored_on = [example.text.text for example in examples if example.part in HELD_OUT_LABELLED]
    assert not any(text in example.text.text for text in scored_on for example in joined)
    first = next(example for example in learnt if example.label == "harm")
    with_first = [one for one in joined if first.text.text.rstrip("。") in one.text.text]
    assert len(with_first) >= 4
    assert {(one.label, one.part) for one in with_first} == {("harm", first.part)}
