"""`minsheng drill`: exercises that go the whole road, and how fast each step was."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.clock import SystemClock
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from alerts.drills.report import DrillReport

app = typer.Typer(help="Drills: an exercise goes the whole road, and its report says how fast.", no_args_is_help=True)


@app.command("scenarios")
def list_scenarios(json: bool = context.JSON_OPTION) -> None:
    """List the scenarios: those that come with Minsheng, and your own in the data folder's drills/."""
    from alerts.drills.scenario import FOLDER, scenarios
    from alerts.levels import CHINESE
    from alerts.risk_kind import CHINESE as KINDS

    found = list(scenarios(context.settings().path(FOLDER)).values())
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"演练想定 {len(found)} 个",
        ("编号", "名称", "风险类型", "等级", "信息"),
        [(one.id, one.title, KINDS[one.risk_kind], CHINESE[one.level], len(one.posts)) for one in found],
    )


@app.command("start")
def start(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Its id, or a file NAME.toml.")],
    policy: Annotated[
        str, typer.Option(help="The policy whose plan and people are drilled: id, number (文号) or title.")
    ],
    by: Annotated[str | None, typer.Option(help="Who starts it; default: the user of this machine.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Start a drill: people who are on duty for this policy get notices that begin with 【演练】."""
    from alerts.drills.scenario import FOLDER, find_scenario
    from alerts.drills.start import start_drill
    from minsheng.parts import open_log, topic_partitions
    from minsheng.policies import PolicyRegister

    settings, clock = context.settings(), SystemClock()
    chosen = find_scenario(scenario, settings.path(FOLDER))
    store = context.store()
    about = PolicyRegister(store, clock).find(policy)
    if about is None:
        raise WrongUse(Problem("policy-unknown", policy=policy), "minsheng policies list shows them")
    log = open_log(settings)
    try:
        log.ensure_topics(topic_partitions(settings))
        number = start_drill(store, log, clock, chosen, about, actor=by or getpass.getuser())
    finally:
        log.close()
    if json:
        context.print_json({"drill": number, "scenario": chosen.id, "policy": about.id, "posts": len(chosen.posts)})
        return
    context.console().print(
        f"演练 {number} 已开始：{chosen.title}，《{about.title}》，{len(chosen.posts)} 条演练信息已投放。\n"
        f"进展和报告：minsheng drill show {number}",
        markup=False,
        soft_wrap=True,
    )


@app.command("list")
def list_drills(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    json: bool = context.JSON_OPTION,
) -> None:
    """List drills, the newest first."""
    from alerts.drills.book import DrillBook

    found = DrillBook(context.store(), SystemClock()).list(limit=limit)
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"演练 {len(found)} 次",
        ("编号", "想定", "政策", "发起", "开始", "结束", "工单"),
        [
            (
                one.number,
                one.title,
                one.policy_id,
                one.actor,
                context.local_time(one.started_at),
                context.local_time(one.ended_at) or "进行中",
                one.ticket,
            )
            for one in found
        ],
    )


@app.command("show")
def show(
    drill: Annotated[str, typer.Argument(metavar="DRILL", help="Its number, e.g. D20261124-001.")],
    docx: Annotated[Path | None, typer.Option(help="Write the report as a Word document into this file.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show a drill's report: when each step was done, against its clocks, and what should be looked at."""
    from alerts.drills.book import DrillBook

    store, clock = context.store(), SystemClock()
    book = DrillBook(store, clock)
    book.keep_ended()
    report = book.report(drill)
    if docx is not None:
        _write(report, docx)
    if json:
        context.print_json(report)
    elif docx is None:
        _print(report)


def _policy_title(report: DrillReport) -> str:
    from minsheng.policies import PolicyRegister

    return PolicyRegister(context.store(), SystemClock()).titles().of(report.policy)


def _write(report: DrillReport, path: Path) -> None:
    from briefings.docx import docx_of
    from briefings.drill import report_of
    from briefings.head import Head

    made = report_of(report, context.settings().briefing.unit, _policy_title(report))
    try:
        path.write_bytes(docx_of(made, Head(number=report.number, status="signed")))
    except OSError as error:
        raise WrongUse(f"{path} can't be written: {error.strerror}", "name a file in a folder of yours") from None
    context.errors().print(f"{path}", markup=False, soft_wrap=True)


def _print(report: DrillReport) -> None:
    from briefings.drill import met_words, seconds_words, summary_of, time_words

    console = context.console()
    console.print(summary_of(report, _policy_title(report)), markup=False, soft_wrap=True)
    context.print_table(
        "各环节用时",
        ("环节", "完成时间", "距上一环节", "应于", "结果", "依据"),
        [
            (
                one.title,
                time_words(one.at),
                seconds_words(one.seconds),
                time_words(one.due_at),
                met_words(one, report),
                one.limit,
            )
            for one in report.steps
        ],
    )
    context.print_table(
        "时限和任务",
        ("事项", "责任人", "时限", "完成时间", "结果"),
        [
            (one.title, one.who, time_words(one.due_at), time_words(one.done_at), met_words(one, report))
            for one in (*report.clocks, *report.tasks)
        ],
    )
    for one in report.findings:
        console.print(f"问题：{one}", markup=False, soft_wrap=True)
