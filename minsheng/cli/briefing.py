"""`minsheng briefing`: reports for leaders."""

from __future__ import annotations

import datetime
import getpass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minsheng.cli import context
from minsheng.cli.files import write_file
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from briefings.kept import Kept
    from briefings.shelf import BriefingShelf
    from briefings.spans import Kind
    from minsheng.road import Road

app = typer.Typer(help="Reports for leaders.", no_args_is_help=True)


class Format(StrEnum):
    html = "html"
    pdf = "pdf"
    docx = "docx"
    json = "json"


DateOption = Annotated[
    str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="China date that lies in it; default: today.")
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="A page, a PDF or Word document on A4, or JSON for programs.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write, - for standard output; default: in the data folder."),
]


RegionOption = Annotated[str, typer.Option(help="Only what is about this region, as documents bear it.")]


@app.command()
def daily(date: DateOption = None, format: FormatOption = Format.html, output: OutputOption = None) -> None:  # noqa: A002
    """Make the daily briefing (舆情风险日报) of one day: two A4 pages at most."""
    _periodical("daily", date, format, output)


@app.command()
def weekly(date: DateOption = None, format: FormatOption = Format.html, output: OutputOption = None) -> None:  # noqa: A002
    """Make the briefing of a week from Monday (周报), against the four weeks before."""
    _periodical("weekly", date, format, output)


@app.command()
def monthly(date: DateOption = None, format: FormatOption = Format.html, output: OutputOption = None) -> None:  # noqa: A002
    """Make the briefing of a month (月报), against the three months before."""
    _periodical("monthly", date, format, output)


@app.command()
def statement(
    since: Annotated[str | None, typer.Option(help="From when: 2026-05-01, 30d; default: thirty days ago.")] = None,
    until: Annotated[str | None, typer.Option(help="To when; default: now.")] = None,
    region: RegionOption = "",
    format: FormatOption = Format.html,  # noqa: A002
    output: OutputOption = None,
) -> None:
    """Make the response statement (回应关切情况公开) for the unit's site: what was asked, what was answered, in time or
    not, well or not. It names and quotes nobody; `briefing make statement` keeps it, to be reviewed and signed."""
    from briefings import orders
    from briefings.looks import Look
    from briefings.making import render
    from minsheng.cli.times import parse_time
    from minsheng.clock import CHINA

    road = open_road()
    try:
        begin = parse_time(since, road.clock) if since else None
        end = parse_time(until, road.clock) if until else None
        report = orders.statement(road, since=begin, until=end, region=region).report
        content = render(report, format.value, look=Look.from_settings(road.settings))
        if output == Path("-"):
            typer.get_binary_stream("stdout").write(content)
            return
        days = "-".join(f"{moment.astimezone(CHINA):%Y%m%d}" for moment in (report.since, report.until))
        target = output or road.settings.path("briefings") / f"statement-{days}.{format.value}"
    finally:
        road.close()
    write_file(target, content)


# The shelf

NumberArgument = Annotated[str, typer.Argument(metavar="NUMBER", help="The briefing's number, such as RB-20260508.")]
VersionOption = Annotated[int | None, typer.Option("--version", help="The version you looked at: refused at another.")]
NoteOption = Annotated[str, typer.Option("--note", help="A remark that stays in its history.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; readers see it.")]


class MadeKind(StrEnum):
    daily = "daily"
    weekly = "weekly"
    monthly = "monthly"
    special = "special"
    release = "release"
    shift = "shift"
    comparison = "comparison"
    statement = "statement"


