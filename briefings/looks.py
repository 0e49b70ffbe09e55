"""The files that give briefings their look: the shipped ones, or those of the same name in the unit's own folder.

A set of files is known by the hash over them. A kept briefing names the set it was made with, so that it looks the same
when the files have changed since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

import msgspec

from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.settings import Settings

SHIPPED = Path(__file__).parent / "templates"
NAMES = ("report.html.j2", "report.css", "screen.css", "print.css")
DOCUMENT = "report.docx"
"""The unit's own Word file; without it the document is made from scratch."""
_LARGEST = 2_000_000


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Name → text of the files of `NAMES`; `document` is the bytes of the Word file, where there is one."""

    files: dict[str, str]
    document: bytes | None = None

    @property
    def version(self) -> str:
        """16 hexadecimal digits over all of it."""
        digest = hashlib.sha256()
        for name in sorted(self.files):
            digest.update(f"{name}\0{self.files[name]}\0".encode())
        digest.update(self.document or b"")
        return digest.hexdigest()[:16]

    @classmethod
    def read(cls, folder: Path | None = None) -> Self:
        """The files of a folder, and the shipped ones for what is not there.

        Raises
        ------
        WrongUse
            Where a file is no UTF-8 text, or far too large.
        """
        files = {}
        for name in NAMES:
            own = folder / name if folder is not None else None
            files[name] = _text(own if own is not None and own.is_file() else SHIPPED / name)
        document = folder / DOCUMENT if folder is not None else None
        return cls(files=files, document=_bytes(document) if document is not None and document.is_file() else None)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls.read(settings.path("briefing-templates"))


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongUse(f"{path} is no UTF-8 text: {error}", "save it as UTF-8") from None


def _bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WrongUse(
            Problem("file-unreadable", file=path, reason=error.strerror), "mend its permissions or take it away"
        ) from None
    if len(content) > _LARGEST:
        raise WrongUse(Problem("file-large", file=path, most=_LARGEST), "take large pictures out of it")
    return content
