"""领导视图: one page, readable on a phone, and the day's briefing behind it."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from alerts.tables import tickets
from briefings.html import daily_html
from briefings.opening import opened
from console.access import Visit, needs
from console.days import EARLIEST
from console.headers import POLICY
from console.rendering import leaving, show
from console.routes.documents import names
from console.words import next_deadline
from minsheng.clock import CHINA

router = APIRouter()
Leader = Annotated[Visit, needs("briefing")]
MONTH = timedelta(days=30)
GRAVE = ("red", "orange")
LISTED = 200
"""Grave tickets that the leader's page shows."""


@router.get("/leader")
def leader(visit: Leader) -> Response:
    day = visit.console.clock.now().astimezone(CHINA).date()
    briefing = visit.console.briefing(day, visit.view)
    mark = [tickets.c.level.in_(GRAVE), tickets.c.historical.is_(False), tickets.c.exercise.is_(False)]
    grave = visit.view.pressing_tickets(where=mark, limit=LISTED)
    counts = [one for one in visit.view.open_counts() if not one.exercise]
    gravest = sum(one.count for one in counts if one.level in GRAVE and not one.historical)
    visit.record("briefing-read", str(day))
    return show(
        visit, "leader.html.j2", briefing=briefing, grave=grave, gravest=gravest,
        others=sum(one.count for one in counts) - gravest,
        due=next_deadline, day=day, on_time=_on_time(visit), days=[day - timedelta(days=back) for back in range(1, 8)],
    )  # fmt: skip


@router.get("/leader/clocks")
def clocks(visit: Leader, result: Literal["", "kept", "late"] = "") -> Response:
    """The clocks that the figure of the leader's page counts, each with its ticket. `result`: `kept` or `late`."""
    since = visit.console.clock.now() - MONTH
    kept = {"kept": True, "late": False}.get(result)
    visit.record("briefing-read", "on-time", {"result": result} if result else None)
    return show(
        visit, "leader_clocks.html.j2", clocks=visit.view.ended_clocks(since, kept=kept, limit=LISTED), result=result,
        on_time=_on_time(visit), limit=LISTED,
    )  # fmt: skip


@router.get("/briefings/{day}")
def daily(visit: Leader, day: date) -> Response:
    """The briefing as it is printed. Its own styles and script stand in it: this page allows exactly those."""
    _check_day(visit, day)
    page = daily_html(visit.console.briefing(day, visit.view), whole_lists=f"/briefings/{day}/evidence/")
    page = leaving(visit, page)
    visit.record("briefing-read", str(day))
    return HTMLResponse(page, headers={"Content-Security-Policy": allowed(page)})


@router.get("/briefings/{day}/evidence/{code}")
def evidence(visit: Leader, day: date, code: str, of: str = "") -> Response:
    """All that stands behind a number of a day's briefing, as it is now: `of`, what the number counts, where numbers
    have come before it since the briefing was read."""
    _check_day(visit, day)
    figures = visit.console.briefing(day, visit.view)
    known = [one for one in figures.evidence if not of or one.title == of]
    found = next((one for one in known if one.code == code), None) or next(iter(known if of else ()), None)
    if found is None:
        raise HTTPException(404)
    visit.record("briefing-read", f"{day}-{found.code}")
    shown = opened(visit.view.index, found)
    return show(
        visit, "briefing_evidence.html.j2", kept=None, day=day, evidence=found, records=shown.records, note=shown.note,
        names=names(visit.view), read=visit.may("search"),
    )  # fmt: skip


def allowed(page: str) -> str:
    """The policy of a printed page: exactly its own styles and script."""
    return POLICY.replace("script-src 'self'", f"script-src {_hashes(page, 'script')}").replace(
        "style-src 'self'", f"style-src {_hashes(page, 'style')}"
    )


def _check_day(visit: Visit, day: date) -> None:
    """404 for a day that is not here yet, or of which nobody can have anything: the days before it are counted, too."""
    if day.year < EARLIEST or day > visit.console.clock.now().astimezone(CHINA).date():
        raise HTTPException(404)


def _hashes(page: str, element: str) -> str:
    """The hashes of what stands in these elements, as a policy names them."""
    found = re.findall(rf"<{element}>(.*?)</{element}>", page, re.S)
    kept = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
    return " ".join(f"'sha256-{one}'" for one in kept) or "'none'"


def _on_time(visit: Visit) -> dict[str, int]:
    """Of the clocks that ended in the last 30 days: how many were settled before their end."""
    found = visit.view.kept_in_time(visit.console.clock.now() - MONTH)
    return {"due": found.due, "kept": found.kept, "late": found.due - found.kept}
