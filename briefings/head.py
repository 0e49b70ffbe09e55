"""What stands around a briefing's text: masthead, marks, number, signature, distribution."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Status = Literal["draft", "edited", "reviewed", "signed", "issued", "withdrawn"]
STATUS_WORDS: dict[Status, str] = {
    "draft": "草稿",
    "edited": "已修改",
    "reviewed": "已审核",
    "signed": "已签发",
    "issued": "已印发",
    "withdrawn": "已撤回",
}


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Of one briefing, as it stands now.

    Attributes
    ----------
    number:
        Its name in this system: RB-20260508. With the small number beside a figure it names that figure's evidence.
    issue:
        〔2026〕第128期; given when it is signed.
    secrecy, urgency, mark:
        密级 and 紧急程度, printed top left in bold where they are set; `mark` is printed where there is no secrecy.
    signer, signed_at, digest:
        Who signed it, when, and the SHA-256 over what was signed.
    recipients:
        Those it is issued to, in words.
    notices:
        What a reader must know before anything else: withdrawn, corrected, corrects.
    """

    number: str = ""
    issue: str = ""
    status: Status = "draft"
    secrecy: str = ""
    urgency: str = ""
    mark: str = "内部资料　注意保存"
    signer: str = ""
    signed_at: datetime | None = None
    digest: str = ""
    recipients: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def status_words(self) -> str:
        return STATUS_WORDS[self.status]

    @property
    def unsigned(self) -> bool:
        """Whether it is a kept one that nobody has signed: every form says so."""
        return bool(self.number) and self.status in ("draft", "edited", "reviewed")
