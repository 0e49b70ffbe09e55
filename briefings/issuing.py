"""To whom a briefing goes, what they are told, and what became of it: sent, failed, opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.notices import Notice, enqueue_matter
from alerts.notify.tables import notice_decisions, notices
from alerts.tables import outbox
from briefings.kept import Kept
from briefings.tables import reads
from minsheng.settings import Settings
from minsheng.store import Store

LEVEL = "orange"
"""Of the notices: quiet hours count, but a person's channels for grave things carry them."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a briefing with one reader, or one channel.

    Attributes
    ----------
    who:
        A person's id in the duty book, a user of the console, or `channel:NAME`.
    state:
        `waiting`, `sent`, `failed`, `skipped` (there is no way to reach them) or `opened` (in the console).
    """

    who: str
    name: str
    channel: str
    state: str
    at: datetime | None
    why: str = ""


STATE_WORDS = {"waiting": "待发送", "sent": "已送达", "failed": "未送达", "skipped": "无法送达", "opened": "已阅"}


def distribution_of(settings: Settings, kind: str) -> tuple[list[str], list[str]]:
    """Names to print, and receivers as the duty book writes them."""
    mine = [one for one in settings.briefing.distribution if kind in one.kinds]
    names = [name for one in mine for name in one.names]
    receivers = [receiver for one in mine for receiver in one.to]
    return list(dict.fromkeys(names)), list(dict.fromkeys(receivers))


def tell_issued(store: Store, connection: Connection, settings: Settings, kept: Kept, now: datetime) -> None:
    """Put the notice of an issued briefing in. What is secret is not in it: it is read in the console."""
    what = f"{kept.name}{kept.issue}（{kept.subject}）"
    lines = [f"更正{kept.corrects}：{kept.reason}"] if kept.corrects else []
    if kept.secrecy:
        lines.append(f"密级：{kept.secrecy}。请登录控制台阅读。")
    else:
        lines += [paragraph.text for paragraph in kept.current.summary]
    _tell(store, connection, settings, kept, "issued", f"【简报】{what}", lines, now)


def tell_withdrawn(store: Store, connection: Connection, settings: Settings, kept: Kept, now: datetime) -> None:
    """Tell those it was issued to that it counts no more."""
    what = f"{kept.name}{kept.issue}（{kept.subject}）"
    reason = "原因见控制台。" if kept.secrecy else f"原因：{kept.reason}"
    _tell(store, connection, settings, kept, "withdrawn", f"【简报撤回】{what}，请勿再用", [reason], now)


def _tell(
    store: Store,
    connection: Connection,
    settings: Settings,
    kept: Kept,
    detail: str,
    subject: str,
    lines: Sequence[str],
    now: datetime,
) -> None:
    base = settings.console.public_url.rstrip("/")
    notice = Notice(
        reason="briefing",
        level=LEVEL,
        ticket="",
        subject=subject,
        why="\n".join(lines),
        command=f"minsheng briefing show {kept.number}",
        note=f"阅读：{base}/briefings/kept/{kept.number}" if base else "",
    )
    enqueue_matter(store, connection, f"briefing:{kept.number}", detail, notice, kept.receivers, now)


def receipts(store: Store, kept: Kept) -> list[Receipt]:
    """Who it was sent to, by what, whether it got there, and who has opened it."""
    with store.read() as connection:
        told = connection.execute(
            sa.select(notices.c.id, notices.c.decided_at).where(
                notices.c.matter == f"briefing:{kept.number}", notices.c.key.endswith("/issued")
            )
        ).all()
        ids = [row.id for row in told]
        sent = connection.execute(sa.select(outbox).where(outbox.c.notice_id.in_(ids)).order_by(outbox.c.id)).all()
        missed = connection.execute(
            sa.select(notice_decisions)
            .where(notice_decisions.c.notice_id.in_(ids), notice_decisions.c.outcome.in_(("skipped", "dropped")))
            .order_by(notice_decisions.c.id)
        ).all()
        opened = connection.execute(
            sa.select(reads).where(reads.c.briefing_id == kept.id).order_by(reads.c.first_at)
        ).all()
    found = []
    if any(row.decided_at is None for row in told):
        found += [Receipt(who=one, name=one, channel="", state="waiting", at=None) for one in kept.receivers]
    for row in sent:
        state = "sent" if row.sent_at else "failed" if row.dead_at else "waiting"
        who = row.person or f"channel:{row.channel}"
        found.append(
            Receipt(
                who=who,
                name=row.payload.get("person") or who,
                channel=row.channel,
                state=state,
                at=row.sent_at or row.dead_at,
                why=row.last_error or "",
            )
        )
    found += [
        Receipt(who=row.receiver, name=row.receiver, channel="", state="skipped", at=row.at, why=row.why)
        for row in missed
    ]
    found += [
        Receipt(who=row.reader, name=row.reader, channel="控制台", state="opened", at=row.first_at) for row in opened
    ]
    return found
