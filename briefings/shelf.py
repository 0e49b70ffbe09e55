"""The shelf: briefings kept with all that they show, and the one way from draft to issued.

    made → (edited) → reviewed → signed → issued        withdrawn from anywhere; a correction is a briefing of its own

Every step is one transaction: the row changes, the step is written down, the audit log has its line, and who is to be
told is told by the notices that the transaction puts in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from briefings.evidence import Evidence
from briefings.issuing import distribution_of, tell_issued, tell_withdrawn
from briefings.kept import PREFIXES, Action, Kept, Step, signed_digest
from briefings.looks import Look
from briefings.report import PUBLIC, Report, numbers
from briefings.tables import briefings as table
from briefings.tables import looks, reads, sequences, steps
from briefings.wording import plain, read, written
from console.audit import AuditLog
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.settings import Settings
from minsheng.store import Store, insert_or_ignore

_FROM: dict[Action, tuple[str, ...]] = {
    "edited": ("draft", "edited", "reviewed"),
    "reviewed": ("draft", "edited"),
    "signed": ("reviewed",),
    "issued": ("signed",),
    "withdrawn": ("draft", "edited", "reviewed", "signed", "issued"),
}
"""Step → the states it may be taken in: the only place that knows."""
_MARKS = ("secrecy", "urgency", "mark")
_TRIES = 5


class BriefingShelf:
    """The kept briefings. Safe to use from several threads and processes.

    Parameters
    ----------
    four_eyes:
        Refuse a review or a signature by the person whose words are to be reviewed or signed.
    address:
        Where the acting person's request came from: for the audit log.
    """

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, *, four_eyes: bool = False, address: str = ""
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._four_eyes = four_eyes
        self._address = address
        self._audit = AuditLog(store, clock)

    def keep(
        self,
        report: Report,
        look: Look,
        *,
        code: str,
        actor: str,
        matter: str = "",
        unless_there: bool = False,
        corrects: Kept | None = None,
        reason: str = "",
    ) -> Kept:
        """Keep a report as a draft.

        Parameters
        ----------
        code:
            The day, week or month in its number: 20260508.
        matter:
            `event:ID` or `policy:ID`, where it is about one.
        unless_there:
            Give back the newest one of this kind and code that is not withdrawn, where there is one.
        corrects:
            The briefing that this is to take the place of, and whose edits it begins with; `reason` says why.
        """
        content = msgspec.json.encode(report, order="deterministic").decode()
        names, receivers = distribution_of(self._settings, report.kind)
        briefing, public = self._settings.briefing, report.kind in PUBLIC
        for attempt in range(_TRIES):
            try:
                with self._store.begin() as connection:
                    if unless_there and (found := self._newest(connection, report.kind, code)) is not None:
                        return found
                    edition = 1 + (
                        connection.scalar(
                            sa.select(sa.func.max(table.c.edition)).where(
                                table.c.kind == report.kind, table.c.code == code
                            )
                        )
                        or 0
                    )
                    number = f"{PREFIXES[report.kind]}-{code}" + (f".{edition}" if edition > 1 else "")
                    row = {"version": look.version, "files": look.files, "document": look.document}
                    insert_or_ignore(self._store, looks, [row], connection=connection)
                    values: dict[str, Any] = {
                        "number": number, "kind": report.kind, "code": code, "edition": edition, "matter": matter,
                        "name": report.name, "subject": report.subject, "made_at": report.made_at, "made_by": actor,
                        "report": content, "report_digest": hashlib.sha256(content.encode()).hexdigest(),
                        "look": look.version, "edits": corrects.edits if corrects else {},
                        "secrecy": corrects.secrecy if corrects else "" if public else briefing.secrecy,
                        "urgency": corrects.urgency if corrects else "",
                        "mark": corrects.mark if corrects else "" if public else briefing.mark,
                        "recipients": list(corrects.recipients) if corrects else names,
                        "receivers": list(corrects.receivers) if corrects else receivers,
                        "status": "draft", "version": 1, "signer": "", "reason": reason,
                        "corrects": corrects.number if corrects else None,
                    }  # fmt: skip
                    done = connection.execute(table.insert().values(**values))
                    assert done.inserted_primary_key is not None
                    self._write_step(connection, done.inserted_primary_key[0], number, 1, "made", actor, reason, None)
                    return self._get(connection, number)
            except sa.exc.IntegrityError:
                if attempt == _TRIES - 1:
                    raise  # not another process that took the number: say what it is
        raise AssertionError("the loop returns or raises")

    def edit(
        self,
        number: str,
        texts: Mapping[str, str | None],
        *,
        actor: str,
        version: int,
        marks: Mapping[str, str] | None = None,
        note: str = "",
    ) -> Kept:
        """Change paragraphs, beside the generated text, which stays. A reviewed briefing has to be reviewed again.

        Parameters
        ----------
        texts:
            Paragraph → its text with codes (`briefings.wording`); empty: left out; None: as it was generated.
        version:
            The version that was changed. Where somebody else changed it meanwhile, nothing is written.
        marks:
            `secrecy`, `urgency`, `mark`, and `recipients` with 、 between them: what is printed around the text.

        Raises
        ------
        WrongUse
            There is no such paragraph, a code stands behind another number, or it can't be changed any more.
        """
        with self._store.begin() as connection:
            kept = self._hold(connection, number, "edited", version)
            known = list(numbers(kept.generated))
            paragraphs = kept.generated.paragraphs()
            edits = dict(kept.edits)
            for name, text in texts.items():
                if name not in paragraphs:
                    raise WrongUse(
                        Problem("paragraph-unknown", number=kept.number, paragraph=name),
                        f"there are {', '.join(list(paragraphs)[:40])}",
                    )
                same = text is None or plain(text) == plain(written(paragraphs[name].parts))
                parts = () if same else read(text or "", known)
                if same or parts == paragraphs[name].parts:
                    edits.pop(name, None)
                else:
                    edits[name] = written(parts)
            values = self._marks(marks or {})
            if edits == kept.edits and all(getattr(kept, name) == value for name, value in values.items()):
                return kept
            edits = {name: edits[name] for name in paragraphs if name in edits}
            status = "edited" if edits else "draft"
            clear = {"reviewed_by": None, "reviewed_at": None}
            self._move(connection, kept, "edited", actor, note, status, edits=edits, **clear, **values)
            return self._get(connection, kept.number)

    def review(self, number: str, *, actor: str, note: str = "", version: int | None = None) -> Kept:
        """Say that it is right."""
        with self._store.begin() as connection:
            kept = self._hold(connection, number, "reviewed", version)
            self._other_eyes(connection, kept, actor, "review")
            values = {"reviewed_by": actor, "reviewed_at": self._clock.now()}
            self._move(connection, kept, "reviewed", actor, note, "reviewed", **values)
            return self._get(connection, kept.number)

    def sign(self, number: str, *, actor: str, signer: str = "", note: str = "", version: int | None = None) -> Kept:
        """Sign it: it gets its number of the year, and never changes again.

        Parameters
        ----------
        signer:
            The name that is printed; default: the actor's.
        """
        with self._store.begin() as connection:
            kept = self._hold(connection, number, "signed", version)
            self._other_eyes(connection, kept, actor, "sign")
            now = self._clock.now().replace(microsecond=0)
            year = now.astimezone(CHINA).year
            values: dict[str, Any] = {
                "issue_year": year,
                "issue_number": self._next_issue(connection, kept.kind, year),
                "signed_by": actor,
                "signer": signer.strip()[:100] or actor,
                "signed_at": now,
            }
            values["digest"] = signed_digest(msgspec.structs.replace(kept, **values))
            self._move(connection, kept, "signed", actor, note, "signed", **values)
            return self._get(connection, kept.number)

    def issue(self, number: str, *, actor: str, note: str = "", version: int | None = None) -> Kept:
        """Send it to its distribution list. The one that it corrects says so from then on."""
        with self._store.begin() as connection:
            kept = self._hold(connection, number, "issued", version)
            if not kept.intact:
                raise WrongUse(
                    Problem("briefing-changed", number=kept.number), "withdraw it, and restore it from a backup"
                )
            if not kept.receivers:
                raise WrongUse(
                    Problem("briefing-no-list", number=kept.number),
                    f"add one for {kept.kind} to [[briefing.distribution]] in the settings, withdraw and make it again",
                )
            now = self._clock.now()
            self._move(connection, kept, "issued", actor, note, "issued", issued_at=now)
            if kept.corrects:
                old = self._get(connection, kept.corrects, held=True)
                self._move(connection, old, "corrected", actor, kept.reason, old.status, corrected_by=kept.number)
            found = self._get(connection, kept.number)
            tell_issued(self._store, connection, self._settings, found, now)
            return found

    def withdraw(self, number: str, *, actor: str, reason: str, version: int | None = None) -> Kept:
        """Take it back: every form says so, and those it was issued to are told."""
        if not reason.strip():
            raise WrongUse(Problem("no-reason"), "say why it is withdrawn: --reason")
        with self._store.begin() as connection:
            kept = self._hold(connection, number, "withdrawn", version)
            now = self._clock.now()
            self._move(
                connection, kept, "withdrawn", actor, reason.strip(), "withdrawn", withdrawn_at=now,
                reason=reason.strip(),
            )  # fmt: skip
            found = self._get(connection, kept.number)
            if kept.status == "issued":
                tell_withdrawn(self._store, connection, self._settings, found, now)
            return found

    def correct(self, number: str, *, actor: str, reason: str) -> Kept:
        """A new draft with the same figures and the text as it stands, to be edited, reviewed, signed and issued in
        place of the old one."""
        if not reason.strip():
            raise WrongUse(Problem("no-reason"), "say what is corrected: --reason")
        kept = self.get(number)
        if kept.status not in ("signed", "issued"):
            raise WrongUse(
                Problem("step-impossible", name=kept.number, status=kept.status, action="corrected"),
                "a draft is edited; what is withdrawn is over",
            )
        if kept.corrected_by:
            raise WrongUse(Problem("briefing-corrected", number=kept.number, by=kept.corrected_by), "correct that one")
        return self.keep(
            kept.generated, self.look(kept), code=kept.code, actor=actor, matter=kept.matter, corrects=kept,
            reason=reason.strip(),
        )  # fmt: skip

    def get(self, number: str) -> Kept:
        """One briefing. Raises `WrongUse` where there is none."""
        with self._store.read() as connection:
            return self._get(connection, number)

    def all(
        self, *, kind: str | None = None, status: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[Kept]:
        """Newest first; `before`: only those with a smaller id, for the next page."""
        query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
        for column, value in ((table.c.kind, kind), (table.c.status, status)):
            if value is not None:
                query = query.where(column == value)
        if before is not None:
            query = query.where(table.c.id < before)
        with self._store.read() as connection:
            return [Kept.of(row) for row in connection.execute(query).mappings()]

    def newest(self, kind: str, code: str) -> Kept | None:
        """The newest one of a kind and code that is not withdrawn."""
        with self._store.read() as connection:
            return self._newest(connection, kind, code)

    def history(self, number: str) -> list[Step]:
        """Everything that was done with it, oldest first."""
        kept = self.get(number)
        query = sa.select(steps).where(steps.c.briefing_id == kept.id).order_by(steps.c.version)
        with self._store.read() as connection:
            return [
                Step(**{name: row[name] for name in Step.__struct_fields__})
                for row in connection.execute(query).mappings()
            ]

    def look(self, kept: Kept) -> Look:
        """The template files that it was made with."""
        with self._store.read() as connection:
            row = connection.execute(sa.select(looks).where(looks.c.version == kept.look)).one()
        return Look(files=row.files, document=row.document)

    def resolve(self, code: str) -> tuple[Kept, Evidence]:
        """What a footnote's code stands for: RB-20260508-3. Raises `WrongUse` where it stands for nothing."""
        plain = code.strip().strip("[]〔〕").upper().replace("—", "-").replace("–", "-")
        number, _, place = plain.rpartition("-")
        if not number:
            raise WrongUse(Problem("code-wrong", code=code), "write it as printed: RB-20260508-3")
        kept = self.get(number)
        found = kept.generated.find(place)
        if found is None:
            raise WrongUse(
                Problem("code-unknown", number=number, code=place), f"its codes go up to {len(kept.generated.evidence)}"
            )
        return kept, found

    def opened(self, number: str, reader: str) -> None:
        """Note that somebody has opened an issued briefing; only the first time counts."""
        kept = self.get(number)
        if kept.issued_at is None:
            return
        row = {"briefing_id": kept.id, "reader": reader[:100], "first_at": self._clock.now()}
        with self._store.read() as connection:
            known = sa.select(reads.c.reader).where(reads.c.briefing_id == kept.id, reads.c.reader == row["reader"])
            if connection.scalar(known) is not None:
                return
        with self._store.begin() as connection:
            insert_or_ignore(self._store, reads, [row], connection=connection)

    def _marks(self, given: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {name: given[name].strip()[:60] for name in _MARKS if name in given}
        if "recipients" in given:
            parts = (one.strip() for one in given["recipients"].replace("，", "、").split("、"))
            values["recipients"] = tuple(one[:100] for one in parts if one)
        return values

    def _other_eyes(self, connection: Connection, kept: Kept, actor: str, what: str) -> None:
        if not self._four_eyes or not kept.edits:
            return
        query = (
            sa.select(steps.c.actor)
            .where(steps.c.briefing_id == kept.id, steps.c.action == "edited")
            .order_by(steps.c.version.desc())
            .limit(1)
        )
        if connection.scalar(query) == actor:
            raise WrongUse(Problem("own-words", writer=actor, name=kept.number), f"let another person {what} it")

    def _next_issue(self, connection: Connection, kind: str, year: int) -> int:
        """The next number of a kind and year. A transaction that fails gives it back: there are no gaps."""
        mine = sa.and_(sequences.c.kind == kind, sequences.c.year == year)
        insert_or_ignore(self._store, sequences, [{"kind": kind, "year": year, "last": 0}], connection=connection)
        connection.execute(sequences.update().where(mine).values(last=sequences.c.last + 1))
        return int(connection.execute(sa.select(sequences.c.last).where(mine)).scalar_one())

    def _hold(self, connection: Connection, number: str, action: Action, version: int | None) -> Kept:
        """The briefing, held until the transaction's end, where this may be done with it now."""
        kept = self._get(connection, number, held=True)
        if version is not None and version != kept.version:
            raise WrongUse(
                Problem("changed-meanwhile", name=kept.number, now=kept.version, version=version),
                f"look at it again: minsheng briefing show {kept.number}",
            )
        if kept.status not in _FROM[action]:
            raise WrongUse(
                Problem("step-impossible", name=kept.number, status=kept.status, action=action),
                "a draft is reviewed, then signed, then issued; what is signed is corrected by a new one",
            )
        return kept

    def _move(
        self, connection: Connection, kept: Kept, action: Action, actor: str, note: str, status: str, **values: Any
    ) -> None:
        version = kept.version + 1
        stored = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        connection.execute(table.update().where(table.c.id == kept.id).values(status=status, version=version, **stored))
        self._write_step(connection, kept.id, kept.number, version, action, actor, note, values.get("edits"))

    def _write_step(
        self,
        connection: Connection,
        identity: int,
        number: str,
        version: int,
        action: Action,
        actor: str,
        note: str,
        edits: Mapping[str, str] | None,
    ) -> None:
        if not actor.strip():
            raise WrongUse(Problem("actor-missing"), "name the actor")
        connection.execute(
            steps.insert().values(
                briefing_id=identity, version=version, at=self._clock.now(), actor=actor, action=action, note=note,
                edits=dict(edits) if edits is not None else None,
            )
        )  # fmt: skip
        detail = {"to": action, "version": version, **({"note": note} if note else {})}
        what = "briefing-made" if action == "made" else "briefing-changed"
        self._audit.add(actor, what, number, address=self._address, detail=detail, connection=connection)

    @staticmethod
    def _get(connection: Connection, number: str, *, held: bool = False) -> Kept:
        query = sa.select(table).where(table.c.number == number.strip().upper())
        row = connection.execute(query.with_for_update() if held else query).mappings().first()
        if row is None:
            raise WrongUse(Problem("briefing-unknown", number=number), "minsheng briefing list shows them")
        return Kept.of(row)

    @staticmethod
    def _newest(connection: Connection, kind: str, code: str) -> Kept | None:
        query = (
            sa.select(table)
            .where(table.c.kind == kind, table.c.code == code, table.c.status != "withdrawn")
            .order_by(table.c.edition.desc())
            .limit(1)
        )
        row = connection.execute(query).mappings().first()
        return Kept.of(row) if row is not None else None
