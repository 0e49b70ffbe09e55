"""Scores on our own written policy posts, which nothing is ever trained on, and on what added heads hold out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from classifiers.model import Model, Text
from classifiers.scoring import Labelled, Score, score
from training.labels.added import ADDED
from training.tasks import HELD_OUT_LABELLED

OWN_SET = Path(__file__).parents[1] / "tests" / "classifiers" / "own_set.jsonl"
HEADS = ("sentiment", "emotion", "topic", "request", "stance")
SLICED = "sentiment"
"""The head whose scores are shown for each kind of post."""

LEAST = 5
SHORT = 12
"""Characters."""

_LETTER = re.compile(r"\[[^\[\]\s]{1,8}\]|[^\w]+")


class WrittenPost(msgspec.Struct, frozen=True):
    """One line of the set. A head that doesn't apply has None."""

    text: str
    sentiment: str
    topic: str | None
    request: str
    slice: str
    emotion: str | None = None
    stance: str | None = None
    title: str = ""


SLICES: dict[str, Callable[[WrittenPost], bool]] = {
    "short": lambda post: len(post.text) <= SHORT,
    "emoji alone": lambda post: not _LETTER.sub("", post.text),
    "news without opinion": lambda post: post.slice == "news" and post.sentiment == "neutral",
}
"""Kinds that are told from the text, beside those that the set names."""


def read_written(path: Path = OWN_SET) -> list[WrittenPost]:
    """The posts of the set, in its order."""
    return [msgspec.json.decode(line, type=WrittenPost) for line in path.read_bytes().splitlines()]


def score_written(model: Model) -> dict[str, Score]:
    """`head/written` → scores over all posts, and `sentiment/written, <kind>` for each kind with five or more posts."""
    posts = read_written()
    found: dict[str, Score] = {}
    for head in HEADS:
        examples = _examples(posts, head)
        if head in model.heads and examples:
            found[f"{head}/written"] = score(model, head, examples)
    for added in ADDED:
        if added.head in model.heads:
            texts = [one for one in added.texts() if one.part in HELD_OUT_LABELLED]
            found[f"{added.head}/written"] = score(model, added.head, [Labelled(*one[:2]) for one in texts])
    kinds: dict[str, Callable[[WrittenPost], bool]] = {
        name: lambda post, name=name: post.slice == name  # type: ignore[misc]
        for name in dict.fromkeys(post.slice for post in posts)
    }
    for name, belongs in {**kinds, **SLICES}.items():
        examples = _examples([post for post in posts if belongs(post)], SLICED)
        if len(examples) >= LEAST:
            # All three labels are open to the model, also where the posts of this kind have only one.
            found[f"{SLICED}/written, {name}"] = score(model, SLICED, examples, two_sided=False)
    return found


def _examples(posts: Sequence[WrittenPost], head: str) -> list[Labelled]:
    labels = ((post, getattr(post, head)) for post in posts)
    return [Labelled(Text(post.title, post.text), label) for post, label in labels if label is not None]
