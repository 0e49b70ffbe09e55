"""`minsheng replay`: what rules would have opened, beside what really happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minsheng.cli import context
from minsheng.cli.times import parse_time
from minsheng.clock import SystemClock
from minsheng.errors import Unavailable, WrongUse

if TYPE_CHECKING:
    from alerts.replay import ReplayedTicket
    from alerts.replay_report import Compared, Report, TextsOf
    from alerts.rules import RuleSet

_OUTCOMES = {"both": "一致", "new": "新增", "missed": "漏报", "noise": "误报重现", "spared": "误报消除"}


def replay(
    rules: Annotated[Path | None, typer.Option(help="A rule file; default: the rules in force.")] = None,
    since: Annotated[str, typer.Option(help="From when: a time, or an age such as 30d.")] = "30d",
    until: Annotated[str | None, typer.Option(help="Until when; default: now.")] = None,
    documents: Annotated[
        Path | None,
        typer.Option(help="Replay the documents of this JSON Lines file, in memory, instead of the store's."),
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(help="With --documents: the policies, a TOML file or a folder of them.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Replay old documents against rules, on event time, and show what they would have opened.

    Without --documents: the observations in the store, beside the tickets that were really opened. With --documents: a
    file of documents, judged, linked and grouped anew; the live log, index and store are left alone.
    """
    if (documents is None) != (policies is None):
        raise WrongUse("--documents and --policies belong together", "give both, or neither to replay the store")
    if documents is not None and policies is not None:
        _replay_file(documents, policies, rules, json)
        return
    from alerts.replay_report import replay_store
    from minsheng.policies import PolicyRegister

    store, clock = context.store(), SystemClock()
    chosen = _rules(rules)
    register = {policy.id: policy for policy in PolicyRegister(store, clock).all()}
    report = replay_store(
        store,
        context.settings(),
        chosen,
        register,
        parse_time(since, clock),
        parse_time(until, clock) if until else clock.now(),
        _texts(),
    )
    if json:
        context.print_json(
            {
                **{name: getattr(report, name) for name in report.__struct_fields__ if name != "tickets"},
                "counts": {outcome: report.count(outcome) for outcome in _OUTCOMES},
                "tickets": [
                    {
                        "outcome": one.outcome,
                        "replayed": _plain(one.replayed) if one.replayed else None,
                        "real": one.real,
                    }
                    for one in report.tickets
                ],
            }
        )
        return
    _print(report)


def _replay_file(documents: Path, policies: Path, rules: Path | None, json: bool) -> None:
    from alerts.levels import CHINESE
    from alerts.replay_documents import read_documents, replay_documents
    from alerts.rules import default_rules
    from alerts.rules.reading import read_file
    from classifiers.load import load_model
    from minsheng.policies import read_policies

    # The rules in force lie in the live store, which is left alone: without a file the shipped ones are taken.
    chosen = read_file(rules) if rules is not None else default_rules()
    listed = read_policies(policies)
    read = read_documents(documents)
    settings = context.settings()
    engine = replay_documents(read, listed, chosen, settings, load_model(settings))
    if json:
        context.print_json([_plain(ticket) for ticket in engine.tickets])
        return
    context.print_table(
        f"{len(read)} documents: {len(engine.tickets)} tickets",
        ("触发时间", "等级", "政策", "事件", "信息", "理由"),
        [
            (context.local_time(one.opened_at), CHINESE[one.level], one.policy, one.event, len(one.documents), one.why)
            for one in engine.tickets
        ],
    )


def _rules(path: Path | None) -> RuleSet:
    from alerts.rules.book import RuleBook
    from alerts.rules.reading import read_file

    return read_file(path) if path is not None else RuleBook(context.store(), SystemClock()).in_force()


def _texts() -> TextsOf | None:
    """The texts of documents, from the index; None where it is away, which is said."""
    from minsheng.parts import open_index

    index = open_index(context.settings())
    try:
        index.get([])
        index.get(["0" * 32])
    except Unavailable as error:
        context.errors().print(f"warning: {error}", markup=False, soft_wrap=True)
        index.close()
        return None

    def texts(ids: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(ids), 500):
            for name, record in index.get(ids[start : start + 500]).items():
                found[name] = f"{record.document.title}\n{record.document.text}"
        return found

    return texts


def _plain(ticket: ReplayedTicket) -> dict[str, Any]:
    return {
        "policy": ticket.policy,
        "event": ticket.event,
        "level": ticket.level,
        "opened_at": ticket.opened_at,
        "ended_at": ticket.ended_at,
        "historical": ticket.historical,
        "score": ticket.score,
        "why": ticket.why,
        "levels": [{"level": one.level, "at": one.at, "rule": one.rule} for one in ticket.raised],
        "documents": ticket.documents,
        "opened_by": ticket.opened_by,
    }


def _print(report: Report) -> None:
    from alerts.levels import CHINESE

    def row(one: Compared) -> tuple[Any, ...]:
        made, real = one.replayed, one.real
        return (
            _OUTCOMES[one.outcome],
            context.local_time(made.opened_at) if made else "",
            CHINESE[made.level] if made else "",
            real.number if real else "",
            context.local_time(real.opened_at) if real else "",
            CHINESE[real.level] if real else "",
            (made.policy if made else real.policy if real else "") or "",
            made.why if made else "",
        )

    context.print_table(
        f"规则 {report.rules}：{report.documents} 条信息，回放 {sum(bool(one.replayed) for one in report.tickets)} 件",
        ("结果", "回放触发", "回放等级", "实际工单", "实际触发", "实际等级", "政策", "理由"),
        [row(one) for one in report.tickets],
    )
    line = context.console().print
    line("  ".join(f"{words} {report.count(outcome)}" for outcome, words in _OUTCOMES.items()), markup=False)
    line(
        f"发现用时中位数：回放 {_number(report.delay_minutes)} 分钟，实际 {_number(report.real_delay_minutes)} 分钟；"
        f"误报率：回放 {_number(report.false_alarm_share)}，实际 {_number(report.real_false_alarm_share)}",
        markup=False,
    )


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:g}"
