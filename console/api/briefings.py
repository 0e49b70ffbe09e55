"""Briefings, to be read."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Response

from console.access import Visit
from console.api.describing import told
from console.api.problems import missing
from console.api.routing import answer, needs, resource
from minsheng.clock import CHINA

router = resource("Briefings")
Reader = Annotated[Visit, needs("briefing")]


@router.get(
    "/briefings/daily/{day}",
    **told(dict, "The daily briefing", missing=True, example={"unit": "云岭市", "day": "2026-05-08", "complete": True}),
)
def get_daily_briefing(visit: Reader, day: date) -> Response:
    """Made of the caller's scope; every number names its evidence. The day may be today, as far as it has come.
    Audited."""
    today = visit.console.clock.now().astimezone(CHINA).date()
    if day > today or (today - day).days > 3_660:
        raise missing(f"briefing of {day}")
    visit.record("briefing-read", str(day))
    return answer(visit.console.briefing(day, visit.view))
