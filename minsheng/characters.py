"""Characters that make a text look other than it is, which people and office programs are spared."""

from __future__ import annotations

import re

_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""What turns the direction of reading (Unicode's Bidi_Control): exe.fdp is shown as pdf.exe."""
_HIDDEN = "\u00ad\u180e\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f"
"""What takes no room. Joiners (U+200C, U+200D) are not among them: scripts and emoji are written with these."""
_UNSEEN = re.compile(f"[{_TURNING}{_HIDDEN}]")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML, and so a spreadsheet or a text file of an office program, can't hold."""


def as_it_reads(text: str) -> str:
    """The text without characters that turn the direction of reading, or that hide.

    Examples
    --------
    >>> as_it_reads("情况\\u202efdp.exe")
    '情况fdp.exe'
    """
    return text if reads_as_it_is(text) else _UNSEEN.sub("", text)


def reads_as_it_is(text: str) -> bool:
    """Whether there are no such characters in it."""
    return text.isascii() or _UNSEEN.search(text) is None


def for_office(text: str) -> str:
    """The text as files of office programs can hold it, and as it reads.

    Examples
    --------
    >>> for_office("一\\x0b行\\ud800\\u202e")
    '一行?'
    """
    return as_it_reads(_UNWRITABLE.sub("", text)).encode("utf-8", "replace").decode()
