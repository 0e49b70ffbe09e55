"""What a ticket points at: documents, policies, pages, and other tickets."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, get_args

import msgspec
import sqlalchemy as sa

from alerts.casework.tables import links, relations
from alerts.tables import tickets
from alerts.transitions import changing, find
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.problems import Problem
from minsheng.store import Store

LinkKind = Literal["document", "policy", "page"]
_PAGE = re.compile(r"https?://\S{3,480}")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a ticket points at: a document's or policy's id, or a page's address."""

    kind: str
    target: str
    note: str
    added_at: datetime
    added_by: str


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """Another ticket: `kind` is `related`, or `split` where one was split off the other."""

    ticket: str
    title: str
    level: str
    status: str
    kind: str


def link(
    store: Store, clock: Clock, name: str, kind: LinkKind, target: str, *, actor: str, note: str = ""
) -> list[Link]:
    """Let a ticket point at something. Raises `WrongUse` where that is no id or address, or it points there already."""
    target = target.strip()
    if kind not in get_args(LinkKind):
        raise WrongUse(Problem("link-kind", kind=kind), f"use one of {', '.join(get_args(LinkKind))}")
    if kind == "page" and not _PAGE.fullmatch(target):
        raise WrongUse(Problem("page-address", target=target[:80]), "write https://www.example.org/…")
    if kind == "document" and not re.fullmatch(r"[0-9a-f]{16,64}", target):
        raise WrongUse(Problem("document-address", target=target[:80]), "minsheng search --json shows ids")
    if kind == "policy":
        policy = PolicyRegister(store, clock).find(target)
        if policy is None:
            raise WrongUse(Problem("policy-unknown", policy=target), "minsheng policies list shows them")
        target = policy.id
    with changing(store, clock, name, actor=actor) as change:
        at = sa.and_(links.c.ticket_id == change.id, links.c.kind == kind, links.c.target == target)
        if change.connection.scalar(sa.select(links.c.id).where(at)) is not None:
            raise WrongUse(
                Problem("linked-already", number=change.ticket["number"], target=target), "nothing is to be done"
            )
        values = {"kind": kind, "target": target, "note": note.strip()}
        change.connection.execute(
            links.insert().values(ticket_id=change.id, added_at=change.now, added_by=change.actor, **values)
        )
        change.write("linked", values)
    return links_of(store, name)


def unlink(store: Store, clock: Clock, name: str, target: str, *, actor: str) -> list[Link]:
    """Let a ticket point there no longer. Raises `WrongUse` where it does not."""
    with changing(store, clock, name, actor=actor) as change:
        at = sa.and_(links.c.ticket_id == change.id, links.c.target == target.strip())
        row = change.connection.execute(sa.select(links).where(at)).mappings().first()
        if row is None:
            raise WrongUse(
                Problem("link-unknown", number=change.ticket["number"], target=target), "minsheng tickets show"
            )
        change.connection.execute(links.delete().where(links.c.id == row["id"]))
        change.write("unlinked", {"kind": row["kind"], "target": row["target"]})
    return links_of(store, name)


def links_of(store: Store, name: str) -> list[Link]:
    """What a ticket points at, in the order it came."""
    with store.read() as connection:
        ticket_id = find(connection, name)["id"]
        rows = connection.execute(sa.select(links).where(links.c.ticket_id == ticket_id).order_by(links.c.id))
        return [Link(**{field: row[field] for field in Link.__struct_fields__}) for row in rows.mappings()]


def relate(store: Store, clock: Clock, name: str, other: str, *, actor: str, reason: str = "") -> list[Related]:
    """Say that two tickets belong together; both timelines say so."""
    with store.read() as connection:
        one, two = find(connection, name), find(connection, other)
    if one["id"] == two["id"]:
        raise WrongUse(Problem("ticket-itself", number=one["number"]), "name two tickets")
    first, second = sorted((one, two), key=lambda row: row["id"])
    why = {"reason": reason.strip()} if reason.strip() else {}
    with changing(store, clock, first["number"], actor=actor) as change:
        pair = {"ticket_id": first["id"], "other_id": second["id"]}
        known = sa.select(relations.c.kind).where(*(relations.c[column] == value for column, value in pair.items()))
        if change.connection.scalar(known) is not None:
            raise WrongUse(
                Problem("related-already", first=first["number"], second=second["number"]), "nothing is to be done"
            )
        change.connection.execute(
            relations.insert().values(**pair, kind="related", added_at=change.now, added_by=change.actor)
        )
        change.write("related", {"ticket": second["number"], **why})
        change.of(second["number"]).write("related", {"ticket": first["number"], **why})
    return related_to(store, name)


def related_to(store: Store, name: str) -> list[Related]:
    """The tickets that belong to a ticket, by number."""
    with store.read() as connection:
        ticket_id = find(connection, name)["id"]
        other = sa.case((relations.c.ticket_id == ticket_id, relations.c.other_id), else_=relations.c.ticket_id)
        query = (
            sa.select(tickets.c.number, tickets.c.title, tickets.c.level, tickets.c.status, relations.c.kind)
            .select_from(relations)
            .join(tickets, tickets.c.id == other)
            .where(sa.or_(relations.c.ticket_id == ticket_id, relations.c.other_id == ticket_id))
            .order_by(tickets.c.id)
        )
        return [
            Related(ticket=row.number, title=row.title, level=row.level, status=row.status, kind=row.kind)
            for row in connection.execute(query)
        ]
