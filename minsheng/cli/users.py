"""`minsheng users`, `minsheng units` and `minsheng audit`: what the console's administration does, from a terminal."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minsheng.cli import context

if TYPE_CHECKING:
    from console.accounts import User, UserBook
    from console.audit import AuditLog
    from console.units import Unit, UnitBook

app = typer.Typer(help="The console's users: who may sign in, as what, and for which unit.", no_args_is_help=True)
units_app = typer.Typer(help="Units, as a tree, and what each may see.", no_args_is_help=True)
audit_app = typer.Typer(help="The console's audit log.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name typed to sign in.")]


@app.command("list")
def list_users(json: bool = context.JSON_OPTION) -> None:
    """List all users."""
    found = _users().all()
    if json:
        context.print_json(found)
        return
    units = {number: unit.name for number, unit in _units().tree().by_id.items()}
    context.print_table(
        f"用户 {len(found)} 名",
        ("用户名", "姓名", "单位", "角色", "状态"),
        [
            (one.name, one.display, units.get(one.unit_id or -1, ""), ", ".join(one.roles), _state(one))
            for one in found
        ],
    )  # fmt: skip


@app.command("add")
def add_user(
    name: Name,
    role: Annotated[
        list[str], typer.Option(help="duty, editor, reader, leader, operator, administrator or auditor. Repeatable.")
    ],
    unit: Annotated[
        str | None, typer.Option(help="The unit, by its name or number; without one nothing is seen.")
    ] = None,
    display: Annotated[str, typer.Option(help="The name that others are shown.")] = "",
) -> None:
    """Add a user, and print a one-time link behind which they choose their password."""
    number = _units().find(unit).id if unit else None
    user = _users().add(name, display, role, number)
    _audit().add(_who(), "user-added", user.name, detail={"roles": list(user.roles), "unit": user.unit_id})
    _print_link(user)


@app.command("reset")
def reset_user(
    name: Name,
    totp: Annotated[bool, typer.Option("--totp", help="Also stop asking for the second factor.")] = False,
) -> None:
    """Print a new one-time link for a user who has lost their password."""
    users = _users()
    user = users.find(name)
    if totp:
        users.remove_totp(user.id)
        _audit().add(_who(), "totp-removed", user.name)
    _print_link(user)


@app.command("disable")
def disable_user(name: Name) -> None:
    """Keep a user out, and end their sessions at once. What they did stays in the records."""
    _change(name, disabled=True)


@app.command("enable")
def enable_user(name: Name) -> None:
    """Let a disabled user in again."""
    _change(name, disabled=False)


@units_app.command("list")
def list_units(json: bool = context.JSON_OPTION) -> None:
    """List all units, each followed by those below it."""
    listed = _units().tree().listed()
    if json:
        context.print_json([unit for _, unit in listed])
        return
    context.print_table(
        f"单位 {len(listed)} 个",
        ("编号", "名称", "级别", "看得到", "地区"),
        [
            (unit.id, "　" * depth + unit.name, unit.kind, _sees(unit), "、".join(unit.regions))
            for depth, unit in listed
        ],
    )


@units_app.command("add")
def add_unit(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The unit's name.")],
    kind: Annotated[str, typer.Option(help="province, city, county or department.")] = "department",
    parent: Annotated[str | None, typer.Option(help="The unit above it, by name or number.")] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="It sees everything in its regions, also what is about no policy.")
    ] = False,
    department: Annotated[
        list[str] | None, typer.Option(help="Policies of this department are its own. Repeatable.")
    ] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Policies on this topic are its own. Repeatable.")] = None,
    policy: Annotated[list[str] | None, typer.Option(help="This policy (its id) is its own. Repeatable.")] = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Only regions whose names begin so. Repeatable. None: as the unit above.")
    ] = None,
) -> None:
    """Add a unit. It sees its own policies and those of the units below it, inside its regions."""
    books = _units()
    above = books.find(parent).id if parent else None
    unit = books.add(
        name, kind, parent=above, whole=whole, policies=policy or (), departments=department or (), topics=topic or (),
        regions=region or (),
    )  # fmt: skip
    _audit().add(_who(), "unit-added", unit.name)
    context.console().print(f"{unit.id} {unit.name}", markup=False)


@audit_app.command("list")
def list_audit(
    actor: Annotated[str | None, typer.Option(help="Only what this user did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this kind, e.g. exported.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 100,
    json: bool = context.JSON_OPTION,
) -> None:
    """List what was done in the console."""
    lines = _audit().list(actor=actor, action=action, limit=limit)
    if json:
        for line in lines:
            context.print_json_line(line)
        return
    context.print_table(
        f"审计 {len(lines)} 条",
        ("序号", "时间", "用户", "动作", "对象", "详情"),
        [(one.id, context.local_time(one.at), one.actor, one.action, one.subject, one.detail) for one in lines],
    )


@audit_app.command("verify")
def verify_audit() -> None:
    """Walk the whole log and check that no line was changed or taken out; exit code 1 where one was.

    What was cut off at the end leaves no gap: keep the number and hash printed here elsewhere, and compare.
    """
    from minsheng.errors import MinshengError

    verdict = _audit().verify()
    if verdict.broken is not None:
        raise MinshengError(
            f"the audit log is broken at line {verdict.broken}: it or a line before it was changed or taken out",
            "compare with a backup of the store",
        )
    context.console().print(f"{verdict.lines} lines, whole; last hash {verdict.last}", markup=False)


def _users() -> UserBook:
    from console.accounts import UserBook
    from console.keys import Keys
    from minsheng.clock import SystemClock

    return UserBook(context.store(), Keys.from_settings(context.settings()), SystemClock())


def _units() -> UnitBook:
    from console.units import UnitBook
    from minsheng.clock import SystemClock

    return UnitBook(context.store(), SystemClock())


def _audit() -> AuditLog:
    from console.audit import AuditLog
    from minsheng.clock import SystemClock

    return AuditLog(context.store(), SystemClock())


def _who() -> str:
    return f"terminal:{getpass.getuser()}"


def _change(name: str, *, disabled: bool) -> None:
    users = _users()
    user = users.find(name)
    users.change(user.id, display=user.display, roles=user.roles, unit_id=user.unit_id, disabled=disabled)
    _audit().add(_who(), "user-changed", user.name, detail={"disabled": disabled})


def _print_link(user: User) -> None:
    from console.serving import address_of

    chosen = context.settings().console
    token = _users().make_link(user.id)
    _audit().add(_who(), "link-made", user.name)
    address = address_of(chosen, f"http://{chosen.host}:{chosen.port}")
    say: Any = context.console()
    say.print(f"{user.name}: {address}/link/{token}", markup=False, soft_wrap=True)
    context.errors().print("the link can be used once, within 48 hours", markup=False)


def _state(user: User) -> str:
    if user.disabled_at is not None:
        return "停用"
    if not user.has_password:
        return "等待设置口令"
    return "正常，动态口令" if user.has_totp else "正常"


def _sees(unit: Unit) -> str:
    return "全部信息" if unit.whole else "、".join((*unit.departments, *unit.topics, *unit.policies))
