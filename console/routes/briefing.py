"""领导视图: one page, readable on a phone, and the day's briefing behind it."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date, timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from alerts.clocks import replaced
from alerts.deadlines import TITLES
from alerts.levels import rank
from alerts.tables import timers
from briefings.html import daily_html
from console.access import Visit, needs
from console.headers import POLICY
from console.rendering import show
from console.words import next_deadline
from minsheng.clock import CHINA

router = APIRouter()
Leader = Annotated[Visit, needs("briefing")]
MONTH = timedelta(days=30)


@router.get("/leader")
def leader(visit: Leader) -> Response:
    day = visit.console.clock.now().astimezone(CHINA).date()
    briefing = visit.console.briefing(day, visit.view)
    found = visit.view.tickets(status="unclosed", limit=500)
    tickets = [one for one in found if one.status != "merged" and not one.exercise]
    grave = sorted(
        (one for one in tickets if one.level in ("red", "orange") and not one.historical),
        key=lambda one: (-rank(one.level), one.opened_at),
    )
    visit.record("briefing-read", str(day))
    return show(
        visit, "leader.html.j2", briefing=briefing, grave=grave, others=len(tickets) - len(grave),
        due=next_deadline, day=day, on_time=_on_time(visit), days=[day - timedelta(days=back) for back in range(1, 8)],
    )  # fmt: skip


@router.get("/briefings/{day}")
def daily(visit: Leader, day: date) -> Response:
    """The briefing as it is printed. Its own styles and script stand in it: this page allows exactly those."""
    if day > visit.console.clock.now().astimezone(CHINA).date():
        raise HTTPException(404)
    page = daily_html(visit.console.briefing(day, visit.view))
    visit.record("briefing-read", str(day))
    return HTMLResponse(page, headers={"Content-Security-Policy": allowed(page)})


def allowed(page: str) -> str:
    """The policy of a printed page: exactly its own styles and script."""
    return POLICY.replace("script-src 'self'", f"script-src {_hashes(page, 'script')}").replace(
        "style-src 'self'", f"style-src {_hashes(page, 'style')}"
    )


def _hashes(page: str, element: str) -> str:
    """The hashes of what stands in these elements, as a policy names them."""
    found = re.findall(rf"<{element}>(.*?)</{element}>", page, re.S)
    kept = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
    return " ".join(f"'sha256-{one}'" for one in kept) or "'none'"


def _on_time(visit: Visit) -> dict[str, Any]:
    """Of the clocks that ended in the last 30 days: how many were settled before their end."""
    now = visit.console.clock.now()
    ends = {
        one.id: (one.responded_at, one.closed_at)
        for one in visit.view.tickets(limit=2_000)
        if not (one.historical or one.exercise)
    }
    mine = list(ends)
    due = kept = 0
    for start in range(0, len(mine), 500):
        query = sa.select(timers.c.ticket_id, timers.c.due_at, timers.c.cancelled_at).where(
            timers.c.ticket_id.in_(mine[start : start + 500]),
            timers.c.kind.in_(list(TITLES)),
            timers.c.due_at > now - MONTH,
            timers.c.due_at <= now,
        )
        with visit.console.store.read() as connection:
            for row in connection.execute(query):
                if replaced(row.cancelled_at, *ends[row.ticket_id]):
                    continue
                due += 1
                kept += row.cancelled_at is not None and row.cancelled_at <= row.due_at
    return {"due": due, "kept": kept}
