"""What marks an exercise (演练): its documents' source, its event's name, and the word in front of its titles.

A drill's documents go the whole road with real ones. Wherever anything is counted, compared or learned from, what bears
these marks is left out; wherever it is shown, it says so.
"""

from __future__ import annotations

from typing import Final

from minsheng.records import Document

EXERCISE: Final = "exercise"
"""The source of every document of a drill. No real source may be called so."""
NAME: Final = "演练"
MARK: Final = "【演练】"
_EVENT: Final = "exercise-"


def native_id(drill: str, number: int) -> str:
    """The native id of a drill's document, which says whose it is."""
    return f"{drill}/{number:02d}"


def event_id(drill: str) -> str:
    """The event that all documents of a drill are in."""
    return f"{_EVENT}{drill}"[:40]


def event_of(document: Document) -> str:
    """The event of a document whose source is `EXERCISE`."""
    return event_id((document.native_id or document.id).partition("/")[0])


def is_exercise_event(event: str) -> bool:
    return event.startswith(_EVENT)


def marked(title: str) -> str:
    """The title, with the mark in front.

    Examples
    --------
    >>> marked("办事系统打不开"), marked("【演练】办事系统打不开")
    ('【演练】办事系统打不开', '【演练】办事系统打不开')
    """
    return title if title.startswith(MARK) else f"{MARK}{title}"
