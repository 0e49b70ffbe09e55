"""A briefing as it is kept: what was generated, what people changed in it, and how far it has come."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import msgspec

from briefings import words
from briefings.head import STATUS_WORDS, Head, Status
from briefings.looks import Look
from briefings.report import PUBLIC, Report, ReportKind, numbers
from briefings.wording import read, written

Action = Literal["made", "edited", "reviewed", "signed", "issued", "withdrawn", "corrected"]
ACTION_WORDS: dict[Action, str] = {
    "made": "生成",
    "edited": "修改",
    "reviewed": "审核通过",
    "signed": "签发",
    "issued": "印发",
    "withdrawn": "撤回",
    "corrected": "被更正",
}

PREFIXES: dict[ReportKind, str] = {
    "daily": "RB",
    "weekly": "ZB",
    "monthly": "YB",
    "special": "ZX",
    "release": "FB",
    "shift": "JB",
    "comparison": "DB",
    "statement": "HY",
    "consultation": "CN",
}
"""How the number of each kind begins: 日报, 周报, 月报, 专项, 发布, 交班, 对比, 回应, 采纳."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done with a briefing; `edits`: all changes of its text after it, where it made any."""

    version: int
    at: datetime
    actor: str
    action: Action
    note: str
    edits: dict[str, str] | None = None

    @property
    def words(self) -> str:
        return ACTION_WORDS.get(self.action, self.action)


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A paragraph that a person changed: what was generated, and what stands there now (empty: left out)."""

    paragraph: str
    generated: str
    text: str


class Kept(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A kept briefing; the fields are those of its row (`briefings.tables`)."""

    id: int
    number: str
    kind: ReportKind
    code: str
    edition: int
    matter: str
    name: str
    subject: str
    made_at: datetime
    made_by: str
    report: str
    report_digest: str
    look: str
    edits: dict[str, str]
    secrecy: str
    urgency: str
    mark: str
    recipients: tuple[str, ...]
    receivers: tuple[str, ...]
    status: Status
    version: int
    issue_year: int | None
    issue_number: int | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    signed_by: str | None
    signer: str
    signed_at: datetime | None
    digest: str | None
    issued_at: datetime | None
    withdrawn_at: datetime | None
    reason: str
    corrects: str | None
    corrected_by: str | None

    @cached_property
    def generated(self) -> Report:
        """As the rules made it."""
        return msgspec.json.decode(self.report, type=Report)

    @cached_property
    def current(self) -> Report:
        """With what people changed."""
        known = list(numbers(self.generated))
        return self.generated.edited({name: read(text, known) for name, text in self.edits.items()})

    @property
    def changes(self) -> list[Changed]:
        """What people changed, in the order of the page."""
        return [
            Changed(paragraph=name, generated=written(paragraph.parts), text=self.edits[name])
            for name, paragraph in self.generated.paragraphs().items()
            if name in self.edits
        ]

    @property
    def status_words(self) -> str:
        return STATUS_WORDS[self.status]

    @property
    def issue(self) -> str:
        """〔2026〕第128期; empty until it is signed."""
        return issue_words(self.issue_year, self.issue_number)

    @property
    def intact(self) -> bool:
        """Whether it still is what was generated and, once signed, what was signed."""
        whole = hashlib.sha256(self.report.encode()).hexdigest() == self.report_digest
        return whole and (self.digest is None or self.digest == signed_digest(self))

    @property
    def head(self) -> Head:
        """What stands around its text now."""
        notices = []
        if self.withdrawn_at is not None:
            notices.append(f"本期已于{words.time_words(self.withdrawn_at)}撤回，请勿再用。原因：{self.reason}")
        elif self.corrects:
            notices.append(f"本期更正{self.corrects}，以本期为准。更正说明：{self.reason}")
        if self.corrected_by:
            notices.append(f"本期已由{self.corrected_by}更正，请以更正后的为准。")
        if not self.intact:
            notices.append("内容与签发时不一致，不能作为依据，请联系运维。")
        return Head(
            number=self.number,
            issue=self.issue,
            status=self.status,
            secrecy=self.secrecy,
            urgency=self.urgency,
            mark=self.mark,
            signer=self.signer,
            signed_at=self.signed_at,
            digest=self.digest or "",
            recipients=self.recipients,
            notices=tuple(notices),
        )

    @classmethod
    def of(cls, row: Any) -> Kept:
        """From its row."""
        return msgspec.convert({name: row[name] for name in cls.__struct_fields__}, cls)


def issue_words(year: int | None, number: int | None) -> str:
    return f"〔{year}〕第{number}期" if number is not None else ""


def signed_digest(kept: Kept) -> str:
    """SHA-256 over all that a signature stands for: text, figures, changes, look, marks, list, signer, number."""
    signed = [
        kept.number, kept.issue_year, kept.issue_number, kept.report_digest, kept.look, sorted(kept.edits.items()),
        kept.secrecy, kept.urgency, kept.mark, kept.recipients, kept.receivers, kept.signed_by, kept.signer,
        int(kept.signed_at.timestamp()) if kept.signed_at else None, kept.corrects,
    ]  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(signed)).hexdigest()


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A kept briefing for programs: what stands around it, its text as it is, and what of it people changed."""

    head: Head
    status: str
    report: Report
    changes: list[Changed]
    look: str


def form(kept: Kept, look: Look, format: str, evidence_base: str = "") -> bytes:  # noqa: A002
    """One of its forms: html, pdf, docx or json. The same state of the same briefing gives the same bytes, PDFs apart:
    these bear dates of their own.

    Raises as `briefings.making.render` does.
    """
    from briefings.html import page_of
    from briefings.making import render

    if format == "json":
        whole = Form(
            head=kept.head, status=kept.status_words, report=kept.current.outward(),
            changes=[] if kept.kind in PUBLIC else kept.changes, look=kept.look,
        )  # fmt: skip
        return msgspec.json.format(msgspec.json.encode(whole, order="deterministic"), indent=2)
    if format == "html":
        return page_of(kept.current.outward(), kept.head, look, evidence_base=evidence_base).encode()
    return render(kept.current, format, kept.head, look)  # type: ignore[arg-type]
