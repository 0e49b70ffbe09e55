"""What an entry of the Q&A base is, and what may become of it."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Literal

import msgspec

Status = Literal["draft", "reviewed", "published", "expired", "withdrawn"]
STATUSES: dict[Status, str] = {
    "draft": "草稿",
    "reviewed": "已审核",
    "published": "已发布",
    "expired": "已过期",
    "withdrawn": "已撤回",
}
"""Status → the words that people are shown. A published entry is one that was signed."""

Action = Literal["created", "edited", "imported", "reviewed", "signed", "withdrawn", "expired"]
ACTIONS: dict[Action, str] = {
    "created": "新建",
    "edited": "修改",
    "imported": "导入",
    "reviewed": "审核",
    "signed": "签发",
    "withdrawn": "撤回",
    "expired": "到期",
}


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an entry says.

    Attributes
    ----------
    policy:
        The id of the policy that it is about.
    clauses:
        The clauses that the answer rests on, as the policy numbers them: 第五条, 二, 三（一）.
    title, question, answer:
        Its subject in a few words; the question as people would put it; the answer in plain words.
    department, owner:
        The unit that answers, and who in it keeps the answer up to date.
    region:
        Where it holds; None: wherever the policy does.
    keywords:
        Words that people use for it.
    valid_from, valid_until:
        First and last day on which the answer holds; None: open.
    """

    policy: str
    title: str
    question: str
    answer: str
    clauses: tuple[str, ...] = ()
    department: str | None = None
    owner: str | None = None
    region: str | None = None
    keywords: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None

    def digest(self) -> str:
        """SHA-256 of all of it: what a signature stands for."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it is now.

    Attributes
    ----------
    id:
        Stays the same for ever, also in exports.
    version:
        Of the newest revision; each change and each step makes one.
    content:
        Of the newest revision.
    published:
        What the public sees: the revision that was signed last, which stays in force while a new draft is worked on.
        None where nothing is published.
    published_version, published_at, signer, digest:
        Of that revision: its version, when and by whom it was signed, and the SHA-256 of its content.
    """

    id: str
    version: int
    status: Status
    content: Content
    changed_at: datetime
    published: Content | None = None
    published_version: int | None = None
    published_at: datetime | None = None
    signer: str | None = None
    digest: str | None = None

    @property
    def status_words(self) -> str:
        return STATUSES[self.status]


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One step of an entry's history, which is only ever added to."""

    entry: str
    version: int
    at: datetime
    actor: str
    action: Action
    status: Status
    content: Content
    note: str = ""
    digest: str | None = None


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """Something about an entry that a person has to look at; worked out anew whenever it is shown.

    `kind`: `repealed`, `amended`, `missing` (no such policy), `not_yet` (a draft policy), `ending`, `over`.
    """

    kind: Literal["repealed", "amended", "missing", "not_yet", "ending", "over"]
    words: str
    blocks: bool = False
    """Whether the public may not be shown the entry any more."""


def search_text(content: Content) -> str:
    """What an entry is found by."""
    parts = [content.title, content.question, content.answer, " ".join(content.keywords)]
    return "\n".join(part for part in parts if part)
