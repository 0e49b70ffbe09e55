"""Policies: the register, what is said about each, and changes."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import Query, Request, Response

from console.access import Visit
from console.api.describing import told
from console.api.problems import ApiError, Wrong, invalid, missing
from console.api.routing import answer, matched, needs, read_body, resource
from console.register import OutOfScope, save
from minsheng.clock import CHINA
from minsheng.policies import Policy, Stage
from minsheng.policies.reading import WrongPolicy, checked
from minsheng.policies.register import PolicyConflict
from search.index import Bucket, Filters, Search

router = resource("Policies")
Reader = Annotated[Visit, needs("policies")]
Searcher = Annotated[Visit, needs("search")]
Editor = Annotated[Visit, needs("policies.change")]


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """Policies of the caller's scope, by id."""

    items: list[Policy]


class PolicyCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about a policy in some days: in all, by day (split by sentiment), and by kind."""

    policy: str
    since: datetime
    total: int
    days: tuple[Bucket, ...]
    facets: dict[str, tuple[Bucket, ...]]


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it is kept now, and what looks wrong without being an error."""

    policy: Policy
    warnings: tuple[str, ...]


_POLICY = {
    "id": "heating", "title": "云岭市居民供暖价格调整办法", "number": "云岭发〔2026〕8号",
    "department": "市住房和城乡建设局", "aliases": ["供暖新规"], "released_on": "2026-05-06",
}  # fmt: skip


@router.get("/policies", **told(Policies, "List policies", example={"items": [_POLICY]}))
def list_policies(
    visit: Reader,
    stage: Annotated[Stage | None, Query()] = None,
    q: Annotated[str, Query(max_length=200, description="In title, 文号, department or an alias.")] = "",
) -> Response:
    """All of the caller's scope. Fields that hold their default are left out."""
    words = q.strip().lower()
    found = [
        one
        for one in visit.view.policies.values()
        if (stage is None or one.stage == stage)
        and any(words in text.lower() for text in (one.title, one.number or "", one.department or "", *one.aliases))
    ]
    return answer(Policies(items=[_mine(visit, one) for one in found]))


@router.get("/policies/{policy_id}", **told(Policy, "One policy", missing=True, example=_POLICY))
def get_policy(visit: Reader, policy_id: str) -> Response:
    """The ETag is what a change wants as If-Match."""
    policy = _policy(visit, policy_id)
    return answer(_mine(visit, policy), headers={"ETag": _tag(policy)})


@router.get(
    "/policies/{policy_id}/coverage",
    **told(
        PolicyCoverage, "What is said about a policy", missing=True,
        example={
            "policy": "heating", "since": "2026-04-08T16:00:00Z", "total": 40, "facets": {},
            "days": [{"value": "2026-05-08T00:00:00+08:00", "count": 40, "split": {"negative": 31, "neutral": 9}}],
        },
    ),
)  # fmt: skip
def get_policy_coverage(visit: Searcher, policy_id: str, days: Annotated[int, Query(ge=1, le=400)] = 30) -> Response:
    """Counted over the documents in the caller's scope. Audited."""
    policy = _policy(visit, policy_id)
    today = visit.console.clock.now().astimezone(CHINA).date()
    since = datetime.combine(today - timedelta(days=days - 1), time(), CHINA)
    page = visit.view.index.search(
        Search(
            filters=Filters(policies=(policy.id,), since=since), size=0, highlight=False, histogram="day",
            histogram_split="sentiment", facets=("stance", "sentiment", "request", "source", "region"),
        )
    )  # fmt: skip
    visit.record("searched", policy.title, {"policy": policy.id, "total": page.total})
    return answer(
        PolicyCoverage(policy=policy.id, since=since, total=page.total, days=page.histogram, facets=page.facets)
    )


@router.post(
    "/policies",
    **told(
        Saved, "Add a policy", body=Policy, status=201, conflict=True, body_example=_POLICY,
        example={"policy": _POLICY, "warnings": []},
    ),
)  # fmt: skip
def add_policy(visit: Editor, body: Annotated[dict[str, Any], read_body(dict[str, Any])]) -> Response:
    """It must fall into the caller's scope: by its department or a topic, where the caller does not see everything.
    Audited."""
    return _save(visit, _checked(body), None)


@router.put(
    "/policies/{policy_id}",
    **told(
        Saved, "Change a policy", body=Policy, locked=True, missing=True, body_example=_POLICY,
        example={"policy": _POLICY, "warnings": []},
    ),
)  # fmt: skip
def change_policy(
    visit: Editor, request: Request, policy_id: str, body: Annotated[dict[str, Any], read_body(dict[str, Any])]
) -> Response:
    """Send the whole policy: what is left out becomes its default. Audited, with what was changed."""
    before = _policy(visit, policy_id)
    policy = _checked(body)
    if policy.id != policy_id:
        raise invalid("body.id", "a policy keeps its id")
    matched(request, _tag(before))
    if policy.successor is None and _mine(visit, before) != before:
        # What was not shown was not taken away either.
        policy = msgspec.structs.replace(policy, successor=before.successor)
    return _save(visit, policy, before)


def _save(visit: Visit, policy: Policy, before: Policy | None) -> Response:
    try:
        warnings = save(visit, policy, before)
    except OutOfScope as error:
        raise ApiError("conflict", error.message, error.hint) from error
    except PolicyConflict as error:
        kind = "precondition-failed" if before else "conflict"
        raise ApiError(kind, error.message, error.hint) from error
    return answer(Saved(policy=_mine(visit, policy), warnings=warnings), 200 if before else 201, {"ETag": _tag(policy)})


def _mine(visit: Visit, policy: Policy) -> Policy:
    """The policy, without the id of a successor that is not the caller's."""
    if policy.successor is None or policy.successor in visit.view.policies:
        return policy
    return msgspec.structs.replace(policy, successor=None)


def _checked(body: dict[str, Any]) -> Policy:
    try:
        return checked(body)
    except WrongPolicy as error:
        wrong = tuple(Wrong(where=f"body.{one.field}".rstrip("."), detail=one.message) for one in error.mistakes)
        raise ApiError("invalid", error.message, errors=wrong) from error


def _policy(visit: Visit, policy_id: str) -> Policy:
    found = visit.view.policies.get(policy_id)
    if found is None:
        raise missing(f"policy {policy_id}")
    return found


def _tag(policy: Policy) -> str:
    return f'"{policy.content_hash()}"'
