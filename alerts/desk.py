"""The ticket desk: what becomes of a judgement. Opens one ticket an event, raises it, notes when the risk falls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts import notices, timeline
from alerts.bulk import update
from alerts.casework.plan import copy_of
from alerts.casework.tasks import add_plan_tasks
from alerts.deadlines import first_deadline, replace_timers, resume_timers, round_of, set_timers
from alerts.evidence import BEFORE, is_of_policy, observed
from alerts.levels import Level, rank
from alerts.observations import Observation
from alerts.plans import PlanBook
from alerts.risk import Risk, has_grown, is_known
from alerts.risk_kind import RiskKind, kind_hint, kind_of
from alerts.tables import observations, tickets
from alerts.tickets import next_number
from crawlers.health import coverage_at
from minsheng.exercises import marked
from minsheng.policies import Policy
from minsheng.settings import Settings
from minsheng.store import Store
from minsheng.workdays import WorkCalendar

_CHUNK = 500
_STATE = (
    "id", "level", "peak_level", "current_level", "historical", "raised_at", "version", "policy_id", "title", "unit",
    "paused_at", "slow", "told_voices",
)  # fmt: skip
_DESCRIPTION = ("id", "why", "score", "parts", "documents")
_LOADED = [column for column in tickets.c if column.name not in ("plan", "parts", "documents")]
"""What is large is read only when it is needed."""


class TicketDesk:
    """Tickets of the events of one batch, within its transaction.

    Attributes
    ----------
    notices:
        How many notices were put into the outbox.
    """

    def __init__(
        self,
        store: Store,
        connection: Connection,
        plans: PlanBook,
        policy_of: Callable[[str], Policy | None],
        settings: Settings,
        now: datetime,
        events: Collection[str],
    ) -> None:
        self._store = store
        self._connection = connection
        self._plans = plans
        self._policy_of = policy_of
        self._settings = settings
        self._now = now
        self._open: dict[str, dict[str, Any]] = {}
        self._closed: dict[str, datetime] = {}
        self._ended: dict[str, dict[str, Any]] = {}
        self._of_policy: set[str] = set()
        self._begun: set[str] = set()
        self._changed: set[str] = set()
        self._described: set[str] = set()
        self.notices = 0
        self._load(sorted(events))

    def closed_at(self, event_id: str) -> datetime | None:
        """When the event's last ticket was closed; what was published before that opens no other one."""
        return self._closed.get(event_id)

    def has_open(self, event_id: str) -> bool:
        return event_id in self._open

    def knows(self, row: Observation) -> bool:
        """Whether the document's event has a ticket of its policy, or had one that was closed after it. One for letters
        over weeks knows of no burst."""
        if (ticket := self._open.get(row.event_id)) is not None:
            return not ticket["slow"] and is_known(ticket["policy_id"], ticket["raised_at"], row)
        if row.event_id in self._of_policy:
            return False
        closed = self._closed.get(row.event_id)
        return closed is not None and row.published_at <= closed

    def handle(self, row: Observation, risk: Risk) -> None:
        """Bring the event's ticket into line with a judgement that `row` gave reason for."""
        ticket = self._open.get(row.event_id)
        if ticket is None:
            if rank(risk.level) > 0:
                ended = self._ended.get(row.event_id)
                if ended is not None and self._reopens(ended, row, risk):
                    self._reopen(ended, row, risk)
                else:
                    self._open_ticket(row, risk)
            return
        if row.historical and not ticket["historical"]:
            return  # nobody is woken by old news
        if ticket["historical"] and not row.historical and rank(risk.level) > 0:
            self._become_live(ticket, risk)
        elif _flares(ticket, risk):
            self._flare(ticket, row, risk)
        elif rank(risk.level) > _known(ticket):
            self._raise(ticket, risk)
        elif has_grown(ticket["told_voices"], ticket["raised_at"], risk) and not ticket["historical"]:
            self._grow(ticket, risk)
        elif risk.severity > (_known(ticket), ticket["score"]):
            self._describe(ticket, risk)
        stays = min(ticket["current_level"], risk.holds, key=rank)
        self._note_current(ticket, max(risk.level, stays, key=rank), risk.at)

    def write(self, moved: Sequence[tuple[str, datetime, int]]) -> None:
        """Store the tickets that were changed. `moved`: as of `alerts.memory.Memory`."""
        for events, columns in ((self._changed, _STATE), (self._described, _DESCRIPTION)):
            rows = [{name: self._open[event_id][name] for name in columns} for event_id in sorted(events)]
            update(self._store, self._connection, tickets, rows)
        self._count_posts(moved)

    def _count_posts(self, moved: Sequence[tuple[str, datetime, int]]) -> None:
        """How many documents the open tickets have by now, for those who look at them. An event is counted whole; what
        is said of a policy only when its ticket opens: that may be hundreds of thousands."""
        events = sorted(event for event in self._open if not is_of_policy(event))
        for start in range(0, len(events), _CHUNK):
            chunk = events[start : start + _CHUNK]
            counted = self._connection.execute(
                sa.select(
                    observations.c.event_id,
                    sa.func.count().label("posts"),
                    sa.func.max(observations.c.published_at).label("last_post_at"),
                )
                .where(observations.c.event_id.in_(chunk))
                .group_by(observations.c.event_id)
            ).all()
            rows = [
                {"id": self._open[row.event_id]["id"], "posts": row.posts, "last_post_at": row.last_post_at}
                for row in counted
            ]
            update(self._store, self._connection, tickets, rows)
        counts = (sa.func.count().label("posts"), sa.func.max(observations.c.published_at).label("last_post_at"))
        rows = []
        for event, ticket in self._open.items():
            if not is_of_policy(event):
                continue
            if event in self._begun:
                said = sa.select(*counts).where(observed(event, ticket["policy_id"], ticket["opened_at"]))
                rows.append({"id": ticket["id"], **self._connection.execute(said).mappings().one()})
                continue
            begin = ticket["opened_at"] - BEFORE
            mine = [(at, step) for policy, at, step in moved if policy == ticket["policy_id"] and at > begin]
            if mine:
                last = max([at for at, _ in mine] + ([ticket["last_post_at"]] if ticket["last_post_at"] else []))
                posts = ticket["posts"] + sum(step for _, step in mine)
                rows.append({"id": ticket["id"], "posts": posts, "last_post_at": last})
        update(self._store, self._connection, tickets, rows)

    def _load(self, events: list[str]) -> None:
        for start in range(0, len(events), _CHUNK):
            chunk = events[start : start + _CHUNK]
            # Held until the batch is done: an officer's change comes before it or after it, never in between.
            query = sa.select(*_LOADED).where(tickets.c.event_id.in_(chunk)).order_by(tickets.c.id)
            for row in self._connection.execute(query.with_for_update(key_share=True)).mappings():
                event_id = row["event_id"]
                if row["closed_at"] is None:
                    self._open[event_id] = dict(row)
                elif row["status"] != "merged":  # that one was not brought to an end
                    last = self._ended.get(event_id)
                    if last is None or last["closed_at"] <= row["closed_at"]:
                        self._ended[event_id] = dict(row)
                if row["status"] == "merged" and row["judged_since"] == row["closed_at"]:
                    self._of_policy.add(event_id)  # the policy's ticket took it in, and counts what is said there
                for ended_at in (row["closed_at"] if row["status"] != "merged" else None, row["judged_since"]):
                    if ended_at is not None:
                        self._closed[event_id] = max(self._closed.get(event_id, ended_at), ended_at)

    def _reopens(self, ended: dict[str, Any], row: Observation, risk: Risk) -> bool:
        """Whether a matter that was closed lately goes on in its ticket, rather than in a new one."""
        days = self._settings.alert.reopen_days
        lately = days > 0 and risk.at - ended["closed_at"] <= timedelta(days=days)
        return lately and not row.historical and not ended["exercise"]

    def _reopen(self, ticket: dict[str, Any], row: Observation, risk: Risk) -> None:
        """A matter that was closed goes on."""
        before = {"from": ticket["status"], "closed_at": ticket["closed_at"].isoformat()}
        del self._ended[row.event_id]
        self._begun.add(row.event_id)
        self._open[row.event_id] = ticket
        ended = {"judged_since": ticket["closed_at"], "closed_at": None}
        self._begin_round(ticket, risk, risk.level, **ended, historical=False, slow=risk.slow)
        detail = {**before, "level": risk.level, "why": risk.why, "document": row.document_id}
        self._tell(ticket, risk, "reopened", "new", detail)
        self._set_tasks(ticket, risk.at)

    def _flare(self, ticket: dict[str, Any], row: Observation, risk: Risk) -> None:
        """What an open ticket is about breaks out, after letters over weeks or after a calm: whoever has it must look
        anew, as at a ticket that is reopened, with clocks of its own; the tasks go on as they stand."""
        before = {"from": ticket["status"], "acknowledged_at": _iso(ticket["acknowledged_at"]), "slow": ticket["slow"]}
        level = max(ticket["level"], risk.level, key=rank)
        replace_timers(self._connection, ticket["id"], self._now)
        self._begin_round(ticket, risk, level, slow=False, paused_at=None)
        self._take_policy(ticket, risk)
        detail = {**before, "level": level, "why": risk.why, "document": row.document_id, **self._blind()}
        self._tell(ticket, risk, "flared", "again", detail)

    def _begin_round(self, ticket: dict[str, Any], risk: Risk, level: Level, **more: Any) -> None:
        """Nobody has it yet, as when it was opened. `more`: columns that change besides."""
        self._complete(ticket)
        # What a batch does not write otherwise is written at once.
        fresh: dict[str, Any] = {
            "status": "open",
            "round": ticket["round"] + 1,
            "acknowledged_at": None,
            "responded_at": None,
            **more,
        }
        self._connection.execute(tickets.update().where(tickets.c.id == ticket["id"]).values(**fresh))
        ticket.update(
            fresh,
            level=level,
            peak_level=level,
            current_level=risk.level,
            raised_at=risk.at,
            told_voices=len(risk.voices),
            version=ticket["version"] + 1,
        )
        self._changed.add(ticket["event_id"])
        self._describe(ticket, risk)

    def _open_ticket(self, row: Observation, risk: Risk) -> None:
        policy = self._policy_of(risk.policy_id) if risk.policy_id else None
        risk_kind = kind_of(voice.risk_kind for voice in risk.voices)
        ticket: dict[str, Any] = {
            "number": next_number(self._connection, risk.at),
            "event_id": row.event_id,
            "policy_id": risk.policy_id,
            "unit": (policy.department if policy else None) or "",
            "level": risk.level,
            "peak_level": risk.level,
            "current_level": risk.level,
            "status": "open",
            "risk_kind": risk_kind,
            "title": _title(risk, risk_kind, policy, row.exercise),
            "plan": None,
            "historical": row.historical,
            "exercise": row.exercise,
            "slow": risk.slow,
            "told_voices": len(risk.voices),
            "round": 1,
            "judged_since": None,
            "posts": 0,
            "last_post_at": None,
            "opened_at": risk.at,
            "raised_at": risk.at,
            "created_at": self._now,
            "acknowledged_at": None,
            "responded_at": None,
            "paused_at": None,
            "closed_at": None,
            "version": 1,
        }
        self._describe(ticket, risk)
        ticket["plan"] = self._plan(ticket, risk, policy)
        inserted = self._connection.execute(tickets.insert().values(**ticket))
        assert inserted.inserted_primary_key is not None
        ticket["id"] = inserted.inserted_primary_key[0]
        self._open[row.event_id] = ticket
        self._begun.add(row.event_id)
        detail = {"level": risk.level, "why": risk.why, "document": row.document_id, **self._blind()}
        self._tell(ticket, risk, "opened", "new", detail)
        self._set_tasks(ticket, risk.at)

    def _begin(self, ticket: dict[str, Any], at: datetime) -> datetime:
        """From when clocks count: the post that gave reason for them. A drill's posts are sent all at once, whatever
        times they bear: nobody can have been at work before."""
        return self._now if ticket["exercise"] else at

    def _set_tasks(self, ticket: dict[str, Any], start: datetime) -> None:
        """The plan's steps become tasks, due from when people are told: letters of yesterday that come in today are
        nobody's delay. Of a historical ticket nobody asks anything."""
        if ticket["plan"] is not None and not ticket["historical"]:
            begin = max(self._now, self._begin(ticket, start))
            add_plan_tasks(self._connection, ticket["id"], ticket["plan"], begin, self._now)

    def _blind(self) -> dict[str, str]:
        """What could not be seen while the matter grew: fewer voices may be fewer eyes."""
        seen = coverage_at(self._store, self._now, self._now - timedelta(hours=1), self._now)
        return {"coverage": seen.sentence()} if seen.unseen else {}

    def _raise(self, ticket: dict[str, Any], risk: Risk) -> None:
        before = ticket["level"]
        self._complete(ticket)
        self._take_policy(ticket, risk)
        if ticket["status"] == "open":
            # Nobody knows it by its first name yet, and more voices name the matter better.
            policy = self._policy_of(ticket["policy_id"]) if ticket["policy_id"] else None
            ticket["title"] = _title(risk, ticket["risk_kind"], policy, ticket["exercise"])
        ticket.update(level=risk.level, peak_level=risk.level, raised_at=risk.at, version=ticket["version"] + 1)
        ticket["told_voices"] = len(risk.voices)
        ticket["slow"] = ticket["slow"] and risk.slow
        if ticket["paused_at"] is not None:
            # What has become worse does not wait for what the clocks were stopped for.
            calendar = WorkCalendar.from_settings(self._settings)
            resume_timers(self._connection, ticket["id"], self._now, calendar)
            ticket["paused_at"] = None
            self._note(ticket, risk.at, "resumed", {"reason": "等级上升，计时自动恢复"})
        self._changed.add(ticket["event_id"])
        self._describe(ticket, risk)
        self._tell(ticket, risk, "level-rose", "worse", {"from": before, "to": risk.level, "why": risk.why})
        policy = self._policy_of(ticket["policy_id"]) if ticket["policy_id"] else None
        better = self._plans.choose(policy, ticket["risk_kind"], risk.level, _topic_of(risk))
        held = ticket["plan"]["id"] if ticket["plan"] else None
        if better is not None and better.id != held:
            detail = {"plan": better.id, "version": better.version, "title": better.title}
            self._note(ticket, risk.at, "plan-suggested", detail)

    def _grow(self, ticket: dict[str, Any], risk: Risk) -> None:
        """No graver, but much more is said than when people were told: whoever has it must know."""
        self._complete(ticket)
        self._take_policy(ticket, risk)
        before = ticket["told_voices"]
        ticket.update(told_voices=len(risk.voices), version=ticket["version"] + 1)
        self._changed.add(ticket["event_id"])
        self._describe(ticket, risk)
        if before == 0:
            return  # how much it was then is not known
        detail = {"level": ticket["level"], "from": before, "to": len(risk.voices), "why": risk.why}
        self._note(ticket, risk.at, "grew", detail)
        what = f"{ticket['level']}{round_of(ticket)}/{len(risk.voices)}"
        self.notices += notices.enqueue(self._store, self._connection, ticket, "grown", what, self._settings, self._now)

    def _take_policy(self, ticket: dict[str, Any], risk: Risk) -> None:
        """What names its policy only now is the policy's from now on."""
        if ticket["policy_id"] is None and risk.policy_id is not None:
            ticket["policy_id"] = risk.policy_id
            found = self._policy_of(risk.policy_id)
            ticket["unit"] = ticket["unit"] or (found.department if found else None) or ""

    def _complete(self, ticket: dict[str, Any]) -> None:
        """Read what was left out when the ticket was loaded."""
        if "plan" not in ticket:
            ticket["plan"] = self._connection.scalar(sa.select(tickets.c.plan).where(tickets.c.id == ticket["id"]))

    def _become_live(self, ticket: dict[str, Any], risk: Risk) -> None:
        """A matter known only from old documents is spoken of again: it gets clocks and notices, at today's level."""
        self._complete(ticket)
        before = ticket["level"]
        ticket.update(
            historical=False,
            level=risk.level,
            peak_level=risk.level,
            current_level=risk.level,
            slow=risk.slow,
            raised_at=risk.at,
            told_voices=len(risk.voices),
            version=ticket["version"] + 1,
        )
        self._changed.add(ticket["event_id"])
        self._describe(ticket, risk)
        self._tell(ticket, risk, "became-live", "new", {"from": before, "to": risk.level, "why": risk.why})
        self._set_tasks(ticket, risk.at)

    def calm_down(self, row: Observation) -> None:
        """So little is said by now that the risk is gone; the ticket stays until it is closed."""
        self._note_current(self._open[row.event_id], "none", row.published_at)

    def _note_current(self, ticket: dict[str, Any], level: Level, at: datetime) -> None:
        """The level only rises; where the risk stands now falls when it has been lower long enough."""
        current: Level = ticket["current_level"]
        if rank(level) == rank(current):
            return
        if rank(level) < rank(current):
            if at - ticket["raised_at"] < timedelta(hours=self._settings.alert.calm_hours):
                return
            self._note(ticket, at, "level-fell", {"from": current, "to": level})
            # What a person has set lower rises again only by something new: this much is over.
            ticket["peak_level"] = ticket["level"]
        ticket["current_level"] = level
        self._changed.add(ticket["event_id"])

    def _describe(self, ticket: dict[str, Any], risk: Risk) -> None:
        ticket.update(
            why=risk.why,
            score=risk.score,
            parts=[msgspec.to_builtins(part) for part in risk.parts],
            documents=list(risk.documents),
        )
        if "id" in ticket:
            self._described.add(ticket["event_id"])

    def _tell(
        self, ticket: dict[str, Any], risk: Risk, kind: timeline.Kind, reason: notices.Reason, detail: dict[str, Any]
    ) -> None:
        """Note it in the timeline and, unless the ticket is historical, set its clocks and send notices."""
        self._note(ticket, risk.at, kind, detail)
        if ticket["historical"]:
            return
        set_timers(
            self._store,
            self._connection,
            ticket["id"],
            ticket["level"],
            start=self._begin(ticket, ticket["raised_at"]),
            now=self._now,
            settings=self._settings,
            turn=ticket["round"],
        )
        deadline = first_deadline(ticket["level"], self._begin(ticket, ticket["raised_at"]), self._settings)
        self.notices += notices.enqueue(
            self._store,
            self._connection,
            ticket,
            reason,
            ticket["level"] + round_of(ticket),
            self._settings,
            self._now,
            deadline=deadline,
        )

    def _note(self, ticket: dict[str, Any], at: datetime, kind: timeline.Kind, detail: dict[str, Any]) -> None:
        timeline.add(
            self._connection,
            ticket["id"],
            kind,
            self._now,
            event_time=at,
            detail=detail,
            version=ticket["version"],
        )

    def _plan(self, ticket: dict[str, Any], risk: Risk, policy: Policy | None) -> dict[str, Any] | None:
        plan = self._plans.choose(policy, ticket["risk_kind"], risk.level, _topic_of(risk))
        if plan is None:
            return None
        _, due = first_deadline(risk.level, self._begin(ticket, risk.at), self._settings)
        return copy_of(plan, ticket, policy, count=len(risk.voices), due_at=due, now=self._now)


