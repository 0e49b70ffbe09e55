"""The posts and messages of our own, written for training: `own_posts.jsonl`, one JSON object a line.

They show what the shared data has no labels for: sarcasm and sincere praise in the same words, quoted official text,
captions of forwarded posts, mixed feelings, dialect, posts of emoji, notices without an opinion. All places, people,
companies and measures are invented. `tests/classifiers/own_set.jsonl` is scored on and written apart.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from classifiers.model import Text
from minsheng.errors import BadInput
from training.data import Example, part_of

POSTS = Path(__file__).with_name("own_posts.jsonl")
HEADS = ("sentiment", "emotion", "topic", "request", "stance")


class OwnPost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One post and its labels, named as the heads name them.

    `topic` is None where none of the seven areas fits, `stance` where no measure is concerned. `policy` is the short
    name of the measure that `stance` is about, `slice` the kind of post. `title` is that of a message, empty in posts.
    """

    text: str
    sentiment: str
    emotion: str
    topic: str | None
    request: str
    stance: str | None
    slice: str
    policy: str | None
    title: str = ""


def read_posts(path: Path = POSTS) -> list[OwnPost]:
    """The posts of the file, in its order.

    Raises
    ------
    BadInput
        Where a line is no post; says which.
    """
    posts = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            posts.append(msgspec.json.decode(line, type=OwnPost))
        except msgspec.DecodeError as error:
            raise BadInput(f"{path.name}, line {number}: {error}", "write one post a line, as JSON") from error
    return posts


def own_posts(path: Path = POSTS) -> dict[str, list[Example]]:
    """Head → the posts that have a label for it.

    The model is shown title and text alone, as with `training.labels.reading.labelled`: the measure that a stance is
    about is not put before it.
    """
    found: dict[str, list[Example]] = {head: [] for head in HEADS}
    for post in read_posts(path):
        text = Text(title=post.title, text=post.text)
        for head in HEADS:
            label: str | None = getattr(post, head)
            if label is not None:
                found[head].append(Example(text, label, part_of(text)))
    return found
