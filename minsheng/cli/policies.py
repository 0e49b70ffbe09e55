"""`minsheng policies`: the register of policies."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from minsheng.cli import context, releases
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from classifiers.relinking import Progress, ProgressFile, Stances
    from minsheng.policies import Policy
    from minsheng.records import Document, Judgement
    from minsheng.settings import Settings
    from stream.log import Log

app = typer.Typer(help="The register of policies.", no_args_is_help=True)


for _name, _command in releases.COMMANDS.items():
    app.command(_name)(_command)


@app.command("list")
def list_policies(json: bool = context.JSON_OPTION) -> None:
    """List the policies in the register."""
    from minsheng.policies import PolicyRegister

    policies = PolicyRegister(context.store()).all()
    if json:
        context.print_json([msgspec.structs.asdict(policy) for policy in policies])
        return
    context.print_table(
        f"{len(policies)} policies",
        ("id", "number", "title", "department", "stage", "successor", "released"),
        [(p.id, p.number, p.title, p.department, p.stage_words, p.successor, p.released_on) for p in policies],
    )


@app.command("import")
def import_policies(
    path: Annotated[Path, typer.Argument(help="A policy file (TOML), or a folder of them.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Add or change policies from files: all of them, or none if any has a mistake."""
    from minsheng.policies import PolicyRegister, read_policies

    policies = read_policies(path)
    result = PolicyRegister(context.store()).import_policies(policies, actor=f"terminal:{getpass.getuser()}")
    for warning in result.warnings:
        context.errors().print(f"warning: {warning}", markup=False, soft_wrap=True)
    if json:
        context.print_json(result)
        return
    context.console().print(
        f"{len(result.added)} added, {len(result.changed)} changed, {len(result.unchanged)} as before"
    )


