"""The entries in the store: draft → reviewed → published (signed) → expired or withdrawn, with all that was before."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from answers.model import Action, Content, Entry, Flag, Revision, Status
from answers.tables import qa_entries as entries
from answers.tables import qa_revisions as revisions
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.policies import Policy, PolicyRegister, successors
from minsheng.problems import Problem
from minsheng.store import Store

_decoder = msgspec.json.Decoder(Content)

_FROM: dict[Action, tuple[Status, ...]] = {
    "reviewed": ("draft",),
    "signed": ("reviewed",),
}
_TO: dict[Action, Status] = {
    "created": "draft",
    "edited": "draft",
    "imported": "draft",
    "reviewed": "reviewed",
    "signed": "published",
    "withdrawn": "withdrawn",
    "expired": "expired",
}
ENDING = timedelta(days=30)
"""How long before its last day an answer is flagged."""

LONGEST = {"title": 200, "question": 1_000, "answer": 20_000}
"""Characters of each part."""


class AnswerBook:
    """The Q&A base. Safe to use from several threads and processes.

    Parameters
    ----------
    four_eyes:
        Refuse a review by the person whose words are to be reviewed.
    """

    def __init__(self, store: Store, clock: Clock, *, four_eyes: bool = False) -> None:
        self._store = store
        self._clock = clock
        self._register = PolicyRegister(store, clock)
        self._four_eyes = four_eyes

    def create(
        self, content: Content, *, actor: str, entry: str | None = None, note: str = "", action: Action = "created"
    ) -> Entry:
        """Add an entry as a draft.

        Parameters
        ----------
        entry:
            Its id, where another system has given it one. None: a new one.

        Raises
        ------
        WrongUse
            There is no such policy, a part is missing or too long, or the id is taken.
        """
        content = checked(content)
        self._policy(content.policy)
        identity = entry or f"qa-{secrets.token_hex(5)}"
        if not 1 <= len(identity) <= 100 or any(sign.isspace() or sign in "/\\" for sign in identity):
            raise WrongUse(Problem("entry-id", id=identity), "at most 100 characters, without spaces and slashes")
        row = {
            "id": identity, "policy_id": content.policy, "status": "draft", "version": 1,
            "changed_at": self._clock.now(),
        }  # fmt: skip
        try:
            with self._store.begin() as connection:
                connection.execute(entries.insert().values(**row))
                self._step(connection, identity, 1, action, content, actor, note)
        except sa.exc.IntegrityError:
            raise WrongUse(
                Problem("entry-taken", id=identity), "change it, or leave the id out for a new one"
            ) from None
        return self.get(identity)

    def edit(
        self, entry: str, content: Content, *, version: int, actor: str, note: str = "", action: Action = "edited"
    ) -> Entry:
        """Change an entry: it becomes a draft again, and what was published before stays so until this is signed.

        Parameters
        ----------
        version:
            The version that was changed. Where somebody else changed it meanwhile, nothing is written.
        """
        content = checked(content)
        self._policy(content.policy)
        return self._move(entry, action, actor=actor, note=note, content=content, version=version)

    def review(self, entry: str, *, actor: str, note: str = "", version: int | None = None) -> Entry:
        """Say that a draft is right."""
        return self._move(entry, "reviewed", actor=actor, note=note, version=version)

    def sign(self, entry: str, *, actor: str, note: str = "", version: int | None = None) -> Entry:
        """Publish a reviewed entry under one's name. Refused where the policy is repealed or the answer is over."""
        found = self.get(entry)
        blocking = [flag.words for flag in self.flags(found.content) if flag.blocks]
        if blocking:
            raise WrongUse(Problem("entry-blocked", entry=entry, reasons="；".join(blocking)), "change or withdraw it")
        return self._move(entry, "signed", actor=actor, note=note, version=version or found.version)

    def withdraw(self, entry: str, *, actor: str, note: str, version: int | None = None) -> Entry:
        """Take an entry back, with the reason."""
        if not note.strip():
            raise WrongUse(Problem("no-reason"), "say why it is withdrawn: --reason")
        return self._move(entry, "withdrawn", actor=actor, note=note, version=version)

    def expire_due(self, *, actor: str = "clock") -> list[str]:
        """End the published entries whose last day is over. Returns their ids."""
        today = self.today()
        over = [
            one
            for one in self.all(status="published")
            if one.published is not None and one.published.valid_until is not None and one.published.valid_until < today
        ]
        ended = []
        for one in over:
            try:
                self._move(one.id, "expired", actor=actor, version=one.version)
            except WrongUse:
                continue  # somebody changes it at this moment; the next round looks again
            ended.append(one.id)
        return ended

    def get(self, entry: str) -> Entry:
        """One entry. Raises `WrongUse` where there is none."""
        with self._store.read() as connection:
            found = self._entries(connection, entries.c.id == entry)
        if not found:
            raise WrongUse(Problem("entry-unknown", entry=entry), "minsheng qa list shows them")
        return found[0]

    def all(
        self, *, policy: str | None = None, status: Status | None = None, department: str | None = None
    ) -> list[Entry]:
        """The entries, by id."""
        conditions: list[sa.ColumnElement[bool]] = [sa.true()]
        if policy is not None:
            conditions.append(entries.c.policy_id == policy)
        if status is not None:
            conditions.append(entries.c.status == status)
        with self._store.read() as connection:
            found = self._entries(connection, *conditions)
        return [one for one in found if department is None or one.content.department == department]

    def public(self) -> list[Entry]:
        """What the public may see today: published, in validity, and of a policy that holds."""
        policies = {policy.id: policy for policy in self._register.all()}
        return [
            one
            for one in self.all()
            if one.published is not None
            and not any(flag.blocks for flag in flags_of(one.published, policies, self.today(), one.published_at))
        ]

    def history(self, entry: str) -> list[Revision]:
        """All revisions, oldest first."""
        query = sa.select(revisions).where(revisions.c.entry_id == entry).order_by(revisions.c.version)
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            Revision(
                entry=row["entry_id"],
                version=row["version"],
                at=row["at"],
                actor=row["actor"],
                action=row["action"],
                status=row["status"],
                content=_decoder.decode(row["content"]),
                note=row["note"],
                digest=row["digest"],
            )
            for row in rows
        ]

    def flags(self, content: Content, entry: Entry | None = None) -> list[Flag]:
        """What a person has to look at, by the register and the calendar of this moment."""
        policies = {policy.id: policy for policy in self._register.all()}
        return flags_of(content, policies, self.today(), entry.published_at if entry else None)

    def flagged(self) -> list[tuple[Entry, list[Flag]]]:
        """The entries that were not withdrawn and need a look, with why."""
        policies = {policy.id: policy for policy in self._register.all()}
        today = self.today()
        found = [
            (one, flags_of(one.published or one.content, policies, today, one.published_at))
            for one in self.all()
            if one.status not in ("withdrawn", "expired")
        ]
        return [(one, flags) for one, flags in found if flags]

    def today(self) -> date:
        return self._clock.now().astimezone(CHINA).date()

    def _policy(self, policy: str) -> Policy:
        found = self._register.get(policy)
        if found is None:
            raise WrongUse(Problem("policy-unknown", policy=policy), "minsheng policies list shows them")
        return found

    def _move(
        self,
        entry: str,
        action: Action,
        *,
        actor: str,
        note: str = "",
        content: Content | None = None,
        version: int | None = None,
    ) -> Entry:
        with self._store.begin() as connection:
            row = self._row(connection, entry, lock=True)
            if row is None:
                raise WrongUse(Problem("entry-unknown", entry=entry), "minsheng qa list shows them")
            if version is not None and row.version != version:
                raise WrongUse(
                    Problem("changed-meanwhile", name=entry, now=row.version, version=version),
                    "look at it again: minsheng qa show",
                )
            if row.status not in _FROM.get(action, (row.status,)):
                raise WrongUse(
                    Problem("step-impossible", name=entry, status=row.status, action=action),
                    "a draft is reviewed, then signed; a change makes it a draft again",
                )
            if action == "withdrawn" and row.status == "withdrawn":
                raise WrongUse(Problem("entry-withdrawn", entry=entry))
            last = connection.execute(
                sa.select(revisions).where(revisions.c.entry_id == entry, revisions.c.version == row.version)
            ).one()
            if action == "reviewed" and self._four_eyes and self._writer(connection, entry) == actor:
                raise WrongUse(Problem("own-words", writer=actor, name=entry), "let another person review them")
            kept = content or _decoder.decode(last.content)
            number = row.version + 1
            self._step(connection, entry, number, action, kept, actor, note)
            values: dict[str, Any] = {
                "status": _TO[action],
                "version": number,
                "policy_id": kept.policy,
                "changed_at": self._clock.now(),
            }
            if action == "signed":
                values["published_version"] = number
            elif action in ("withdrawn", "expired"):
                values["published_version"] = None
            connection.execute(entries.update().where(entries.c.id == entry).values(**values))
        return self.get(entry)

    def _step(
        self, connection: Connection, entry: str, version: int, action: Action, content: Content, actor: str, note: str
    ) -> None:
        connection.execute(
            revisions.insert().values(
                entry_id=entry,
                version=version,
                at=self._clock.now(),
                actor=actor,
                action=action,
                status=_TO[action],
                note=note,
                digest=content.digest() if action == "signed" else None,
                content=msgspec.json.encode(content).decode(),
            )
        )

    @staticmethod
    def _row(connection: Connection, entry: str, *, lock: bool = False) -> Any:
        query = sa.select(entries).where(entries.c.id == entry)
        return connection.execute(query.with_for_update() if lock else query).first()

    @staticmethod
    def _writer(connection: Connection, entry: str) -> str | None:
        """Who wrote the words that stand in the newest revision."""
        writer: str | None = connection.scalar(
            sa.select(revisions.c.actor)
            .where(revisions.c.entry_id == entry, revisions.c.action.in_(("created", "edited", "imported")))
            .order_by(revisions.c.version.desc())
            .limit(1)
        )
        return writer

    @staticmethod
    def _entries(connection: Connection, *conditions: Any) -> Sequence[Entry]:
        newest, shown = revisions.alias("newest"), revisions.alias("shown")
        query = (
            sa.select(
                entries,
                newest.c.content,
                shown.c.content.label("public"),
                shown.c.at.label("public_at"),
                shown.c.actor.label("signer"),
                shown.c.digest.label("public_digest"),
            )
            .join(newest, sa.and_(newest.c.entry_id == entries.c.id, newest.c.version == entries.c.version))
            .outerjoin(shown, sa.and_(shown.c.entry_id == entries.c.id, shown.c.version == entries.c.published_version))
            .where(*conditions)
            .order_by(entries.c.id)
        )
        return [
            Entry(
                id=row["id"],
                version=row["version"],
                status=row["status"],
                content=_decoder.decode(row["content"]),
                changed_at=row["changed_at"],
                published=_decoder.decode(row["public"]) if row["public"] else None,
                published_version=row["published_version"],
                published_at=row["public_at"],
                signer=row["signer"],
                digest=row["public_digest"],
            )
            for row in connection.execute(query).mappings()
        ]


