"""A first draft of an answer: the passages of the policy's own text that come nearest, quoted with their clause."""

from __future__ import annotations

import re

import msgspec

from answers.encoding import encoder
from answers.finding import Finder, Sought
from answers.model import Content
from answers.texts import PolicyText
from minsheng.policies import Policy

_SENTENCE = re.compile(r"[^。！？；\n]+[。！？；]?")
_LABEL = re.compile(r"^(?:第[^条]{1,7}条|[一二三四五六七八九十百]+[、.．]|[（(][一二三四五六七八九十]+[）)])[\s　]*")
QUOTABLE = 0.13
"""From this confidence on a passage is quoted. Lower than for answers: a clause has neither title nor question to be
like the one asked, and an editor reads it first."""
LONGEST = 160
"""Characters of a clause that is quoted whole; of a longer one the sentences that come nearest."""


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A quotation, word for word, and how sure it is that it answers."""

    clause: str
    quotation: str
    confidence: float


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """`content` is a draft that quotes the best passage; `good` is false where none seems to answer: then its answer is
    empty, for the editor to write."""

    good: bool
    passages: tuple[Passage, ...]
    content: Content


def suggest(question: str, policy: Policy, text: PolicyText, *, size: int = 3) -> Suggestion:
    """The passages of a policy's text that come nearest to a question."""
    labelled = [clause for clause in text.clauses if clause.label] or list(text.clauses)
    named = {str(place): clause for place, clause in enumerate(labelled)}
    finder = Finder([Sought(name, clause.text) for name, clause in named.items()], encoder())
    found = finder.find(question, size=size)
    passages = tuple(
        Passage(
            clause=named[match.id].label,
            quotation=_nearest(question, named[match.id].text),
            confidence=match.confidence,
        )
        for match in found.matches
    )
    good = bool(passages) and passages[0].confidence >= QUOTABLE
    answer = ""
    clauses: tuple[str, ...] = ()
    if good:
        best = passages[0]
        clauses = (best.clause,) if best.clause else ()
        number = f"（{policy.number}）" if policy.number else ""
        answer = f"根据《{policy.title}》{number}{_named(best.clause)}：“{best.quotation}”"
    return Suggestion(
        good=good,
        passages=passages,
        content=Content(
            policy=policy.id,
            title=question[:40],
            question=question,
            answer=answer,
            clauses=clauses,
            department=policy.department,
        ),
    )


def _named(clause: str) -> str:
    return clause if not clause or clause.startswith(("第", "附")) else f"第{clause}项"


def _nearest(question: str, text: str) -> str:
    plain = _LABEL.sub("", text.strip(), count=1)
    if len(plain) <= LONGEST:
        return plain.replace("\n", "")
    sentences = [one.strip() for one in _SENTENCE.findall(plain) if one.strip()]
    finder = Finder([Sought(f"{place:05}", sentence) for place, sentence in enumerate(sentences)], encoder())
    kept: list[int] = []
    for match in finder.find(question, size=2).matches:
        if sum(len(sentences[place]) for place in kept) + len(sentences[int(match.id)]) <= LONGEST or not kept:
            kept.append(int(match.id))
    parts: list[str] = []
    for place in sorted(kept):
        if parts and place - 1 not in kept:
            parts.append("……")
        parts.append(sentences[place])
    return "".join(parts)
