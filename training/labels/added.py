"""Texts for heads that are added to the finished encoder, written for training: `harm.jsonl`, `advert.jsonl`.

`harm`: somebody died, was badly hurt, poisoned, burnt or is missing. Fear of it, hyperbole (热死了), rules and
questions about it, drills, fiction and denied rumours are `none`.

`advert`: somebody sells or recruits, also under a measure's name (落户新政来了，代办包过). Complaints and warnings
about sellers, offices' notices of what is given out or free, thanks for it, and neighbours' requests are `none`.

Texts are short; those to learn from are also put beside others, so that a clause in the middle of a long post is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from classifiers.model import ADVERTS, HARMS, Text
from training.data import Example, part_of, read
from training.labels.own import read_posts
from training.tasks import HELD_OUT_LABELLED

FOLDER = Path(__file__).parent
BESIDE = 4
"""How often each text is put beside another one."""

REAL = 1_500
"""Real texts of a kind."""

SIGNS = frozenset("死亡伤残毁命尸殁遇溺炸烧砸撞摔骨昏毒砍捅危血救")
"""Characters that tellings of harm are seldom without: a post that holds none of them is taken to tell of none."""


class Added(NamedTuple):
    """One head and what it learns from.

    Attributes
    ----------
    labels:
        The one that is looked for first.
    cost:
        The inverse strength of the regression's penalty.
    threshold:
        Below it a judgement is unsure.
    beside:
        Makes more examples of those to learn from; the same each time.
    balanced:
        Whether both labels weigh alike, however few of one there are.
    """

    head: str
    labels: tuple[str, str]
    cost: float
    threshold: float
    beside: Callable[[Sequence[Example]], list[Example]]
    balanced: bool

    def texts(self) -> list[Example]:
        """The texts as they were written, in the file's order."""
        lines = (msgspec.json.decode(line) for line in (FOLDER / f"{self.head}.jsonl").read_bytes().splitlines())
        read = ((Text("", line["text"]), line[self.head]) for line in lines)
        return [Example(text, label, part_of(text)) for text, label in read]


def beside_harmless(examples: Sequence[Example], seed: int = 0) -> list[Example]:
    """Each text before and after other posts that tell of no harm, and these posts alone; and real texts alone that
    hold none of `SIGNS`: who complains of queues, fees and old people's troubles tells of no harm.

    A joined text is in the part of its example, so that nothing of it gets among those that are chosen or scored on.
    """
    random = np.random.default_rng(seed)
    harmless = [post.text for post in read_posts() if not SIGNS & set(post.text)]
    joined = [Example(Text("", text), "none", part_of(Text("", text))) for text in harmless]
    joined += [Example(text, "none", part_of(text)) for text in real_harmless()]
    for example in examples:
        own = example.text.text.rstrip("。")
        for number, place in enumerate(random.choice(len(harmless), BESIDE, replace=False)):
            other = harmless[place].rstrip("。")
            joined.append(example._replace(text=Text("", f"{other}。{own}。" if number % 2 else f"{own}，{other}。")))
    return joined


def real_harmless() -> list[Text]:
    """`REAL` texts of each kind to learn from, as they come."""
    found: list[Text] = []
    for name, label in (("messages_topic_train.csv.gz", "topic"), ("emotion_usual_train.csv.gz", "emotion")):
        plain = (one.text for one in read(name, label) if one.part not in HELD_OUT_LABELLED)
        found += islice((one for one in plain if not SIGNS & {*one.title, *one.text}), REAL)
    return found


def beside_alike(examples: Sequence[Example], seed: int = 0) -> list[Example]:
    """Each text before others of its label, and the posts of our own, none of which is an advert. A post that both
    advertises and complains is rare, and its complaint counts."""
    random = np.random.default_rng(seed)
    joined = [Example(Text("", post.text), "none", part_of(Text("", post.text))) for post in read_posts()]
    of_label = {label: [one.text.text for one in examples if one.label == label] for label in ADVERTS}
    for example in examples:
        alike = of_label[example.label]
        own = example.text.text.rstrip("。")
        places = random.choice(len(alike), BESIDE, replace=False)
        joined += [example._replace(text=Text("", f"{own}，{alike[place]}")) for place in places]
    return joined


ADDED = (
    Added("harm", HARMS, cost=0.1, threshold=0.5, beside=beside_harmless, balanced=False),
    Added("advert", ADVERTS, cost=0.03, threshold=0.5, beside=beside_alike, balanced=True),
)
"""The heads, in the order in which they are put behind the others."""
