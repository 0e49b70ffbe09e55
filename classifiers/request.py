"""What a text asks for, by cue words: complaint, inquiry, suggestion, praise, report, help or nothing.

These are rules, not a learnt head: each cue that occurs adds its weight to a label, once, and the scores are the
softmax of the sums. They order the labels sensibly but are not calibrated, and they see neither irony beyond the usual
emoticons nor who speaks. A learnt head takes their place under the same name.
"""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path

import ahocorasick

from classifiers.features import HEAD, TAIL
from classifiers.model import REQUESTS, Text
from minsheng.records import Judgement

VERSION = "request-rules-1"

NOTHING = 1.2
"""What `none` starts with: a single weak cue does not outweigh it."""

TITLE_FACTOR = 1.5
"""Titles of messages say what is wanted: their cues count more."""

WEIGHTS = {"strong": 3.0, "plain": 1.8, "weak": 0.8}
"""The tables' names in `request_cues.toml`."""

_CUES = Path(__file__).with_name("request_cues.toml")

_IRONY = ("[微笑]", "🙂", "呵呵", "[摊手]", "[费解]", "[白眼]", "[吐]", "[怒]", "真是谢谢", "可真是", "为民着想")
"""Where one of these stands, thanks are not thanks."""

_QUOTED = re.compile(r"《[^《》]{1,80}》")


class RequestRules:
    """The request head. `judge` reads one text."""

    version = VERSION

    def __init__(self) -> None:
        self._cues = ahocorasick.Automaton()
        meanings: dict[str, list[tuple[str, float]]] = {}
        for label, groups in tomllib.loads(_CUES.read_text(encoding="utf-8")).items():
            for strength, cues in groups.items():
                for cue in cues:
                    meanings.setdefault(cue, []).append((label, WEIGHTS[strength]))
        for cue, meaning in meanings.items():
            self._cues.add_word(cue, (cue, meaning))
        self._cues.make_automaton()

    def judge(self, text: Text) -> Judgement:
        """The request, with a score for every label; they sum to 1."""
        body = text.text if len(text.text) <= HEAD + TAIL else text.text[:HEAD] + "\n" + text.text[-TAIL:]
        weights = dict.fromkeys(REQUESTS, 0.0)
        weights["none"] = NOTHING
        seen: set[str] = set()
        for part, factor in ((text.title[:TAIL], TITLE_FACTOR), (body, 1.0)):
            for cue, meaning in self._found(part):
                if cue not in seen:
                    seen.add(cue)
                    for label, weight in meaning:
                        weights[label] += weight * factor
        if weights["praise"] and any(sign in body for sign in _IRONY):
            weights["complaint"] += weights["praise"]
            weights["praise"] = 0.0
        total = sum(math.exp(weight) for weight in weights.values())
        best = max(weights, key=weights.__getitem__)
        scores = {label: round(math.exp(weight) / total, 4) for label, weight in weights.items()}
        scores[best] = round(scores[best] + 1 - sum(scores.values()), 4)
        return Judgement(label=best, scores=scores)

    def _found(self, part: str) -> list[tuple[str, list[tuple[str, float]]]]:
        """The cues of a text, without those in titles of documents: 《…投诉办法》 is no complaint."""
        if not part:
            return []
        readable = _QUOTED.sub(" ", part).replace("？", "?").encode("utf-8", "replace").decode("utf-8")
        return [found for (_, found) in self._cues.iter(readable)]
