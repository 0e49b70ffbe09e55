"""Files that forms send, for what reads files from the disk."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.access import Visit
from minsheng.errors import BadInput, WrongUse

_NOT_NAME = re.compile(r"[^\w.（）() -]")


@contextmanager
def uploaded(visit: Visit, field: str = "file") -> Iterator[Path | None]:
    """The file that was sent, on the disk for as long as it is read; None where none was."""
    file = visit.file(field)
    if file is None:
        yield None
        return
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2][-120:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (_NOT_NAME.sub("_", name) if name.strip(". ") else "file")
        path.write_bytes(file.file.read())
        try:
            yield path
        except (WrongUse, BadInput) as error:  # where it lay for that moment says nothing to its sender
            where = f"{folder}/"
            said = error.problem.without(where) if error.problem else error.message.replace(where, "")
            raise type(error)(said, error.hint) from error