@app.command("make")
def make_kept(
    kind: Annotated[MadeKind, typer.Argument(help="What to make.")],
    date: Annotated[
        list[str] | None,
        typer.Option("--date", metavar="YYYY-MM-DD", help="China date that lies in it; twice: the days to compare."),
    ] = None,
    event: Annotated[str, typer.Option(help="special: the event it is about.")] = "",
    policy: Annotated[
        list[str] | None, typer.Option(help="special, release: the policy; comparison: twice, the two to compare.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="special, shift, comparison of policies, statement: from when.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="special, comparison of policies, statement: to when; default: now.")
    ] = None,
    hours: Annotated[int, typer.Option(help="release: which report, in hours after the release.")] = 24,
    region: RegionOption = "",
    json: bool = context.JSON_OPTION,
) -> None:
    """Make a briefing and keep it as a draft: its figures stay as they are now. special: on one event or policy, by
    default on seven days; release: the report kept then; shift: the last twelve hours; comparison: of two days, or two
    policies; statement: of the last thirty days."""
    from briefings import orders
    from briefings.making import make_and_keep
    from minsheng.cli.times import parse_time

    dates, policies, actor = date or [], policy or [], getpass.getuser()
    road = open_road()
    try:
        begin = parse_time(since, road.clock) if since else None
        end = parse_time(until, road.clock) if until else None
        if kind is MadeKind.special:
            made = orders.special_report(road, event=event, policy="".join(policies[:1]), since=begin, until=end)
        elif kind is MadeKind.release:
            made = orders.release(road, "".join(policies[:1]), hours)
        elif kind is MadeKind.shift:
            made = orders.shift(road, begin)
        elif kind is MadeKind.comparison:
            days = [_day(road, one) for one in dates]
            made = orders.compared(road, days=days, policies=policies, since=begin, until=end)
        elif kind is MadeKind.statement:
            made = orders.statement(road, since=begin, until=end, region=region)
        else:
            day = _day(road, dates[0] if dates else None)
            kinds: dict[MadeKind, Kind] = {
                MadeKind.daily: "daily", MadeKind.weekly: "weekly", MadeKind.monthly: "monthly"
            }  # fmt: skip
            _done(make_and_keep(road, kinds[kind], day, actor=actor), json)
            return
        kept = orders.keep(road, made, actor=actor)
    finally:
        road.close()
    _done(kept, json)


