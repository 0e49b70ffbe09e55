"""What a policy is."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

Stage = Literal["draft", "released", "in_force", "amended", "repealed"]
STAGES: dict[Stage, str] = {
    "draft": "征求意见",
    "released": "已发布",
    "in_force": "现行有效",
    "amended": "已修改",
    "repealed": "已废止",
}
"""Stage → the words that people are shown, and may write in files."""

Sensitivity = Literal["low", "normal", "high"]


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One policy document and what its department wants watched about it.

    Attributes
    ----------
    id:
        The policy's name in this system, e.g. `yunhe-housing-2026`; never reused.
    title, number:
        As on the document: whole title without 《》, and 文号 in its standard spelling (川办发〔2023〕12号).
    aliases:
        Names people use for it (双减, 医保新规). One alias may belong to several policies.
    topics:
        Policy areas, in the words of the topic head.
    consultation_opens, consultation_closes:
        First and last day of the consultation on a draft.
    released_on, effective_on, amended_on, repealed_on:
        The day each happened or is going to happen.
    successor:
        Id of the policy that takes this one's place.
    url:
        The document's own page.
    plans:
        Ids of the response plans bound to it.
    sensitivity:
        How soon talk about it becomes a risk.
    watch_words:
        Words to search sources for, beside title and aliases.
    exclude_words:
        Words that show that a text means something else by the same name.
    """

    id: str
    title: str
    number: str | None = None
    aliases: tuple[str, ...] = ()
    department: str | None = None
    topics: tuple[str, ...] = ()
    stage: Stage = "in_force"
    consultation_opens: date | None = None
    consultation_closes: date | None = None
    released_on: date | None = None
    effective_on: date | None = None
    amended_on: date | None = None
    repealed_on: date | None = None
    successor: str | None = None
    url: str | None = None
    plans: tuple[str, ...] = ()
    sensitivity: Sensitivity = "normal"
    watch_words: tuple[str, ...] = ()
    exclude_words: tuple[str, ...] = ()

    @property
    def stage_words(self) -> str:
        """The stage in Chinese."""
        return STAGES[self.stage]

    def content_hash(self) -> str:
        """16 hexadecimal digits that change when anything in the policy changes."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


_NUMBER = re.compile(
    r"^(?P<issuer>[^\d\[\](){}]+)[\[({](?P<year>(?:19|20)\d{2})年?[\])}](?:第)?0*(?P<serial>\d{1,5})号?$"
)
_BRACKETS = str.maketrans("〔〕【】〖〗〘〙", "[][][][]")


def standard_number(text: str) -> str | None:
    """A 文号 in its standard spelling, or None where the text is none.

    Examples
    --------
    >>> standard_number("川办发 [２０２３] 12 号")
    '川办发〔2023〕12号'
    """
    folded = "".join(unicodedata.normalize("NFKC", text.translate(_BRACKETS)).split())
    found = _NUMBER.match(folded)
    return f"{found['issuer']}〔{found['year']}〕{found['serial']}号" if found else None


def revision_of(policies: Iterable[Policy]) -> str:
    """A short name for exactly these policies, in any order; it changes when any of them does."""
    return combined_revision((policy.id, policy.content_hash()) for policy in policies)


def combined_revision(hashes: Iterable[tuple[str, str]]) -> str:
    """`revision_of`, from (id, content hash) pairs."""
    digest = hashlib.sha256()
    for identity, content in sorted(hashes):
        digest.update(f"{identity}\n{content}\n".encode())
    return digest.hexdigest()[:12]
