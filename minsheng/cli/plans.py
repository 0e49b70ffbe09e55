"""`minsheng plans`: response plans, shipped, as files, and in the store."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.clock import SystemClock
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from alerts.plan_model import Plan
    from alerts.planning.shelf import StoredPlan
    from alerts.plans import PlanBook

app = typer.Typer(help="Response plans (预案): read, check, review, put in force.", no_args_is_help=True)

PlanName = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's id.")]
Version = Annotated[int, typer.Argument(metavar="VERSION", help="Which version.")]
By = Annotated[str | None, typer.Option(help="Who acts; default: the user of this machine.", show_default=False)]


@app.command("list")
def list_plans(json: bool = context.JSON_OPTION) -> None:
    """List the plans that count, and the versions in the store that don't yet or no longer."""
    from alerts.planning.shelf import STATE_WORDS, stored_plans

    book = _book()
    stored = stored_plans(context.store())
    in_force = {(one.plan.id, one.plan.version) for one in stored if one.state == "in-force"}
    rows: list[tuple[Plan, str]] = [
        (plan, "in-force" if (plan.id, plan.version) in in_force else "file") for plan in book.plans.values()
    ]
    rows += [(one.plan, one.state) for one in stored if one.state != "in-force"]
    rows.sort(key=lambda row: (row[0].id, row[0].version))
    if json:
        context.print_json([{"id": p.id, "version": p.version, "title": p.title, "state": s, "policies": p.policies,
                             "topics": p.topics, "risk_kinds": p.risk_kinds, "levels": p.levels, "owner": p.owner,
                             "expires_on": p.expires_on} for p, s in rows])  # fmt: skip
        return
    context.print_table(
        f"预案 {len(rows)} 份",
        ("编号", "版本", "状态", "名称", "适用政策", "风险类型", "责任人", "有效期至"),
        [
            (
                plan.id,
                plan.version,
                STATE_WORDS.get(state, "文件"),
                plan.title,
                "、".join(plan.policies + plan.topics),
                "、".join(_kind(kind) for kind in plan.risk_kinds),
                plan.owner,
                plan.expires_on,
            )
            for plan, state in rows
        ],
    )


@app.command("show")
def show_plan(
    plan: PlanName,
    version: Annotated[int | None, typer.Option(help="A version in the store; default: the one that counts.")] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show a plan as TOML, as `plans import` reads it."""
    found = _found(plan, version)
    if json:
        context.print_json(found)
    else:
        from alerts.planning.text import as_toml

        typer.echo(as_toml(found), nl=False)


@app.command("check")
def check_plans(
    path: Annotated[
        Path | None, typer.Argument(help="A plan file or folder; default: all plans that count.", show_default=False)
    ] = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Say what is wrong with plan files, or what somebody should see to. Exit code 1 where there is something."""
    from alerts.plan_files import read_plans
    from alerts.planning.shelf import problems_of, stored_plans

    if path is not None:
        read = read_plans(path)  # raises with every problem
        context.console().print(f"{len(read)} plans are right")
        return
    found = problems_of(_book(), stored_plans(context.store()), SystemClock())
    if json:
        context.print_json(found)
    else:
        for one in found:
            context.console().print(f"{one.plan}: {one.problem} → {one.advice}", markup=False, soft_wrap=True)
        if not found:
            context.console().print("all plans are in order")
    if found:
        raise typer.Exit(1)


@app.command("import")
def import_plans(
    path: Annotated[Path, typer.Argument(help="A plan file (TOML), or a folder of them.")],
    by: By = None,
    json: bool = context.JSON_OPTION,
) -> None:
    """Keep plans in the store, as drafts: new versions where they say something new."""
    from alerts.plan_files import read_plans
    from alerts.planning import shelf

    kept = shelf.import_plans(context.store(), SystemClock(), read_plans(path), actor=_who(by))
    if json:
        context.print_json(kept)
        return
    for one in kept:
        _tell(one)


@app.command("export")
def export_plan(
    plan: PlanName,
    file: Annotated[Path, typer.Argument(help="The TOML file to write; it must not be there.")],
    version: Annotated[int | None, typer.Option(help="A version in the store; default: the one that counts.")] = None,
) -> None:
    """Write a plan into a TOML file."""
    from alerts.planning.text import as_toml

    text = as_toml(_found(plan, version))
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise WrongUse(f"{file} can't be written: {error.strerror}", "name a new file") from error
    context.console().print(str(file), markup=False)


@app.command("review")
def review_plan(plan: PlanName, version: Version, by: By = None, json: bool = context.JSON_OPTION) -> None:
    """Say that a draft is good (审核). Who has written it can't."""
    from alerts.planning import shelf

    _tell(shelf.review(context.store(), SystemClock(), plan, version, actor=_who(by)), json)


@app.command("put-in-force")
def put_in_force(plan: PlanName, version: Version, by: By = None, json: bool = context.JSON_OPTION) -> None:
    """Let tickets that open from now on take a reviewed version (生效). The one before is retired."""
    from alerts.planning import shelf

    _tell(shelf.put_in_force(context.store(), SystemClock(), plan, version, actor=_who(by)), json)


@app.command("retire")
def retire_plan(plan: PlanName, version: Version, by: By = None, json: bool = context.JSON_OPTION) -> None:
    """Take a version out of use (停用)."""
    from alerts.planning import shelf

    _tell(shelf.retire(context.store(), SystemClock(), plan, version, actor=_who(by)), json)


def _book() -> PlanBook:
    from alerts.planning.shelf import book_of

    return book_of(context.store(), context.settings().path("plans"))


def _found(plan_id: str, version: int | None) -> Plan:
    from alerts.planning.shelf import stored_plans

    if version is None:
        found = _book().get(plan_id)
    else:
        stored = stored_plans(context.store(), plan_id)
        found = next((one.plan for one in stored if one.plan.version == version), None)
    if found is None:
        raise WrongUse(
            f"there is no plan {plan_id}" + (f" version {version}" if version else ""), "minsheng plans list"
        )
    return found


def _kind(kind: str) -> str:
    from alerts.risk_kind import CHINESE

    return CHINESE[kind]


def _who(by: str | None) -> str:
    return by or getpass.getuser()


def _tell(one: StoredPlan, json: bool = False) -> None:
    from alerts.planning.shelf import STATE_WORDS

    if json:
        context.print_json(one)
        return
    words = f"{one.plan.id} 第 {one.plan.version} 版 {STATE_WORDS[one.state]}：{one.plan.title}"
    context.console().print(words, markup=False, soft_wrap=True)
