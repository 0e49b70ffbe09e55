"""`minsheng rules`: check, test, install and show the rules that risk is judged by."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.clock import SystemClock
from minsheng.errors import BadInput

if TYPE_CHECKING:
    from alerts.rules.book import RuleBook

app = typer.Typer(help="Rules: what makes a risk of which level.", no_args_is_help=True)

FILES = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Rule files.")]


@app.command("check")
def check(files: FILES, json: bool = context.JSON_OPTION) -> None:
    """Check rule files: shape, conditions, watch words. Nothing is installed. Ends with 1 where one is wrong."""
    from alerts.rules.reading import read_file

    problems: dict[str, str | None] = {}
    for file in files:
        try:
            rules = read_file(file)
            problems[str(file)] = None
            if not json:
                context.console().print(
                    f"{file}: version {rules.version}, {len(rules.rules)} rules, {len(rules.words)} lists of words",
                    markup=False,
                )
        except BadInput as error:
            problems[str(file)] = error.message
            if not json:
                context.errors().print(str(error), markup=False, soft_wrap=True)
    if json:
        context.print_json(problems)
    if any(problems.values()):
        raise typer.Exit(1)


@app.command("test")
def test(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Test files, e.g. rules.test.toml.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Run the tests that lie beside rules. Ends with 1 where one fails."""
    from alerts.rules.testing import run_file

    found = {str(file): run_file(file, context.settings()) for file in files}
    if json:
        context.print_json(found)
    else:
        for file, outcomes in found.items():
            for one in outcomes:
                said = f"failed: {one.problem}" if one.problem else "ok"
                context.console().print(f"{file}: {one.name}: {said}", markup=False, soft_wrap=True)
    if any(one.problem for outcomes in found.values() for one in outcomes):
        raise typer.Exit(1)


@app.command("list")
def list_rules(json: bool = context.JSON_OPTION) -> None:
    """List the rules in force, and which rules were in force when, and by whom."""
    from alerts.levels import CHINESE

    book = _book()
    rules, history = book.in_force(), book.history()
    if json:
        changes = [
            {name: getattr(one, name) for name in ("id", "at", "actor", "reason", "version", "digest")}
            for one in history
        ]
        context.print_json({"in_force": rules, "history": changes})
        return
    context.print_table(
        f"{rules.title} {rules.version}（{rules.digest}）",
        ("规则", "名称", "等级", "对象", "条件"),
        [
            (rule.name, rule.title, CHINESE[rule.level], ", ".join(rule.scopes), ", ".join(rule.when))
            for rule in rules.rules
        ],
    )
    context.print_table(
        "变更记录",
        ("编号", "时间", "变更人", "版本", "理由"),
        [
            (
                one.id,
                context.local_time(one.at) if one.at else "出厂",
                one.actor,
                f"{one.version}（{one.digest}）",
                one.reason,
            )
            for one in history
        ],
    )


@app.command("show")
def show(
    number: Annotated[int | None, typer.Argument(help="Its number in the history; default: those in force.")] = None,
) -> None:
    """Print a rule file as it was installed; 0 is the shipped one, to start your own from."""
    book = _book()
    change = book.history()[0] if number is None else book.get(number)
    sys.stdout.write(change.content)


@app.command("install")
def install(
    file: Annotated[Path, typer.Argument(help="The rule file.")],
    reason: Annotated[str, typer.Option(help="Why the rules are changed; kept in the history.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Bring a rule file into force. A bad one is refused with line and reason, and the rules in force stay.

    Running stages take it up within half a minute. Tickets that are open keep their levels.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: {error}", "give a rule file, TOML in UTF-8") from error
    change = _book().install(text, str(file), actor=getpass.getuser(), reason=reason)
    if json:
        context.print_json({"id": change.id, "version": change.version, "digest": change.digest, "at": change.at})
    else:
        context.console().print(f"规则 {change.version}（{change.digest}）已启用，编号 {change.id}", markup=False)


def _book() -> RuleBook:
    from alerts.rules.book import RuleBook

    return RuleBook(context.store(), SystemClock())
