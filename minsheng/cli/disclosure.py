"""`minsheng disclosure`: applications for information (依申请公开)."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from minsheng.cli import context
from minsheng.cli.files import check_table, write_table
from minsheng.cli.importing import pair
from minsheng.cli.times import parse_time
from minsheng.clock import CHINA, SystemClock
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from disclosure.register import Asked, Listed, Register

app = typer.Typer(
    help="Applications for information: their terms, answers, and what is often asked for.", no_args_is_help=True
)

Since = Annotated[str | None, typer.Option("--from", help="Received on this day or later: 2026-01-01, or 90d ago.")]
Until = Annotated[str | None, typer.Option("--to", help="Received on this day or before.")]
Department = Annotated[str | None, typer.Option(help="Only of this department.")]
Region = Annotated[str | None, typer.Option(help="Only of regions whose name begins so: 云江省望津市.")]
State = Annotated[
    str | None,
    typer.Option(help="pending, correcting, extended, answered or overdue; or open, soon, late or in-time."),
]
Result = Annotated[str | None, typer.Option("--outcome", help="disclosed, partly, refused, absent, other or none.")]
Matter = Annotated[int | None, typer.Option(help="Only on this matter, from: minsheng disclosure suggestions.")]


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help=".csv, .xlsx, .xls or .jsonl; columns: docs/reference/disclosure.md.")],
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="Read this column as that field; can be repeated."),
    ] = None,
    department: Annotated[str, typer.Option(help="Who answers, of rows that name none.")] = "",
    region: Annotated[str, typer.Option(help="Region of rows that name none: 云江省望津市.")] = "",
    rejects: Annotated[
        Path | None, typer.Option(help="Where unusable rows are written; default: rejects/ in the data folder.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Take a register of applications in. Imported again, it changes what has changed. Nobody's identity is stored."""
    from disclosure.importing import import_file as run

    mapping = dict(pair(text) for text in map_ or ())
    settings = context.settings()
    report = run(
        file, context.store(), SystemClock(), settings, actor=getpass.getuser(), mapping=mapping,
        department=department, region=region,
        rejects=rejects or settings.path("rejects") / f"{file.name}.disclosure.jsonl",
    )  # fmt: skip
    if json:
        context.print_json(report)
    else:
        say = context.console().print
        counts = f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged"
        say(f"{report.rows} rows: {counts}, {len(report.refused)} refused", markup=False)
        if report.dropped:
            say(f"申请人信息不入库，已略去：{'、'.join(report.dropped)}", markup=False, soft_wrap=True)
        if report.ignored:
            say(f"未使用的列：{'、'.join(report.ignored)}", markup=False, soft_wrap=True)
        if report.unknown_policies:
            say(f"{report.unknown_policies} 件所写的政策在政策库中没有对应，仅保留文字", markup=False, soft_wrap=True)
        for row in report.refused:
            say(f"第 {row.line} 行：{row.reason}", markup=False, soft_wrap=True)
        if report.rejects:
            say(f"退回的行（不含申请人信息）写在 {report.rejects}", markup=False, soft_wrap=True)
    if report.refused:
        raise typer.Exit(1)


