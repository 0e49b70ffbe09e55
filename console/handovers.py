"""The log of shift changes (交接班): what is open, what was done, what to watch, signed by who goes and by who comes.

A draft belongs to the duty room: colleagues of a unit write it together, and who comes too late sees what the other one
wrote. Signing binds it: its hash covers every word and the tickets that were open.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from console.tables import handovers as table
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.store import Store

LONGEST = 20_000
"""Characters of each part."""
PARTS = {"open": "未了事项", "done": "本班已办", "watch": "接班后要盯的"}


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """One change of shift. `tickets`: number, level and title of what was open when it was signed."""

    id: int
    unit_id: int
    version: int
    open: str
    done: str
    watch: str
    tickets: list[dict[str, str]]
    written_by: str
    written_at: datetime
    signed_at: datetime | None
    hash: str | None
    taken_by: str | None
    taken_at: datetime | None

    @property
    def intact(self) -> bool:
        """Whether it still is what was signed."""
        return self.hash is None or self.hash == _hash(self)


class HandoverBook:
    """The logs in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def list(self, unit_id: int, limit: int = 30) -> Sequence[Handover]:
        """Those of a unit, newest first."""
        query = sa.select(table).where(table.c.unit_id == unit_id).order_by(table.c.id.desc()).limit(limit)
        with self._store.read() as connection:
            return [Handover(**row) for row in connection.execute(query).mappings()]

    def write(self, unit_id: int, parts: dict[str, str], *, actor: str, version: int) -> Handover:
        """Keep the unit's draft.

        Parameters
        ----------
        version:
            Of the draft that was worked on; 0: there was none. Refused where it is another by now.
        """
        texts = {name: parts.get(name, "").strip() for name in PARTS}
        if not any(texts.values()):
            raise WrongUse("交接内容不能全部空着。")
        if any(len(text) > LONGEST for text in texts.values()):
            raise WrongUse(f"每项最多 {LONGEST} 字。")
        values: dict[str, Any] = {**texts, "written_by": actor, "written_at": self._clock.now()}
        with self._store.begin() as connection:
            draft = self._draft(connection, unit_id)
            have = draft["version"] if draft else 0
            if draft is not None and have != version:
                if draft["written_by"] == actor and all(draft[name] == text for name, text in texts.items()):
                    return Handover(**draft)  # sent twice
                raise WrongUse(f"您填写期间，{draft['written_by']} 已保存过这份交接。您写的还在下面，请对照后再保存。")
            if draft is None:
                done = connection.execute(table.insert().values(unit_id=unit_id, version=1, tickets=[], **values))
                assert done.inserted_primary_key is not None
                number = done.inserted_primary_key[0]
            else:
                number = draft["id"]
                connection.execute(table.update().where(table.c.id == number).values(version=have + 1, **values))
            return self._get(connection, unit_id, number)

    def sign(self, unit_id: int, number: int, tickets: Sequence[dict[str, str]], *, actor: str) -> Handover:
        """Sign as who goes. From then on it never changes."""
        with self._store.begin() as connection:
            found = self._get(connection, unit_id, number)
            if found.signed_at is not None:
                raise WrongUse("这份交接已经签过。")
            signed = msgspec.structs.replace(
                found, tickets=[*tickets], written_by=actor, signed_at=self._clock.now(), version=found.version + 1
            )
            values = {
                "tickets": [*tickets], "written_by": actor, "signed_at": signed.signed_at, "version": signed.version,
                "hash": _hash(signed),
            }  # fmt: skip
            connection.execute(table.update().where(table.c.id == number).values(**values))
            return self._get(connection, unit_id, number)

    def take(self, unit_id: int, number: int, *, actor: str) -> Handover:
        """Sign as who comes: somebody else than who goes."""
        with self._store.begin() as connection:
            found = self._get(connection, unit_id, number)
            if found.signed_at is None:
                raise WrongUse("交班人还没有签字。")
            if found.written_by == actor:
                raise WrongUse("交班和接班要由两个人签字。")
            if found.taken_at is not None:
                raise WrongUse(f"已由 {found.taken_by} 接班。")
            values = {"taken_by": actor, "taken_at": self._clock.now()}
            connection.execute(table.update().where(table.c.id == number, table.c.taken_at.is_(None)).values(**values))
            return self._get(connection, unit_id, number)

    @staticmethod
    def _draft(connection: sa.Connection, unit_id: int) -> sa.RowMapping | None:
        query = sa.select(table).where(table.c.unit_id == unit_id, table.c.signed_at.is_(None))
        return connection.execute(query.order_by(table.c.id).limit(1).with_for_update()).mappings().first()

    @staticmethod
    def _get(connection: sa.Connection, unit_id: int, number: int) -> Handover:
        query = sa.select(table).where(table.c.unit_id == unit_id, table.c.id == number).with_for_update()
        row = connection.execute(query).mappings().first()
        if row is None:
            raise WrongUse("没有这份交接记录。")
        return Handover(**row)


def _hash(one: Handover) -> str:
    at = one.signed_at.timestamp() if one.signed_at else 0
    content = [one.unit_id, one.open, one.done, one.watch, one.tickets, one.written_by, int(at)]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
