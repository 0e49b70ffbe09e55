"""`minsheng responses`: was a ticket's response good? Evaluation, the supervisor's score sheet, the month by unit."""

from __future__ import annotations

import getpass
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import structs

from minsheng.cli import context
from minsheng.cli.times import parse_time
from minsheng.clock import SystemClock
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.responses.evaluation import Kept, ResponseBook

app = typer.Typer(help="Evaluate responses: well or not, not only done or not.", no_args_is_help=True)

TicketName = Annotated[str, typer.Argument(metavar="TICKET", help="The ticket's number, e.g. T20261124-001, or id.")]


@app.command("evaluate")
def evaluate(
    ticket: TicketName,
    text: Annotated[str | None, typer.Option(help="The response as it was published.")] = None,
    file: Annotated[Path | None, typer.Option(help="A UTF-8 file that holds it.")] = None,
    replied_at: Annotated[
        str | None, typer.Option(help="When it was published: 2026-11-24T08:00, or an age such as 12h; default: now.")
    ] = None,
    document: Annotated[
        list[Path] | None, typer.Option(help="A text file it may have copied from, e.g. the policy; can be repeated.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Evaluate the response to a ticket and keep the result; without a text, look again at the last one.

    What public opinion did afterwards is known after a day, who asks again after two, all of it after thirty: `refresh`
    evaluates again then.
    """
    if text is not None and file is not None:
        raise WrongUse("both --text and --file are given", "give one of them")
    reply = text_in(file) if file is not None else text
    sources = [text_in(path) for path in document or []]
    kept = evaluate_now(ticket, reply, parse_time(replied_at) if replied_at else None, sources)
    _print(kept, json)


@app.command("show")
def show(ticket: TicketName, json: bool = context.JSON_OPTION) -> None:
    """Show the evaluation of a ticket's response."""
    kept = _book().latest(ticket)
    if kept is None:
        raise WrongUse(Problem("reply-missing", number=ticket), "evaluate it first: minsheng responses evaluate")
    _print(kept, json)


@app.command("score")
def score(
    ticket: TicketName,
    timely: Annotated[int, typer.Option(help="回应及时, 1 to 5.")],
    relevant: Annotated[int, typer.Option(help="答其所问, 1 to 5.")],
    settled: Annotated[int, typer.Option(help="问题解决, 1 to 5.")],
    plain: Annotated[int, typer.Option(help="通俗得体, 1 to 5.")],
    effect: Annotated[int, typer.Option(help="群众认可, 1 to 5.")],
    note: Annotated[str, typer.Option(help="A remark that is kept with it.")] = "",
    json: bool = context.JSON_OPTION,
) -> None:
    """Fill in the supervisor's score sheet; it counts half, beside what the machine found."""
    items = {"timely": timely, "relevant": relevant, "settled": settled, "plain": plain, "effect": effect}
    _print(_book().score(ticket, items, actor=getpass.getuser(), note=note), json)


@app.command("refresh")
def refresh(json: bool = context.JSON_OPTION) -> None:
    """Evaluate again what more is known of by now: responses that are two days or thirty days old."""
    from minsheng.parts import open_index
    from minsheng.policies import PolicyRegister

    with closing(open_index(context.settings())) as index:
        kept = _book().refresh(index, PolicyRegister(context.store()), actor=getpass.getuser())
    if json:
        context.print_json(kept)
        return
    _table(f"重新评价 {len(kept)} 件", kept)


@app.command("month")
def month(
    month: Annotated[str, typer.Argument(help="The month, e.g. 2026-11.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """The month by unit: on time, how well, asked again, false alarms, and median hours to each state."""
    from alerts.responses.monthly import month_by_unit

    rows = month_by_unit(context.store(), SystemClock(), month)
    if json:
        context.print_json([{"month": month, "on_time": row.on_time, **structs.asdict(row)} for row in rows])
        return
    context.print_table(
        f"{month} 各单位回应情况（签收至办结为用时中位数，小时）",
        (
            "单位",
            "工单",
            "误报",
            "按时率",
            "已回应",
            "回应得好",
            "评价均分",
            "主管评分",
            "再次反映",
            "签收",
            "研判",
            "处置",
            "回应",
            "评估",
            "办结",
        ),
        [
            (
                row.unit,
                row.tickets,
                row.false_alarms,
                _share(row.on_time),
                row.responded,
                f"{row.well}/{row.evaluated}" if row.evaluated else "—",
                _share(row.score),
                _share(row.satisfaction),
                row.repeated,
                *map(
                    _hours,
                    (row.to_acknowledge, row.to_judge, row.to_handle, row.to_respond, row.to_evaluate, row.to_close),
                ),
            )
            for row in rows
        ],
    )


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.0%}"


def _hours(value: float | None) -> str:
    return "—" if value is None else f"{value:g}"


def evaluate_now(
    ticket: str, reply: str | None, replied_at: datetime | None, documents: list[str], *, actor: str | None = None
) -> Kept:
    """Evaluate a response as things stand now, and keep it."""
    from alerts.tickets import TicketBook
    from minsheng.parts import open_index
    from minsheng.policies import PolicyRegister

    store = context.store()
    policy_id = TicketBook(store, SystemClock()).get(ticket).policy
    policy = PolicyRegister(store).get(policy_id) if policy_id else None
    index = open_index(context.settings())
    try:
        return _book().evaluate(
            ticket,
            index,
            policy,
            actor=actor or getpass.getuser(),
            reply=reply,
            replied_at=replied_at,
            documents=documents,
        )
    finally:
        index.close()


def _book() -> ResponseBook:
    from alerts.responses.evaluation import ResponseBook

    return ResponseBook(context.store(), SystemClock())


def text_in(path: Path) -> str:
    """The text of a file. Raises `WrongUse` where it can't be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(Problem("file-unreadable", file=path, reason=error), "name a text file in UTF-8") from error


def _print(kept: Kept, json: bool) -> None:
    from alerts.responses.grade import CHINESE
    from alerts.responses.sheet import ITEMS

    if json:
        context.print_json(kept)
        return
    console = context.console()
    grade = f"{CHINESE[kept.grade]}（{kept.score:.0%}）"
    head = f"{kept.ticket}  回应评价：{grade}  回应时间：{context.local_time(kept.replied_at)}"
    console.print(head, markup=False, soft_wrap=True)
    context.print_table(
        "评价构成",
        ("项目", "得分", "依据"),
        [
            (part.title, "—" if part.score is None else f"{part.score:.0%}", part.value)
            for part in kept.evaluation.parts
        ],
    )
    for demand in kept.evaluation.unanswered:
        console.print(f"未回答的诉求：{demand}", markup=False, soft_wrap=True)
    if kept.sheet:
        scores = "，".join(f"{title} {kept.sheet[item]}" for item, title in ITEMS.items())
        note = f"；{kept.sheet_note}" if kept.sheet_note else ""
        console.print(f"主管评分（{kept.sheet_by}）：{scores}{note}", markup=False, soft_wrap=True)
    else:
        console.print("主管评分：尚未评分（minsheng responses score）", markup=False, soft_wrap=True)


def _table(title: str, rows: list[Kept]) -> None:
    from alerts.responses.grade import CHINESE

    context.print_table(
        title,
        ("工单", "评价", "得分", "未回答"),
        [(row.ticket, CHINESE[row.grade], f"{row.score:.0%}", len(row.evaluation.unanswered)) for row in rows],
    )
