"""政策: the register, and what is said about each policy."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from console import words
from console.access import Visit, needs
from console.rendering import show
from console.routes.documents import names
from minsheng.clock import CHINA
from minsheng.policies import STAGES, Policy
from search.index import Filters, Page, Search

router = APIRouter()
Reader = Annotated[Visit, needs("policies")]
DAYS = 60
"""Days of coverage that a policy's page shows."""
RECENT = 7


@router.get("/policies")
def policy_list(visit: Reader, stage: str = "", q: str = "") -> Response:
    since = visit.console.clock.now() - timedelta(days=RECENT)
    counts: dict[str, int] = {}
    if visit.may("search"):
        page = visit.view.index.search(
            Search(filters=Filters(since=since), size=0, facets=("policy",), facet_size=10_000, highlight=False)
        )
        counts = {bucket.value: bucket.count for bucket in page.facets.get("policy", ())}
    found = [one for one in visit.view.policies.values() if (not stage or one.stage == stage) and _matches(one, q)]
    found.sort(key=lambda one: (-counts.get(one.id, 0), one.title))
    return show(
        visit, "policies.html.j2", policies=found, counts=counts, stage=stage, q=q, stages=STAGES, recent=RECENT,
        all=len(visit.view.policies),
    )  # fmt: skip


@router.get("/policies/{policy_id}")
def policy_page(visit: Reader, policy_id: str) -> Response:
    policy = visit.view.policies.get(policy_id)
    if policy is None:
        raise HTTPException(404)
    today = visit.console.clock.now().astimezone(CHINA).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    since = datetime.combine(days[0], time(), CHINA)
    page, series, by_stance = Page(total=0, hits=()), [], {}
    reads = visit.may("search")
    if reads:
        page = visit.view.index.search(
            Search(
                filters=Filters(policies=(policy_id,), since=since),
                size=0,
                facets=("stance", "sentiment", "request", "source"),
                histogram="day",
                histogram_split="sentiment",
                highlight=False,
            )
        )
        steps = {bucket.value[:10]: bucket for bucket in page.histogram}
        for day in days:
            bucket = steps.get(day.isoformat())
            series.append(
                {
                    "day": day.isoformat(),
                    **{label: bucket.split.get(label, 0) if bucket else 0 for label in words.SENTIMENTS},
                }
            )
        by_stance = {
            stance: visit.view.index.search(
                Search(filters=Filters(policies=(policy_id,), stances=(stance,)), size=3, highlight=False)
            )
            for stance in ("against", "question", "support")
        }
        visit.record("searched", policy.title, {"policy": policy_id, "total": page.total})
    return show(
        visit,
        "policy.html.j2",
        policy=policy,
        page=page,
        series=series,
        chart=_chart(policy, series),
        by_stance=by_stance,
        tickets=visit.view.tickets(policy=policy_id, limit=20) if visit.may("tickets") else [],
        events=visit.view.events(since=since, policy=policy_id, limit=8) if visit.may("events") else [],
        successor=visit.view.policies.get(policy.successor or ""),
        names=names(visit.view),
        days=DAYS,
        reads=reads,
    )


def _matches(policy: Policy, text: str) -> bool:
    text = text.strip().lower()
    fields = (policy.title, policy.number or "", policy.department or "", *policy.aliases)
    return not text or any(text in field.lower() for field in fields)


def _chart(policy: Policy, series: list[dict[str, Any]]) -> dict[str, Any]:
    """What the page's script draws: days, a series a mood, and days worth a mark."""
    shown = {line["day"] for line in series}
    marks = [
        {"day": day.isoformat(), "name": name}
        for day, name in (
            (policy.released_on, "发布"),
            (policy.effective_on, "施行"),
            (policy.amended_on, "修改"),
            (policy.repealed_on, "废止"),
        )
        if day is not None and day.isoformat() in shown
    ]
    return {
        "days": [line["day"] for line in series],
        "series": [
            {"name": name, "label": label, "values": [line[label] for line in series]}
            for label, name in words.SENTIMENTS.items()
        ],
        "marks": marks,
    }
