"""Tellings of harm to people, and their look-alikes: `harm.jsonl`, written for training.

Somebody died, was badly hurt, poisoned, burnt or is missing: `harm`. Fear of it, hyperbole (热死了), rules and
questions about it, drills, fiction and denied rumours are `none`. Texts are short; those to learn from are also put
beside other posts, so that a clause of harm in the middle of a long complaint is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from classifiers.model import Text
from training.data import Example, part_of
from training.labels.own import read_posts

TEXTS = Path(__file__).with_name("harm.jsonl")
BESIDE = 4
"""How often each text is put beside another one."""

SIGNS = frozenset("死亡伤残毁命尸殁遇溺炸烧砸撞摔骨昏毒砍捅危血救")
"""Characters that tellings of harm are seldom without: a post that holds none of them is taken to tell of none."""


class HarmText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the file."""

    text: str
    harm: str


def harm_texts(path: Path = TEXTS) -> list[Example]:
    """The texts as they were written, in the file's order."""
    lines = (msgspec.json.decode(line, type=HarmText) for line in path.read_bytes().splitlines())
    return [Example(Text("", line.text), line.harm, part_of(Text("", line.text))) for line in lines]


def beside_others(examples: Sequence[Example], seed: int = 0) -> list[Example]:
    """Each text before and after other posts that tell of no harm, and these posts alone; the same for a seed.

    A joined text is in the part of its example, so that nothing of it gets among those that are chosen or scored on.
    """
    random = np.random.default_rng(seed)
    harmless = [post.text for post in read_posts() if not SIGNS & set(post.text)]
    joined = [Example(Text("", text), "none", part_of(Text("", text))) for text in harmless]
    for example in examples:
        own = example.text.text.rstrip("。")
        for number, place in enumerate(random.choice(len(harmless), BESIDE, replace=False)):
            other = harmless[place].rstrip("。")
            joined.append(example._replace(text=Text("", f"{other}。{own}。" if number % 2 else f"{own}，{other}。")))
    return joined
