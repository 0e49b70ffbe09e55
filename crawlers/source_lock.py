"""The folder of source files, for one at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes and threads of this machine from changing the folder's files, or reading them all.

    People's editors do not ask: who writes a file still has to look whether it is what was read. Where the file system
    knows no locks of folders, as NFS, that look is all there is.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
