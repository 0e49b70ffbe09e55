"""Which clause of a draft a comment is about, and a comment on several clauses cut into one part a clause.

By the surest sign there is: the clause's number; else words of the clause, quoted or copied; else what it says, by
words and the encoder's vectors. Where none of these tells, the comment is on the draft as a whole: a wrong clause is
worse than none, for an editor looks through what has none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from answers.clauses import Clause, canonical
from answers.encoding import TextEncoder
from answers.finding import Finder, Sought

How = Literal["number", "quotation", "meaning", "none", "editor"]
HOW_WORDS: dict[How, str] = {
    "number": "写明条款", "quotation": "引用原文", "meaning": "按意思判断", "none": "未指明", "editor": "人工指定",
}  # fmt: skip

SURE = 0.4
"""From this confidence on the nearest clause is taken to be the one that is meant."""
FEWEST = 6
"""Chinese characters below which a comment's meaning tells no clause."""
QUOTED, COPIED = 5, 10
"""Letters of a quotation, and of a run without marks, from which it points at a clause."""

_NUMERALS = "零〇一二三四五六七八九十百千两\\d"
_ARTICLE = re.compile(
    rf"第\s*[{_NUMERALS}]{{1,7}}\s*条(?:之[{_NUMERALS}])?(?:\s*第?\s*[（(]([{_NUMERALS}]{{1,4}})[)）])?"
)
_ITEM = re.compile(
    rf"第\s*([{_NUMERALS}]{{1,4}})\s*(?:条|部分|章|(?<=[对把将稿案中文》的于].{{3}})[点项])"
    rf"(?:\s*第?\s*[（(]([{_NUMERALS}]{{1,4}})[)）])?"
)
_ELSEWHERE = re.compile(r"《([^《》]{2,60})》[^，。；！？\n]{0,6}$")
_THIS = ("征求意见稿", "草案", "本办法", "本条例", "本方案", "本规定")
_QUOTATION = re.compile(r"[“「『\"‘]([^“”「」『』\"‘’]{4,300})[”」』\"’]")
_PURPOSE = re.compile(r"制定本(?:办法|条例|规定|细则|方案|规则)|现就.{0,40}通知如下")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_NOT_LETTER = re.compile(r"[^\w]|_")
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]*")


class Part(NamedTuple):
    """What a comment says on one clause: its words, the clause's label (empty: the draft as a whole), and by what sign
    it was told."""

    text: str
    clause: str
    how: How


class Placer:
    """Places comments on one draft. Not changed after it is made.

    Parameters
    ----------
    title:
        The draft's, so that 《…》第五条 of another law is not taken for its own.
    clauses:
        As `answers.clauses.clauses_of` gives them; those without a label are what stands before the first.
    """

    def __init__(self, title: str, clauses: Sequence[Clause], encoder: TextEncoder) -> None:
        named = [one for one in clauses if one.label and one.label != "附件"]
        self.labels = tuple(dict.fromkeys(one.label for one in named))
        self._title = _letters(title)
        self._articles = any(label.startswith("第") for label in self.labels)
        self._letters = {one.label: _letters(one.text) for one in named}
        grams = {
            label: {text[place : place + COPIED] for place in range(len(text) - COPIED + 1)}
            for label, text in self._letters.items()
        }
        shared = Counter(gram for own in grams.values() for gram in own)
        self._grams = {gram: label for label, own in grams.items() for gram in own if shared[gram] == 1}
        # Why a rule is made is near to every comment on it, and what none is about.
        told = [one for one in named if not _PURPOSE.search(one.text)]
        self._finder = Finder([Sought(one.label, one.text) for one in told], encoder)

    def parts(self, text: str) -> list[Part]:
        """The parts of a comment, in its order: one, or one for each clause that it names by number."""
        sentences = [one for one in _SENTENCE.findall(text) if one]
        cut: list[tuple[str, list[str]]] = []
        for sentence in sentences:
            named = self.numbered(sentence)
            if named and (not cut or cut[-1][0] != named):
                if cut and not cut[-1][0]:  # a salutation belongs to what it introduces
                    cut[-1] = (named, [*cut[-1][1], sentence])
                    continue
                cut.append((named, [sentence]))
            elif cut:
                cut[-1][1].append(sentence)
            else:
                cut.append(("", [sentence]))
        joined: dict[str, list[str]] = {}
        for label, own in cut:
            joined.setdefault(label, []).extend(own)
        if len(joined) > 1:
            return [Part("".join(own).strip(), label, "number") for label, own in joined.items()]
        if cut and cut[0][0]:
            return [Part(text.strip(), cut[0][0], "number")]
        label, how = self._told(text)
        return [Part(text.strip(), label, how)]

    def numbered(self, text: str) -> str:
        """The first clause of the draft that is named by its number; empty where none is."""
        for match in (_ARTICLE if self._articles else _ITEM).finditer(text):
            if not self._elsewhere(text[: match.start()]) and (label := self._known(match)):
                return label
        return ""

    def _known(self, match: re.Match[str]) -> str:
        if self._articles:
            whole = canonical(re.sub(r"第?\s*[（(][^）)]*[)）]$", "", match[0]))
            point = match[1]
        else:
            whole, point = canonical(match[1]), match[2]
        finer = f"{whole}（{canonical(point)}）" if point else whole
        return finer if finer in self.labels else whole if whole in self.labels else ""

    def _elsewhere(self, before: str) -> bool:
        """Whether the number is one of another document: 《行政许可法》第四十二条."""
        named = _ELSEWHERE.search(before)
        if named is None or any(word in before[named.start() :] for word in _THIS):
            return False
        other = _letters(named[1])
        return other not in self._title and self._title not in other

    def _told(self, text: str) -> tuple[str, How]:
        for quoted in sorted(_QUOTATION.findall(text), key=len, reverse=True):
            letters = _letters(quoted)
            found = [label for label, own in self._letters.items() if letters in own]
            if len(letters) >= QUOTED and len(found) == 1:
                return found[0], "quotation"
        letters = _letters(text)
        copied = Counter(
            self._grams[gram]
            for place in range(len(letters) - COPIED + 1)
            if (gram := letters[place : place + COPIED]) in self._grams
        )
        if copied:
            return copied.most_common(1)[0][0], "quotation"
        plain = _ITEM.sub("", _ARTICLE.sub("", text))  # a number that is not the draft's is near to any that it cites
        if len(_CHINESE.findall(plain)) < FEWEST:
            return "", "none"
        best = self._finder.find(plain, size=1).matches
        if best and best[0].confidence >= SURE:
            return best[0].id, "meaning"
        return "", "none"


def _letters(text: str) -> str:
    return _NOT_LETTER.sub("", text)
