"""How sure it is that words which look like a policy's name mean that policy, where they stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from classifiers.folding import fold
from classifiers.linking_field import Field
from classifiers.linking_names import Match
from classifiers.linking_titles import BEFORE_A_KIND, TELLING, Title
from classifiers.regions import elsewhere_named, region_before, whose
from classifiers.words import WINDOW, lexicon
from minsheng.policies import Policy

AMBIGUOUS = 0.4
"""The confidence of a link whose words point at more than one policy, or at none for sure."""

BY_VERSION = 0.8
"""The confidence where a year beside the name tells which of several versions is meant."""

BY_ALIAS_LENGTH = {1: 0.5, 2: 0.7, 3: 0.8}
"""An alias of four characters and more has 0.9."""

_DERIVED = re.compile(r"(?:的)?(?:实施细则|实施办法|补充规定|补充通知|补充意见|配套|操作规程|考核办法|释义)")
"""What follows a title inside 《》 when another document is meant."""

_CUE_AFTER = re.compile(
    r".{0,4}?(?:政策|新政|新规|文件|意见|规定|通知|办法|方案|措施|条例|细则|落地|实施|执行|施行|出台|印发|背景下|以来|之后)"
)
_CUE_BEFORE = re.compile(r"(?:落实|执行|关于|根据|按照|按|依据|贯彻|解读|对照|出台了?|印发了?|公布了?|发布了?)$")
_OLD = re.compile(r"(?:已?废止的?|原先?的?|旧版?的?|老版?的?)$")
_NEW = re.compile(r"(?:新修订的?|新版的?|现行的?|新出台的?|最新的?)$")
_COUNTED = re.compile(r"条(?:街|路|巷|河|沟|船|鱼|裤|腿|线|毯|烟|命|龙|蛇|狗|裙)")
"""人才十条街 are ten streets."""
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")


class Judge:
    """Judges matches of one register.

    Parameters
    ----------
    policies, titles:
        The register, and the titles taken apart, in the same order.
    """

    def __init__(self, policies: Sequence[Policy], titles: Sequence[Title]) -> None:
        self._titles = titles
        self._years = [_years_of(policy) for policy in policies]
        self._pairs = [_pairs_of(policy, title) for policy, title in zip(policies, titles, strict=True)]
        self._repealed = [policy.stage == "repealed" for policy in policies]
        regions = Counter(title.region for title in titles if title.region and title.region.endswith(("省", "自治区")))
        self._home = regions.most_common(1)[0][0] if regions else None

    def confidence(self, match: Match, place: int, field: Field) -> float:
        """Between 0 (means something else) and 1 (surely means the policy at `place`), as if it were the only one."""
        if _cuts_a_word(match, field) or _in_an_address(match, field):
            return 0.0
        if match.kind == "number":
            return match.sure or 0.99
        if match.kind == "title":
            return self._of_title(match, place, field)
        if match.kind == "alias":
            return self._of_alias(match, place, field)
        if match.kind == "fragment":
            return self._of_fragment(match, place, field)
        return self._of_phrase(match, place, field)

    def settle(self, sure: Mapping[int, float], match: Match, field: Field) -> dict[int, float]:
        """Of several policies that one name means, the one that the words beside it tell, or all as `AMBIGUOUS`."""
        before = field.folded[max(0, match.start - 14) : match.start]
        after = field.folded[match.end : match.end + 12]
        years = set(_YEAR.findall(before + " " + after))
        told = [place for place in sure if years & self._years[place]]
        if len(told) != 1:
            old, new = _OLD.search(before), _NEW.search(before)
            told = [place for place in sure if (old and self._repealed[place]) or (new and not self._repealed[place])]
        if len(told) == 1:
            return {told[0]: BY_VERSION}
        return dict.fromkeys(sure, AMBIGUOUS)

    def _of_title(self, match: Match, place: int, field: Field) -> float:
        """A title without its region belongs to another one where that region's name stands before it."""
        around = _book_around(match, field)
        if around and _DERIVED.match(field.folded, match.end, around[1]):
            return 0.0
        title = self._titles[place]
        before = region_before(field.folded, match.start)
        named = field.folded[match.start : match.end].removeprefix("关于")
        if before is None or (title.region and named.startswith(title.region)):
            return 0.97
        if title.region is None:
            if self._home is None or before.endswith(self._home):
                return 0.9
            return 0.0 if before.endswith(("省", "自治区")) else AMBIGUOUS
        return 0.97 if before.endswith(title.region) else 0.0

    def _of_fragment(self, match: Match, place: int, field: Field) -> float:
        """A title without its region: sure inside 《》 or after the region, else only where its words tell enough."""
        title = self._titles[place]
        around = _book_around(match, field)
        if around and _DERIVED.match(field.folded, match.end, around[1]):
            return 0.0
        says = whose(field.folded, match.start, title.region)
        before = region_before(field.folded, match.start)
        if says == "other" or (before and title.region and not before.endswith(title.region)):
            return 0.0
        if says == "own" or match.sure is not None or (around and around[0] == match.start):
            return 0.9 if match.end - match.start >= 10 else 0.8
        return 0.8 if title.weight >= TELLING else AMBIGUOUS

    def _of_phrase(self, match: Match, place: int, field: Field) -> float:
        """A title without its kind of document; before another kind it is another document's (…征收与补偿条例)."""
        around = _book_around(match, field)
        if (around and around != (match.start, match.end)) or BEFORE_A_KIND.match(field.folded, match.end):
            return 0.0
        says = whose(field.folded, match.start, self._titles[place].region)
        if says in ("other", "wider") or region_before(field.folded, match.start):
            return 0.0
        return 0.6 if _has_cue(match, field) else 0.0

    def _of_alias(self, match: Match, place: int, field: Field) -> float:
        start, end = field.range(match.start, match.end)
        if "\n" in field.words[start:end] or _COUNTED.match(field.folded, match.end - 1):
            return 0.0
        if not _stands_alone(match, field):
            return 0.0
        says = whose(field.folded, match.start, self._titles[place].region)
        if says == "other":
            return 0.0
        if says == "wider" or elsewhere_named(field.folded, match.start, self._titles[place].region):
            return AMBIGUOUS
        length = match.end - match.start
        around = _book_around(match, field)
        if around and around[1] - around[0] > length:
            return 0.6  # 《双减之下》 may be a news article or a novel
        if around and length <= 2 and not _has_cue(match, field):
            return AMBIGUOUS  # and 《撤桶》 a song
        if not self._is_supported(match, place, field):
            return AMBIGUOUS
        return BY_ALIAS_LENGTH.get(length, 0.9)

    def _is_supported(self, match: Match, place: int, field: Field) -> bool:
        """An alias that is an ordinary word (换新, 并轨) is the policy's only where more of it is in the text."""
        if not lexicon().knows(field.folded[match.start : match.end]) or _has_cue(match, field):
            return True
        alias = field.folded[match.start : match.end]
        around = field.folded.replace(alias, " ")
        return any(pair in around for pair in self._pairs[place])