@app.command("list")
def list_kept(
    kind: Annotated[str | None, typer.Option(help="Only this kind: daily, weekly, monthly, special, ...")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only draft, edited, reviewed, signed, issued or withdrawn ones.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest first.")] = 50,
    json: bool = context.JSON_OPTION,
) -> None:
    """List the kept briefings, newest first."""
    from briefings.head import STATUS_WORDS
    from briefings.kept import PREFIXES

    if kind is not None and kind not in PREFIXES:
        raise WrongUse(f"--kind {kind} is not known", f"use one of {', '.join(PREFIXES)}")
    if status is not None and status not in STATUS_WORDS:
        raise WrongUse(f"--status {status} is not known", f"use one of {', '.join(STATUS_WORDS)}")
    found = _shelf().all(kind=kind, status=status, limit=limit)
    if json:
        context.print_json([_plain(one) for one in found])
        return
    context.print_table(
        f"简报 {len(found)} 期",
        ("编号", "期号", "名称", "内容", "状态", "生成", "注意"),
        [
            (
                one.number, one.issue, one.name, one.subject, one.status_words, context.local_time(one.made_at),
                "；".join(one.head.notices),
            )
            for one in found
        ],
    )  # fmt: skip


@app.command("show")
def show_kept(
    number: NumberArgument,
    format: Annotated[  # noqa: A002
        Format | None, typer.Option("--format", help="Write it as it stands: html, pdf, docx or json.")
    ] = None,
    output: OutputOption = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show a kept briefing: its text with paragraphs' names, what was changed in it, and its history; or write it as a
    page or document, the same bytes whenever it is written."""
    from briefings.kept import form
    from briefings.wording import written

    shelf = _shelf()
    kept = shelf.get(number)
    if format is not None or output is not None:
        chosen = format or Format.html
        content = form(kept, shelf.look(kept), chosen.value)
        if output == Path("-"):
            typer.get_binary_stream("stdout").write(content)
            return
        target = output or context.settings().path("briefings") / f"{kept.number}.{chosen.value}"
        write_file(target, content)
        return
    history = shelf.history(number)
    if json:
        context.print_json(
            _plain(kept)
            | {
                "paragraphs": {name: written(one.parts) for name, one in kept.generated.paragraphs().items()},
                "changes": kept.changes,
                "history": history,
            }
        )
        return
    console = context.console()
    console.print(f"{kept.number}  {kept.name}{kept.issue}  {kept.subject}  {kept.status_words}", markup=False)
    for notice in kept.head.notices:
        console.print(notice, markup=False, soft_wrap=True)
    changed = {one.paragraph: one for one in kept.changes}
    for name, paragraph in kept.generated.paragraphs().items():
        text = changed[name].text or "（删去）" if name in changed else written(paragraph.parts)
        console.print(f"{name:>4}  {text}", markup=False, soft_wrap=True)
        if name in changed:
            console.print(f"      原文：{changed[name].generated}", markup=False, soft_wrap=True)
    context.print_table(
        "历史",
        ("版本", "时间", "何人", "何事", "说明"),
        [(one.version, context.local_time(one.at), one.actor, one.words, one.note) for one in history],
    )


@app.command("edit")
def edit_kept(
    number: NumberArgument,
    paragraph: Annotated[str | None, typer.Argument(help="The paragraph's name, as show prints it: p3.")] = None,
    text: Annotated[
        str | None, typer.Option(help="Its text; a number keeps its evidence with its code behind it: 20[1].")
    ] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Leave the paragraph out.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="The generated text again.")] = False,
    secrecy: Annotated[str | None, typer.Option(help="密级, such as 秘密★1年; empty: none.")] = None,
    urgency: Annotated[str | None, typer.Option(help="紧急程度, such as 加急; empty: none.")] = None,
    recipients: Annotated[str | None, typer.Option(help="Names printed behind 报送, with 、 between them.")] = None,
    note: NoteOption = "",
    version: VersionOption = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Change a paragraph, or what stands around the text. The generated text stays beside it."""
    if paragraph is not None and (text is not None) + drop + restore != 1:
        raise WrongUse("say what becomes of the paragraph", "give one of --text, --drop, --restore")
    texts = {} if paragraph is None else {paragraph: "" if drop else None if restore else text}
    given = {"secrecy": secrecy, "urgency": urgency, "recipients": recipients}
    marks = {name: value for name, value in given.items() if value is not None}
    if not texts and not marks:
        raise WrongUse("nothing is to be changed", "name a paragraph with --text, or give --secrecy, --urgency, ...")
    shelf = _shelf()
    seen = version or shelf.get(number).version
    _done(shelf.edit(number, texts, actor=getpass.getuser(), version=seen, marks=marks, note=note), json)


@app.command("review")
def review_kept(
    number: NumberArgument, note: NoteOption = "", version: VersionOption = None, json: bool = context.JSON_OPTION
) -> None:
    """Say that a briefing is right."""
    _done(_shelf().review(number, actor=getpass.getuser(), note=note, version=version), json)


@app.command("sign")
def sign_kept(
    number: NumberArgument,
    signer: Annotated[str, typer.Option(help="The name that is printed behind 签发人; default: your user's.")] = "",
    note: NoteOption = "",
    version: VersionOption = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Sign a reviewed briefing: it gets its number of the year, and never changes again."""
    _done(_shelf().sign(number, actor=getpass.getuser(), signer=signer, note=note, version=version), json)


@app.command("issue")
def issue_kept(
    number: NumberArgument, note: NoteOption = "", version: VersionOption = None, json: bool = context.JSON_OPTION
) -> None:
    """Send a signed briefing to its distribution list (briefing.distribution in the settings)."""
    _done(_shelf().issue(number, actor=getpass.getuser(), note=note, version=version), json)


@app.command("withdraw")
def withdraw_kept(
    number: NumberArgument, reason: ReasonOption = "", version: VersionOption = None, json: bool = context.JSON_OPTION
) -> None:
    """Take a briefing back: every form of it says so, and those it was issued to are told."""
    _done(_shelf().withdraw(number, actor=getpass.getuser(), reason=reason, version=version), json)


@app.command("correct")
def correct_kept(number: NumberArgument, reason: ReasonOption = "", json: bool = context.JSON_OPTION) -> None:
    """Begin a correction of a signed or issued briefing: a new draft with the same figures. Once that is issued, the
    old one says so."""
    _done(_shelf().correct(number, actor=getpass.getuser(), reason=reason), json)


@app.command("receipts")
def show_receipts(number: NumberArgument, json: bool = context.JSON_OPTION) -> None:
    """Show who an issued briefing was sent to, whether it got there, and who has opened it in the console."""
    from briefings.issuing import STATE_WORDS, receipts

    shelf = _shelf()
    found = receipts(context.store(), shelf.get(number))
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"{number} 送阅 {len(found)}",
        ("何人", "渠道", "情况", "时间", "说明"),
        [(one.name, one.channel, STATE_WORDS[one.state], context.local_time(one.at), one.why) for one in found],
    )


@app.command("code")
def open_code(
    code: Annotated[str, typer.Argument(metavar="CODE", help="As printed beside the number: RB-20260508-3.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Open what a number on paper counted: exactly its posts."""
    from briefings.opening import opened
    from minsheng.parts import open_index

    kept, evidence = _shelf().resolve(code)
    index = open_index(context.settings())
    try:
        index.ensure()
        found = opened(index, evidence)
    finally:
        index.close()
    if json:
        context.print_json({"number": kept.number, "evidence": evidence, "posts": found.posts, "note": found.note})
        return
    context.print_table(
        f"{evidence.title}：{evidence.total}",
        ("时间", "来源", "内容"),
        [
            (context.local_time(one.published_at), kept.generated.sources.get(one.source, one.source),
             f"{one.title} {one.excerpt}".strip())
            for one in found.posts
        ] + [(context.local_time(line.at), "", line.text) for line in evidence.lines],
    )  # fmt: skip
    for words in (found.note, evidence.command):
        if words:
            context.console().print(words, markup=False, soft_wrap=True)


def _shelf() -> BriefingShelf:
    from briefings.shelf import BriefingShelf
    from minsheng.clock import SystemClock

    return BriefingShelf(context.store(), context.settings(), SystemClock())


def _plain(kept: Kept) -> dict[str, Any]:
    names = [name for name in kept.__struct_fields__ if name not in ("report", "edits", "id")]
    return {name: getattr(kept, name) for name in names} | {"issue": kept.issue, "notices": kept.head.notices}


def _done(kept: Kept, json: bool) -> None:
    if json:
        context.print_json(_plain(kept))
        return
    said = f"{kept.number} {kept.name}{kept.issue} {kept.subject}：{kept.status_words}（第 {kept.version} 版）"
    context.console().print(said, markup=False, soft_wrap=True)


def _periodical(kind: Kind, date: str | None, format: Format, output: Path | None) -> None:  # noqa: A002
    from briefings.looks import Look
    from briefings.making import make, render, write

    road = open_road()
    day = _day(road, date)
    try:
        if output == Path("-"):
            content = render(make(road, kind, day), format.value, look=Look.from_settings(road.settings))
            typer.get_binary_stream("stdout").write(content)
            return
        target = write(road, kind, day, format.value, output)
    finally:
        road.close()
    context.errors().print(f"written to {target}", markup=False, soft_wrap=True)


def open_road() -> Road:
    from minsheng.clock import SystemClock
    from minsheng.road import Road
    from minsheng.store.migrate import migrate

    road = Road(context.settings(), SystemClock())
    try:
        migrate(road.store)
        road.index.ensure()
    except BaseException:
        road.close()
        raise
    return road


def _day(road: Road, text: str | None) -> datetime.date:
    from minsheng.clock import CHINA

    if text is None:
        return road.clock.now().astimezone(CHINA).date()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"'{text}' is no date", "write it as 2026-05-01") from None
