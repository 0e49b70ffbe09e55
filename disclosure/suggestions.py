"""What is asked for again and again, and whether that speaks for publishing it without being asked.

The Regulations, Article 44: what several ask of the same office, and may be public, the office may publish of its own
accord. How many people asked is not known here, as nobody's identity is: applications are counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from disclosure.model import OUTCOMES
from disclosure.register import Listed

Advice = Literal["publish", "wait", "explain"]
ADVICE: dict[str, str] = {
    "publish": "建议主动公开",
    "wait": "尚无公开先例，答复后再定",
    "explain": "历次均未公开，建议公开说明理由",
}
SOURCE = "《政府信息公开条例》第四十四条"


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A matter that is often asked for.

    Attributes
    ----------
    matter:
        `disclosure.register.Asked.matter` lists its applications.
    title:
        Of the first application; masked.
    applications, given:
        How many ask for it, and to how many all or a part was given.
    outcomes:
        How they were answered, in Chinese, most first.
    """

    matter: int
    title: str
    department: str
    applications: int
    given: int
    since: date
    latest: date
    regions: tuple[str, ...]
    outcomes: tuple[tuple[str, int], ...]
    advice: Advice


def suggestions(listed: Sequence[Listed], often: int) -> list[Suggestion]:
    """The matters that at least `often` of these applications ask for: what to publish first, then by how many ask."""
    of: dict[int, list[Listed]] = defaultdict(list)
    for one in listed:
        if one.application.matter is not None:
            of[one.application.matter].append(one)
    found = [_suggestion(matter, group) for matter, group in of.items() if len(group) >= often]
    order = list(ADVICE)
    found.sort(key=lambda one: (order.index(one.advice), -one.applications, one.matter))
    return found


def _suggestion(matter: int, group: Sequence[Listed]) -> Suggestion:
    applications = sorted((one.application for one in group), key=lambda one: (one.received_on, one.number))
    answers = Counter(one.outcome for one in applications if one.outcome is not None)
    given = answers["disclosed"] + answers["partly"]
    advice: Advice = "publish" if given else "explain" if answers else "wait"
    return Suggestion(
        matter=matter,
        title=applications[0].subject,
        department=applications[0].department,
        applications=len(applications),
        given=given,
        since=applications[0].received_on,
        latest=applications[-1].received_on,
        regions=tuple(name for name, _ in Counter(one.region for one in applications if one.region).most_common()),
        outcomes=tuple((OUTCOMES[outcome], number) for outcome, number in answers.most_common()),
        advice=advice,
    )
