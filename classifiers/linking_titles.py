"""What a title is made of: its region, its kind of document, and the words that tell it from others."""

from __future__ import annotations

import re
from typing import NamedTuple

from classifiers.folding import fold
from classifiers.regions import region_of
from classifiers.words import lexicon
from minsheng.policies import Policy

QUALIFIED = re.compile(r"\([^()]*\)$")
"""（试行）, （征求意见稿） and the like at a title's end."""

GENERIC = re.compile(
    "关于|印发|转发|通知|管理|办法|实施|方案|若干|措施|意见|规定|条例|工作|进一步|加强|促进|推进|完善|做好|试行|暂行|政策|"
    "人民政府|办公厅|办公室|全省|全市|我省|我市|[省市县区的和与及]"
)
"""Words of which titles are made; a fragment needs at least four characters besides."""

_KINDS = (
    "(?:的)?(?:(?:实施|管理|暂行|试行|若干|指导|工作|考核|发放|行动|配套|三年|五年|专项)*"
    "(?:办法|细则|方案|意见|措施|规定|条例|规划|计划|通知|规则|政策|制度|标准))+"
)
_KIND = re.compile(f"{_KINDS}$")
BEFORE_A_KIND = re.compile(_KINDS.replace("|政策|制度|标准", ""))
"""What follows a phrase where it is part of a title: 实施办法. A policy (政策) may be anything."""
_ISSUED = re.compile(r"印发(?P<title>.{6,}?)的通知$")

SHORTEST = 8
"""Characters of the shortest title that is looked for without its region."""

TELLING = 34.0
"""How rare (in nats) the telling words of a title are together, from which it names one policy also where neither
region nor 《》 says so. 存量房交易资金监管办法 lies above, 生活垃圾分类管理办法, which every city has, below."""

PHRASE = 48.0
"""The same for a title without its kind of document, which is then a phrase that may be used in passing."""


class Title(NamedTuple):
    """A title taken apart.

    Attributes
    ----------
    whole:
        All ways to give it whole: as on the document, without what stands in brackets at its end, and what a notice
        (关于印发…的通知) brings. Folded, like all texts here.
    short:
        Without region and 关于; None where that is the same, or too little.
    phrase:
        That without its kind of document (实施办法); None where it is not telling.
    words:
        Its telling words, each of two characters or more.
    weight:
        How rare these words and the single characters beside them are together, in nats.
    region:
        Whose policy it is.
    """

    whole: tuple[str, ...]
    short: str | None
    phrase: str | None
    words: tuple[str, ...]
    weight: float
    region: str | None


def take_apart(policy: Policy) -> Title:
    """The parts of a policy's title.

    Examples
    --------
    >>> title = take_apart(Policy(id="p", title="云河省耕地地力保护补贴实施方案（试行）"))
    >>> title.short, title.words, title.region
    ('耕地地力保护补贴实施方案', ('耕地', '保护', '补贴'), '云河省')
    """
    folded = fold(policy.title)
    region = region_of(policy)
    plain = QUALIFIED.sub("", folded)
    issued = _ISSUED.search(plain)
    whole = [folded, plain]
    if issued:
        whole.append(issued["title"])
        plain = QUALIFIED.sub("", issued["title"])
        whole.append(plain)
    short = plain.removeprefix("关于")
    if region and short.startswith(region):
        short = short.removeprefix(region).removeprefix("关于")
    core = _KIND.sub("", short)
    telling_words = dict.fromkeys(_telling_words(core))
    words = tuple(word for word in telling_words if len(word) > 1)
    weight = sum(map(lexicon().cost, telling_words))
    telling = len(short) >= SHORTEST and len(GENERIC.sub("", short)) >= 4
    return Title(
        whole=tuple(dict.fromkeys(whole)),
        short=short if telling and short != plain else None,
        phrase=core if weight >= PHRASE and len(words) >= 4 and core != short else None,
        words=words,
        weight=weight,
        region=region,
    )


def _telling_words(core: str) -> list[str]:
    return [word for word in lexicon().split(core) if not GENERIC.fullmatch(word) and word.isalnum()]
