"""`minsheng tokens`: what programs show to the API."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.clock import SystemClock
from minsheng.errors import WrongUse

if TYPE_CHECKING:
    from console.accounts import UserBook
    from console.audit import AuditLog
    from console.tokens import TokenBook

app = typer.Typer(help="Tokens by which programs use the API, each a part of a user's rights.", no_args_is_help=True)


@app.command("add")
def add_token(
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose rights and scope it has a part of.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, e.g. the program's name.")],
    right: Annotated[list[str], typer.Option(help="What it may do, as tickets or search. Repeatable.")],
    days: Annotated[int, typer.Option(min=1, help="How long it holds.")] = 90,
    json: bool = context.JSON_OPTION,
) -> None:
    """Make a token and print it. It is shown this once: the store keeps only its hash."""
    owner = _users().find(user)
    secret, token = _tokens().make(owner, name, right, days)
    _audit("token-made", token.name, {"token": token.id, "user": owner.name, "rights": list(token.rights)})
    if json:
        context.print_json({"token": token, "secret": secret})
        return
    sys.stdout.write(f"{secret}\n")
    context.errors().print(
        f"token {token.id} of {owner.name}, until {context.local_time(token.expires_at)}: "
        f"send it as Authorization: Bearer {secret[:10]}…",
        markup=False, soft_wrap=True,
    )  # fmt: skip


@app.command("list")
def list_tokens(
    user: Annotated[str, typer.Option(help="Only this user's.")] = "",
    ended: Annotated[bool, typer.Option("--ended", help="Also those that were revoked or have ended.")] = False,
    json: bool = context.JSON_OPTION,
) -> None:
    """List tokens: whose, for what, until when, and when each was used last."""
    found = _tokens().list(_users().find(user).id if user else None, ended=ended)
    if json:
        context.print_json(found)
        return
    rows = [
        (
            one.id,
            one.user,
            one.name,
            one.hint,
            ", ".join(one.rights),
            "已停用" if one.revoked_at else context.local_time(one.expires_at),
            context.local_time(one.last_used_at) or "从未",
        )
        for one in found
    ]
    context.print_table(
        f"接口令牌 {len(rows)} 个", ("编号", "用户", "用途", "开头", "权限", "有效至", "上次使用"), rows
    )


@app.command("revoke")
def revoke_token(token: Annotated[int, typer.Argument(metavar="TOKEN", help="Its number.")]) -> None:
    """End a token at once."""
    if not _tokens().revoke(token):
        raise WrongUse(f"there is no token {token} that holds", "see minsheng tokens list")
    _audit("token-revoked", str(token), {})


def _tokens() -> TokenBook:
    from console.tokens import TokenBook

    return TokenBook(context.store(), SystemClock())


def _users() -> UserBook:
    from console.accounts import UserBook
    from console.keys import Keys

    return UserBook(context.store(), Keys.from_settings(context.settings()), SystemClock())


def _audit(action: str, subject: str, detail: dict[str, object]) -> None:
    import getpass

    from console.audit import AuditLog

    log: AuditLog = AuditLog(context.store(), SystemClock())
    log.add(f"terminal:{getpass.getuser()}", action, subject, detail=detail)
