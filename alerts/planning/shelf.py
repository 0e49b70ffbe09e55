"""The plans in the store: from draft by way of a review to being in force.

Content never changes once it is written: a change is a new version. Who reviews is not who wrote it. Putting a version
in force retires the one before; tickets that are open keep the copy they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.plan_files import check_plan, read_plans
from alerts.plan_model import Plan
from alerts.planning.tables import response_plans as table
from alerts.plans import SHIPPED, PlanBook
from alerts.risk_kind import CHINESE as KIND_WORDS
from alerts.risk_kind import RISK_KINDS
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

STATE_WORDS: dict[str, str] = {"draft": "草稿", "reviewed": "已审核", "in-force": "生效", "retired": "停用"}
EXPIRING = timedelta(days=30)
"""So long before its end a plan's owner should see to it."""
_REFRESH = 20.0
"""Seconds after which the store is asked again whether a plan has changed."""


class StoredPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a plan in the store. `state` is a key of `STATE_WORDS`."""

    plan: Plan
    state: str
    written_by: str
    written_at: datetime
    reviewed_by: str | None
    reviewed_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None


class PlanProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Something about the plans that somebody should see to, and what to do."""

    plan: str
    problem: str
    advice: str


def save_draft(store: Store, clock: Clock, plan: Plan, *, actor: str) -> StoredPlan:
    """Keep a plan as a draft: a new version, whatever number it bears. One that says the same as the newest is that.

    Raises
    ------
    WrongUse
        The plan makes no sense: every problem is named.
    """
    if problems := check_plan(plan):
        raise WrongUse(
            Problem(
                "plan-wrong",
                plan=plan.id or "?",
                problems="; ".join(map(str, problems)),
                chinese="".join(one.chinese for one in problems),
            ),
            "see docs/reference/plans.md",
        )
    if not actor.strip():
        raise WrongUse(Problem("actor-missing"), "name the actor")
    with store.begin() as connection:
        newest = _newest(connection, plan.id)
        if newest is not None and _same(newest.plan, plan) and newest.state != "retired":
            return newest
        plan = msgspec.structs.replace(plan, version=newest.plan.version + 1 if newest else max(plan.version, 1))
        connection.execute(
            table.insert().values(
                id=plan.id,
                version=plan.version,
                state="draft",
                title=plan.title,
                content=msgspec.to_builtins(plan),
                written_by=actor.strip(),
                written_at=clock.now(),
            )
        )
        return _get(connection, plan.id, plan.version)


def review(store: Store, clock: Clock, plan_id: str, version: int, *, actor: str) -> StoredPlan:
    """Say that a draft is good. Raises `WrongUse` where it is no draft, or the reviewer has written it."""
    with store.begin() as connection:
        found = _get(connection, plan_id, version)
        if found.state != "draft":
            raise WrongUse(
                Problem("plan-no-draft", plan=plan_id, version=version, state=found.state), "minsheng plans list"
            )
        if found.written_by == actor.strip() or not actor.strip():
            raise WrongUse(Problem("plan-own-words", writer=found.written_by), "somebody else reviews it")
        _set(connection, found, "draft", state="reviewed", reviewed_by=actor.strip(), reviewed_at=clock.now())
        return _get(connection, plan_id, version)


def put_in_force(store: Store, clock: Clock, plan_id: str, version: int, *, actor: str) -> StoredPlan:
    """Let tickets that open from now on take a reviewed version; the one before is retired."""
    with store.begin() as connection:
        # Of two who decide at once one comes after the other, and its version is the one that stays in force.
        connection.execute(sa.select(table.c.version).where(table.c.id == plan_id).with_for_update()).all()
        found = _get(connection, plan_id, version)
        if found.state != "reviewed":
            raise WrongUse(
                Problem("plan-not-reviewed", plan=plan_id, version=version, state=found.state),
                "only a reviewed version can be put in force",
            )
        if found.plan.expires_on is not None and found.plan.expires_on < _today(clock):
            raise WrongUse(
                Problem("plan-expired", plan=plan_id, day=found.plan.expires_on), "save a draft with another date"
            )
        decided = {"decided_by": actor.strip(), "decided_at": clock.now()}
        connection.execute(
            table.update().where(table.c.id == plan_id, table.c.state == "in-force").values(state="retired", **decided)
        )
        _set(connection, found, "reviewed", state="in-force", **decided)
        return _get(connection, plan_id, version)


def retire(store: Store, clock: Clock, plan_id: str, version: int, *, actor: str) -> StoredPlan:
    """Take a version out of use. A shipped plan or a file with its id counts again."""
    with store.begin() as connection:
        found = _get(connection, plan_id, version)
        if found.state == "retired":
            raise WrongUse(Problem("plan-retired", plan=plan_id, version=version), "nothing is to be done")
        _set(connection, found, found.state, state="retired", decided_by=actor.strip(), decided_at=clock.now())
        return _get(connection, plan_id, version)


def stored_plans(store: Store, plan_id: str | None = None) -> list[StoredPlan]:
    """Every version of one plan, or of all, by id and version."""
    query = sa.select(table).order_by(table.c.id, table.c.version)
    if plan_id is not None:
        query = query.where(table.c.id == plan_id)
    with store.read() as connection:
        return [_stored(row) for row in connection.execute(query).mappings()]


