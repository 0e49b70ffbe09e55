"""`minsheng qa`: the policy Q&A base (政策问答库)."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from minsheng.cli import context
from minsheng.cli.times import parse_day, parse_time
from minsheng.clock import SystemClock
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from answers.book import AnswerBook
    from answers.model import Entry
    from minsheng.policies import Policy
    from search.index import Index

app = typer.Typer(help="The policy Q&A base: questions people ask, and answers that are signed.", no_args_is_help=True)

EntryId = Annotated[str, typer.Argument(metavar="ENTRY", help="The entry's id.")]
PolicyOption = Annotated[str | None, typer.Option("--policy", help="Only of this policy: id, number (文号) or title.")]
Note = Annotated[str, typer.Option(help="A remark that stays in its history.")]
Version = Annotated[int | None, typer.Option(help="The version you looked at: refused where it is another by now.")]


@app.command("search")
def search(
    words: Annotated[list[str], typer.Argument(metavar="QUESTION", help="In anybody's words.")],
    policy: PolicyOption = None,
    size: Annotated[int, typer.Option(min=1, max=50, help="How many at most.")] = 3,
    json: bool = context.JSON_OPTION,
) -> None:
    """Find the published answers to a question, by meaning; says so where there is no good one."""
    from answers.search import AnswerSearch

    result = AnswerSearch(context.store(), SystemClock()).ask(
        " ".join(words), size=size, policies=(_policy(policy).id,) if policy else None
    )
    if json:
        context.print_json(result)
        return
    console = context.console()
    if not result.answered:
        console.print("没有合适的答案。" + ("以下仅供参考：" if result.hits else ""), markup=False)
    for hit in result.hits:
        console.print(
            f"\n{hit.entry.id}  {hit.content.question}  （{hit.confidence:.0%}）", markup=False, soft_wrap=True
        )
        console.print(hit.content.answer, markup=False, soft_wrap=True)
        cited = "、".join(hit.content.clauses)
        console.print(f"政策 {hit.content.policy} {cited}", markup=False, soft_wrap=True)
        for flag in hit.flags:
            console.print(f"注意：{flag.words}", markup=False, soft_wrap=True)


@app.command("list")
def list_entries(
    policy: PolicyOption = None,
    status: Annotated[
        str | None, typer.Option(help="draft, reviewed, published, expired or withdrawn; default: all.")
    ] = None,
    department: Annotated[str | None, typer.Option(help="Only this department's.")] = None,
    flagged: Annotated[
        bool, typer.Option("--flagged", help="Only those that need a look, such as of repealed policies.")
    ] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List the entries."""
    from answers.model import STATUSES

    if status is not None and status not in STATUSES:
        raise WrongUse(f"--status {status} is not known", f"use one of {', '.join(STATUSES)}")
    book = _book()
    found = book.all(policy=_policy(policy).id if policy else None, status=status, department=department)
    flags = {one.id: why for one, why in book.flagged()}
    if flagged:
        found = [one for one in found if one.id in flags]
    if json:
        context.print_json([_plain(one) | {"flags": flags.get(one.id, [])} for one in found])
        return
    context.print_table(
        f"问答 {len(found)} 条",
        ("编号", "状态", "政策", "条款", "标题", "注意"),
        [
            (
                one.id,
                one.status_words + ("（前一版在用）" if one.published and one.status != "published" else ""),
                one.content.policy,
                "、".join(one.content.clauses),
                one.content.title,
                "；".join(flag.words for flag in flags.get(one.id, ())),
            )
            for one in found
        ],
    )


