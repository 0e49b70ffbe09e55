"""`minsheng consultation`: drafts that opinions are asked on (征求意见), and what is taken up of them."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minsheng.cli import context
from minsheng.cli.briefing import Format, FormatOption, OutputOption, open_road
from minsheng.cli.files import check_table, write_file, write_table
from minsheng.cli.importing import pair
from minsheng.cli.times import parse_day
from minsheng.clock import CHINA, SystemClock
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from consultations.book import ConsultationBook
    from consultations.comments import Unusable
    from consultations.deadline import Standing
    from consultations.model import Consultation, Opinion

app = typer.Typer(
    help="Consultations on drafts: comments by clause and stance, what is taken up, and by when to say so.",
    no_args_is_help=True,
)

NumberArgument = Annotated[str, typer.Argument(metavar="NUMBER", help="The consultation's number, such as ZQ0001.")]
TextOption = Annotated[Path | None, typer.Option("--text", help="The draft's words: TXT, DOCX, PDF or OFD.")]
TitleOption = Annotated[str, typer.Option(help="Its title, where it is another than in the register.")]
DepartmentOption = Annotated[str, typer.Option(help="Who asks, where it is another than in the register.")]
OpensOption = Annotated[str | None, typer.Option(help="Its first day: 2026-05-01; default: that of the register.")]
ClosesOption = Annotated[str | None, typer.Option(help="Its last day; default: that of the register.")]


@app.command("add")
def add(
    draft: Annotated[
        str,
        typer.Argument(
            metavar="POLICY", help="The draft in the register: id, number (文号) or title; or a TOML file with it all."
        ),
    ],
    text: TextOption = None,
    title: TitleOption = "",
    department: DepartmentOption = "",
    opens: OpensOption = None,
    closes: ClosesOption = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Open a consultation on a draft. Without --text, the draft's page in the index is read."""
    from answers.texts import PolicyTexts, read_file
    from consultations.reading import Draft, read_draft
    from minsheng.policies import PolicyRegister

    given = Draft(policy=draft)
    if draft.lower().endswith(".toml"):
        path = Path(draft)
        given = read_draft(path)
        text = text or (path.parent / given.file if given.file else None)
    words, origin = given.text, Path(draft).name
    if text is not None:
        words, origin = read_file(text), text.name
    elif not words:
        policy = PolicyRegister(context.store()).find(given.policy)
        with context.index() as index:
            known = PolicyTexts(context.store(), SystemClock(), index).of(policy) if policy else None
        if policy is not None and known is None:
            raise WrongUse(f"the text of {policy.id} is not known", "give its file: --text FILE")
        words, origin = (known.text, known.origin) if known is not None else ("-", "")
    made = _book().add(
        given.policy, words, origin=origin, actor=getpass.getuser(), title=title or given.title,
        department=department or given.department, opens_on=parse_day(opens) or given.opens,
        closes_on=parse_day(closes) or given.closes,
    )  # fmt: skip
    _done(made, json)


