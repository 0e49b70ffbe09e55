"""The grouping stage: assessed documents in, grouped documents out, in one order by one active process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grouping.memory import Event, Member, Memory
from grouping.merging import Merge
from grouping.state import GroupingState
from minsheng.exercises import EXERCISE, event_of
from minsheng.logs import get_logger
from minsheng.records import Assessed, Duplicate, EventRef, Grouped
from minsheng.settings import GroupSettings
from minsheng.store import Store
from stream.log import ASSESSED, GROUPED, Partition
from stream.stage import Result

log = get_logger(__name__)


class GroupStage:
    """Puts each document into its near-duplicate group and event. See `stream.stage.Stage`.

    What persons merged and split since is looked at before each batch and taken into the memory at the next checkpoint.
    The memory is saved at each checkpoint with the positions it belongs to, and these, not the group's committed
    offsets, say where to go on.

    Documents of a drill are in an event of their own and leave no trace in the memory: nothing real is put beside them,
    now or later.
    """

    name = "group"
    input = ASSESSED
    output: str | None = GROUPED
    record = Assessed

    def __init__(self, store: Store, settings: GroupSettings) -> None:
        self.state = GroupingState(store, settings)
        self._memory: Memory | None = None
        self._unsaved: list[Member] = []
        self._touched: dict[str, Event] = {}
        self._merges: list[Merge] = []
        self._changed = False

    def start(self) -> Mapping[Partition, int] | None:
        self._memory, positions = self.state.load()
        self._unsaved.clear()
        self._touched.clear()
        self._merges.clear()
        self._changed = False
        log.info("grouping_loaded", documents=self._memory.sequence, events=len(self._memory.events))
        return positions

    def work(self, batch: Sequence[Assessed]) -> Result:
        if self._memory is None:
            raise RuntimeError("start() comes before work()")
        self._changed = self.state.changed_by_hand() or self._changed
        history = self.state.history
        grouped = []
        for assessed in batch:
            if assessed.document.source == EXERCISE:
                alone = Duplicate(group=assessed.document.id)
                event_ref = EventRef(id=event_of(assessed.document))
                grouped.append(Grouped(assessed=assessed, duplicate=alone, event=event_ref))
                continue
            member, new, merges = self._memory.place(assessed)
            if new:
                self._unsaved.append(member)
                self._touched[member.event] = self._memory.events[member.event]
            for merge in merges:
                self._merges.append(merge)
                self._touched.pop(merge.event, None)
                kept = self._memory.events.get(merge.into)
                if kept is not None:  # else a later merge of the same document made it part of another event
                    self._touched[merge.into] = kept
            event = history.moved.get(assessed.document.id) or history.today(self._memory.today(member.event))
            merged = tuple(merge.event for merge in merges)
            reference = EventRef(id=event, similarity=member.event_similarity, merged=merged)
            grouped.append(Grouped(assessed=assessed, duplicate=member.duplicate(), event=reference))
        return Result(outputs=grouped)

    def checkpoint(self, positions: Mapping[Partition, int], *, final: bool = False) -> bool:
        familiar = self._memory.familiar if self._memory is not None else None
        if not self.state.save(self._unsaved, self._touched.values(), positions, self._merges, familiar):
            log.warning("grouping_taken_over", hint="another grouping process owns the state now; this one stops")
            return False
        if familiar is not None:
            familiar.changed = False
        self._unsaved.clear()
        self._touched.clear()
        self._merges.clear()
        if self._changed:
            # A person has merged or split events: what was just saved is put right and read again.
            self.start()
        return True

    def close(self) -> None:
        self._memory = None