def book_of(store: Store, folder: Path | None) -> PlanBook:
    """The plans that count: shipped ones, over them the folder's files, over those what is in force in the store."""
    plans = _read(SHIPPED, _stamp(SHIPPED))
    if folder is not None and folder.is_dir():
        plans += _read(folder, _stamp(folder))
    return PlanBook([*plans, *(one.plan for one in stored_plans(store) if one.state == "in-force")])


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Another value whenever a plan file of the folder has changed."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        try:
            status = path.stat()
        except OSError:  # `read_plans` says which, and why
            found.append((path.name, -1, -1))
        else:
            found.append((path.name, status.st_mtime_ns, status.st_size))
    return tuple(found)


@lru_cache(maxsize=8)
def _read(folder: Path, _stamp: tuple[tuple[str, int, int], ...]) -> tuple[Plan, ...]:
    """The folder's plans as they were when it had this stamp: reading and checking them takes 20 ms."""
    return tuple(read_plans(folder))


class LivePlans(PlanBook):
    """The plans that count, for a process that runs on: what is put in force is taken within seconds. Files are read
    once."""

    def __init__(self, store: Store, folder: Path | None, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        files = read_plans(SHIPPED)
        if folder is not None and folder.is_dir():
            files += read_plans(folder)
        self._files = files
        self._looked = clock.monotonic()
        super().__init__(files)
        self._read()

    def refresh(self) -> None:
        """Look into the store, if that was not done just now."""
        if self._clock.monotonic() - self._looked >= _REFRESH:
            self._read()

    def _read(self) -> None:
        in_force = [one.plan for one in stored_plans(self._store) if one.state == "in-force"]
        self.plans = {plan.id: plan for plan in [*self._files, *in_force]}
        self._looked = self._clock.monotonic()


def problems_of(book: PlanBook, stored: Sequence[StoredPlan], clock: Clock) -> list[PlanProblem]:
    """What somebody should see to: expired plans and such as soon will be, drafts that wait, kinds without a plan."""
    today = _today(clock)
    found = []
    for plan in book.plans.values():
        if plan.expires_on is not None and plan.expires_on < today:
            found.append(_problem(plan, f"expired on {plan.expires_on}", "look through it and set another expires_on"))
        elif plan.expires_on is not None and plan.expires_on - today <= EXPIRING:
            found.append(
                _problem(plan, f"expires on {plan.expires_on}", f"its owner {plan.owner or '(none)'} renews it")
            )
        if not plan.owner and "*" not in plan.policies:
            found.append(_problem(plan, "has no owner", "set owner: who keeps it up to date"))
    for one in stored:
        if one.state in ("draft", "reviewed"):
            since = f"{one.state} since {(one.reviewed_at or one.written_at).astimezone(CHINA):%Y-%m-%d}"
            advice = "minsheng plans review" if one.state == "draft" else "minsheng plans put-in-force"
            found.append(_problem(one.plan, f"version {one.plan.version} is {since}", advice))
    for kind in RISK_KINDS:
        if kind != "other" and not any(kind in plan.risk_kinds for plan in book.plans.values()):
            words = f"no plan is for {KIND_WORDS[kind]}"
            found.append(PlanProblem(plan=kind, problem=words, advice="write one: docs/how-to/write-a-plan.md"))
    return found


def _problem(plan: Plan, problem: str, advice: str) -> PlanProblem:
    return PlanProblem(plan=plan.id, problem=problem, advice=advice)


def import_plans(store: Store, clock: Clock, plans: Iterable[Plan], *, actor: str) -> list[StoredPlan]:
    """Keep plans as drafts."""
    return [save_draft(store, clock, plan, actor=actor) for plan in plans]


def _today(clock: Clock) -> date:
    return clock.now().astimezone(CHINA).date()


def _same(one: Plan, other: Plan) -> bool:
    return one == msgspec.structs.replace(other, version=one.version)


def _newest(connection: Connection, plan_id: str) -> StoredPlan | None:
    query = sa.select(table).where(table.c.id == plan_id).order_by(table.c.version.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return _stored(row) if row is not None else None


def _get(connection: Connection, plan_id: str, version: int) -> StoredPlan:
    query = sa.select(table).where(table.c.id == plan_id, table.c.version == version)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise WrongUse(Problem("plan-version-unknown", version=version, plan=plan_id), "minsheng plans list")
    return _stored(row)


def _set(connection: Connection, found: StoredPlan, was: str, /, **values: Any) -> None:
    """Change a version, if it still is in the state in which it was found."""
    here = sa.and_(table.c.id == found.plan.id, table.c.version == found.plan.version, table.c.state == was)
    if not connection.execute(table.update().where(here).values(**values)).rowcount:
        raise WrongUse(Problem("plan-changed", plan=found.plan.id), "look at it again")


def _stored(row: sa.RowMapping) -> StoredPlan:
    fields = [name for name in StoredPlan.__struct_fields__ if name != "plan"]
    return StoredPlan(plan=msgspec.convert(row["content"], Plan), **{name: row[name] for name in fields})