@app.command("show")
def show_policy(
    policy: Annotated[str, typer.Argument(metavar="ID", help="The policy's id, its number (文号) or its title.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Show one policy, and the ones that took its place."""
    from minsheng.policies import PolicyRegister, successors

    register = PolicyRegister(context.store())
    found = register.find(policy)
    if found is None:
        raise WrongUse(Problem("policy-unknown", policy=policy), "minsheng policies list shows them")
    line = successors(found.id, {one.id: one for one in register.all()})
    if json:
        context.print_json(
            {**msgspec.structs.asdict(found), "successors": [msgspec.structs.asdict(one) for one in line]}
        )
        return
    rows = [(name, value) for name, value in msgspec.structs.asdict(found).items() if value not in (None, ())]
    shown = {"stage": f"{found.stage_words} ({found.stage})"}
    if line:
        shown["successor"] = " → ".join(map(_named, line))
    context.print_table(
        found.title,
        ("", ""),
        [(name, shown.get(name, "、".join(value) if isinstance(value, tuple) else value)) for name, value in rows],
    )


@app.command("history")
def policy_history(
    policy: Annotated[str, typer.Argument(metavar="ID", help="The policy's id, its number (文号) or its title.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Show who changed a policy, when and why, newest first."""
    from minsheng.policies import PolicyRegister
    from minsheng.policies.versions import differences

    register = PolicyRegister(context.store())
    found = register.find(policy)
    if found is None:
        raise WrongUse(Problem("policy-unknown", policy=policy), "minsheng policies list shows them")
    versions = register.history(found.id)
    if json:
        context.print_json(versions)
        return
    rows = [
        (
            one.number,
            context.local_time(one.changed_at),
            one.changed_by or "—",
            one.reason,
            "\n".join(f"{field}: {old or '—'} → {new or '—'}" for field, old, new in differences(before, one.policy)),
        )
        for one, before in zip(versions, [*(later.policy for later in versions[1:]), None], strict=False)
    ]
    context.print_table(found.title, ("版本", "时间", "修改人", "说明", "修改"), rows)


def _named(policy: Policy) -> str:
    return f"{policy.id} {policy.number or ''}《{policy.title}》 {policy.stage_words}"


@app.command()
def relink(
    since: Annotated[
        str | None,
        typer.Option(help="Only documents published at or after: 2026-11-24, or 30d ago. Default: all in the index."),
    ] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Don't go on where a run was stopped.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """Link the documents that are there already to the policies as they are now.

    To be run after policies were added or changed, while everything else goes on. Only documents whose links come out
    different are sent through the log again, as a new opinion. Ctrl+C stops it; the next run goes on from there.
    """
    from classifiers.corrections import CorrectionBook, CurrentLabels
    from classifiers.linking import PolicyLinker
    from classifiers.relinking import ProgressFile, Relinker
    from minsheng.cli.stage import stop_at_signals
    from minsheng.clock import SystemClock
    from minsheng.parts import open_index, open_log, topic_partitions
    from minsheng.policies import PolicyRegister

    settings = context.settings()
    stop = stop_at_signals()
    clock = SystemClock()
    store = context.store()
    linker = PolicyLinker(PolicyRegister(store).all())
    file = ProgressFile(settings.path("relink.json"))
    with closing(open_log(settings)) as log, closing(open_index(settings)) as index:
        log.ensure_topics(topic_partitions(settings))
        index.ensure()
        on_their_way = _on_their_way(log)
        progress = _begun(file, linker.revision, since, from_start)
        labels = CurrentLabels(CorrectionBook(store, clock))
        with closing(log.producer()) as producer, _bar() as bar:
            task = bar.add_task("relinking", total=progress.total or None, completed=progress.seen, changed=0)

            def after_page(reached: Progress) -> None:
                file.write(reached)
                bar.update(task, total=reached.total, completed=reached.seen, changed=reached.changed)

            relinker = Relinker(index, producer, linker, clock, labels=labels, stances=_stances(settings))
            progress = relinker.run(progress, stop, after_page=after_page)
    if progress.finished:
        file.forget()
    if json:
        context.print_json(progress)
    else:
        _tell(progress, on_their_way)
    if not progress.finished:
        raise typer.Exit(130)


def _stances(settings: Settings) -> Stances:
    """Judges stances by the model of the settings, which is loaded when the first document needs it."""
    from functools import cache

    from classifiers.load import load_model
    from classifiers.model import Text, judge_with

    model = cache(lambda: load_model(settings))

    def judge(documents: Sequence[Document]) -> tuple[Sequence[Judgement | None], str | None]:
        judged = judge_with(model(), [Text(document.title, document.text) for document in documents])
        return [heads.get("stance") for heads in judged], model().versions.get("stance")

    return judge


def _begun(file: ProgressFile, revision: str, since: str | None, from_start: bool) -> Progress:
    """The run that was stopped, where it is still the one wanted, or a new one."""
    from classifiers.relinking import Progress
    from minsheng.cli.times import parse_time

    stopped = file.read()
    if stopped is not None and not from_start:
        if stopped.register == revision and since is None:
            context.errors().print(f"going on after {stopped.seen:,} documents; --from-start begins anew")
            return stopped
        context.errors().print("what was stopped was another register's or another span's: beginning anew")
    return Progress(register=revision, since=parse_time(since) if since else None)


def _on_their_way(log: Log) -> int:
    """How many records the stages before the index have still to handle."""
    from stream.log import ASSESSED, DOCUMENTS, GROUPED

    return sum(
        log.lag(topic, stage).behind
        for topic, stage in ((DOCUMENTS, "assess"), (ASSESSED, "group"), (GROUPED, "index"))
    )


def _tell(progress: Progress, on_their_way: int) -> None:
    from classifiers.relinking import in_words

    console = context.console()
    console.print(f"{progress.seen:,} documents looked at, {progress.changed:,} sent again", markup=False)
    for words, counts in (("newly about", progress.gained), ("no longer about", progress.lost)):
        if counts:
            console.print(f"{words}: {in_words(counts)}", markup=False, soft_wrap=True)
    if not progress.finished:
        console.print("stopped; the same command goes on from here")
    elif on_their_way:
        console.print(
            f"{on_their_way:,} records were still on their way to the index when this began. Those assessed by the "
            "older register are not among the documents looked at: run this again when they are in (minsheng doctor)",
            soft_wrap=True,
        )


def _bar() -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[changed]:,} sent again"),
        TimeRemainingColumn(),
        console=context.errors(),
        transient=True,
    )
