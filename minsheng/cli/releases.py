"""The part of `minsheng policies` that watches releases: what is ready, first reports, interpretation materials."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.cli.files import check_table, write_table
from minsheng.cli.times import parse_day
from minsheng.clock import CHINA, SystemClock
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from alerts.release.report import ReleaseReport
    from alerts.release.watch import Watched
    from minsheng.policies import Policy
    from minsheng.policies.interpretations import Interpretation

PolicyName = Annotated[str, typer.Argument(metavar="POLICY", help="The policy's id, its number (文号) or its title.")]


def watch(
    policy: Annotated[
        str | None,
        typer.Argument(metavar="POLICY", help="Its id, number (文号) or title; default: all.", show_default=False),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those released long ago, withdrawn, and without a day of release.")
    ] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show what is ready for each release: response plan, interpretation, Q&A; with reminders and first reports."""
    from alerts.release.watch import ReleaseWatch

    watching = ReleaseWatch(context.store(), context.settings(), SystemClock(), None)
    found = watching.watched([_policy(policy)] if policy is not None else None)
    if policy is None and not every:
        found = [one for one in found if one.state in ("coming", "window")]
    if json:
        context.print_json([_plain(one) for one in found])
    elif policy is not None:
        _print_one(found[0])
    else:
        _print_all(found)


