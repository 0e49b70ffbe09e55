"""`minsheng labels`: labels that persons set where the model is wrong, and a training set made of them."""

from __future__ import annotations

import getpass
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.clock import SystemClock
from minsheng.errors import Unavailable, WrongUse

if TYPE_CHECKING:
    from classifiers.corrections import Correction, CorrectionBook
    from classifiers.relabel import Change, Relabeller
    from minsheng.records import Assessed, Document

app = typer.Typer(help="Labels set by persons: they outrank every model.", no_args_is_help=True)

DocumentName = Annotated[
    str,
    typer.Argument(metavar="DOCUMENT", help="Its id (minsheng search --json), or SOURCE:KEY (native id or address)."),
]
Head = Annotated[
    str, typer.Option(help="sentiment, emotion, topic, request, stance, or policy:ID (about or not-about).")
]
By = Annotated[str | None, typer.Option("--by", help="Who says so; default: the user of this system.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the history.")]


@app.command("set")
def set_label(
    document: DocumentName,
    head: Head,
    label: Annotated[str, typer.Option(help="The right label.")],
    by: By = None,
    reason: Reason = "",
    json: bool = context.JSON_OPTION,
) -> None:
    """Set the right label of a document. It outranks every model, now and whenever the document is judged again.

    The document goes through the log again, so that search, alerts and briefings see the label. Copies keep theirs.
    """
    with _relabeller() as relabeller:
        change = relabeller.set(document, head, label, by=who_says(by), reason=reason)
    if json:
        context.print_json(change)
        return
    console = context.console()
    if change.correction is None:
        console.print(f"{head} 已由人工定为 {label}，未作改动；检索中若未显示：minsheng labels resend", markup=False)
        return
    console.print(_sentence(change), markup=False, soft_wrap=True)
    if change.same_text:
        console.print(f"同文另有 {len(change.same_text)} 篇，标签未动：{'、'.join(change.same_text)}", markup=False)
    for other in change.other_labels:
        console.print(
            f"注意：{other.set_by} 曾把 {other.document_id}（同文）的 {head} 定为 {other.label}", markup=False
        )


@app.command("unset")
def unset_label(
    document: DocumentName, head: Head, by: By = None, reason: Reason = "", json: bool = context.JSON_OPTION
) -> None:
    """Take a person's label back: the document is judged again and the model's label holds."""
    with _relabeller() as relabeller:
        change = relabeller.unset(document, head, by=who_says(by), reason=reason)
    if json:
        context.print_json(change)
    else:
        context.console().print(_sentence(change), markup=False, soft_wrap=True)


@app.command("list")
def list_labels(
    document: Annotated[
        str | None, typer.Argument(metavar="[DOCUMENT]", help="Only this document, with its whole history.")
    ] = None,
    head: Annotated[str | None, typer.Option(help="Only this head.")] = None,
    since: Annotated[str | None, typer.Option(help="Set at or after: 2026-11-24, or 12h, 2d ago.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """List the labels that persons have set and that hold; of one document, also those that held before."""
    from classifiers.relabel import id_of
    from minsheng.cli.times import parse_time

    book = _book()
    if document is None:
        found = book.current(head=head, since=parse_time(since) if since else None)
    else:
        found = [one for one in book.history(id_of(document)) if head in (None, one.head)]
    if json:
        context.print_json(found)
        return
    context.print_table(
        f"人工标签 {len(found)} 条",
        ("文档", "项", "标签", "模型原判", "何人", "何时", "缘由"),
        [
            (
                one.document_id,
                one.head,
                one.label or "（撤回）",
                _model_said(one),
                one.set_by,
                context.local_time(one.set_at),
                one.reason,
            )
            for one in found
        ],
    )


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: .jsonl or .csv, also with .gz.")],
    head: Annotated[str | None, typer.Option(help="Only this head.")] = None,
    since: Annotated[str | None, typer.Option(help="Set at or after: 2026-11-24, or 12h, 2d ago.")] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Write who set them as stored; otherwise a keyed hash stands for each.")
    ] = False,
) -> None:
    """Write the labels that hold, with their texts, as a training set.

    CSV has a column for each head, filled in the rows that correct it, so that it can be read like any labelled file.
    """
    from classifiers.correction_export import check_name, rows, write
    from crawlers.privacy import AuthorKeys
    from minsheng.cli.times import parse_time
    from minsheng.parts import open_index

    check_name(file)
    settings = context.settings()
    found = _book().current(head=head, since=parse_time(since) if since else None)
    keys = None if names else AuthorKeys.from_settings(settings)
    with closing(open_index(settings)) as index:
        made = rows(found, index, lambda name: name if keys is None else keys("labels", name))
    write(file, made)
    context.console().print(f"{len(made)} labels written to {file}", markup=False, soft_wrap=True)
    if len(made) < len(found):
        context.errors().print(
            f"warning: {len(found) - len(made)} labels have no text: their documents are not in the index any more",
            markup=False, soft_wrap=True,
        )  # fmt: skip


@app.command("resend")
def resend(json: bool = context.JSON_OPTION) -> None:
    """Send the documents again whose label in the index is not the person's, e.g. as the log was away."""
    with _relabeller() as relabeller:
        found = relabeller.send_again()
    if json:
        context.print_json(found)
        return
    context.console().print(f"{len(found.sent)} sent again", markup=False)
    if found.missing:
        context.console().print(f"{len(found.missing)} are not in the index (any more)", markup=False)


def _sentence(change: Change) -> str:
    assert change.correction is not None
    row = change.correction
    return (
        f"{change.document_id} 的 {change.head}：{change.before or '无'} → {change.after or '无'}"
        f"（模型原判 {_model_said(row) or '无'}；{row.set_by}，{context.local_time(row.set_at)}）"
    )


def _model_said(row: Correction) -> str:
    if row.model_label is None:
        return ""
    return row.model_label if row.model_score is None else f"{row.model_label} {row.model_score:.2f}"


def who_says(by: str | None) -> str:
    """The name given, or the user of this system. Raises `WrongUse` for an empty or overlong one."""
    name = (by if by is not None else getpass.getuser()).strip()
    if not name or len(name) > 100:
        raise WrongUse("--by needs a name of 1 to 100 characters")
    return name


def _book() -> CorrectionBook:
    from classifiers.corrections import CorrectionBook

    return CorrectionBook(context.store(), SystemClock())


@contextmanager
def _relabeller() -> Iterator[Relabeller]:
    """Sets labels on the parts that the settings name. The model is loaded only where a document is judged again."""
    from classifiers.corrections import CurrentLabels
    from classifiers.relabel import Relabeller
    from classifiers.stage import assess_one
    from minsheng.parts import open_index, open_log, topic_partitions
    from minsheng.policies import PolicyRegister

    settings = context.settings()
    book = _book()
    register = PolicyRegister(context.store())

    def policies() -> Collection[str]:
        return {policy.id for policy in register.all()}

    with closing(open_index(settings)) as index, closing(open_log(settings)) as log:

        def assess(document: Document) -> Assessed:
            from classifiers.load import load_model

            return assess_one(document, load_model(settings), register, SystemClock(), CurrentLabels(book), index)

        log.ensure_topics(topic_partitions(settings))
        try:
            yield Relabeller(book, index, log, SystemClock(), assess, policies)
        except Unavailable as error:
            error.hint = f"{error.hint}; " if error.hint else ""
            error.hint += "then: minsheng labels resend"
            raise
