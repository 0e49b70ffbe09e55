"""发布监看: what is ready for each policy's release, reminders, and the first reports after it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from alerts.planning.shelf import book_of
from alerts.release.readiness import PARTS
from alerts.release.report import kept_reports
from alerts.release.watch import STATES, ReleaseWatch, Timer
from console.access import Visit, needs
from console.rendering import show

router = APIRouter()


@router.get("/releases")
def release_list(visit: Annotated[Visit, needs("policies")], every: str = "") -> Response:
    """Of the viewer's policies those that are to come or in their window; `every`: all."""
    console = visit.console
    plans = book_of(console.store, console.settings.path("plans"))
    watch = ReleaseWatch(console.store, console.settings, console.clock, None, plans)
    mine = list(visit.view.policies.values())
    found = watch.watched(mine) if mine else []
    shown = [one for one in found if every == "1" or one.state in ("coming", "window")]
    return show(
        visit, "releases.html.j2", watched=shown, every=every == "1", more=len(found) - len(shown), states=STATES,
        parts=PARTS, timer_words=timer_words, reads=reads_reports(visit),
    )  # fmt: skip


@router.get("/releases/{policy_id}/{day}/{hours}")
def first_report(visit: Annotated[Visit, needs("search")], policy_id: str, day: date, hours: int) -> Response:
    """A first report as it was kept. It counts what was said everywhere: where a unit has regions, it is not there."""
    policy = visit.view.policies.get(policy_id)
    if policy is None or not reads_reports(visit):
        raise HTTPException(404)
    kept = [one for one in kept_reports(visit.console.store, policy_id) if one[0].released_on == day]
    found = next((one for one in kept if one[0].hours == hours), None)
    if found is None:
        raise HTTPException(404)
    visit.record("briefing-read", policy_id, {"released_on": day.isoformat(), "hours": hours})
    mine = {name for name in (one.number for one in found[0].tickets) if visit.view.has_ticket(name)}
    return show(
        visit, "release_report.html.j2", report=found[0], digest=found[1], policy=policy, parts=PARTS, mine=mine,
        names=visit.view.source_names(), hours_kept=[one.hours for one, _ in kept],
    )  # fmt: skip


def reads_reports(visit: Visit) -> bool:
    """Whether first reports are the viewer's: they count posts of all regions."""
    return visit.may("search") and visit.view.grant.regions is None


def timer_words(timer: Timer) -> str:
    if timer.kind == "remind":
        return "发布当日提醒" if timer.distance == 0 else f"提前 {timer.distance} 天提醒"
    return f"发布后 {timer.distance} 小时首报"