def release_report(
    policy: PolicyName,
    hours: Annotated[int | None, typer.Option(min=1, help="Hours after the release; default: the newest kept.")] = None,
    now: Annotated[bool, typer.Option("--now", help="Make one as things stand now, without keeping it.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show the first report after a policy's release, as it was kept; the watch makes it 2, 24 and 72 hours after."""
    from alerts.release.report import kept_reports

    found = _policy(policy)
    if now:
        report, digest = _made_now(found, hours or 72), ""
    else:
        kept = [one for one in kept_reports(context.store(), found.id) if hours in (None, one[0].hours)]
        if not kept:
            which = f"of {hours} hours " if hours else ""
            raise WrongUse(
                f"no first report {which}was made of {found.id}", "minsheng policies watch shows when; --now makes one"
            )
        report, digest = kept[-1]
    if json:
        context.print_json({"report": report, "digest": digest})
    else:
        _print_report(report, digest)


def interpret(
    policy: PolicyName,
    form: Annotated[str, typer.Option(help="text, picture, video, press-conference, qa or case.")],
    title: Annotated[str, typer.Option(help="What it is called.")],
    on: Annotated[str, typer.Option(help="The day it is published: 2026-11-24.")],
    url: Annotated[str | None, typer.Option(help="Where it can be read or seen.")] = None,
    responsible: Annotated[str, typer.Option(help="Who answers for it, e.g. the first interpreter.")] = "",
    json: bool = context.JSON_OPTION,
) -> None:
    """Put a piece of interpretation into the register."""
    from minsheng.policies.interpretations import Interpretations

    day = parse_day(on)
    assert day is not None
    register = Interpretations(context.store(), SystemClock())
    kept = register.add(policy, form, title, day, url=url, responsible=responsible, actor=getpass.getuser())
    _print_interpretations([kept], json)


def interpretations(
    policy: Annotated[
        str | None,
        typer.Argument(metavar="POLICY", help="Its id, number (文号) or title; default: all.", show_default=False),
    ] = None,
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Also those that were taken back.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List interpretation materials."""
    from minsheng.policies.interpretations import Interpretations

    policy_id = _policy(policy).id if policy is not None else None
    found = Interpretations(context.store(), SystemClock()).of(policy_id, withdrawn=withdrawn)
    _print_interpretations(list(found), json)


def drop_interpretation(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Which; see policies interpretations.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Take a piece of interpretation back; it stays in the register, as withdrawn."""
    from minsheng.policies.interpretations import Interpretations

    taken = Interpretations(context.store(), SystemClock()).withdraw(number, actor=getpass.getuser())
    _print_interpretations([taken], json)


def interpreted(
    show: Annotated[
        str,
        typer.Option(
            help="Which: all, interpreted, missing, same-day, late, official, diverse, plain, copied or unnamed."
        ),
    ] = "all",
    since: Annotated[str | None, typer.Option(help="Only policies released from this day on: 2026-01-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Only policies released up to this day.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the list as .xlsx or .csv.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """The interpretation room: each released policy beside its materials, and the figures that are asked for: same day,
    more than text, copied from the document, first interpreter."""
    from answers.interpreted import COLUMNS, SHOWS, chosen, figures, sheet_rows
    from answers.interpreted import interpreted as read
    from minsheng.policies import PolicyRegister

    if show not in SHOWS:
        raise WrongUse(f"--show {show} is not known", f"use one of {', '.join(SHOWS)}")
    if output is not None:
        check_table(output)
    settings, store = context.settings(), context.store()
    with context.index() as index:
        rows = read(
            store, SystemClock(), index, PolicyRegister(store).all(), settings.interpretation,
            since=parse_day(since), until=parse_day(until),
        )  # fmt: skip
    counted, found = figures(rows, settings.interpretation), chosen(rows, show)
    if output is not None:
        write_table(output, SHOWS[show], COLUMNS, sheet_rows(found))
        return
    if json:
        context.print_json(
            {"figures": counted, "policies": [dict(zip(COLUMNS, row, strict=True)) for row in sheet_rows(found)]}
        )
        return
    console = context.console()
    console.print(
        "，".join(f"{SHOWS[name]} {count}（{name}）" for name, count in counted.counts.items()), markup=False,
        soft_wrap=True,
    )  # fmt: skip
    if counted.diverse_share is not None:
        told = "达到" if counted.reached else "未达到"
        console.print(f"多元解读占 {counted.diverse_share:.1%}，{told} {counted.goal:.0%} 的要求", markup=False)
    context.print_table(
        f"{SHOWS[show]} {len(found)} 项",
        ("政策", "发布", "解读", "第一解读人", "注意"),
        [
            (
                f"{row.policy.id} 《{row.policy.title}》", str(row.policy.released_on),
                "、".join(f"{one.form_words} {one.piece.published_on}" for one in row.materials),
                "、".join(row.first_interpreters), "；".join(row.warnings),
            )
            for row in found
        ],
    )  # fmt: skip


COMMANDS: dict[str, Callable[..., None]] = {
    "watch": watch,
    "release-report": release_report,
    "interpret": interpret,
    "interpretations": interpretations,
    "drop-interpretation": drop_interpretation,
    "interpreted": interpreted,
}


def _policy(name: str) -> Policy:
    from minsheng.policies import PolicyRegister

    found = PolicyRegister(context.store()).find(name)
    if found is None:
        raise WrongUse(Problem("policy-unknown", policy=name), "minsheng policies list shows them")
    return found


def _made_now(policy: Policy, hours: int) -> ReleaseReport:
    from alerts.planning.shelf import book_of
    from alerts.release.readiness import readiness_of, released_at
    from alerts.release.report import release_report
    from minsheng.parts import open_index

    settings, store, clock = context.settings(), context.store(), SystemClock()
    moment = released_at(policy, settings)
    if moment is None:
        raise WrongUse(f"no day of release of {policy.id} is known", "set released_on, then minsheng policies import")
    if moment > clock.now():
        raise WrongUse(f"{policy.id} is not released before {moment:%Y-%m-%d %H:%M}", "ask again then")
    missing = readiness_of(store, clock, book_of(store, settings.path("plans")), [policy])[policy.id].missing
    with closing(open_index(settings)) as index:
        return release_report(store, index, clock, policy, moment, hours, missing)


def _plain(one: Watched) -> dict[str, object]:
    return {
        "policy": one.policy.id,
        "title": one.policy.title,
        "department": one.policy.department,
        "state": one.state,
        "released_at": one.released_at,
        "days": one.days,
        "missing": one.readiness.missing,
        "readiness": one.readiness,
        "timers": one.timers,
        "reports": [{"hours": report.hours, "made_at": report.made_at} for report in one.reports],
    }


def _print_all(found: list[Watched]) -> None:
    from alerts.release.readiness import PARTS
    from alerts.release.watch import STATES

    context.print_table(
        f"发布监看 {len(found)} 项",
        ("政策", "责任单位", "状态", "发布", *PARTS.values(), "首报"),
        [
            (
                f"{one.policy.id} 《{one.policy.title}》",
                one.policy.department,
                STATES[one.state],
                _days(one),
                *(one.readiness.words(part) for part in PARTS),
                "、".join(f"{report.hours}h" for report in one.reports),
            )
            for one in found
        ],
    )


def _days(one: Watched) -> str:
    if one.days is None or one.policy.released_on is None:
        return ""
    ago = f"{one.days} 天后" if one.days > 0 else "今日" if one.days == 0 else f"{-one.days} 天前"
    return f"{one.policy.released_on:%Y-%m-%d}（{ago}）"


def _print_one(one: Watched) -> None:
    from alerts.release.readiness import PARTS
    from alerts.release.watch import STATES

    console = context.console()
    console.print(
        f"《{one.policy.title}》 {STATES[one.state]} {_days(one)} 责任单位：{one.policy.department or '未登记'}",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    for part, title in PARTS.items():
        mark = "✗" if part in one.readiness.missing else "✓"
        console.print(f"{mark} {title}：{one.readiness.words(part)}", markup=False, soft_wrap=True)
    context.print_table(
        "提醒与首报",
        ("事项", "时间", "状态"),
        [
            (
                f"提前 {timer.distance} 天提醒" if timer.kind == "remind" else f"发布后 {timer.distance} 小时首报",
                context.local_time(timer.due_at),
                timer.why or (context.local_time(timer.fired_at) if timer.fired_at else "待办"),
            )
            for timer in one.timers
        ],
    )


def _print_report(report: ReleaseReport, digest: str) -> None:
    from alerts.levels import SHORT
    from alerts.release.readiness import PARTS
    from alerts.transitions import STATUS_WORDS

    console = context.console()

    def line(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    cut = f"（截至 {report.until.astimezone(CHINA):%m-%d %H:%M}）" if report.partial else ""
    line(f"《{report.title}》发布后 {report.hours} 小时舆情{cut}")
    line(report.summary)
    line(f"相关信息 {report.documents} 条，发言者 {report.voices} 位，其中负面或有诉求者 {report.concerned} 位")
    compared = "发言太少，不作比较"
    if report.change is not None:
        moved = (
            "变化不显著" if report.change.low <= 1 <= report.change.high else f"为之前的 {report.change.value:.1f} 倍"
        )
        compared = moved
    line(f"发布前同样时长发言者 {report.before} 位：{compared}")
    for title, shares in (("情感", report.sentiment), ("立场", report.stance)):
        told = "，".join(
            f"{one.title} {one.count}/{one.total}（{one.share:.0%}，区间 {one.low:.0%}–{one.high:.0%}）"
            for one in shares
        )
        line(f"{title}：{told or '无'}")
    for title, listed in (("典型疑问", report.questions), ("典型诉求", report.demands)):
        for number, typical in enumerate(listed, 1):
            line(f"{title}{number}（{typical.asked} 条）：{typical.text}")
    for ticket in report.tickets:
        status = STATUS_WORDS.get(ticket.status, ticket.status)
        line(f"未办结工单 {ticket.number} {SHORT[ticket.level]} {status} {ticket.title}")
    if report.missing:
        line(f"尚缺：{'、'.join(title for part, title in PARTS.items() if part in report.missing)}")
    line(f"监看范围：{report.coverage}")
    for limit in report.limits:
        line(f"局限：{limit}")
    if digest:
        line(f"{context.local_time(report.made_at)} 生成并存档，校验值 {digest[:16]}")


def _print_interpretations(found: list[Interpretation], json: bool) -> None:
    from minsheng.policies import PolicyRegister
    from minsheng.policies.interpretations import FORMS

    if json:
        context.print_json(found)
        return
    policies = {one.id: one for one in PolicyRegister(context.store()).all()}
    context.print_table(
        f"解读材料 {len(found)} 件",
        ("编号", "政策", "形式", "标题", "发布", "同步", "责任人", "链接"),
        [
            (
                one.id,
                one.policy_id,
                FORMS[one.form] + ("（已撤回）" if one.withdrawn_at else ""),
                one.title,
                one.published_on.isoformat(),
                "是" if one.policy_id in policies and one.same_day(policies[one.policy_id]) else "否",
                one.responsible,
                one.url or "",
            )
            for one in found
        ],
    )
