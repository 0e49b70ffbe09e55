"""The rules in force, in the store, with who installed them, when and why.

A file is read and checked before it is installed; what is in the store is never changed, so each earlier set can be
looked at and installed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from alerts.rules.model import RuleSet
from alerts.rules.reading import default_rules, default_text, read_rules
from alerts.tables import rule_changes
from minsheng.clock import Clock
from minsheng.errors import BadInput, WrongUse
from minsheng.logs import get_logger
from minsheng.problems import Problem
from minsheng.store import Store

log = get_logger(__name__)

SHIPPED = "shipped"
"""Actor of the rules that come with the program."""


class RuleChange(msgspec.Struct, frozen=True, kw_only=True):
    """A set of rules that came into force. `id` 0 is the shipped one, in force until another is installed."""

    id: int
    at: datetime | None
    actor: str
    reason: str
    version: str
    digest: str
    content: str


class RuleBook:
    """The rules in force and their history."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._read: tuple[int, RuleSet] = (0, default_rules())

    def in_force(self) -> RuleSet:
        """The rules in force: those installed last, or the shipped ones. Raises `Unavailable`.

        Where what was installed can't be read (by a program that is older or newer than the one that took it), those
        installed before stay in force, and the log says so.
        """
        last = sa.select(sa.func.max(rule_changes.c.id))
        with self._store.read() as connection:
            newest = connection.scalar(last) or 0
        if newest != self._read[0]:
            rules, wrong = self._readable()
            for number, reason in wrong.items():
                log.error("rules_not_read", number=number, reason=reason, in_force=rules.version)
            self._read = (newest, rules)
        return self._read[1]

    def unreadable(self) -> dict[int, str]:
        """Number → what is wrong, of rules that were installed after those in force and can't be read."""
        return self._readable()[1]

    def _readable(self) -> tuple[RuleSet, dict[int, str]]:
        """The newest rules that can be read, and what is wrong with those that came after them."""
        wrong: dict[int, str] = {}
        for change in self.history():
            try:
                return read_rules(change.content, f"rules {change.id}"), wrong
            except BadInput as error:
                wrong[change.id] = error.message
        raise AssertionError("the shipped rules can be read")

    def install(self, text: str, name: str, *, actor: str, reason: str) -> RuleChange:
        """Bring rules into force. Raises `BadInput` where they are wrong, and then changes nothing."""
        if not reason.strip():
            raise WrongUse(Problem("rules-reason"), "add --reason")
        rules = read_rules(text, name)
        values: dict[str, Any] = {
            "at": self._clock.now(),
            "actor": actor,
            "reason": reason.strip(),
            "version": rules.version,
            "digest": rules.digest,
            "content": text,
        }
        with self._store.begin() as connection:
            key = connection.execute(rule_changes.insert().values(**values)).inserted_primary_key
        assert key is not None
        return RuleChange(id=key[0], **values)

    def history(self) -> Sequence[RuleChange]:
        """Every set that was in force, newest first, the shipped one last."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(rule_changes).order_by(rule_changes.c.id.desc())).mappings().all()
        rules = default_rules()
        shipped = RuleChange(
            id=0, at=None, actor=SHIPPED, reason="", version=rules.version, digest=rules.digest, content=default_text()
        )
        return [*(RuleChange(**row) for row in rows), shipped]

    def get(self, number: int) -> RuleChange:
        """One of the history. Raises `WrongUse` where there is none."""
        for change in self.history():
            if change.id == number:
                return change
        raise WrongUse(Problem("rules-unknown", number=number), "see minsheng rules list")
