"""A look at a source from the console: what it would give now, without storing anything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from console.access import Visit
from minsheng.errors import WrongUse
from minsheng.problems import Problem

if TYPE_CHECKING:
    from crawlers.checking import Checked

CHECKED = 3
"""Pages that a look fetches beside the source's own."""
_looking = threading.Lock()


def one_look(visit: Visit, subject: str, work: Callable[[], Checked]) -> Checked:
    """What `work` finds; one look at a time, as it takes some seconds. Audited before anything is asked for, so that
    what gives nothing is recorded, too. Raises `WrongUse` while another one goes on."""
    if not _looking.acquire(blocking=False):
        raise WrongUse(Problem("sources-busy"), "try again in a moment")
    try:
        visit.record("source-checked", subject)
        return work()
    finally:
        _looking.release()
