"""Files attached to a ticket, kept in the data folder under the hash of their bytes.

The bytes are written first, beside their place, and moved into it at once; so a file that the store knows is whole. A
file that is attached twice is kept once. Names from outside are only shown, never used as a path.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import sqlalchemy as sa

from alerts.casework.tables import attachments
from alerts.transitions import changing, find
from minsheng.clock import Clock
from minsheng.errors import BadInput, WrongUse
from minsheng.problems import Problem
from minsheng.settings import Settings
from minsheng.store import Store

_CHUNK = 1 << 20
_LONGEST_NAME = 120
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One attached file: cleaned name, SHA-256, size in bytes."""

    name: str
    hash: str
    size: int
    added_at: datetime
    added_by: str


def attach(
    store: Store, clock: Clock, settings: Settings, name: str, file: BinaryIO, file_name: str, *, actor: str
) -> Attachment:
    """Attach a file's bytes to a ticket.

    Raises
    ------
    BadInput
        The file is empty or larger than `alert.attachment_bytes`; nothing is kept.
    """
    folder = settings.path("attachments")
    cleaned = clean_name(file_name)
    digest, size = _keep(folder, file, settings.alert.attachment_bytes)
    with changing(store, clock, name, actor=actor) as change:
        known = sa.select(attachments).where(attachments.c.ticket_id == change.id, attachments.c.hash == digest)
        row = change.connection.execute(known).mappings().first()
        values = {"name": cleaned, "size": size, "added_at": change.now, "added_by": change.actor, "removed_at": None}
        if row is None:
            change.connection.execute(attachments.insert().values(ticket_id=change.id, hash=digest, **values))
        elif row["removed_at"] is None:
            raise WrongUse(Problem("attached-already", name=row["name"]), "nothing is to be done")
        else:
            change.connection.execute(attachments.update().where(attachments.c.id == row["id"]).values(**values))
        change.write("attached", {"name": cleaned, "hash": digest, "size": size})
        return Attachment(name=cleaned, hash=digest, size=size, added_at=change.now, added_by=change.actor)


def attachments_of(store: Store, name: str) -> list[Attachment]:
    """The files attached to a ticket, in the order they came."""
    with store.read() as connection:
        ticket_id = find(connection, name)["id"]
        query = sa.select(attachments).where(attachments.c.ticket_id == ticket_id, attachments.c.removed_at.is_(None))
        return [
            Attachment(**{field: row[field] for field in Attachment.__struct_fields__})
            for row in connection.execute(query.order_by(attachments.c.id)).mappings()
        ]


def path_of(store: Store, settings: Settings, name: str, which: str) -> Path:
    """Where the bytes of a ticket's attachment lie; `which` is its name or the beginning of its hash.

    Raises
    ------
    WrongUse
        The ticket has no such attachment, or more than one.
    BadInput
        The file is gone from the data folder, or its bytes are not those that were attached.
    """
    found = [
        one
        for one in attachments_of(store, name)
        if one.name == which or (len(which) >= 8 and one.hash.startswith(which))
    ]
    if len(found) != 1:
        raise WrongUse(_not_one(name, len(found), which), f"see minsheng tickets show {name}; name it by its hash")
    path = _place(settings.path("attachments"), found[0].hash)
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(
            Problem("attachment-unreadable", name=found[0].name, path=path, reason=error.strerror),
            "restore it from a backup",
        ) from error
    if actual != found[0].hash:
        raise BadInput(Problem("attachment-changed", name=found[0].name, path=path), "restore it from a backup")
    return path


def detach(store: Store, clock: Clock, name: str, which: str, *, actor: str, reason: str) -> None:
    """Show an attachment no longer. Its bytes stay: the timeline names them."""
    if not reason.strip():
        raise WrongUse(Problem("attachment-reason"), "add --reason")
    with changing(store, clock, name, actor=actor) as change:
        match = sa.or_(attachments.c.name == which, attachments.c.hash == which)
        query = sa.select(attachments).where(
            attachments.c.ticket_id == change.id, attachments.c.removed_at.is_(None), match
        )
        rows = change.connection.execute(query).mappings().all()
        if len(rows) != 1:
            raise WrongUse(_not_one(name, len(rows), which), "name one by its whole hash")
        gone = attachments.update().where(attachments.c.id == rows[0]["id"]).values(removed_at=change.now)
        change.connection.execute(gone)
        detail = {"name": rows[0]["name"], "hash": rows[0]["hash"], "reason": reason.strip()}
        change.write("attachment-removed", detail)


def clean_name(name: str) -> str:
    """A file's name as it may be shown and saved on any system: the last part of a path, without control characters,
    marks that turn the reading direction, characters that some system forbids, and what has a meaning there.

    Examples
    --------
    >>> clean_name("../../情况 说明\\u202etxt.docx")
    '情况 说明txt.docx'
    """
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(one for one in last if unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    cleaned = _FORBIDDEN.sub("_", visible).strip(" .")
    if _RESERVED.match(cleaned):
        cleaned = f"_{cleaned}"
    if len(cleaned) > _LONGEST_NAME:
        stem, dot, suffix = cleaned.rpartition(".")
        keep = dot + suffix if dot and len(suffix) <= 10 else ""
        cleaned = (stem if keep else cleaned)[: _LONGEST_NAME - len(keep)] + keep
    return cleaned or "未命名"


def _place(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest


def _keep(folder: Path, file: BinaryIO, most: int) -> tuple[str, int]:
    """Write the bytes to their place. Returns their hash and number."""
    folder.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".incoming-")
    try:
        with os.fdopen(handle, "wb") as out:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise BadInput(
                        Problem("attachment-large", most=most), "attach a smaller one, or set alert.attachment_bytes"
                    )
                digest.update(chunk)
                out.write(chunk)
            if not size:
                raise BadInput(Problem("attachment-empty"), "attach the one that was meant")
            out.flush()
            os.fsync(out.fileno())
        place = _place(folder, digest.hexdigest())
        place.parent.mkdir(exist_ok=True)
        Path(temporary).replace(place)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    return digest.hexdigest(), size


def _not_one(ticket: str, count: int, which: str) -> Problem:
    if count == 0:
        return Problem("attachment-unknown", number=ticket, which=which)
    return Problem("attachment-several", number=ticket, count=count, which=which)
