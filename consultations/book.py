"""The consultations in the store: drafts, comments placed and folded into opinions, decisions, publication."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from answers.clauses import Clause, canonical, clauses_of
from answers.encoding import Encoded, TextEncoder, encoder
from consultations.comments import Given
from consultations.folding import Folder
from consultations.model import (
    OUTCOMES,
    REASONED,
    STANCE_WORDS,
    WHOLE,
    Comment,
    Consultation,
    Opinion,
    Outcome,
    Step,
)
from consultations.placing import How, Part, Placer
from consultations.tables import comments as comment_table
from consultations.tables import consultations as table
from consultations.tables import opinions as opinion_table
from consultations.tables import steps as step_table
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.policies import Policy, PolicyRegister
from minsheng.problems import Problem
from minsheng.store import Store

Judge = Callable[[Sequence[str]], list[tuple[str, bool]]]
"""Texts → for each its stance, and whether the model is unsure of it: see `consultations.stances`."""

LONGEST = {"reason": 2_000, "wording": 1_000}
"""Characters of what an editor writes."""
_CHUNK = 400


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an import: letters that are new, those that were there already, comments and opinions made of the
    new ones."""

    new: int
    known: int
    comments: int
    opinions: int


class ConsultationBook:
    """The room's one door to the store. Safe to use from several threads and processes."""

    def __init__(self, store: Store, clock: Clock, text_encoder: Callable[[], TextEncoder] = encoder) -> None:
        self._store = store
        self._clock = clock
        self._encoder = text_encoder

    # Drafts

    def add(
        self,
        policy: str,
        text: str,
        *,
        origin: str,
        actor: str,
        title: str = "",
        department: str = "",
        opens_on: date | None = None,
        closes_on: date | None = None,
    ) -> Consultation:
        """Open the room for a draft; what is not given is taken from the register.

        Raises
        ------
        WrongUse
            No such policy, no days, days in the wrong order, no text, or one of the same day is there.
        """
        found = self._policy(policy)
        opens = opens_on or found.consultation_opens
        closes = closes_on or found.consultation_closes
        if opens is None or closes is None:
            raise WrongUse(Problem("consultation-days", policy=found.id), "give both days")
        if opens > closes:
            raise WrongUse(Problem("consultation-order", closes=closes, opens=opens), "check the days")
        if not text.strip():
            raise WrongUse(Problem("draft-empty", name=found.id), "give the file with the draft's words")
        values = {
            "policy_id": found.id, "title": (title or found.title).strip(),
            "department": (department or found.department or "").strip(), "opens_on": opens, "closes_on": closes,
            "text": text, "origin": origin, "added_by": actor[:100], "added_at": self._clock.now(),
        }  # fmt: skip
        try:
            with self._store.begin() as connection:
                made = connection.execute(table.insert().values(**values)).inserted_primary_key
                assert made is not None
                self._step(connection, made[0], actor, "added", f"{opens} — {closes}")
        except sa.exc.IntegrityError:
            raise WrongUse(Problem("consultation-same", policy=found.id, opens=opens), "change that one") from None
        return self.get(str(made[0]))

    def change(
        self,
        name: str,
        *,
        actor: str,
        text: str | None = None,
        origin: str = "",
        title: str = "",
        department: str = "",
        opens_on: date | None = None,
        closes_on: date | None = None,
    ) -> Consultation:
        """Change what is given of a draft, such as a longer term. Raises `WrongUse` as `add`, and where it is public
        already, or another text would pull the clauses from under comments."""
        one = self.get(name)
        opens, closes = opens_on or one.opens_on, closes_on or one.closes_on
        if opens > closes:
            raise WrongUse(Problem("consultation-order", closes=closes, opens=opens), "check the days")
        values: dict[str, Any] = {"opens_on": opens, "closes_on": closes}
        values |= {key: given.strip() for key, given in (("title", title), ("department", department)) if given.strip()}
        if text is not None:
            if not text.strip():
                raise WrongUse(Problem("draft-empty", name=one.number), "give the file with the draft's words")
            values |= {"text": text, "origin": origin}
        with self._store.begin() as connection:
            self._locked(connection, one)
            mine = comment_table.c.consultation_id == one.id
            if text is not None and connection.scalar(sa.select(sa.func.count()).where(mine)):
                raise WrongUse(
                    Problem("draft-commented", number=one.number),
                    "open another consultation for another text",
                )
            connection.execute(table.update().where(table.c.id == one.id).values(**values))
            changed = "、".join(f"{key}: {value}" for key, value in values.items() if key != "text")
            self._step(connection, one.id, actor, "changed", changed)
        return self.get(name)

    def get(self, name: str, where: Sequence[sa.ColumnElement[bool]] = ()) -> Consultation:
        """One, by its number (ZQ0001), or by its policy's id where that has one alone.

        Raises `WrongUse` where there is none, `where` leaves it out, or the policy has several.
        """
        plain = name.strip().upper().removeprefix("ZQ")
        if plain.isascii() and plain.isdecimal() and len(plain) < 16:
            with self._store.read() as connection:
                row = connection.execute(sa.select(table).where(table.c.id == int(plain), *where)).mappings().first()
            if row is not None:
                return Consultation(**row)
        with self._store.read() as connection:
            query = sa.select(table).where(table.c.policy_id == name.strip(), *where)
            of_policy = connection.execute(query).mappings().all()
        if len(of_policy) == 1:
            return Consultation(**of_policy[0])
        if of_policy:
            numbers = "、".join(Consultation(**row).number for row in of_policy)
            raise WrongUse(Problem("consultation-several", name=name, numbers=numbers), "name one of them")
        raise WrongUse(Problem("consultation-unknown", name=name), "minsheng consultation list shows them")

    def all(self, *, unpublished: bool = False, where: Sequence[sa.ColumnElement[bool]] = ()) -> list[Consultation]:
        """All, or those whose clock still runs, the one that closes last first; without texts, which `get` reads.

        Parameters
        ----------
        where:
            What must hold of a row beside, such as a viewer's scope.
        """
        columns = [each for each in table.c if each.name != "text"]
        query = sa.select(*columns).where(*where).order_by(table.c.closes_on.desc(), table.c.id.desc())
        if unpublished:
            query = query.where(table.c.published_on.is_(None))
        with self._store.read() as connection:
            return [Consultation(**row, text="") for row in connection.execute(query).mappings()]

    def history(self, one: Consultation) -> list[Step]:
        """What was done with it, oldest first."""
        query = sa.select(step_table).where(step_table.c.consultation_id == one.id).order_by(step_table.c.id)
        with self._store.read() as connection:
            return [
                Step(at=row.at, actor=row.actor, action=row.action, detail=row.detail)
                for row in connection.execute(query)
            ]

    # Comments

    def take(self, name: str, given: Sequence[Given], judge: Judge, *, actor: str, note: str = "") -> Taken:
        """Place comments by clause and stance and fold those that say the same; each once, however often it is given.

        Raises
        ------
        WrongUse
            There is no such consultation, or it is public what was taken up.
        """
        one = self.get(name)
        known = self._known(one, [comment.key for comment in given])
        new = {comment.key: comment for comment in given if comment.key not in known}
        clauses = clauses_of(one.text)
        placer = Placer(one.title, clauses, self._encoder())
        pieces = [(comment, part) for comment in new.values() for part in _parts(comment, placer)]
        unjudged = [part.text for comment, part in pieces if not comment.stance]
        judged = iter(judge(unjudged) if unjudged else [])
        rows: list[dict[str, Any]] = []
        for place, (comment, part) in enumerate(pieces):
            stance, unsure = (comment.stance, comment.unsure) if comment.stance else next(judged)
            first = place == 0 or pieces[place - 1][0] is not comment
            number = 0 if first else rows[-1]["part"] + 1
            rows.append(
                {
                    "consultation_id": one.id, "key": comment.key, "part": number, "text": part.text,
                    "submitted_at": comment.submitted_at, "origin": comment.origin, "document_id": comment.document_id,
                    "clause": part.clause, "how": part.how, "stance": stance, "stance_by": comment.stance_by,
                    "unsure": unsure, "added_at": self._clock.now(),
                }
            )  # fmt: skip
        vectors = self._encoder().encode([row["text"] for row in rows])
        with self._store.begin() as connection:
            self._locked(connection, one)
            # Two who import the same file at once: the second one sees here what the first has stored.
            late = self._known(one, list(new), connection)
            placed = [(row, of) for row, of in zip(rows, vectors, strict=True) if row["key"] not in late]
            folders: dict[tuple[str, str], Folder] = {}
            made = 0
            for row, of in placed:
                row["opinion"], is_new = self._opinion(connection, one, row, of, folders)
                made += is_new
            for start in range(0, len(placed), _CHUNK):
                chunk = [row for row, _ in placed[start : start + _CHUNK]]
                connection.execute(comment_table.insert(), chunk)
            fresh = len(new) - len(late)
            if fresh:
                told = f"{note}：新收{fresh}份" if note else f"新收{fresh}份"
                self._step(connection, one.id, actor, "imported", told)
        return Taken(new=fresh, known=len(given) - fresh, comments=len(placed), opinions=made)

    def comments(self, one: Consultation, *, opinion: int | None = None) -> list[Comment]:
        """The comments, by opinion and time."""
        query = sa.select(comment_table).where(comment_table.c.consultation_id == one.id)
        if opinion is not None:
            query = query.where(comment_table.c.opinion == opinion)
        order = (comment_table.c.opinion, comment_table.c.submitted_at, comment_table.c.key, comment_table.c.part)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(*order)).mappings().all()
        return [Comment(**{name: row[name] for name in Comment.__struct_fields__}) for row in rows]

    def opinions(self, one: Consultation) -> list[Opinion]:
        """The opinions that have comments, in the order of the draft's clauses, then by stance and by most letters;
        those on the draft as a whole last."""
        counted = (
            sa.select(
                comment_table.c.opinion,
                sa.func.count().label("comments"),
                sa.func.count(comment_table.c.key.distinct()).label("people"),
            )
            .where(comment_table.c.consultation_id == one.id)
            .group_by(comment_table.c.opinion)
            .subquery()
        )
        query = (
            sa.select(opinion_table, counted.c.comments, counted.c.people)
            .join(counted, counted.c.opinion == opinion_table.c.number)
            .where(opinion_table.c.consultation_id == one.id)
        )
        with self._store.read() as connection:
            rows = connection.execute(query).mappings().all()
        found = [Opinion(**{name: row[name] for name in Opinion.__struct_fields__}) for row in rows]
        order = {label: place for place, label in enumerate(self.labels(one))}
        stances = list(STANCE_WORDS)
        found.sort(
            key=lambda each: (
                order.get(each.clause, len(order)), each.clause, stances.index(each.stance), -each.people, each.number
            )
        )  # fmt: skip
        return found

    def labels(self, one: Consultation) -> list[str]:
        """The clauses of the draft, in order, by their labels."""
        return list(dict.fromkeys(clause.label for clause in self.clauses(one) if clause.label))

    def clauses(self, one: Consultation) -> list[Clause]:
        return clauses_of(one.text)

    def letters(self, one: Consultation) -> int:
        """How many letters came in: a letter on three clauses is one."""
        query = sa.select(sa.func.count(comment_table.c.key.distinct())).where(
            comment_table.c.consultation_id == one.id
        )
        with self._store.read() as connection:
            return connection.scalar(query) or 0

    def correct(
        self,
        name: str,
        comment: str,
        *,
        actor: str,
        clause: str | None = None,
        stance: str | None = None,
        opinion: int | None = None,
    ) -> Comment:
        """Put a comment right: another clause (empty: the draft as a whole), another stance, or into another opinion,
        whose clause and stance it then has.

        Parameters
        ----------
        comment:
            Its name, as `Comment.name`.

        Raises
        ------
        WrongUse
            No such comment, clause, stance or opinion; nothing to change; or it is public what was taken up.
        """
        one = self.get(name)
        found = next((each for each in self.comments(one) if each.name == comment.strip()), None)
        if found is None:
            raise WrongUse(
                Problem("comment-unknown", number=one.number, comment=comment),
                f"minsheng consultation show {one.number}",
            )
        if clause is None and stance is None and opinion is None:
            raise WrongUse(Problem("comment-unchanged"), "give another clause, stance or opinion")
        if stance is not None and stance not in STANCE_WORDS:
            raise WrongUse(Problem("stance-unknown", stance=stance), f"use one of {', '.join(STANCE_WORDS)}")
        labels = self.labels(one)
        label = canonical(clause) if clause else ""
        if clause and clause == WHOLE:
            label = ""
        if label and label not in labels:
            raise WrongUse(Problem("clause-unknown", clause=clause), f"it has {'、'.join(labels[:30])}")
        values: dict[str, Any] = {}
        if clause is not None:
            values |= {"clause": label, "how": "editor"}
        if stance is not None:
            values |= {"stance": stance, "stance_by": actor[:100], "unsure": False}
        encoded = self._encoder().encode([found.text])[0]
        with self._store.begin() as connection:
            self._locked(connection, one)
            if opinion is not None:
                target = self._opinion_row(connection, one, opinion)
                values |= {
                    "clause": target.clause, "how": "editor", "stance": target.stance, "stance_by": actor[:100],
                    "unsure": False, "opinion": opinion,
                }  # fmt: skip
            else:
                row = {"clause": found.clause, "stance": found.stance, **values, "text": found.text}
                values["opinion"], _ = self._opinion(connection, one, row, encoded, {})
            mine = (
                comment_table.c.consultation_id == one.id,
                comment_table.c.key == found.key,
                comment_table.c.part == found.part,
            )
            connection.execute(comment_table.update().where(*mine).values(**values))
            if values["opinion"] != found.opinion:
                self._say_anew(connection, one, found.opinion)
            told = (
                f"{comment}：{values.get('clause', found.clause) or WHOLE}、"
                + STANCE_WORDS[values.get("stance", found.stance)]
            )
            self._step(connection, one.id, actor, "corrected", f"{told}，归入意见{values['opinion']}")
        return next(each for each in self.comments(one) if each.name == found.name)

    # Decisions

    def decide(
        self,
        name: str,
        numbers: Sequence[int],
        outcome: str,
        *,
        actor: str,
        reason: str = "",
        wording: str | None = None,
        version: int | None = None,
    ) -> list[Opinion]:
        """Say what becomes of opinions, all or none.

        Parameters
        ----------
        outcome:
            One of `OUTCOMES`; `partly` and `rejected` with a reason.
        wording:
            What the public reads of an opinion, in the editor's own words; None: as it was. For one opinion alone.
        version:
            The version of the one opinion as it was seen: refused where somebody has decided meanwhile.

        Raises
        ------
        WrongUse
            No such opinion or outcome, no reason, something is too long, or it is public what was taken up.
        """
        one = self.get(name)
        reason, told = reason.strip(), None if wording is None else wording.strip()
        if outcome not in OUTCOMES:
            raise WrongUse(Problem("outcome-unknown", outcome=outcome), f"use one of {', '.join(OUTCOMES)}")
        if outcome in REASONED and not reason:
            raise WrongUse(
                Problem("outcome-reason", outcome=OUTCOMES[outcome]),
                "say why: the public reads it",
            )
        for field, text in (("reason", reason), ("wording", told or "")):
            if len(text) > LONGEST[field]:
                raise WrongUse(
                    Problem(
                        "reason-long" if field == "reason" else "wording-long", length=len(text), most=LONGEST[field]
                    ),
                    "shorten it",
                )
        if not numbers:
            raise WrongUse(Problem("opinion-missing"), f"minsheng consultation show {one.number} lists them")
        if told is not None and len(set(numbers)) > 1:
            raise WrongUse(Problem("wording-several"), "decide on it by itself")
        values: dict[str, Any] = {
            "outcome": outcome, "reason": reason, "decided_by": actor[:100], "decided_at": self._clock.now(),
            "version": opinion_table.c.version + 1,
        }  # fmt: skip
        if told is not None:
            values["wording"] = told
        with self._store.begin() as connection:
            self._locked(connection, one)
            for number in dict.fromkeys(numbers):
                row = self._opinion_row(connection, one, number)
                if version is not None and row.version != version:
                    raise WrongUse(
                        Problem("opinion-decided", opinion=number, by=row.decided_by), "look at it again, then decide"
                    )
                mine = (opinion_table.c.consultation_id == one.id, opinion_table.c.number == number)
                connection.execute(opinion_table.update().where(*mine).values(**values))
                why = f"：{reason}" if reason else ""
                said = f"意见{number} {OUTCOMES[outcome]}{why}"
                self._step(connection, one.id, actor, "decided", said)
        chosen = set(numbers)
        return [each for each in self.opinions(one) if each.number in chosen]

    # Publication

    def publish(self, name: str, *, actor: str, on: date | None = None, url: str = "") -> Consultation:
        """Note that it was made public what was taken up: this stops the clock.

        Raises
        ------
        WrongUse
            The consultation is still open, an opinion is not decided, the day is not between closing and today, the
            link is none, or it is public already.
        """
        one = self.get(name)
        today = self._clock.now().astimezone(CHINA).date()
        day = on or today
        if day <= one.closes_on:
            raise WrongUse(
                Problem("consultation-open", number=one.number, closes=one.closes_on),
                "publish when all comments are in",
            )
        if day > today:
            raise WrongUse(Problem("day-ahead", day=day), "note it when it is public")
        if url and not url.startswith(("http://", "https://")):
            raise WrongUse(Problem("link-wrong", link=url), "write https://...")
        with self._store.begin() as connection:
            self._locked(connection, one)
            used = sa.select(comment_table.c.opinion).where(comment_table.c.consultation_id == one.id)
            open_ = connection.scalar(
                sa.select(sa.func.count()).where(
                    opinion_table.c.consultation_id == one.id,
                    opinion_table.c.outcome.is_(None),
                    opinion_table.c.number.in_(used),
                )
            )
            if open_:
                raise WrongUse(
                    Problem("opinions-open", count=open_, number=one.number),
                    "decide on them: minsheng consultation decide",
                )
            values = {"published_on": day, "published_url": url or None, "published_by": actor[:100]}
            connection.execute(table.update().where(table.c.id == one.id).values(**values))
            self._step(connection, one.id, actor, "published", " ".join(part for part in (str(day), url) if part))
        return self.get(name)

    def take_back(self, name: str, *, actor: str, reason: str) -> Consultation:
        """Note that the publication was taken back, or was noted by mistake: the clock runs again. Raises `WrongUse`
        where it is not public, or no reason is given."""
        one = self.get(name)
        if one.published_on is None:
            raise WrongUse(Problem("consultation-private", number=one.number), "nothing is to be taken back")
        if not reason.strip():
            raise WrongUse(Problem("no-reason"), "say why it is taken back")
        values = {"published_on": None, "published_url": None, "published_by": None}
        with self._store.begin() as connection:
            connection.execute(table.update().where(table.c.id == one.id).values(**values))
            self._step(connection, one.id, actor, "taken-back", reason.strip()[: LONGEST["reason"]])
        return self.get(name)

    # Within

    def _policy(self, name: str) -> Policy:
        found = PolicyRegister(self._store, self._clock).find(name)
        if found is None:
            raise WrongUse(Problem("policy-unknown", policy=name), "minsheng policies list shows them")
        return found

    def _known(self, one: Consultation, keys: Sequence[str], connection: Connection | None = None) -> set[str]:
        """Which of these letters are there."""
        if connection is None:
            with self._store.read() as reading:
                return self._known(one, keys, reading)
        found: set[str] = set()
        for start in range(0, len(keys), _CHUNK):
            query = sa.select(comment_table.c.key).where(
                comment_table.c.consultation_id == one.id, comment_table.c.key.in_(keys[start : start + _CHUNK])
            )
            found.update(connection.scalars(query))
        return found

    def _locked(self, connection: Connection, one: Consultation) -> None:
        """Others who change it wait. Raises `WrongUse` where it is public what was taken up: that stays as it is."""
        row = connection.execute(sa.select(table.c.published_on).where(table.c.id == one.id).with_for_update()).one()
        if row.published_on is not None:
            raise WrongUse(
                Problem("consultation-public", number=one.number, day=row.published_on),
                "take the publication back first, with a reason",
            )

    def _opinion(
        self,
        connection: Connection,
        one: Consultation,
        row: dict[str, Any],
        encoded: Encoded,
        folders: dict[tuple[str, str], Folder],
    ) -> tuple[int, bool]:
        """The number of the opinion that a comment is one of, and whether it is a new one."""
        place = row["clause"], row["stance"]
        if place not in folders:
            mine = (
                opinion_table.c.consultation_id == one.id,
                opinion_table.c.clause == row["clause"],
                opinion_table.c.stance == row["stance"],
            )
            query = (
                sa.select(opinion_table.c.number, opinion_table.c.said).where(*mine).order_by(opinion_table.c.number)
            )
            folders[place] = Folder(self._encoder(), [(each.number, each.said) for each in connection.execute(query)])
        number = folders[place].find(row["text"], encoded)
        if number is not None:
            return number, False
        last = connection.scalar(
            sa.select(sa.func.max(opinion_table.c.number)).where(opinion_table.c.consultation_id == one.id)
        )
        number = (last or 0) + 1
        values = {
            "consultation_id": one.id, "number": number, "clause": row["clause"], "stance": row["stance"],
            "said": row["text"], "wording": "", "outcome": None, "reason": "", "version": 1,
        }  # fmt: skip
        connection.execute(opinion_table.insert().values(**values))
        folders[place].add(number, row["text"], encoded)
        return number, True

    def _say_anew(self, connection: Connection, one: Consultation, number: int) -> None:
        """An opinion that has lost a comment is told by one that it still has."""
        mine = (comment_table.c.consultation_id == one.id, comment_table.c.opinion == number)
        first = (comment_table.c.submitted_at, comment_table.c.key, comment_table.c.part)
        text = connection.scalar(sa.select(comment_table.c.text).where(*mine).order_by(*first).limit(1))
        if text is not None:
            row = (opinion_table.c.consultation_id == one.id, opinion_table.c.number == number)
            connection.execute(opinion_table.update().where(*row).values(said=text))

    def _opinion_row(self, connection: Connection, one: Consultation, number: int) -> sa.Row[Any]:
        row = connection.execute(
            sa.select(opinion_table).where(opinion_table.c.consultation_id == one.id, opinion_table.c.number == number)
        ).first()
        if row is None:
            raise WrongUse(
                Problem("opinion-unknown", number=one.number, opinion=number),
                f"minsheng consultation show {one.number} lists them",
            )
        return row

    def _step(self, connection: Connection, id_: int, actor: str, action: str, detail: str) -> None:
        values = {
            "consultation_id": id_, "at": self._clock.now(), "actor": actor[:100], "action": action, "detail": detail
        }  # fmt: skip
        connection.execute(step_table.insert().values(**values))


def _parts(comment: Given, placer: Placer) -> list[Part]:
    """The parts of a letter; where its file says the clause, and the draft has it, that is where all of it belongs."""
    if comment.clause in placer.labels and comment.clause:
        how: How = "number"
        return [Part(comment.text, comment.clause, how)]
    return placer.parts(comment.text)


def decided(opinions: Sequence[Opinion], outcome: Outcome | None) -> list[Opinion]:
    """Those of this outcome; None: those that are not decided."""
    return [one for one in opinions if one.outcome == outcome]
