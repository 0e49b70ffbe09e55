"""The audit log: who read, searched, exported, changed what. Lines are only added, and each carries a hash over itself
and the line before: a line that is changed or taken out breaks the chain, and `verify` names the place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from console.tables import audit as table
from minsheng.clock import Clock
from minsheng.store import Store

START = "0" * 64
"""Stands for the hash before the first line."""

ACTIONS: dict[str, str] = {
    "signed-in": "登录",
    "signed-out": "退出",
    "sign-in-failed": "登录失败",
    "sign-in-refused": "登录被限",
    "session-ended": "结束会话",
    "link-made": "生成一次性链接",
    "password-set": "设置口令",
    "totp-set": "启用动态口令",
    "totp-removed": "停用动态口令",
    "user-added": "新增用户",
    "user-changed": "修改用户",
    "unit-added": "新增单位",
    "unit-changed": "修改单位",
    "searched": "检索",
    "search-saved": "保存、删除检索",
    "exported": "导出",
    "document-read": "阅读信息",
    "ticket-read": "查看工单",
    "ticket-moved": "处理工单",
    "ticket-changed": "修改工单",
    "policy-added": "新增政策",
    "policy-changed": "修改政策",
    "source-checked": "试抓信源",
    "source-added": "添加信源",
    "source-changed": "修改信源",
    "source-paused": "停用信源",
    "source-resumed": "启用信源",
    "source-removed": "移除信源",
    "token-made": "生成接口令牌",
    "token-revoked": "停用接口令牌",
    "sheet-written": "起草研判单",
    "sheet-signed": "签发研判单",
    "response-recorded": "记录回应",
    "response-scored": "评价打分",
    "attachment-read": "下载附件",
    "handover-signed": "签字交班",
    "handover-taken": "签字接班",
    "roster-changed": "调整值班",
    "plan-changed": "修改预案",
    "drill-started": "发起演练",
    "rules-read": "试算规则",
    "rules-installed": "启用规则",
    "channel-tested": "测试渠道",
    "notices-read": "查看通知",
    "dead-letter-changed": "处理死信",
    "answer-changed": "修改问答",
    "consultation-read": "查看征求意见",
    "consultation-changed": "办理征求意见",
    "application-read": "查看公开申请",
    "applications-imported": "导入公开申请",
    "label-corrected": "更正标签",
    "event-changed": "合并、拆分事件",
    "event-read": "查看事件",
    "briefing-read": "查看日报",
    "webhook-changed": "修改接口推送",
    "briefing-made": "生成简报",
    "briefing-changed": "办理简报",
    "audit-read": "查看审计日志",
    "audit-verified": "核对审计日志",
    "refused": "越权被拒",
}

_LOCK = 0x6D696E61
"""PostgreSQL's advisory lock of whoever adds a line: any number, the same in every process."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    id: int
    at: datetime
    actor: str
    address: str
    action: str
    subject: str
    detail: str
    previous: str
    hash: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the chain holds: how many lines it has, the last hash, and the first line that does not fit (or None)."""

    lines: int
    last: str
    broken: int | None = None


class AuditLog:
    """The log in the store. Safe to use from several threads and processes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(
        self,
        actor: str,
        action: str,
        subject: str = "",
        *,
        address: str = "",
        detail: Mapping[str, Any] | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Add one line, in the transaction given or in one of its own. Raises `Unavailable` where it can't be kept:
        then what was to be recorded does not happen either."""
        assert action in ACTIONS, action
        if connection is None:
            with self._store.begin() as own:
                self._add(own, actor, action, subject, address, detail or {})
        else:
            self._add(connection, actor, action, subject, address, detail or {})

    def _add(
        self, connection: Connection, actor: str, action: str, subject: str, address: str, detail: Mapping[str, Any]
    ) -> None:
        if self._store.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        last = connection.execute(sa.select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1)).first()
        number, previous = (last.id + 1, last.hash) if last else (1, START)
        row = {
            "id": number,
            "at": self._clock.now().replace(microsecond=0),
            "actor": actor[:60],
            "address": address[:60],
            "action": action,
            "subject": subject[:500].replace("\0", ""),
            "detail": msgspec.json.encode(detail, order="deterministic").decode(),
            "previous": previous,
        }
        connection.execute(table.insert().values(**row, hash=_hash(row)))

    def list(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        words: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[Line]:
        """Lines, newest first; `until`: before this moment. `before`: only with a smaller number, for the next page."""
        query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
        if actor:
            query = query.where(table.c.actor == actor)
        if action:
            query = query.where(table.c.action == action)
        if words:
            query = query.where(
                sa.or_(
                    table.c.subject.contains(words, autoescape=True), table.c.detail.contains(words, autoescape=True)
                )
            )
        if since is not None:
            query = query.where(table.c.at >= since)
        if until is not None:
            query = query.where(table.c.at < until)
        if before is not None:
            query = query.where(table.c.id < before)
        with self._store.read() as connection:
            return [Line(**row) for row in connection.execute(query).mappings()]

    def verify(self, *, after: Verdict | None = None) -> Verdict:
        """Walk the whole chain, or what comes after a line that was found good: that line must still be there."""
        number, previous = (after.lines, after.last) if after else (0, START)
        if number and not self._is_there(number, previous):
            return Verdict(lines=number - 1, last="", broken=number)
        for line in self._walk(number):
            row = {name: getattr(line, name) for name in line.__struct_fields__ if name != "hash"}
            if line.id != number + 1 or line.previous != previous or line.hash != _hash(row):
                return Verdict(lines=number, last=previous, broken=number + 1)
            number, previous = line.id, line.hash
        return Verdict(lines=number, last=previous)

    def _is_there(self, number: int, expected: str) -> bool:
        with self._store.read() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == number)).mappings().first()
        return row is not None and row["hash"] == expected == _hash(dict(row))

    def _walk(self, last: int, step: int = 1_000) -> Iterator[Line]:
        while True:
            with self._store.read() as connection:
                query = sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(step)
                lines = [Line(**row) for row in connection.execute(query).mappings()]
            if not lines:
                return
            yield from lines
            last = lines[-1].id


def _hash(row: Mapping[str, Any]) -> str:
    """SHA-256 over the fields in a fixed order, each preceded by its length: no two lines read the same."""
    digest = hashlib.sha256()
    at: datetime = row["at"]
    for value in (
        str(row["id"]), str(int(at.timestamp())), row["actor"], row["address"], row["action"], row["subject"],
        row["detail"], row["previous"],
    ):  # fmt: skip
        encoded = value.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)}:".encode() + encoded)
    return digest.hexdigest()