@app.command("change")
def change(
    number: NumberArgument,
    text: TextOption = None,
    title: TitleOption = "",
    department: DepartmentOption = "",
    opens: OpensOption = None,
    closes: ClosesOption = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Change what is given of a consultation, such as a longer term; the text only while there are no comments."""
    from answers.texts import read_file

    changed = _book().change(
        number, actor=getpass.getuser(), text=read_file(text) if text else None, origin=text.name if text else "",
        title=title, department=department, opens_on=parse_day(opens), closes_on=parse_day(closes),
    )  # fmt: skip
    _done(changed, json)


@app.command("import")
def import_comments(
    number: NumberArgument,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Comments: CSV, XLSX, XLS or JSON Lines.")
    ] = None,
    index: Annotated[
        bool, typer.Option("--index", help="Take what the index has on the draft, from its first to its last day.")
    ] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="Read this column as that field; can be repeated."),
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Take in comments, each once: masked, placed by clause and stance, and those that say the same as one opinion.
    Who wrote them is not kept."""
    from consultations.comments import INDEX, comments_of, outside, read_comments
    from consultations.stances import judge_of

    if not files and not index:
        raise WrongUse("nothing is to be imported", "give a FILE, or --index")
    book, judge, actor = _book(), judge_of(context.settings()), getpass.getuser()
    one = book.get(number)
    mapping = dict(pair(text) for text in columns or ())
    results: list[dict[str, Any]] = []
    for path in files or ():
        read = read_comments(path, mapping=mapping, now=SystemClock().now())
        taken = book.take(number, read.comments, judge, actor=actor, note=path.name)
        late = outside(read.comments, one)
        results.append(
            {"from": path.name, "taken": taken, "outside": late, "unusable": read.unusable, "columns": read.columns}
        )
    if index:
        with context.index() as opened:
            found = list(comments_of(opened, one))
        taken = book.take(number, found, judge, actor=actor, note=INDEX)
        results.append({"from": INDEX, "taken": taken, "outside": 0, "unusable": (), "columns": {}})
    if json:
        context.print_json(results)
        return
    for result in results:
        taken, unusable = result["taken"], result["unusable"]
        columns_ = "，".join(f"{column}→{field}" for field, column in result["columns"].items())
        _line(
            f"{result['from']}：新收 {taken.new} 份（{taken.comments} 条，新增意见 {taken.opinions} 项），"
            f"已有 {taken.known} 份，期外 {result['outside']} 份，不能用 {len(unusable)} 行"
            + (f"（列：{columns_}）" if columns_ else "")
        )
        _unusable(unusable)


@app.command("list")
def list_consultations(
    pressing: Annotated[
        bool, typer.Option("--pressing", help="Only those whose day for publishing is near or over.")
    ] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List the consultations, with the day by which it is to be public what was taken up."""
    from consultations.model import STATES

    book = _book()
    rows = [(one, _standing(one)) for one in book.all()]
    if pressing:
        rows = [row for row in rows if row[1].pressing]
    if json:
        context.print_json([_plain(one, stands) for one, stands in rows])
        return
    context.print_table(
        f"征求意见 {len(rows)} 件",
        ("编号", "草案", "单位", "起止", "状态", "应公开", "已公开"),
        [
            (
                one.number, one.title, one.department, f"{one.opens_on} — {one.closes_on}",
                " ".join(part for part in (STATES[stands.state], stands.words) if part), stands.due_on.isoformat(),
                one.published_on.isoformat() if one.published_on else "",
            )
            for one, stands in rows
        ],
    )  # fmt: skip


@app.command("show")
def show(
    number: NumberArgument,
    opinion: Annotated[int | None, typer.Option(help="Show this opinion's comments.")] = None,
    undecided: Annotated[bool, typer.Option("--undecided", help="Only opinions that are not decided.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show a consultation: its opinions by clause and stance, and what was done; or the comments of one opinion."""
    from alerts.statutory.telling import reminded
    from consultations.model import ACTION_WORDS, OUTCOMES, STANCE_WORDS, STATES, WHOLE
    from consultations.placing import HOW_WORDS

    book = _book()
    one = book.get(number)
    if opinion is not None:
        found = book.comments(one, opinion=opinion)
        if json:
            context.print_json([{"name": each.name, "comment": each} for each in found])
            return
        context.print_table(
            f"{one.number} 意见 {opinion}：{len(found)} 条",
            ("编号", "条款", "立场", "时间", "来源", "内容"),
            [
                (
                    each.name, f"{each.clause or WHOLE}（{HOW_WORDS[each.how]}）",
                    STANCE_WORDS[each.stance] + ("?" if each.unsure else ""), context.local_time(each.submitted_at),
                    each.origin, each.text,
                )
                for each in found
            ],
        )  # fmt: skip
        return
    opinions = [each for each in book.opinions(one) if not undecided or each.outcome is None]
    stands, steps = _standing(one), book.history(one)
    told = reminded(context.store(), f"consultation:{one.id}")
    if json:
        more = {"letters": book.letters(one), "opinions": opinions, "steps": steps, "reminded": told}
        context.print_json(_plain(one, stands) | more)
        return
    _line(f"{one.number} 《{one.title}》 {one.department} {one.opens_on} — {one.closes_on}")
    _line(f"{STATES[stands.state]} {stands.words} 应于 {stands.due_on} 前公开采纳情况；来信 {book.letters(one)} 份")
    context.print_table(
        f"意见 {len(opinions)} 项",
        ("意见", "条款", "立场", "份数", "采纳情况", "对外表述或来信原话", "理由"),
        [
            (
                each.number, each.place, STANCE_WORDS[each.stance], each.people,
                OUTCOMES[each.outcome] if each.outcome else "未决定",
                each.wording or "（原话）" + each.said[:80], each.reason,
            )
            for each in opinions
        ],
    )  # fmt: skip
    for line in told:
        _line(line)
    context.print_table(
        "经过",
        ("时间", "何人", "何事", "说明"),
        [(context.local_time(each.at), each.actor, ACTION_WORDS[each.action], each.detail) for each in steps],
    )


@app.command("correct")
def correct(
    number: NumberArgument,
    comment: Annotated[str, typer.Argument(metavar="COMMENT", help="The comment's name, from: show --opinion.")],
    clause: Annotated[str | None, typer.Option(help="It is on this clause, as 第五条; 草案整体: on none.")] = None,
    stance: Annotated[str | None, typer.Option(help="Its stance: against, question, neutral or support.")] = None,
    opinion: Annotated[int | None, typer.Option(help="It says what this opinion says.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Put a comment right, where clause, stance or opinion was told wrong."""
    changed = _book().correct(number, comment, actor=getpass.getuser(), clause=clause, stance=stance, opinion=opinion)
    if json:
        context.print_json(changed)
        return
    _line(f"{changed.name} → {changed.clause or '草案整体'} {changed.stance} 意见 {changed.opinion}")


@app.command("decide")
def decide(
    number: NumberArgument,
    opinions: Annotated[
        list[int] | None, typer.Argument(metavar="OPINION", help="Numbers of opinions, from: show.")
    ] = None,
    outcome: Annotated[str, typer.Option(help="adopted, partly, rejected, or noted: it asks for no change.")] = "",
    reason: Annotated[str, typer.Option(help="Why; the public reads it. partly and rejected need one.")] = "",
    wording: Annotated[
        str | None, typer.Option(help="What the public reads of the one opinion, in your own words.")
    ] = None,
    clause: Annotated[str | None, typer.Option(help="All undecided opinions on this clause.")] = None,
    stance: Annotated[str | None, typer.Option(help="All undecided opinions of this stance.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Decide what becomes of opinions: those that are named, or all that are undecided of a clause, stance or both."""
    from answers.clauses import canonical
    from consultations.model import WHOLE

    book = _book()
    chosen = list(opinions or ())
    if not chosen and (clause is not None or stance is not None):
        label = None if clause is None else "" if clause == WHOLE else canonical(clause)
        chosen = [
            each.number
            for each in book.opinions(book.get(number))
            if each.outcome is None and label in (None, each.clause) and stance in (None, each.stance)
        ]
    decided = book.decide(number, chosen, outcome, actor=getpass.getuser(), reason=reason, wording=wording)
    if json:
        context.print_json(decided)
        return
    _decided(decided)


@app.command("report")
def report(
    number: NumberArgument,
    format: FormatOption = Format.html,  # noqa: A002
    output: OutputOption = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep it as a draft briefing, to be reviewed, signed and issued.")
    ] = False,
) -> None:
    """Make the report on what was taken up (征求意见采纳情况), for the unit's site: it names and quotes nobody."""
    from briefings import orders
    from briefings.looks import Look
    from briefings.making import render

    road = open_road()
    try:
        made = orders.consultation(road, number)
        if keep:
            kept = orders.keep(road, made, actor=getpass.getuser())
            _line(kept.number)
            return
        content = render(made.report, format.value, look=Look.from_settings(road.settings))
        name = made.matter.partition(":")[2]
        target = output or road.settings.path("briefings") / f"consultation-{name}.{format.value}"
    finally:
        road.close()
    if target == Path("-"):
        typer.get_binary_stream("stdout").write(content)
        return
    write_file(target, content)


@app.command("export")
def export(
    number: NumberArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new .xlsx or .csv file.")],
    comments: Annotated[bool, typer.Option("--comments", help="The comments instead of the opinions.")] = False,
) -> None:
    """Write the opinions with what became of them, or the comments under them, as a spreadsheet for the house."""
    from consultations import sheets

    check_table(file)
    book = _book()
    one = book.get(number)
    opinions = book.opinions(one)
    columns = sheets.COMMENTS if comments else sheets.OPINIONS
    rows = sheets.comment_rows(book.comments(one), opinions) if comments else sheets.opinion_rows(opinions)
    write_table(file, "征求意见", columns, rows)


@app.command("publish")
def publish(
    number: NumberArgument,
    on: Annotated[str | None, typer.Option(help="The day it was made public; default: today.")] = None,
    url: Annotated[str, typer.Option(help="Where it can be read.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back: the clock runs again.")] = False,
    reason: Annotated[str, typer.Option(help="With --undo: why.")] = "",
    json: bool = context.JSON_OPTION,
) -> None:
    """Note that it was made public what was taken up: the clock stops. Each opinion must be decided."""
    book, actor = _book(), getpass.getuser()
    if undo:
        _done(book.take_back(number, actor=actor, reason=reason), json)
        return
    _done(book.publish(number, actor=actor, on=parse_day(on), url=url), json)


def _book() -> ConsultationBook:
    from consultations.book import ConsultationBook

    return ConsultationBook(context.store(), SystemClock())


def _standing(one: Consultation) -> Standing:
    from consultations.deadline import standing

    return standing(one, SystemClock().now().astimezone(CHINA).date(), context.settings().consultation)


def _plain(one: Consultation, stands: Standing) -> dict[str, Any]:
    from consultations.model import STATES

    return {
        "number": one.number, "policy": one.policy_id, "title": one.title, "department": one.department,
        "opens_on": one.opens_on, "closes_on": one.closes_on, "origin": one.origin, "state": stands.state,
        "state_words": STATES[stands.state], "due_on": stands.due_on, "days": stands.days,
        "published_on": one.published_on, "published_url": one.published_url,
    }  # fmt: skip


def _done(one: Consultation, json: bool) -> None:
    from consultations.model import STATES

    stands = _standing(one)
    if json:
        context.print_json(_plain(one, stands))
        return
    _line(f"{one.number} 《{one.title}》 {STATES[stands.state]} {stands.words} 应于 {stands.due_on} 前公开采纳情况")


def _decided(decided: list[Opinion]) -> None:
    from consultations.model import OUTCOMES

    for each in decided:
        assert each.outcome is not None
        _line(f"意见 {each.number} {each.place}：{OUTCOMES[each.outcome]}")


def _unusable(rows: tuple[Unusable, ...]) -> None:
    for row in rows[:20]:
        _line(f"  第 {row.line} 行：{row.reason}")


def _line(text: str) -> None:
    context.console().print(text, markup=False, soft_wrap=True)
