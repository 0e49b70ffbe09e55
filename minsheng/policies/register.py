"""The register in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from minsheng.clock import Clock, SystemClock
from minsheng.errors import WrongUse
from minsheng.policies.model import Policy, combined_revision, standard_number
from minsheng.policies.succession import circles
from minsheng.policies.tables import policies as table
from minsheng.policies.tables import policy_versions as versions
from minsheng.policies.titles import PolicyTitles
from minsheng.store import Store, upsert

_decoder = msgspec.json.Decoder(Policy)
_LOCK = 0x6D706F6C
"""PostgreSQL's advisory lock of whoever changes the register: any number, the same in every process."""


@lru_cache(maxsize=10_000)
def _decoded(content: str) -> Policy:
    """A policy from its JSON. The console asks for all of them at each page, and they seldom change."""
    return _decoder.decode(content)


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did: ids by outcome, and what looks wrong without being an error."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it was: `number` from 1; `changed_by` is empty for what is older than the keeping of versions."""

    number: int
    policy: Policy
    changed_at: datetime
    changed_by: str
    reason: str


class PolicyConflict(WrongUse):
    """A policy was changed after whoever changes it had seen it."""


class PolicyRegister:
    """The policies in the store. Safe to use from several threads and processes."""

    def __init__(self, store: Store, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()

    def import_policies(
        self,
        policies: Sequence[Policy],
        *,
        seen: Mapping[str, str | None] | None = None,
        actor: str = "",
        reason: str = "",
    ) -> ImportResult:
        """Add or change these policies, all or none; others stay as they are. Each change is a new version.

        Parameters
        ----------
        policies:
            As `read_policies` gives them: no id twice.
        seen:
            Id → the content hash that whoever changes it has seen; None: it was not there.
        actor, reason:
            Who changes them, and why: kept with each version.

        Raises
        ------
        PolicyConflict
            One of `seen` is not so any more; nothing is changed.
        """
        with self._store.begin() as connection:
            if self._store.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            for policy_id, content_hash in (seen or {}).items():
                now_there = sa.select(table.c.content_hash).where(table.c.id == policy_id).with_for_update()
                if connection.scalar(now_there) != content_hash:
                    raise PolicyConflict(f"policy {policy_id} was changed meanwhile", "read it again, then repeat")
            before = {
                row.id: row.content_hash for row in connection.execute(sa.select(table.c.id, table.c.content_hash))
            }
            hashes = {policy.id: policy.content_hash() for policy in policies}
            added = [policy for policy in policies if policy.id not in before]
            changed = [policy for policy in policies if before.get(policy.id, hashes[policy.id]) != hashes[policy.id]]
            now = self._clock.now()
            rows = [
                {
                    "id": policy.id,
                    "number": policy.number,
                    "title": policy.title,
                    "department": policy.department,
                    "stage": policy.stage,
                    "content": msgspec.json.encode(policy).decode(),
                    "content_hash": hashes[policy.id],
                    "changed_at": now,
                }
                for policy in (*added, *changed)
            ]
            self._keep_versions(connection, rows, actor, reason)
            upsert(self._store, table, rows, keys=["id"], connection=connection)
            everything = [
                _decoder.decode(text) for text in connection.scalars(sa.select(table.c.content).order_by(table.c.id))
            ]
        known = before.keys() | hashes.keys()
        touched = {policy.id for policy in (*added, *changed)}
        return ImportResult(
            added=tuple(policy.id for policy in added),
            changed=tuple(policy.id for policy in changed),
            unchanged=tuple(policy.id for policy in policies if policy.id not in touched),
            warnings=(
                *(
                    f"policy {policy.id}: its successor {policy.successor} is not in the register"
                    for policy in policies
                    if policy.successor and policy.successor not in known
                ),
                *(f"policy {one}: its successors lead back to itself" for one in circles(everything)),
            ),
        )

    def _keep_versions(
        self, connection: Connection, rows: Sequence[Mapping[str, object]], actor: str, reason: str
    ) -> None:
        """To be called before the policies' own rows are changed: what they hold may be kept nowhere yet."""
        names = ("content", "content_hash", "changed_at")
        for row in rows:
            mine = versions.c.policy_id == row["id"]
            last = connection.scalar(sa.select(sa.func.max(versions.c.number)).where(mine)) or 0
            kept = []
            if not last and (
                old := connection.execute(sa.select(table).where(table.c.id == row["id"])).mappings().first()
            ):
                last = 1
                kept.append({**{name: old[name] for name in names}, "number": 1, "changed_by": "", "reason": ""})
            now = {name: row[name] for name in names}
            kept.append({**now, "number": last + 1, "changed_by": actor[:100], "reason": reason})
            connection.execute(versions.insert(), [{**one, "policy_id": row["id"]} for one in kept])

    def history(self, policy_id: str) -> list[PolicyVersion]:
        """A policy's versions, newest first; empty where it has not changed since versions are kept."""
        query = sa.select(versions).where(versions.c.policy_id == policy_id).order_by(versions.c.number.desc())
        with self._store.read() as connection:
            return [
                PolicyVersion(
                    number=row.number, policy=_decoder.decode(row.content), changed_at=row.changed_at,
                    changed_by=row.changed_by, reason=row.reason,
                )
                for row in connection.execute(query)
            ]  # fmt: skip

    def all(self) -> list[Policy]:
        """Every policy, by id."""
        with self._store.read() as connection:
            return [_decoded(text) for text in connection.scalars(sa.select(table.c.content).order_by(table.c.id))]

    def get(self, policy_id: str) -> Policy | None:
        with self._store.read() as connection:
            text = connection.scalar(sa.select(table.c.content).where(table.c.id == policy_id))
        return _decoder.decode(text) if text is not None else None

    def gone(self) -> dict[str, str]:
        """Id → the last title, of the policies that were in the register and are not any more."""
        last = (
            sa.select(versions.c.policy_id, sa.func.max(versions.c.number).label("number"))
            .where(~sa.exists().where(table.c.id == versions.c.policy_id))
            .group_by(versions.c.policy_id)
            .subquery()
        )
        same = sa.and_(versions.c.policy_id == last.c.policy_id, versions.c.number == last.c.number)
        with self._store.read() as connection:
            rows = connection.execute(sa.select(versions.c.policy_id, versions.c.content).join(last, same)).all()
        return {row.policy_id: _decoder.decode(row.content).title for row in rows}

    def titles(self) -> PolicyTitles:
        """What policies are called, also those that are not in the register any more."""
        return PolicyTitles({one.id: one.title for one in self.all()}, self.gone)

    def find(self, text: str) -> Policy | None:
        """The policy with this id, 文号 (in any spelling) or title; None where there is none or more than one."""
        by_id = self.get(text)
        if by_id is not None:
            return by_id
        number, title = standard_number(text) or text, text.strip("《》")
        found = [policy for policy in self.all() if number == policy.number or title == policy.title]
        return found[0] if len(found) == 1 else None

    def revision(self) -> str:
        """The register's version: the same for the same policies, another when any is added or changed."""
        with self._store.read() as connection:
            rows = connection.execute(sa.select(table.c.id, table.c.content_hash)).all()
        return combined_revision((row.id, row.content_hash) for row in rows)