def _pairs_of(policy: Policy, title: Title) -> set[str]:
    """Pairs of characters in the policy's telling words; half a word (养老 of 养老金) tells enough beside a name."""
    words = (*title.words, *map(fold, policy.watch_words))
    return {word[place : place + 2] for word in words for place in range(len(word) - 1)}


def _years_of(policy: Policy) -> set[str]:
    days = (policy.released_on, policy.effective_on, policy.amended_on)
    return {*_YEAR.findall(policy.number or ""), *(str(day.year) for day in days if day)}


def _book_around(match: Match, field: Field) -> tuple[int, int] | None:
    return next(((a, b) for a, b in field.books if a <= match.start and match.end <= b), None)


def _in_an_address(match: Match, field: Field) -> bool:
    return any(start < match.end and match.start < end for start, end in field.addresses)


def _has_cue(match: Match, field: Field) -> bool:
    """Whether words beside the match say that a policy is spoken of."""
    before = field.folded[max(0, match.start - 4) : match.start]
    return bool(_CUE_AFTER.match(field.folded, match.end) or _CUE_BEFORE.search(before))


def _cuts_a_word(match: Match, field: Field) -> bool:
    """True where a match begins or ends inside a run of Latin letters or digits."""
    words = field.words
    start, end = field.range(match.start, match.end)

    def joined(left: str, right: str) -> bool:
        return left.isascii() and left.isalnum() and right.isascii() and right.isalnum()

    return (start > 0 and joined(words[start - 1], words[start])) or (
        end < len(words) and joined(words[end - 1], words[end])
    )


def _stands_alone(match: Match, field: Field) -> bool:
    """False where the name's characters are parts of other words, as 双减 in 双减速器. What the author sets apart by
    quotation marks, # or a space stands alone there."""
    start, end = field.range(match.start, match.end)
    left, right = match.start, match.end
    if start > 0 and _is_han(field.words[start - 1]):
        left = max(0, match.start - WINDOW)
    if end < len(field.words) and _is_han(field.words[end]):
        right = match.end + WINDOW
    if left == match.start and right == match.end:
        return True
    return lexicon().stands_alone(field.folded[left:right], match.start - left, match.end - left)


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"
