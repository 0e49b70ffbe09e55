"""The index stage: writes every grouped record to the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from minsheng.clock import Clock, SystemClock
from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from minsheng.records import Grouped
from search.index import Index
from stream.log import GROUPED, Partition
from stream.stage import Rejected, Result

log = get_logger(__name__)

PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds to wait before each time that what the index could not take yet is written again."""


class IndexStage:
    """Writes a batch and returns when all of it is stored, conflicts with a same or newer version, or is refused.

    Parameters
    ----------
    index:
        Where to write.
    clock:
        Used to wait between tries.
    """

    name = "index"
    input = GROUPED
    output: str | None = None
    record = Grouped

    def __init__(self, index: Index, clock: Clock | None = None) -> None:
        self._index = index
        self._clock = clock or SystemClock()

    def start(self) -> Mapping[Partition, int] | None:
        self._index.ensure()
        return None

    def work(self, batch: Sequence[Grouped]) -> Result:
        """Raises `Unavailable` where the index still can't take some after all pauses."""
        rejected: list[Rejected] = []
        waiting = list(range(len(batch)))
        reason = ""
        for pause in (0.0, *PAUSES):
            if pause:
                log.info("index_retry", records=len(waiting), reason=reason, pause=pause)
            self._clock.sleep(pause)
            again = []
            for place, written in zip(waiting, self._index.write([batch[place] for place in waiting]), strict=True):
                if written.outcome == "rejected":
                    rejected.append(Rejected(place, written.reason))
                elif written.outcome == "retry":
                    again.append(place)
                    reason = written.reason
            waiting = again
            if not waiting:
                return Result(rejected=sorted(rejected))
        raise Unavailable("index", f"{len(waiting)} records could not be written: {reason}", "it is tried again")

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        """The index keeps no state that belongs to positions: they may be committed."""
        return True

    def close(self) -> None:
        self._index.close()
