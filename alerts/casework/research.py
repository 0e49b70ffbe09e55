"""The research sheet (研判单): what an officer has found about a matter, and what is to be done about it.

Each save is a version of its own; the newest is the one that is worked on. Signing binds a version: its hash covers the
ticket, the version and every word, and it never changes; who goes on writing makes the next version.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts.casework.tables import sheets
from alerts.levels import LEVELS
from alerts.risk_kind import CHINESE as KIND_WORDS
from alerts.tickets import TicketBook
from alerts.transitions import Change, changing, find
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

SECTIONS: dict[str, str] = {
    "facts": "基本情况",
    "cause": "成因分析",
    "demands": "群众诉求",
    "trend": "走势研判",
    "responsible": "责任单位",
    "recommended_level": "建议等级",
    "recommended_response": "处置建议",
}
"""The sheet's sections and their Chinese titles."""

_LONGEST = 20_000


class Research(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the sheet says.

    Attributes
    ----------
    facts, cause, trend, recommended_response:
        Texts. Facts say what is verified and what is not.
    demands:
        What people ask for, one entry a demand.
    responsible:
        The unit that is to answer for it.
    recommended_level:
        blue, yellow, orange or red; empty until judged.
    """

    facts: str = ""
    cause: str = ""
    demands: tuple[str, ...] = ()
    trend: str = ""
    responsible: str = ""
    recommended_level: str = ""
    recommended_response: str = ""

    def missing(self) -> list[str]:
        """The Chinese titles of the sections that say nothing yet."""
        return [title for name, title in SECTIONS.items() if not getattr(self, name)]


class ResearchSheet(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `signed_by` is None for a draft; `intact` says whether content and hash fit."""

    ticket: str
    version: int
    content: Research
    hash: str
    written_by: str
    written_at: datetime
    signed_by: str | None
    signed_at: datetime | None
    intact: bool


def start_sheet(store: Store, clock: Clock, name: str) -> Research:
    """What is known without anybody having judged: a beginning for the sheet, from the ticket itself."""
    ticket = TicketBook(store, clock).get(name)
    opened = ticket.opened_at.astimezone(CHINA)
    parts = "；".join(f"{part['title']}：{part['value']}" for part in ticket.parts if part["value"])
    return Research(
        facts=f"{opened:%m月%d日 %H:%M}起，{ticket.why.rstrip('。')}。现有相关信息{ticket.posts}条。（待核实）",
        cause=f"风险类型初判为{KIND_WORDS.get(ticket.risk_kind, ticket.risk_kind)}。（待研判）",
        trend=f"{parts}。（待研判）" if parts else "",
        responsible=ticket.unit,
        recommended_level=ticket.level,
    )


def write_sheet(
    store: Store, clock: Clock, name: str, content: Research, *, actor: str, based_on: int
) -> ResearchSheet:
    """Save a new version.

    Parameters
    ----------
    based_on:
        The version that the officer had before; 0 where there was none. If somebody has saved another one since, this
        is refused, so that no text is lost.
    """
    _check(content)
    with changing(store, clock, name, actor=actor) as change:
        newest = _newest(change)
        have = newest["version"] if newest is not None else 0
        if have != based_on:
            by = newest["written_by"] if newest is not None else "—"
            problem = Problem("sheet-newer", number=change.ticket["number"], have=have, by=by, based_on=based_on)
            raise WrongUse(problem, "read the newest version and put your changes into it")
        plain = msgspec.to_builtins(content)
        values = {
            "version": have + 1,
            "content": plain,
            "hash": _hash(change.ticket["number"], have + 1, plain),
            "written_by": change.actor,
            "written_at": change.now,
        }
        change.connection.execute(sheets.insert().values(ticket_id=change.id, **values))
        change.write("sheet-written", {"sheet": have + 1, "hash": values["hash"]})
    return _get(store, name, have + 1)


def sign_sheet(store: Store, clock: Clock, name: str, version: int, *, actor: str) -> ResearchSheet:
    """Sign the newest version. Raises `WrongUse` where sections say nothing, a newer version is there, or it is signed
    already."""
    with changing(store, clock, name, actor=actor) as change:
        row = _newest(change)
        number = change.ticket["number"]
        if row is None or row["version"] != version:
            have = row["version"] if row is not None else 0
            raise WrongUse(Problem("sheet-newest", number=number, newest=have, version=version), "read it first")
        if row["signed_at"] is not None:
            raise WrongUse(Problem("sheet-signed", version=version, by=row["signed_by"]), "write a new version")
        content = msgspec.convert(row["content"], Research)
        if missing := content.missing():
            raise WrongUse(Problem("sheet-incomplete", missing="、".join(missing)), "fill in every section, then sign")
        if _hash(number, version, row["content"]) != row["hash"]:
            raise WrongUse(Problem("sheet-changed", version=version), "write a new version")
        signed = {"signed_by": change.actor, "signed_at": change.now}
        change.connection.execute(sheets.update().where(sheets.c.id == row["id"]).values(**signed))
        change.write("sheet-signed", {"sheet": version, "hash": row["hash"], "level": content.recommended_level})
    return _get(store, name, version)


def sheets_of(store: Store, name: str) -> list[ResearchSheet]:
    """All versions, oldest first."""
    with store.read() as connection:
        ticket = find(connection, name)
        query = sa.select(sheets).where(sheets.c.ticket_id == ticket["id"]).order_by(sheets.c.version)
        return [_sheet(ticket["number"], row) for row in connection.execute(query).mappings()]


def _check(content: Research) -> None:
    if content.recommended_level and content.recommended_level not in LEVELS[1:]:
        raise WrongUse(Problem("level-unknown", level=content.recommended_level), f"use one of {', '.join(LEVELS[1:])}")
    texts = [getattr(content, name) for name in SECTIONS if name != "demands"]
    if any(len(text) > _LONGEST for text in (*texts, *content.demands)):
        raise WrongUse(Problem("section-long", most=_LONGEST), "attach a file instead")
    if any(not demand.strip() for demand in content.demands):
        raise WrongUse(Problem("demand-empty"), "leave empty ones out")


def _hash(ticket: str, version: int, content: dict[str, Any]) -> str:
    text = json.dumps([ticket, version, content], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _newest(change: Change) -> sa.RowMapping | None:
    query = sa.select(sheets).where(sheets.c.ticket_id == change.id).order_by(sheets.c.version.desc()).limit(1)
    return change.connection.execute(query).mappings().first()


def _get(store: Store, name: str, version: int) -> ResearchSheet:
    return next(sheet for sheet in sheets_of(store, name) if sheet.version == version)


def _sheet(ticket: str, row: sa.RowMapping) -> ResearchSheet:
    return ResearchSheet(
        ticket=ticket,
        version=row["version"],
        content=msgspec.convert(row["content"], Research),
        hash=row["hash"],
        written_by=row["written_by"],
        written_at=row["written_at"],
        signed_by=row["signed_by"],
        signed_at=row["signed_at"],
        intact=_hash(ticket, row["version"], row["content"]) == row["hash"],
    )
