"""`minsheng webhooks`: programs that are told when tickets change."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from minsheng.cli import context
from minsheng.clock import SystemClock
from minsheng.errors import MinshengError

if TYPE_CHECKING:
    from console.keys import Keys
    from console.webhooks import WebhookBook

app = typer.Typer(help="Addresses of programs that are told when tickets change.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(metavar="WEBHOOK", help="Its number.")]


@app.command("add")
def add_webhook(
    user: Annotated[str, typer.Argument(metavar="USER", help="What this user may see, it is told of.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for, e.g. the program's name.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to post to.")],
    event: Annotated[
        list[str],
        typer.Option(help="ticket.opened, ticket.level, ticket.status, ticket.deadline or ticket.changed. Repeatable."),
    ],
    json: bool = context.JSON_OPTION,
) -> None:
    """Add a webhook and print its secret. It is shown this once: deliveries are signed with it."""
    from console.accounts import UserBook

    owner = UserBook(context.store(), _keys(), SystemClock()).find(user)
    secret, hook = _book().add(owner, name, url, event)
    _audit(hook.name, {"webhook": hook.id, "user": owner.name, "host": hook.host, "events": list(hook.events)})
    if json:
        context.print_json({"webhook": hook, "secret": secret})
        return
    sys.stdout.write(f"{secret}\n")
    context.errors().print(f"webhook {hook.id} of {owner.name}, to {hook.host}", markup=False, soft_wrap=True)


@app.command("list")
def list_webhooks(json: bool = context.JSON_OPTION) -> None:
    """List webhooks: whose, where to, of what. Their addresses and secrets are not shown."""
    found = _book().list()
    if json:
        context.print_json(found)
        return
    rows = [
        (one.id, one.user, one.name, one.host, ", ".join(one.events), "已停用" if one.stopped_at else "正常", one.why)
        for one in found
    ]
    context.print_table(f"接口推送 {len(rows)} 个", ("编号", "用户", "名称", "主机", "事项", "状态", "原因"), rows)


@app.command("test")
def test_webhook(number: Number) -> None:
    """Send a test now; exit code 1 where it was not received."""
    book = _book()
    book.get(number)
    done = book.test(number)
    _audit(str(number), {"webhook": number, "do": "test"})
    if done.delivered_at is None:
        raise MinshengError(f"the test was not received: {done.error}", "see minsheng webhooks deliveries")
    context.console().print("received", markup=False)


@app.command("deliveries")
def list_deliveries(
    number: Number,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    json: bool = context.JSON_OPTION,
) -> None:
    """Show what a webhook was told, and how that went."""
    book = _book()
    book.get(number)
    found = book.deliveries(number, limit)
    if json:
        context.print_json(found)
        return
    rows = [
        (
            one.id, context.local_time(one.created_at), one.event, one.tries,
            context.local_time(one.delivered_at) or ("将重试" if one.next_try_at else "没有送达"), one.error,
        )
        for one in found
    ]  # fmt: skip
    context.print_table(f"推送 {len(rows)} 次", ("编号", "时间", "事项", "次数", "送达", "原因"), rows)


@app.command("remove")
def remove_webhook(number: Number) -> None:
    """Stop a webhook at once. It stays in the list, with what it was told."""
    book = _book()
    book.get(number)
    book.stop(number)
    _audit(str(number), {"webhook": number, "do": "stop"})


def _book() -> WebhookBook:
    from console.delivering import Sender
    from console.webhooks import WebhookBook
    from crawlers.addresses import AddressRule

    sender = Sender(AddressRule(context.settings().crawl.allowed_networks))
    return WebhookBook(context.store(), SystemClock(), _keys(), sender)


def _keys() -> Keys:
    from console.keys import Keys

    return Keys.from_settings(context.settings())


def _audit(subject: str, detail: dict[str, object]) -> None:
    from console.audit import AuditLog

    log = AuditLog(context.store(), SystemClock())
    log.add(f"terminal:{getpass.getuser()}", "webhook-changed", subject, detail=detail)
