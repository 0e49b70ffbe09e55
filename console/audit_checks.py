"""Whether the audit log holds, without walking all of it each time.

A check leaves a checkpoint: the last line that it has seen, signed with the console's key, so that who can write to
the database alone can't make one. The next look starts there. What lay before it is checked anew by a full check, which
a person asks for at the page, or `minsheng audit verify` does; what that found stays until a full check finds the log
whole. A checkpoint also knows how long the log was: lines cut off at the end are missed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from console.audit import AuditLog, Verdict
from console.keys import Keys
from console.tables import audit_checkpoints as table
from minsheng.clock import Clock
from minsheng.store import Store

STEP = 500
"""A look that has found fewer new lines than this leaves no checkpoint."""
KEPT = 100
"""Checkpoints that are kept."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the log: the verdict, and when all of it was checked last (None: not since checks are kept)."""

    verdict: Verdict
    full_at: datetime | None

    def stale(self, now: datetime) -> bool:
        """Whether it is time for a full check."""
        return self.full_at is None or now - self.full_at > timedelta(days=7)


class AuditChecks:
    """The checks of one log."""

    def __init__(self, store: Store, clock: Clock, keys: Keys, log: AuditLog) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._log = log

    def look(self) -> Checked:
        """From the newest checkpoint on. What the last full check found broken is still broken."""
        rows = self._rows()
        full = next((row for row in rows if row["whole"]), None)
        full_at = full["at"] if full is not None else None
        if full is not None and full["broken"] is not None:
            return Checked(
                verdict=Verdict(lines=full["line"], last=full["hash"], broken=full["broken"]), full_at=full_at
            )
        start = next((row for row in rows if row["broken"] is None), None)
        if start is None:
            return self.full()
        verdict = self._log.verify(after=Verdict(lines=start["line"], last=start["hash"]))
        if verdict.broken is None and verdict.lines - start["line"] >= STEP:
            self._keep(verdict, whole=False)
        return Checked(verdict=verdict, full_at=full_at)

    def full(self) -> Checked:
        """All of it, and that it is no shorter than it was."""
        verdict = self._log.verify()
        longest = max((row["line"] for row in self._rows()), default=0)
        if verdict.broken is None and verdict.lines < longest:
            verdict = msgspec.structs.replace(verdict, broken=verdict.lines + 1)
        self._keep(verdict, whole=True)
        return Checked(verdict=verdict, full_at=self._clock.now())

    def _rows(self) -> list[sa.RowMapping]:
        """The checkpoints that this key has signed, newest first."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.id.desc()).limit(KEPT)).mappings().all()
        return [row for row in rows if self._keys.signed("audit", _said(dict(row)), row["signature"])]

    def _keep(self, verdict: Verdict, *, whole: bool) -> None:
        row = {
            "line": verdict.lines, "hash": verdict.last, "at": self._clock.now().replace(microsecond=0),
            "whole": whole, "broken": verdict.broken,
        }  # fmt: skip
        with self._store.begin() as connection:
            connection.execute(table.insert().values(**row, signature=self._keys.sign("audit", _said(row))))
            newest = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
            # A full check's word is kept, however many looks come after it.
            last_full = connection.scalar(sa.select(sa.func.max(table.c.id)).where(table.c.whole)) or 0
            connection.execute(table.delete().where(table.c.id <= newest - KEPT + 1, table.c.id != last_full))


def _said(row: dict[str, object]) -> str:
    at = row["at"]
    assert isinstance(at, datetime)
    return f"{row['line']} {row['hash']} {int(at.timestamp())} {bool(row['whole'])} {row['broken']}"