@app.command("show")
def show(entry: EntryId, json: bool = context.JSON_OPTION) -> None:
    """Show an entry with what is to be watched out for, and its history."""
    book = _book()
    found = book.get(entry)
    flags, history = book.flags(found.published or found.content, found), book.history(entry)
    if json:
        context.print_json(_plain(found) | {"flags": flags, "history": history})
        return
    _show(found)
    for flag in flags:
        context.console().print(f"注意：{flag.words}", markup=False, soft_wrap=True)
    from answers.model import ACTIONS

    context.print_table(
        "历史",
        ("版本", "时间", "何人", "何事", "说明"),
        [(one.version, context.local_time(one.at), one.actor, ACTIONS[one.action], one.note) for one in history],
    )


@app.command("add")
def add(
    policy: Annotated[str, typer.Option(help="The policy it is about: id, number (文号) or title.")],
    title: Annotated[str, typer.Option(help="Its subject in a few words.")],
    question: Annotated[str, typer.Option(help="The question as people would put it.")],
    answer: Annotated[str, typer.Option(help="The answer in plain words.")],
    clause: Annotated[list[str] | None, typer.Option(help="A clause it rests on, as 第五条; can be repeated.")] = None,
    keyword: Annotated[list[str] | None, typer.Option(help="A word that people use for it; can be repeated.")] = None,
    department: Annotated[str | None, typer.Option(help="The unit that answers; default: the policy's.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who keeps it up to date.")] = None,
    region: Annotated[str | None, typer.Option(help="Where it holds; default: wherever the policy does.")] = None,
    valid_from: Annotated[str | None, typer.Option(help="First day on which it holds: 2026-12-01.")] = None,
    valid_until: Annotated[str | None, typer.Option(help="Last day on which it holds.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Add an entry as a draft."""
    from answers.model import Content

    of = _policy(policy)
    content = Content(
        policy=of.id,
        title=title,
        question=question,
        answer=answer,
        clauses=tuple(clause or ()),
        keywords=tuple(keyword or ()),
        department=department or of.department,
        owner=owner,
        region=region,
        valid_from=parse_day(valid_from),
        valid_until=parse_day(valid_until),
    )
    _done(_book().create(content, actor=getpass.getuser()), json)


@app.command("edit")
def edit(
    entry: EntryId,
    title: Annotated[str | None, typer.Option(help="Another subject.")] = None,
    question: Annotated[str | None, typer.Option(help="Another question.")] = None,
    answer: Annotated[str | None, typer.Option(help="Another answer.")] = None,
    clause: Annotated[list[str] | None, typer.Option(help="These clauses instead; can be repeated.")] = None,
    keyword: Annotated[list[str] | None, typer.Option(help="These keywords instead; can be repeated.")] = None,
    policy: Annotated[str | None, typer.Option(help="Another policy, such as the one that took the place.")] = None,
    owner: Annotated[str | None, typer.Option(help="Another owner.")] = None,
    valid_from: Annotated[str | None, typer.Option(help="Another first day.")] = None,
    valid_until: Annotated[str | None, typer.Option(help="Another last day.")] = None,
    note: Note = "",
    version: Version = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Change an entry: a draft again, while what was published stays so until this is signed."""
    book = _book()
    found = book.get(entry)
    changes: dict[str, Any] = {
        "title": title,
        "question": question,
        "answer": answer,
        "clauses": tuple(clause) if clause else None,
        "keywords": tuple(keyword) if keyword else None,
        "policy": _policy(policy).id if policy else None,
        "owner": owner,
        "valid_from": parse_day(valid_from),
        "valid_until": parse_day(valid_until),
    }
    content = msgspec.structs.replace(
        found.content, **{name: value for name, value in changes.items() if value is not None}
    )
    _done(book.edit(entry, content, version=version or found.version, actor=getpass.getuser(), note=note), json)


@app.command("review")
def review(entry: EntryId, note: Note = "", version: Version = None, json: bool = context.JSON_OPTION) -> None:
    """Say that a draft is right. What it states that its policy's text does not is printed first."""
    book = _book()
    found = book.get(entry)
    with context.index() as index:
        _warn(found, index)
    _done(book.review(entry, actor=getpass.getuser(), note=note, version=version), json)


@app.command("sign")
def sign(entry: EntryId, note: Note = "", version: Version = None, json: bool = context.JSON_OPTION) -> None:
    """Publish a reviewed entry under your name."""
    _done(_book().sign(entry, actor=getpass.getuser(), note=note, version=version), json)


@app.command("withdraw")
def withdraw(
    entry: EntryId,
    reason: Annotated[str, typer.Option(help="Why; stays in its history.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Take an entry back."""
    _done(_book().withdraw(entry, actor=getpass.getuser(), note=reason), json)


@app.command("refresh")
def refresh(json: bool = context.JSON_OPTION) -> None:
    """End entries whose last day is over, and read new questions from the index. For a timer, once a day."""
    from answers.mining import QuestionMine

    ended = _book().expire_due()
    with context.index() as index:
        mined = QuestionMine(
            context.store(), SystemClock(), index, keep_days=context.settings().search.retention_days
        ).run()
    if json:
        context.print_json({"expired": ended, "mined": mined})
        return
    context.console().print(
        f"{len(ended)} entries expired; {mined.documents:,} documents read, {mined.questions} new questions, "
        f"{mined.candidates} of them new matters"
    )


@app.command("candidates")
def candidates(
    policy: PolicyOption = None,
    since: Annotated[
        str | None,
        typer.Option(help="Read the index again from then on: 2026-11-24, or 30d; default: what is new."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also what is answered, and what was put aside.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, most people first.")] = 50,
    json: bool = context.JSON_OPTION,
) -> None:
    """Read new questions from the index, and list what people ask that no entry answers, by most people first."""
    from answers.mining import Candidates, QuestionMine

    store, clock = context.store(), SystemClock()
    with context.index() as index:
        keep = context.settings().search.retention_days
        QuestionMine(store, clock, index, keep_days=keep).run(since=parse_time(since) if since else None)
    found = Candidates(store, clock).all(
        policy=_policy(policy).id if policy else None, unanswered=not every, dismissed=every, limit=limit
    )
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"群众提问 {len(found)} 类",
        ("编号", "人数", "政策", "条款", "典型问法", "来源", "地区", "起于", "已有答复"),
        [
            (
                one.id,
                one.people,
                one.policy,
                one.clause,
                "\n".join(one.wordings),
                "、".join(f"{name} {count}" for name, count in one.sources[:3]),
                "、".join(name for name, _ in one.regions[:3]),
                context.local_time(one.since),
                one.answered_by,
            )
            for one in found
        ],
    )


@app.command("dismiss")
def dismiss(
    candidate: Annotated[str, typer.Argument(metavar="QUESTION", help="Its id, from: minsheng qa candidates.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
) -> None:
    """Put a question aside that needs no answer."""
    from answers.mining import Candidates

    Candidates(context.store(), SystemClock()).dismiss(candidate, dismissed=not undo)


@app.command("draft")
def draft(
    question: Annotated[str, typer.Argument(help="A question, or the id of one from: minsheng qa candidates.")],
    policy: Annotated[str | None, typer.Option(help="The policy; default: that of the question's id.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the best quotation as a draft entry.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Suggest an answer: the passages of the policy's own text that come nearest, quoted with their clause."""
    from answers.mining import Candidates
    from answers.suggestion import suggest
    from answers.texts import PolicyTexts

    store, clock = context.store(), SystemClock()
    if question.startswith("qc-"):
        candidate = Candidates(store, clock).get(question)
        question, policy = candidate.question, policy or candidate.policy
    if policy is None:
        raise WrongUse("which policy is not said", "give it: --policy")
    of = _policy(policy)
    with context.index() as index:
        text = PolicyTexts(store, clock, index).of(of)
    if text is None:
        raise WrongUse(f"the text of {of.id} is not known", f"give its file: minsheng qa text {of.id} FILE")
    found = suggest(question, of, text)
    if keep:
        if not found.good:
            raise WrongUse("no passage of the text seems to answer this", "write the answer: minsheng qa add")
        _done(_book().create(found.content, actor=getpass.getuser(), note="摘自政策原文"), json)
        return
    if json:
        context.print_json(found)
        return
    if not found.good:
        context.console().print("原文中没有找到能直接回答的条款，以下仅供参考：", markup=False)
    for one in found.passages:
        context.console().print(
            f"{one.clause}（{one.confidence:.0%}）：“{one.quotation}”", markup=False, soft_wrap=True
        )


@app.command("text")
def text(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="Id, number (文号) or title.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Its text: TXT, DOCX, PDF or OFD. None: show the clauses.")
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Keep a policy's own text, or show its clauses. Without a file, its page in the index is read."""
    from answers.texts import PolicyTexts, read_file

    of = _policy(policy)
    with context.index() as index:
        texts = PolicyTexts(context.store(), SystemClock(), index)
        if file is not None:
            found = texts.keep(of, read_file(file), origin=file.name, actor=getpass.getuser())
        else:
            known = texts.of(of)
            if known is None:
                raise WrongUse(f"the text of {of.id} is not known", f"give its file: minsheng qa text {of.id} FILE")
            found = known
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"《{of.title}》 {found.origin}",
        ("条款", "内容"),
        [(one.label or "（首部）", one.text) for one in found.clauses],
    )


@app.command("check")
def check(policy: PolicyOption = None, json: bool = context.JSON_OPTION) -> None:
    """List answers that repeat or contradict one another, or state what their policy's text does not."""
    from answers.contradictions import KIND_WORDS, compare, unsupported
    from answers.texts import PolicyTexts

    store, clock = context.store(), SystemClock()
    entries = _book().all(policy=_policy(policy).id if policy else None)
    with context.index() as index:
        texts = PolicyTexts(store, clock, index)
        known = {one.id: found for one in _policies() if (found := texts.of(one)) is not None}
    findings = [*compare(entries), *unsupported(entries, known)]
    if json:
        context.print_json(findings)
        return
    context.print_table(
        f"待核对 {len(findings)} 处",
        ("类别", "问答", "情况"),
        [(KIND_WORDS[one.kind], "、".join(one.entries), one.words) for one in findings],
    )


@app.command("coverage")
def coverage(policy: PolicyOption = None, json: bool = context.JSON_OPTION) -> None:
    """Which clauses raise questions without an answer, and which answers were followed by fewer questions."""
    from answers.coverage import Coverage

    of = _policy(policy).id if policy else None
    with context.index() as index:
        made = Coverage(context.store(), SystemClock(), index)
        clauses, effects = made.clauses(of), made.effects(of)
    if json:
        context.print_json({"clauses": clauses, "effects": effects})
        return
    context.print_table(
        "条款覆盖",
        ("政策", "条款", "提问人数", "未答人数", "未答问题", "已有答复"),
        [
            (
                row.policy,
                row.clause,
                row.people,
                row.unanswered_people,
                "、".join(row.unanswered),
                "、".join(row.answers),
            )
            for row in clauses
        ],
    )
    context.print_table(
        "答复效果",
        ("问答", "前后各（天）", "发布前人数", "发布后人数", "变化"),
        [(one.entry, one.days, one.before, one.after, one.words) for one in effects],
    )


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to write: .xlsx or .json.")],
    since: Annotated[
        str | None,
        typer.Option(help="Only what changed since: 2026-11-24, or 7d ago; also what is to be taken down."),
    ] = None,
) -> None:
    """Export what is published for the 12345 hotline's knowledge base."""
    from answers.exchange import exported, json_of, xlsx_of

    writers = {".json": json_of, ".xlsx": xlsx_of}
    if file.suffix.lower() not in writers:
        raise WrongUse(f"{file.name}: this kind of file is not written", "name a .xlsx or .json")
    policies = {one.id: one for one in _policies()}
    rows = exported(_book(), policies, since=parse_time(since) if since else None)
    try:
        file.write_bytes(writers[file.suffix.lower()](rows))
    except OSError as error:
        raise WrongUse(f"{file} can't be written: {error.strerror}") from error
    context.errors().print(f"{len(rows)} entries in {file}", markup=False, soft_wrap=True)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help=".xlsx or .json with the columns of docs/reference/qa.md.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Take a file in, row by row, as drafts; rows with a mistake are refused with the reason."""
    from answers.exchange import import_file as run
    from minsheng.policies import PolicyRegister

    report = run(file, _book(), PolicyRegister(context.store()), actor=getpass.getuser())
    refused = [row for row in report.rows if row.outcome == "refused"]
    if json:
        context.print_json(report)
    else:
        counts = ", ".join(f"{report.count(one)} {one}" for one in ("added", "changed", "unchanged", "refused"))
        context.console().print(counts)
        for row in refused:
            context.console().print(f"第 {row.row} 行：{row.reason}", markup=False, soft_wrap=True)
    if refused:
        raise typer.Exit(1)


@app.command("portal")
def portal(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder, or one that this wrote before.")],
    title: Annotated[str, typer.Option(help="What the page calls itself.")] = "政策问答",
    unit: Annotated[str, typer.Option(help="Who publishes it.")] = "",
) -> None:
    """Write a public page that is searched in the reader's browser, without a server."""
    from answers.portal import write_portal

    policies = {one.id: one for one in _policies()}
    clock = SystemClock()
    written = write_portal(folder, _book().public(), policies, clock.now(), title=title, unit=unit)
    context.console().print(
        f"{written.entries} entries on {written.policies} policies in {written.folder}/index.html",
        markup=False,
        soft_wrap=True,
    )


def _book() -> AnswerBook:
    from answers.book import AnswerBook

    return AnswerBook(context.store(), SystemClock())


def _policies() -> list[Policy]:
    from minsheng.policies import PolicyRegister

    return PolicyRegister(context.store()).all()


def _policy(text: str) -> Policy:
    from minsheng.policies import PolicyRegister

    found = PolicyRegister(context.store()).find(text)
    if found is None:
        raise WrongUse(Problem("policy-unknown", policy=text), "minsheng policies list shows them")
    return found


def _warn(entry: Entry, index: Index) -> None:
    from answers.contradictions import check as states
    from answers.texts import PolicyTexts

    of = _policy(entry.content.policy)
    known = PolicyTexts(context.store(), SystemClock(), index).of(of)
    for words in states(entry.content, known) if known is not None else ():
        context.errors().print(f"注意：{words}", markup=False, soft_wrap=True)


def _plain(entry: Entry) -> dict[str, Any]:
    return msgspec.structs.asdict(entry)


def _done(entry: Entry, json: bool) -> None:
    if json:
        context.print_json(entry)
    else:
        context.console().print(f"{entry.id} {entry.status_words} v{entry.version}", markup=False, soft_wrap=True)


def _show(entry: Entry) -> None:
    content = entry.content
    rows = [
        ("状态", entry.status_words),
        ("政策", f"{content.policy} {'、'.join(content.clauses)}"),
        ("问题", content.question),
        ("答复", content.answer),
        ("承办单位", content.department),
        ("责任人", content.owner),
        ("适用地区", content.region),
        ("关键词", "、".join(content.keywords)),
        ("有效期", f"{content.valid_from or ''} - {content.valid_until or ''}".strip(" -")),
        ("签发", f"{entry.signer} {context.local_time(entry.published_at)} {entry.digest}" if entry.digest else None),
    ]
    context.print_table(f"{entry.id} {content.title}", ("", ""), [row for row in rows if row[1]])
    if entry.published is not None and entry.published != content:
        context.console().print(f"在用的前一版：{entry.published.answer}", markup=False, soft_wrap=True)
