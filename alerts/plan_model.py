"""What a response plan is made of."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from alerts.risk_kind import RiskKind

VARIABLES: dict[str, str] = {
    "policy": "政策名称",
    "number": "文号",
    "department": "责任单位",
    "event": "事件标题",
    "level": "风险等级",
    "risk_kind": "风险类型",
    "count": "发言者人数",
    "why": "研判理由",
    "ticket": "工单编号",
    "opened_at": "首次触发时间",
    "released_on": "政策发布日期",
    "deadline": "最迟回应时间",
}
"""Variables that a plan's texts may use, in braces, and what they stand for."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Actor(_Table, frozen=True, kw_only=True):
    """Who does what: role (牵头单位, 新闻发言人), unit, what for, and how to reach them."""

    role: str
    unit: str = ""
    duty: str = ""
    contact: str = ""


class Step(_Table, frozen=True, kw_only=True):
    """What is to be done, and within how many minutes after the ticket opened; without, no clock runs."""

    title: str
    detail: str = ""
    who: str = ""
    within_minutes: int | None = None


class Answer(_Table, frozen=True, kw_only=True):
    """A question that will be asked, and the line to answer it with."""

    question: str
    answer: str


class Statements(_Table, frozen=True, kw_only=True):
    """Drafts: the holding statement (首次回应), the full one (权威发布), and answers."""

    holding: str = ""
    full: str = ""
    qa: tuple[Answer, ...] = ()


class Plan(_Table, frozen=True, kw_only=True):
    """One response plan.

    Attributes
    ----------
    id, version, title:
        Its name in this system, a number that rises with each change, and its Chinese title.
    policies, topics:
        What it is bound to: policy ids, or "*" for a general plan; policy areas in the words of the topic head.
    risk_kinds, levels:
        Kinds of risk and levels it is for; empty: all.
    owner, expires_on:
        Who keeps it up to date, and the last day it holds; without, it holds until it is replaced.
    inherit:
        Sections that say nothing are taken from the next more general plan that fits.
    inherited:
        Section → plan id and version it was taken from. Set when a plan is chosen, never written.
    judgement:
        Points to judge first (研判要点).
    actors, steps, statements, channels, do_nots, legal_basis:
        Who, what by when, drafts, where to publish, what not to do, and what it rests on.
    """

    id: str
    version: int
    title: str
    policies: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    risk_kinds: tuple[RiskKind, ...] = ()
    levels: tuple[Literal["blue", "yellow", "orange", "red"], ...] = ()
    owner: str = ""
    expires_on: date | None = None
    inherit: bool = True
    inherited: dict[str, str] = {}
    judgement: tuple[str, ...] = ()
    actors: tuple[Actor, ...] = ()
    steps: tuple[Step, ...] = ()
    statements: Statements = Statements()
    channels: tuple[str, ...] = ()
    do_nots: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
