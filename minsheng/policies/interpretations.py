"""The register of interpretation materials (解读材料): what explains a policy, in which form, when, and who answers for
it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, get_args

import msgspec
import sqlalchemy as sa

from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.policies.model import Policy
from minsheng.policies.register import PolicyRegister
from minsheng.policies.tables import interpretations as table
from minsheng.problems import Problem
from minsheng.store import Store

Form = Literal["text", "picture", "video", "press-conference", "qa", "case"]
FORMS: dict[Form, str] = {
    "text": "文字解读",
    "picture": "图解",
    "video": "视频解读",
    "press-conference": "新闻发布会",
    "qa": "问答",
    "case": "案例解读",
}
"""Form → the words that people are shown."""


class Interpretation(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of material.

    Attributes
    ----------
    published_on:
        The day it was published, or is to be.
    responsible:
        Who answers for it, e.g. the first interpreter (第一解读人); empty where nobody was named.
    """

    id: int
    policy_id: str
    form: Form
    title: str
    published_on: date
    url: str | None
    responsible: str
    added_by: str
    added_at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    def same_day(self, policy: Policy) -> bool:
        """Whether it is out by the day of the policy's release, as interpretation is to be (同步解读)."""
        return policy.released_on is not None and self.published_on <= policy.released_on


class Interpretations:
    """The materials in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(
        self,
        policy: str,
        form: str,
        title: str,
        published_on: date,
        *,
        actor: str,
        url: str | None = None,
        responsible: str = "",
    ) -> Interpretation:
        """Put a piece of material into the register; one that is there already (same policy, form, title and day) is
        that.

        Raises
        ------
        WrongUse
            Unknown policy or form, no title, a link that is none, or nobody who adds it.
        """
        found = PolicyRegister(self._store, self._clock).find(policy)
        if found is None:
            raise WrongUse(Problem("policy-unknown", policy=policy), "minsheng policies list shows them")
        if form not in get_args(Form):
            raise WrongUse(Problem("form-unknown", form=form), f"use one of {', '.join(FORMS)}")
        if not title.strip() or not actor.strip():
            raise WrongUse(Problem("interpretation-untitled"), "give both")
        if url is not None and not url.startswith(("http://", "https://")):
            raise WrongUse(Problem("link-wrong", link=url), "write https://...")
        row = {
            "policy_id": found.id,
            "form": form,
            "title": title.strip(),
            "published_on": published_on,
            "url": url,
            "responsible": responsible.strip(),
        }
        same = (*(table.c[name] == row[name] for name in ("policy_id", "form", "title", "published_on")),)
        with self._store.begin() as connection:
            there = connection.execute(sa.select(table).where(*same, table.c.withdrawn_at.is_(None))).mappings().first()
            if there is None:
                values = {**row, "added_by": actor.strip(), "added_at": self._clock.now()}
                done = connection.execute(table.insert().values(**values))
                assert done.inserted_primary_key is not None
                there = (
                    connection.execute(sa.select(table).where(table.c.id == done.inserted_primary_key[0]))
                    .mappings()
                    .one()
                )
        return Interpretation(**there)

    def withdraw(self, number: int, *, actor: str) -> Interpretation:
        """Take a piece back. Raises `WrongUse` where there is none of this number that counts."""
        with self._store.begin() as connection:
            done = connection.execute(
                table.update()
                .where(table.c.id == number, table.c.withdrawn_at.is_(None))
                .values(withdrawn_at=self._clock.now(), withdrawn_by=actor.strip())
            ).rowcount
            if not done:
                raise WrongUse(
                    f"there is no interpretation {number} that counts", "see minsheng policies interpretations"
                )
            return Interpretation(**connection.execute(sa.select(table).where(table.c.id == number)).mappings().one())

    def of(self, policy_id: str | None = None, *, withdrawn: bool = False) -> Sequence[Interpretation]:
        """The materials of one policy, or of all, by policy, day and number."""
        query = sa.select(table).order_by(table.c.policy_id, table.c.published_on, table.c.id)
        if policy_id is not None:
            query = query.where(table.c.policy_id == policy_id)
        if not withdrawn:
            query = query.where(table.c.withdrawn_at.is_(None))
        with self._store.read() as connection:
            return [Interpretation(**row) for row in connection.execute(query).mappings()]
