"""What sources are searched for: the terms of the register's policies, from the day that each is public."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from minsheng.policies.model import Policy

AFTER_REPEAL = timedelta(days=180)
"""How long after its end a policy is still searched for."""
SHORTEST = 2
"""Characters; a shorter term finds everything."""
_AROUND = re.compile(
    r"^(?:.{2,20}?(?:人民政府|委员会|[厅局委办])(?:办公厅|办公室)?关于(?:印发|转发|公布|发布)?|.{2,30}?(?:关于)?(?:印发|转发|公布|发布)|关于(?:印发|转发|公布|发布)?|中共.{2,12}?(?:委员会)?(?:办公厅|办公室)?)"
    r"|(?:的)?(?:通知|公告|通告|决定|意见|批复|函)$"
)
_PLACE = re.compile(r"^[\u4e00-\u9fff]{2,5}?(?:省|市|自治区|自治州|州|县|区)")
_FORM = re.compile(
    r"(?:的?若干[\u4e00-\u9fff]{0,4})?(?:（[^）]*）)?(?:试行|暂行)?(?:管理|实施|工作|指导)?"
    r"(?:办法|细则|规定|条例|方案|措施|规则|意见|规划|计划|行动)?(?:（[^）]*）)?$"
)
_VERBS = re.compile(
    r"^(?:(?:进一步|加快|全面|切实|积极|推进|推动|规范|做好|支持|优化|加强|促进|完善|深化|实施|开展|落实|有关|关于))+"
)
_SEPARATORS = re.compile(r"[，、；：,;:\s]|和|与|及")


def policy_terms(policies: Iterable[Policy], today: date, longest: int) -> list[str]:
    """The terms to search for, each once, those of the newest policies first.

    A policy counts from the first day of its consultation or from its release, whichever is first, and until half a
    year after its end; one without any day counts always.

    Parameters
    ----------
    longest:
        Characters that the service's search takes; longer titles are cut to what tells them apart.
    """
    public = [policy for policy in policies if _is_public(policy, today)]
    public.sort(key=lambda policy: (_since(policy) or date.min, policy.id), reverse=True)
    terms: dict[str, None] = {}
    for policy in public:
        for words in (*policy.aliases, *policy.watch_words, policy.title):
            for term in fitted(words, longest):
                terms.setdefault(term)
    return list(terms)


def fitted(words: str, longest: int) -> list[str]:
    """A name in the form, or forms, that a search of so many characters takes.

    Examples
    --------
    >>> fitted("云江省城镇居民生活用水阶梯价格管理办法", 12)
    ['居民生活用水阶梯价格']
    """
    words = " ".join(words.replace("《", "").replace("》", "").split())
    if len(words) <= longest:
        return [words] if len(words) >= SHORTEST else []
    core = _PLACE.sub("", _AROUND.sub("", words))
    core = _VERBS.sub("", _FORM.sub("", core, count=1)).rstrip("的")
    if SHORTEST <= len(core) <= longest:
        return [core]
    # What a title is about stands at its end; a list of things is searched for thing by thing.
    parts = [
        part
        for part in (_VERBS.sub("", one) for one in _SEPARATORS.split(core))
        if SHORTEST * 2 <= len(part) <= longest
    ]
    if parts:
        return parts
    return [core[-longest:]] if len(core) >= SHORTEST else [words[:longest]]


def packed(terms: Sequence[str], join: str, longest: int) -> list[str]:
    """Terms put together into as few queries as their length allows, where the service can search for any of several.

    Parameters
    ----------
    join:
        What stands between two, as ` OR `; empty: one query a term.

    Examples
    --------
    >>> packed(["水价", "医保", "停车"], " OR ", 9)
    ['水价 OR 医保', '停车']
    """
    if not join:
        return list(terms)
    queries: list[str] = []
    for term in terms:
        if queries and len(queries[-1]) + len(join) + len(term) <= longest:
            queries[-1] += join + term
        else:
            queries.append(term)
    return queries


def _since(policy: Policy) -> date | None:
    days = [day for day in (policy.consultation_opens, policy.released_on) if day is not None]
    return min(days, default=None)


def _is_public(policy: Policy, today: date) -> bool:
    if policy.repealed_on is not None and policy.repealed_on + AFTER_REPEAL < today:
        return False
    since = _since(policy)
    return since is None or since <= today
