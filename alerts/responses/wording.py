"""Tone and plain words: courtesy, no blame, no slogans, no document text copied, sentences that can be read."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from alerts.responses.substance import LONGEST, body_of
from grouping.vectors import fold

_GREETING = re.compile(r"您好|你好|尊敬的")
_CARE = re.compile(r"感谢|谢谢|歉意|抱歉|理解您|不便|道歉")
_COLD = re.compile(
    r"此举欠妥|无理|不实之词|恶意|别有用心|无权|与我(?:局|单位|部门)无关|不属于我(?:局|单位|部门)|不归我|无法(?:明确)?(?:答复|办理|解决)|"
    r"不予(?:受理|答复)|自行(?:解决|承担|协商)|请自|完全可(?:以)?满足|应知晓"
)
_SLOGAN = re.compile(
    r"高度重视|认真贯彻|贯彻落实|深入推进|进一步(?:加强|加大|完善|提升|优化|规范|推进)|切实(?:做好|加强|保护|维护|把)|不断(?:努力|提升|完善|优化)|"
    r"大力|全面(?:推进|加强|提升|落实)|以.{2,20}为(?:方向|支撑|载体|抓手|契机|导向|准绳|依据)|积极(?:推进|稳妥|协调|打造)|强化|统筹|新常态|"
    r"为(?:核心|主线|目标)|攻坚|凝聚|着力|扎实|有力|有序推进|常态化|长效"
)
_STOP = re.compile(r"[。！？!?；;\n]")
_COMMA = re.compile(r"[，,、：:]")
_SHINGLE = 20
"""Characters in a row that count as copied; a rule that is named or a clause that is cited has fewer."""

LONG_SENTENCE = 60
"""Characters from which on a sentence is hard to read."""
LONG_REPLY, TOO_LONG = 900, 2_500
"""Characters of a body up to which length takes nothing away, and at which half is gone."""


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """How a reply is worded.

    Attributes
    ----------
    score:
        0 to 1.
    length:
        Characters of the body.
    sentence:
        Mean length of its sentences, in characters.
    slogans, cold:
        Phrases found: official phrases that say nothing, and words that turn people away.
    copied:
        Share of the body that stands word for word in the policy's own text.
    courteous:
        Whether it greets, thanks or regrets.
    """

    score: float
    length: int
    sentence: float
    slogans: tuple[str, ...]
    cold: tuple[str, ...]
    copied: float
    courteous: bool


def wording_of(reply: str, documents: Sequence[str] = ()) -> Wording:
    """How a reply is worded.

    Parameters
    ----------
    documents:
        Texts of the policies that it may have copied from.
    """
    text = reply[:LONGEST]
    body = body_of(text)
    sentences = [piece for piece in _STOP.split(body) if piece.strip()]
    # A list of clauses between commas reads easier than the same length without one.
    mean = sum(len(piece) / (1 + 0.3 * len(_COMMA.findall(piece))) for piece in sentences) / max(1, len(sentences))
    slogans = tuple(dict.fromkeys(_SLOGAN.findall(body)))
    cold = tuple(dict.fromkeys(_COLD.findall(body)))
    courteous = bool(_GREETING.search(text)) and bool(_CARE.search(text))
    copied = copied_share(body, documents)
    density = len(_SLOGAN.findall(body)) / max(1, len(sentences))
    score = 1.0
    score -= 0.15 if not courteous else 0.0
    score -= min(0.3, 0.15 * len(cold))
    score -= min(0.3, 0.15 * density)
    score -= min(0.2, max(0.0, (mean - LONG_SENTENCE) / 200))
    score -= min(0.5, max(0.0, (len(body) - LONG_REPLY) / (TOO_LONG - LONG_REPLY) / 2))
    score -= min(0.4, copied)
    return Wording(
        score=round(max(0.0, score), 3),
        length=len(body),
        sentence=round(mean, 1),
        slogans=slogans,
        cold=cold,
        copied=round(copied, 3),
        courteous=courteous,
    )


def copied_share(body: str, documents: Sequence[str]) -> float:
    """The share of a reply's characters that stand in a row of at least 20 in one of the documents."""
    plain = _letters(body)
    if len(plain) < _SHINGLE or not documents:
        return 0.0
    known: set[str] = set()
    for document in documents:
        letters = _letters(document)
        known.update(letters[start : start + _SHINGLE] for start in range(len(letters) - _SHINGLE + 1))
    covered = bytearray(len(plain))
    for start in range(len(plain) - _SHINGLE + 1):
        if plain[start : start + _SHINGLE] in known:
            covered[start : start + _SHINGLE] = b"\x01" * _SHINGLE
    return sum(covered) / len(plain)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))