@app.command("list")
def list_applications(
    state: State = None,
    outcome: Result = None,
    department: Department = None,
    region: Region = None,
    since: Since = None,
    until: Until = None,
    matter: Matter = None,
    words: Annotated[str | None, typer.Option(help="Only with these words in number, title or content.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 200,
    json: bool = context.JSON_OPTION,
) -> None:
    """List applications with their clocks: what is due first, then what is answered, newest first."""
    asked = _asked(since, until, department, region, state=state, outcome=outcome, matter=matter, words=words)
    found = _register().list(asked)
    if json:
        context.print_json([_plain(one) for one in found[:limit]])
        return
    title = f"依申请公开 {len(found)} 件" + (f"，列出前 {limit} 件" if len(found) > limit else "")
    context.print_table(
        title,
        ("编号", "机关", "收到日期", "事项", "状态", "答复期限", "时限", "结果"),
        [_cells(one) for one in found[:limit]],
    )


@app.command("show")
def show(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The application's number.")],
    department: Annotated[str | None, typer.Option(help="Whose, where several have this number.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show one application, its clock, and which imports changed it."""
    from alerts.statutory.telling import reminded
    from disclosure.exchange import HEADINGS, rows
    from disclosure.terms import clock_words

    register = _register()
    found = register.get(number, department)
    history = register.history(found.application.id)
    told = reminded(context.store(), f"application:{found.application.id}")
    if json:
        context.print_json(_plain(found) | {"history": history, "reminded": told})
        return
    (cells,) = rows([found], _titles())
    say = context.console().print
    for heading, cell in zip(HEADINGS, cells, strict=True):
        if cell:
            say(f"{heading}：{cell}", markup=False, soft_wrap=True)
    say(f"时限：{clock_words(found.standing)}", markup=False, soft_wrap=True)
    for line in told:
        say(line, markup=False, soft_wrap=True)
    context.print_table(
        "历史",
        ("时间", "何人", "文件", "改动"),
        [
            (
                context.local_time(one.at),
                one.actor,
                one.file,
                "；".join(f"{name}：{before} → {after}" for name, (before, after) in one.fields.items()) or "导入",
            )
            for one in history
        ],
    )


@app.command("figures")
def figures(
    since: Since = None,
    until: Until = None,
    department: Department = None,
    region: Region = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Count states, outcomes, answers in time, reviews and lawsuits. Default: what was received this year."""
    from disclosure.figures import count

    register = _register()
    asked = _asked(since or f"{register.today.year}-01-01", until, department, region)
    found = count(register, register.list(asked))
    if json:
        shares = {"in_time_share": found.in_time_share, "corrected": found.corrected, "lost": found.lost}
        span = {"since": asked.since, "until": asked.until}
        context.print_json(msgspec.structs.asdict(found) | shares | span)
        return
    rows: list[tuple[str, object]] = [("收到申请", found.received)]
    rows += [(f"状态：{one.title}", one.count) for one in found.states]
    rows += [(f"结果：{one.title}", one.count) for one in found.outcomes]
    rows += [(found.in_time.title, found.in_time.count), (found.out_of_time.title, found.out_of_time.count)]
    rows.append(("按期答复率", "—" if found.in_time_share is None else f"{found.in_time_share:.1%}"))
    rows.append(("平均答复工作日", "—" if found.workdays is None else f"{found.workdays:.1f}"))
    rows += list(found.steps)
    rows += [(f"行政复议：{one.title}", one.count) for one in found.reviews]
    rows += [(f"行政诉讼：{one.title}", one.count) for one in found.suits]
    context.print_table(f"依申请公开 {asked.since} 至 {asked.until or register.today}", ("项目", "数"), rows)


@app.command("suggestions")
def suggestions(
    since: Since = None,
    until: Until = None,
    department: Department = None,
    region: Region = None,
    often: Annotated[int | None, typer.Option(min=2, help="From so many applications; default: the settings'.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show matters that are often asked for, and whether to publish them without being asked. Default: two years."""
    from disclosure.suggestions import ADVICE, SOURCE
    from disclosure.suggestions import suggestions as suggest

    asked = _asked(since or "730d", until, department, region)
    found = suggest(_register().list(asked), often or context.settings().disclosure.often)
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"常被申请的事项 {len(found)} 个（依据{SOURCE}）",
        ("编号", "建议", "事项", "机关", "申请", "已给", "起止", "答复"),
        [
            (
                one.matter,
                ADVICE[one.advice],
                one.title,
                one.department,
                one.applications,
                one.given,
                f"{one.since} 至 {one.latest}",
                "、".join(f"{word} {number}" for word, number in one.outcomes),
            )
            for one in found
        ],
    )


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to write: .csv or .xlsx.")],
    state: State = None,
    outcome: Result = None,
    department: Department = None,
    region: Region = None,
    since: Since = None,
    until: Until = None,
    matter: Matter = None,
) -> None:
    """Write applications with their clocks to a file, with the headings that an import reads."""
    from disclosure.exchange import HEADINGS, rows

    check_table(file)
    asked = _asked(since, until, department, region, state=state, outcome=outcome, matter=matter)
    found = rows(_register().list(asked), _titles())
    write_table(file, "依申请公开", HEADINGS, found)
    context.errors().print(f"{len(found)} applications", markup=False)


def _register() -> Register:
    from disclosure.register import Register

    return Register(context.store(), SystemClock(), context.settings())


def _titles() -> dict[str, str]:
    from minsheng.policies import PolicyRegister

    return PolicyRegister(context.store()).titles().all(lambda _: True)


def _asked(
    since: str | None,
    until: str | None,
    department: str | None,
    region: str | None,
    *,
    state: str | None = None,
    outcome: str | None = None,
    matter: int | None = None,
    words: str | None = None,
) -> Asked:
    from disclosure.model import OUTCOMES, STATES
    from disclosure.register import CHOICES, UNNAMED, Asked

    for option, given, known in (
        ("--state", state, (*STATES, *CHOICES)),
        ("--outcome", outcome, (*OUTCOMES, UNNAMED)),
    ):
        if given is not None and given not in known:
            raise WrongUse(f"{option} {given} is not known", f"use one of {', '.join(known)}")
    return Asked(
        since=parse_time(since).astimezone(CHINA).date() if since else None,
        until=parse_time(until).astimezone(CHINA).date() if until else None,
        state=state or "",
        outcome=outcome or "",
        department=department or "",
        region=region or "",
        matter=matter,
        words=words or "",
    )


def _cells(one: Listed) -> tuple[Any, ...]:
    from disclosure.model import OUTCOMES, STATES
    from disclosure.terms import clock_words

    application, standing = one.application, one.standing
    return (
        application.number,
        application.department,
        application.received_on,
        application.subject,
        STATES[standing.state],
        standing.due,
        clock_words(standing),
        OUTCOMES[application.outcome] if application.outcome else "",
    )


def _plain(one: Listed) -> dict[str, Any]:
    return {**msgspec.structs.asdict(one.application), "standing": one.standing}
