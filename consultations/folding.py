"""Comments that say the same are one opinion: near copies, and the same demand in other words.

What is folded shares a decision, so it is done with care: another figure, a denial or the opposite word keeps two
comments apart, however alike the rest is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from answers.encoding import Encoded, TextEncoder, likeness
from answers.figures import statement_of
from grouping.duplicates import alike, body_of

SAME = 0.75
"""From this likeness (`answers.encoding.likeness`) on two comments ask the same. Of the pairs in the tests that ask for
other things, with the same figures and denials, the most alike has .6."""
NEAR = 0.6
"""Cosine of two texts' whole vectors below which their characters are not compared."""
_DENIAL = re.compile(r"不(?![断仅但])|没|未|无|禁|反对|取消|删")
_OPPOSITES = (
    ("延长", "缩短"), ("提高", "降低"), ("增加", "减少"), ("放宽", "收紧"), ("推迟", "提前"), ("从严", "从宽"),
    ("高", "低"), ("多", "少"), ("长", "短"), ("重", "轻"), ("快", "慢"), ("大", "小"), ("早", "晚"),
)  # fmt: skip


class Folder:
    """The opinions of one clause and stance, to which comments are added one after the other.

    Parameters
    ----------
    known:
        Number and first comment of those that are there.
    """

    def __init__(self, encoder: TextEncoder, known: Sequence[tuple[int, str]] = ()) -> None:
        self._encoder = encoder
        self._numbers = [number for number, _ in known]
        self._texts = [text for _, text in known]
        self._encoded = encoder.encode(self._texts)

    def find(self, text: str, encoded: Encoded) -> int | None:
        """The opinion that a comment is one of; None where it is a new one."""
        if not self._texts:
            return None
        letters = body_of("", text)
        cosines = np.array([one.whole for one in self._encoded]) @ encoded.whole
        best: tuple[float, int] | None = None
        for place in np.argsort(-cosines, kind="stable"):
            other = self._texts[place]
            if other == text:
                return self._numbers[place]
            copied = letters and (body := body_of("", other)) and alike(letters, body) is not None
            score = 1.0 if copied else 0.0
            if not copied and cosines[place] >= NEAR and not differ(text, other):
                score = likeness(encoded, self._encoded[place])
            if score >= SAME and (best is None or score > best[0]):
                best = (score, self._numbers[place])
        return best[1] if best else None

    def add(self, number: int, text: str, encoded: Encoded) -> None:
        """Remember a new opinion by its first comment."""
        self._numbers.append(number)
        self._texts.append(text)
        self._encoded.append(encoded)


def differ(one: str, other: str) -> bool:
    """Whether two comments state other figures, deny otherwise, or say opposites.

    Examples
    --------
    >>> differ("建议改为六十日", "建议改为十五日"), differ("建议延长过渡期", "过渡期应当延长")
    (True, False)
    """
    if statement_of(one).values != statement_of(other).values:
        return True
    if len(_DENIAL.findall(one)) != len(_DENIAL.findall(other)):
        return True
    return any((a in one and b in other) or (b in one and a in other) for a, b in _OPPOSITES)
