"""Several notices as one message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from alerts.levels import LEVELS, SHORT, rank
from alerts.notices import Notice
from minsheng.exercises import MARK

_MOST = 20
"""Notices that a digest lists; the others are counted."""


def gather(notices: Sequence[Notice]) -> Notice:
    """One notice for all of them, the gravest in front; a single one as it is. Of one ticket only the last is told, but
    that nobody has acknowledged it before anything else: who is asked to step in must read that."""
    last: dict[str, Notice] = {}
    for place, notice in enumerate(notices):
        name = notice.ticket or str(place)
        if name not in last or last[name].reason != "escalated" or notice.reason == "escalated":
            last[name] = notice
    found = sorted(last.values(), key=lambda notice: -rank(notice.level) if notice.level in LEVELS else 0)
    if len(found) == 1:
        return found[0]
    head = found[0]
    counts = Counter(notice.level for notice in found)
    told = "、".join(f"{SHORT[level]} {counts[level]} 件" for level in reversed(LEVELS) if counts[level])
    items = [
        f"{number}. {notice.subject}" + (f"｜{notice.deadline}" if notice.deadline else "")
        for number, notice in enumerate(found[:_MOST], 1)
    ]
    if len(found) > _MOST:
        items.append(f"……另有 {len(found) - _MOST} 件，见 minsheng tickets list")
    drill = MARK if head.subject.startswith(MARK) else ""  # they share no message with what is real
    first = f"{drill}【{SHORT.get(head.level, '通知')}·汇总】{told}，其一：{head.subject}"
    return msgspec.structs.replace(
        head, reason="digest", subject=first, why=f"共 {len(found)} 件：", items=tuple(items), plan="", deadline=""
    )
