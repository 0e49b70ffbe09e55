"""规则: those in force and who changed them; check and replay new ones before they are installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from alerts.replay_report import Report, TextsOf, replay_store
from alerts.rules.book import RuleBook
from alerts.rules.reading import read_rules
from console.access import Visit, needs
from console.casework import people_names
from console.problems import in_words
from console.rendering import show
from minsheng.errors import BadInput, WrongUse
from minsheng.policies import PolicyRegister

router = APIRouter()
Reader = Annotated[Visit, needs("rules")]
Installer = Annotated[Visit, needs("rules.install")]

LONGEST_DAYS = 90
OUTCOMES = {"both": "一致", "new": "新增", "missed": "漏报", "noise": "误报重现", "spared": "误报消除"}


@router.get("/rules")
def rules(visit: Reader, number: int | None = None) -> Response:
    book = RuleBook(visit.console.store, visit.console.clock)
    return _page(visit, book.get(number).content if number is not None else None)


@router.post("/rules/try")
def try_rules(visit: Reader) -> Response:
    """Check rules and replay the last `days` against them, beside what really happened. Nothing is installed."""
    text, days = visit.field("content"), min(max(visit.number("days") or 7, 1), LONGEST_DAYS)
    console, now = visit.console, visit.console.clock.now()
    try:
        chosen = read_rules(text + "\n", "规则")
        if not visit.view.grant.everything:
            raise WrongUse("规则没有错误。试算要用到全部信息，请由看得到全部信息的单位来做。")
        register = {policy.id: policy for policy in PolicyRegister(console.store, console.clock).all()}
        report = replay_store(
            console.store, console.settings, chosen, register, now - timedelta(days=days), now, _texts(visit)
        )  # fmt: skip
    except (WrongUse, BadInput) as error:
        return _page(visit, text, problem=in_words(error), days=days)
    visit.record("rules-read", chosen.version, {"days": days, "tickets": len(report.tickets)})
    return _page(visit, text, report=report, days=days)


@router.post("/rules/install")
def install(visit: Installer) -> Response:
    text, reason = visit.field("content"), visit.field("reason")
    book = RuleBook(visit.console.store, visit.console.clock)
    newest = book.history()[0]
    try:
        if newest.content.strip() == text.strip():  # sent twice, or nothing changed
            return RedirectResponse("/rules", 303)
        if visit.number("newest") != newest.id:
            raise WrongUse(f"您编辑期间，{newest.actor} 已启用过新的规则。您写的还在下面，请对照后再启用。")
        change = book.install(text + "\n", "规则", actor=visit.actor, reason=reason)
    except (WrongUse, BadInput) as error:
        return _page(visit, text, problem=in_words(error), reason=reason)
    visit.record("rules-installed", change.version, {"id": change.id, "reason": reason})
    return RedirectResponse("/rules", 303)


def _texts(visit: Visit) -> TextsOf:
    def texts(ids: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(ids), 500):
            for name, record in visit.view.index.get(ids[start : start + 500]).items():
                found[name] = f"{record.document.title}\n{record.document.text}"
        return found

    return texts


def _page(
    visit: Visit,
    text: str | None,
    *,
    problem: str = "",
    report: Report | None = None,
    days: int = 7,
    reason: str = "",
) -> Response:
    book = RuleBook(visit.console.store, visit.console.clock)
    history = book.history()
    return show(
        visit, "rules.html.j2", code=400 if problem else 200, rules=book.in_force(), history=history, newest=history[0],
        text=text if text is not None else history[0].content, problem=problem, report=report, days=days, reason=reason,
        outcomes=OUTCOMES, installs=visit.may("rules.install"), display=people_names(visit), edited=text is not None,
    )  # fmt: skip
