"""What a stage is: a plain function over a batch of records, with the little a worker must know to run it.

A stage knows no log. The worker (`stream.worker`) polls, decodes, calls `work`, sends the outputs, sends what was
rejected to the dead letters, and commits; then nothing is lost, and what is done twice has no effect the second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from minsheng.records import Assessed, Document, Grouped
from stream.log import Partition

In = TypeVar("In", Document, Assessed, Grouped)


class Rejected(NamedTuple):
    """A record of the batch, by its place, that can't be handled now or later, and why."""

    position: int
    reason: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a batch: records for the next topic, and what goes to the dead letters."""

    outputs: Sequence[Document | Assessed | Grouped] = ()
    rejected: Sequence[Rejected] = ()


class Stage(Protocol[In]):
    """One stage of the road.

    Attributes
    ----------
    name:
        `assess`, `group`, `index` or `alert`; also the consumer group's name.
    input, output:
        Topics; `output` is None where the stage's sink is no topic.
    record:
        The type of the input records.
    """

    name: str
    input: str
    record: type[In]

    @property
    def output(self) -> str | None: ...

    def start(self) -> Mapping[Partition, int] | None:
        """Load what the stage needs. Returns the positions its saved state belongs to, to continue from there; None
        to continue from what the group has committed. Called each time that the worker is given other partitions,
        before it sees their first record (so also after they were lost and regained): keep what is costly to load."""
        ...

    def work(self, batch: Sequence[In]) -> Result:
        """Handle the records in their order and return when every effect outside the outputs is stored.

        Called again with the same records after a failure, so effects must be idempotent. Raises
        `minsheng.errors.Unavailable` to say "wait and call me again"; any other exception makes the worker look for
        the record that causes it, one record at a time, and send that one to the dead letters.
        """
        ...

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        """Called after the outputs are stored, with the positions reached. True: they may be committed. A stage with
        state of its own saves it together with the positions, and returns False while it has not saved (the positions
        are then committed at a later checkpoint). `final`: the stage is about to stop, save now."""
        ...

    def close(self) -> None: ...
