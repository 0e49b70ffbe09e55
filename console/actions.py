"""What may be done with a ticket now, as data: pages draw a button for each, whatever statuses `alerts` knows."""

from __future__ import annotations

import msgspec

from alerts.tickets import STATUS_WORDS, Status, TicketLine
from alerts.transitions import NEXT

_VERBS = {
    "acknowledged": "签收",
    "judging": "开始研判",
    "responding": "开始处置",
    "responded": "已回应",
    "evaluated": "评估完成",
    "closed": "办结",
    "false-alarm": "误报",
    "open": "重新打开",
}
_REASONED = ("closed", "false-alarm", "open")


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One step that a ticket may take. `needs_reason`: it is refused without one."""

    status: str
    verb: str
    needs_reason: bool
    first: bool


def actions(ticket: TicketLine) -> list[Action]:
    """The steps from the ticket's status, the usual next one first."""
    following: tuple[Status, ...] = NEXT.get(ticket.status, ())  # type: ignore[call-overload]
    return [
        Action(
            status=status,
            verb=_VERBS.get(status, STATUS_WORDS.get(status, status)),
            needs_reason=status in _REASONED,
            first=place == 0,
        )
        for place, status in enumerate(following)
    ]
