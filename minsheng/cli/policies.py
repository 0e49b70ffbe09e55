"""`minsheng policies`: the register of policies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from minsheng.cli import context
from minsheng.errors import WrongUse

app = typer.Typer(help="The register of policies.", no_args_is_help=True)


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
        ("id", "number", "title", "department", "stage", "released"),
        [(p.id, p.number, p.title, p.department, p.stage_words, p.released_on) for p in policies],
    )


@app.command("import")
def import_policies(
    path: Annotated[Path, typer.Argument(help="A policy file (TOML), or a folder of them.")],
    json: bool = context.JSON_OPTION,
) -> None:
    """Add or change policies from files: all of them, or none if any has a mistake."""
    from minsheng.policies import PolicyRegister, read_policies

    policies = read_policies(path)
    result = PolicyRegister(context.store()).import_policies(policies)
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
    """Show one policy."""
    from minsheng.policies import PolicyRegister

    found = PolicyRegister(context.store()).find(policy)
    if found is None:
        raise WrongUse(f"there is no policy '{policy}' in the register", "minsheng policies list shows them")
    if json:
        context.print_json(msgspec.structs.asdict(found))
        return
    rows = [(name, value) for name, value in msgspec.structs.asdict(found).items() if value not in (None, ())]
    shown = {"stage": f"{found.stage_words} ({found.stage})"}
    context.print_table(
        found.title,
        ("", ""),
        [(name, shown.get(name, "、".join(value) if isinstance(value, tuple) else value)) for name, value in rows],
    )
