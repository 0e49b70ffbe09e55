"""Applications as the rows of a file, with the headings that an import reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from disclosure.columns import COLUMNS
from disclosure.model import OUTCOMES, REVIEWS, STATES, SUITS
from disclosure.register import Listed

FIELDS = (
    "number", "received_on", "title", "content", "department", "region", "policy", "correction_asked_on",
    "corrected_on", "opinion_asked_on", "opinion_given_on", "extended", "extended_on", "extension_days", "answered_on",
    "outcome", "review", "litigation",
)  # fmt: skip
HEADINGS = (*(COLUMNS[field][1] for field in FIELDS), "状态", "答复期限", "剩余工作日", "超期工作日", "提示")


def rows(listed: Sequence[Listed], policies: Mapping[str, str]) -> list[list[str]]:
    """Cells in the order of `HEADINGS`.

    Parameters
    ----------
    policies:
        What policies are called, by id; others are left out.
    """
    return [_row(one, policies) for one in listed]


def _row(one: Listed, policies: Mapping[str, str]) -> list[str]:
    application, standing = one.application, one.standing
    left = standing.left
    words = {
        "policy": policies.get(application.policy or "", application.policy_named),
        "extended": "是" if application.extension_days is not None else "否",
        "outcome": OUTCOMES[application.outcome] if application.outcome else "",
        "review": REVIEWS[application.review] if application.review else "",
        "litigation": SUITS[application.litigation] if application.litigation else "",
    }
    cells = [words[field] if field in words else _text(getattr(application, field)) for field in FIELDS]
    return [
        *cells,
        STATES[standing.state],
        _text(standing.due),
        _text(left) if left is not None and left >= 0 else "",
        _text(-left) if left is not None and left < 0 else "",
        "；".join(standing.remarks),
    ]


def _text(value: object) -> str:
    return "" if value is None else str(value)
