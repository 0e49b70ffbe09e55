"""Webhooks: programs that are told when tickets change, by a signed POST.

A webhook belongs to a user, like a token, and is told of what its user may see at that moment; it is told *that*
something changed, never what: the program then asks the API, with its own token. What is to be told is a row, made
from tickets' timelines; whoever sends one has claimed it. Several processes may send.

Received is what was answered with 2xx. Everything else is tried again with growing pauses, and given up at the end of
`PAUSES`; 410 Gone stops the webhook. The body is signed with the webhook's secret, together with the time:

    Minsheng-Timestamp: 1778198400
    Minsheng-Signature: v1=<hex of HMAC-SHA256 over "1778198400." and the body>
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts.tables import ticket_timeline, tickets
from console.accounts import User, user_of
from console.delivering import Refused, Sender
from console.keys import Keys
from console.rights import rights_of
from console.scope import View
from console.tables import users, webhook_deliveries, webhooks
from minsheng.clock import Clock
from minsheng.errors import MinshengError, WrongUse
from minsheng.logs import get_logger
from minsheng.problems import Problem
from minsheng.store import Store, insert_or_ignore

log = get_logger(__name__)

EVENTS: dict[str, str] = {
    "ticket.opened": "新工单",
    "ticket.level": "等级变化",
    "ticket.status": "状态变化",
    "ticket.deadline": "时限预警和超时",
    "ticket.changed": "其他变化",
}
"""What a webhook can be told of."""
_KINDS = {
    "opened": "ticket.opened", "became-live": "ticket.opened", "reopened": "ticket.opened",
    "flared": "ticket.opened",
    "level-rose": "ticket.level", "grew": "ticket.level", "level-fell": "ticket.level", "level-set": "ticket.level",
    "acknowledged": "ticket.status", "status-changed": "ticket.status", "closed": "ticket.status",
    "false-alarm": "ticket.status", "merged": "ticket.status",
    "deadline-warning": "ticket.deadline", "deadline-missed": "ticket.deadline",
}  # fmt: skip
"""Kind of a timeline's line → event; every other one is `ticket.changed`."""
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 3_600, 10_800, 28_800))
CLAIM = timedelta(minutes=2)
MOST = 20
"""Webhooks of one user."""
OVERLAP = 500
"""Lines before the last one that are looked at again: a slow transaction's may come later with a smaller number."""
KEPT = timedelta(days=14)
"""Deliveries are kept so long."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook without its secrets: of its address only the host."""

    id: int
    user: str
    name: str
    host: str
    events: tuple[str, ...]
    created_at: datetime
    stopped_at: datetime | None
    why: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a webhook is told. `next_try_at` None: delivered, or given up."""

    id: int
    event: str
    body: str
    created_at: datetime
    tries: int
    next_try_at: datetime | None
    delivered_at: datetime | None
    error: str


class WebhookBook:
    """The webhooks in the store.

    Parameters
    ----------
    sender:
        What sends, by the rules on addresses.
    """

    def __init__(self, store: Store, clock: Clock, keys: Keys, sender: Sender) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._sender = sender

    def add(self, user: User, name: str, url: str, events: Sequence[str]) -> tuple[str, Webhook]:
        """A new webhook. Returns its secret, which is shown this once, and what is known of it. Raises `WrongUse`."""
        name = " ".join(name.split())
        if not name or len(name) > 100:
            raise WrongUse(Problem("webhook-unnamed"), "name the program that is told")
        if not events or any(one not in EVENTS for one in events):
            raise WrongUse(Problem("webhook-no-event"), f"known are: {', '.join(EVENTS)}")
        try:
            host = self._sender.check(url)
        except Refused as error:
            raise WrongUse(error.args[0], "list its network in crawl.allowed_networks, where it is your own") from None
        secret = "mshw_" + secrets.token_urlsafe(32)
        with self._store.begin() as connection:
            mine = sa.select(sa.func.count()).select_from(webhooks).where(webhooks.c.user_id == user.id)
            if (connection.scalar(mine.where(webhooks.c.stopped_at.is_(None))) or 0) >= MOST:
                raise WrongUse(Problem("webhooks-most", user=user.name, most=MOST), "stop those that nobody uses")
            last = connection.scalar(sa.select(sa.func.max(ticket_timeline.c.id))) or 0
            made = connection.execute(
                webhooks.insert().values(
                    user_id=user.id, name=name, url_sealed=self._keys.seal(url), host=host,
                    secret_sealed=self._keys.seal(secret), events=[one for one in EVENTS if one in events],
                    created_at=self._clock.now(), first=last, seen=last,
                )
            ).inserted_primary_key  # fmt: skip
        assert made is not None
        return secret, self.get(made[0])

    def get(self, number: int, *, user_id: int | None = None) -> Webhook:
        """Raises `WrongUse` where there is none, or where it is not that user's."""
        where = [webhooks.c.id == number] + ([webhooks.c.user_id == user_id] if user_id is not None else [])
        found = self._select(*where)
        if not found:
            raise WrongUse(Problem("webhook-unknown", number=number), "see minsheng webhooks list")
        return found[0]

    def list(self, user_id: int | None = None) -> Sequence[Webhook]:
        """Of one user or of all, the newest first."""
        return self._select(*([webhooks.c.user_id == user_id] if user_id is not None else []))

    def stop(self, number: int, *, why: str = "") -> None:
        """Tell it nothing more; what waits is given up."""
        now = self._clock.now()
        with self._store.begin() as connection:
            connection.execute(
                webhooks.update()
                .where(webhooks.c.id == number, webhooks.c.stopped_at.is_(None))
                .values(stopped_at=now, why=why)
            )
            waiting = (webhook_deliveries.c.webhook_id == number, webhook_deliveries.c.next_try_at.is_not(None))
            connection.execute(webhook_deliveries.update().where(*waiting).values(next_try_at=None))

    def test(self, number: int) -> Delivery:
        """Send a test now, and say how that went."""
        now = self._clock.now()
        body = _body("test", {"at": now})
        row = {
            "webhook_id": number, "key": f"test-{secrets.token_hex(8)}", "event": "test", "body": body,
            "created_at": now, "tries": 0, "next_try_at": None,
        }  # fmt: skip
        with self._store.begin() as connection:
            made = connection.execute(webhook_deliveries.insert().values(**row)).inserted_primary_key
        assert made is not None
        self._send(made[0], number, "test", body, 0, again=False)
        return next(one for one in self.deliveries(number) if one.id == made[0])

    def deliveries(self, number: int, limit: int = 50) -> Sequence[Delivery]:
        """What it was told, the newest first."""
        names = Delivery.__struct_fields__
        query = sa.select(*[webhook_deliveries.c[name] for name in names])
        query = query.where(webhook_deliveries.c.webhook_id == number)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(webhook_deliveries.c.id.desc()).limit(limit)).mappings().all()
        return [Delivery(**row) for row in rows]

    # What is to be told, and telling it

    def collect(self, view_of: Callable[[User], View]) -> int:
        """Make rows of what tickets' timelines have that is new. Returns how many.

        Parameters
        ----------
        view_of:
            User → what the user may see now (`View`).
        """
        now = self._clock.now()
        names = ("id", "events", "first", "seen")
        with self._store.read() as connection:
            rows = connection.execute(
                sa.select(users, *[webhooks.c[name].label(f"hook_{name}") for name in names])
                .join(webhooks, webhooks.c.user_id == users.c.id)
                .where(webhooks.c.stopped_at.is_(None), users.c.disabled_at.is_(None))
            ).mappings().all()  # fmt: skip
            newest = connection.scalar(sa.select(sa.func.max(ticket_timeline.c.id))) or 0 if rows else 0
        made = 0
        for row in rows:
            if newest <= row["hook_seen"]:
                continue
            user = user_of(row)
            lines = self._lines(max(row["hook_first"], row["hook_seen"] - OVERLAP), newest)
            view = view_of(user)
            told = [
                one for one in lines
                if "tickets" in rights_of(user.roles) and _event(one["kind"]) in row["hook_events"]
                and view.has_ticket(one["ticket"])
            ]  # fmt: skip
            fresh = [
                {
                    "webhook_id": row["hook_id"], "key": f"line-{one['id']}", "event": _event(one["kind"]),
                    "body": _body(_event(one["kind"]), {"at": one["at"], "ticket": one["ticket"], "kind": one["kind"],
                                                        "version": one["version"]}),
                    "created_at": now, "tries": 0, "next_try_at": now,
                }
                for one in told
            ]  # fmt: skip
            with self._store.begin() as connection:
                insert_or_ignore(self._store, webhook_deliveries, fresh, connection=connection)
                connection.execute(webhooks.update().where(webhooks.c.id == row["hook_id"]).values(seen=newest))
            made += len(fresh)
        return made

    def send_due(self, limit: int = 50) -> int:
        """Send what is due and nobody is sending. Returns how many were tried."""
        now = self._clock.now()
        table = webhook_deliveries
        free = sa.or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)
        due = (table.c.next_try_at <= now, free)
        query = (
            sa.select(table)
            .join(webhooks, webhooks.c.id == table.c.webhook_id)
            .join(users, users.c.id == webhooks.c.user_id)
            .where(*due, users.c.disabled_at.is_(None))
        )
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(table.c.id).limit(limit)).mappings().all()
        tried = 0
        for row in rows:
            with self._store.begin() as connection:
                claim = table.update().where(table.c.id == row["id"], *due).values(claimed_until=now + CLAIM)
                if not connection.execute(claim).rowcount:
                    continue
            self._send(row["id"], row["webhook_id"], row["event"], row["body"], row["tries"])
            tried += 1
        return tried

    def tidy(self) -> int:
        """Take away what is older than `KEPT` and waits for nothing."""
        table = webhook_deliveries
        old = (table.c.created_at < self._clock.now() - KEPT, table.c.next_try_at.is_(None))
        with self._store.begin() as connection:
            return int(connection.execute(table.delete().where(*old)).rowcount)

    def _send(self, delivery: int, number: int, event: str, body: str, tries: int, *, again: bool = True) -> None:
        with self._store.read() as connection:
            hook = connection.execute(sa.select(webhooks).where(webhooks.c.id == number)).mappings().one()
        now = self._clock.now()
        moment = str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Minsheng-Event": event,
            "Minsheng-Delivery": str(delivery),
            "Minsheng-Timestamp": moment,
            "Minsheng-Signature": signature(self._keys.open(hook["secret_sealed"]), moment, body),
        }
        values: dict[str, Any] = {"tries": tries + 1, "claimed_until": None, "next_try_at": None, "error": ""}
        try:
            status = self._sender.post(self._keys.open(hook["url_sealed"]), body.encode(), headers)
        except Refused as error:
            status, values["error"] = 0, str(error)
        if 200 <= status < 300:
            values["delivered_at"] = now
        else:
            values["error"] = values["error"] or f"HTTP {status}"
            if again and status != 410 and tries < len(PAUSES):
                values["next_try_at"] = now + PAUSES[tries]
        with self._store.begin() as connection:
            connection.execute(webhook_deliveries.update().where(webhook_deliveries.c.id == delivery).values(**values))
        if status == 410:
            self.stop(number, why="对方回答 410：地址不再接收")

    def _lines(self, after: int, last: int) -> Sequence[sa.RowMapping]:
        names = ("id", "kind", "at", "version")
        query = (
            sa.select(*[ticket_timeline.c[name] for name in names], tickets.c.number.label("ticket"))
            .join(tickets, tickets.c.id == ticket_timeline.c.ticket_id)
            .where(ticket_timeline.c.id > after, ticket_timeline.c.id <= last, tickets.c.exercise.is_(False))
            .order_by(ticket_timeline.c.id)
        )
        with self._store.read() as connection:
            return connection.execute(query).mappings().all()

    def _select(self, *where: sa.ColumnElement[bool]) -> Sequence[Webhook]:
        query = (
            sa.select(webhooks, users.c.name.label("user"))
            .join(users, users.c.id == webhooks.c.user_id)
            .where(*where)
            .order_by(webhooks.c.id.desc())
        )
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            Webhook(**{name: row[name] for name in Webhook.__struct_fields__ if name != "events"},
                    events=tuple(row["events"]))
            for row in rows
        ]  # fmt: skip


def signature(secret: str, timestamp: str, body: str) -> str:
    """What `Minsheng-Signature` says of a body."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()


def run_once(book: WebhookBook, view_of: Callable[[User], View], *, tidy: bool = False) -> None:
    """One round of the sender; what is away now is tried in the next. `tidy`: old deliveries go, too."""
    try:
        book.collect(view_of)
        book.send_due()
        if tidy:
            book.tidy()
    except MinshengError as error:
        log.warning("webhooks_wait", reason=str(error))
    except Exception as error:
        # One bad row must not end the telling of all others.
        log.error("webhooks_failed", reason=repr(error), exc_info=True)


def _event(kind: str) -> str:
    return _KINDS.get(kind, "ticket.changed")


def _body(event: str, values: dict[str, Any]) -> str:
    return msgspec.json.encode({"event": event, **values}).decode()
