"""The texts written for added heads: both labels, each text once, none learnt that is scored on."""

from __future__ import annotations

from collections import Counter

import pytest

from training.data import Example, key
from training.labels.added import ADDED, SIGNS, Added
from training.tasks import HELD_OUT_LABELLED

each = pytest.mark.parametrize("added", ADDED, ids=lambda added: added.head)


def learnt(added: Added) -> list[Example]:
    return [example for example in added.texts() if example.part not in HELD_OUT_LABELLED]


@each
def test_both_labels_have_enough_and_each_text_stands_once(added: Added) -> None:
    examples = added.texts()
    labels = Counter(example.label for example in examples)
    assert set(labels) == set(added.labels) and min(labels.values()) >= 100, labels
    assert max(Counter(key(example.text) for example in examples).values()) == 1
    held_out = Counter(example.label for example in examples if example.part in HELD_OUT_LABELLED)
    assert min(held_out[label] for label in labels) >= 20, held_out


def test_many_look_alikes_hold_the_characters_of_harm() -> None:
    """Or else the characters alone would give the label away."""
    (harm,) = (added for added in ADDED if added.head == "harm")
    alike = [example for example in harm.texts() if example.label == "none" and SIGNS & set(example.text.text)]
    assert len(alike) >= 70


@each
def test_joined_texts_keep_their_label_and_part_and_hold_no_text_that_is_scored_on(added: Added) -> None:
    joined = added.beside(learnt(added))
    assert added.beside(learnt(added)) == joined, "the same for the same seed"
    scored_on = [example.text.text for example in added.texts() if example.part in HELD_OUT_LABELLED]
    assert not any(text in example.text.text for text in scored_on for example in joined)
    first = next(example for example in learnt(added) if example.label == added.labels[0])
    with_first = [one for one in joined if first.text.text.rstrip("。") in one.text.text]
    assert len(with_first) >= 4
    assert {one.label for one in with_first} == {added.head}
    assert first.part in {one.part for one in with_first}