def _flares(ticket: dict[str, Any], risk: Risk) -> bool:
    """Whether a burst breaks out of what was slow so far, or of what had calmed down; of history nobody is told."""
    if risk.slow or rank(risk.level) == 0 or ticket["historical"]:
        return False
    return rank(ticket["current_level"]) == 0 or (ticket["slow"] and rank(risk.level) >= rank(ticket["level"]))


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _known(ticket: dict[str, Any]) -> int:
    """The level that something must exceed to be worse: what is in force, or what a person has set lower since."""
    return max(rank(ticket["level"]), rank(ticket["peak_level"]))


def _title(risk: Risk, risk_kind: RiskKind, policy: Policy | None, exercise: bool) -> str:
    """A drill's says so wherever it is read."""
    title = title_of(risk, risk_kind, policy)
    return marked(title) if exercise else title


def title_of(risk: Risk, risk_kind: RiskKind, policy: Policy | None) -> str:
    """The policy, and the words of one voice: one that names the matter, if possible with a headline of its own (a
    message or an article rather than a post), and among those the one that most people joined."""
    leading = max(
        risk.voices,
        key=lambda row: (
            kind_hint(row.headline) == risk_kind,
            row.kind in ("message", "news"),
            row.reach,
            -row.published_at.timestamp(),
        ),
    )
    return f"《{policy.title}》：{leading.headline}" if policy else leading.headline


def _topic_of(risk: Risk) -> str | None:
    topics = [row.topic for row in risk.voices]
    return max(sorted(set(topics)), key=topics.count) if topics else None