def checked(content: Content) -> Content:
    """The content in clean form. Raises `WrongUse` with everything that is wrong with it."""
    parts = {name: getattr(content, name).strip() for name in LONGEST}
    wrong = [f"{name} is empty" for name, text in parts.items() if not text]
    wrong += [f"{name} has more than {most} characters" for name, most in LONGEST.items() if len(parts[name]) > most]
    if content.valid_from and content.valid_until and content.valid_until < content.valid_from:
        wrong.append(f"valid_until ({content.valid_until}) lies before valid_from ({content.valid_from})")
    if wrong:
        raise WrongUse(Problem("entry-wrong", wrong="; ".join(wrong)), "give title, question and answer")
    return msgspec.structs.replace(
        content,
        **parts,
        clauses=tuple(dict.fromkeys(one.strip() for one in content.clauses if one.strip())),
        keywords=tuple(dict.fromkeys(one.strip() for one in content.keywords if one.strip())),
    )


def flags_of(content: Content, policies: Mapping[str, Policy], today: date, signed_at: Any = None) -> list[Flag]:
    """What a person has to look at.

    Worked out from the register as it is, so that an answer is flagged the moment its policy is repealed.
    """
    found = []
    policy = policies.get(content.policy)
    if policy is None:
        found.append(Flag(kind="missing", words="政策已不在登记册中，请撤回或改到现行政策", blocks=True))
    else:
        if policy.repealed_on <= today if policy.repealed_on is not None else policy.stage == "repealed":
            later = successors(policy.id, policies)
            words = f"政策已废止，现行为《{later[-1].title}》" if later else "政策已废止"
            found.append(Flag(kind="repealed", words=words, blocks=True))
        if (
            policy.amended_on is not None
            and policy.amended_on <= today
            and (signed_at is None or signed_at.astimezone(CHINA).date() < policy.amended_on)
        ):
            found.append(Flag(kind="amended", words=f"政策于 {policy.amended_on} 修改，答复签发在前或尚未签发，请复核"))
        if policy.stage == "draft":
            found.append(Flag(kind="not_yet", words="政策尚在征求意见，答复须写明以正式公布的为准"))
    if content.valid_until is not None:
        if content.valid_until < today:
            found.append(Flag(kind="over", words=f"有效期至 {content.valid_until}，已过期", blocks=True))
        elif content.valid_until - today <= ENDING:
            found.append(Flag(kind="ending", words=f"有效期至 {content.valid_until}，即将到期"))
    return found
