"""The road: the stages put together on the parts that the settings name.

`minsheng stage NAME` runs one of them as a process; `minsheng run` runs all of them as threads of one process. The
stages are the same, and know nothing of either.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from minsheng.clock import Clock
from minsheng.errors import Unavailable, WrongUse
from minsheng.logs import get_logger
from minsheng.parts import open_index, open_log, open_store, topic_partitions
from minsheng.settings import Settings
from minsheng.store.migrate import migrate
from stream.log import ASSESSED, DOCUMENTS, GROUPED
from stream.stage import Stage
from stream.worker import Worker

StageName = Literal["assess", "group", "index", "alert"]
WORKERS: tuple[StageName, ...] = ("assess", "group", "index", "alert")

READS: dict[StageName, str] = {"assess": DOCUMENTS, "group": ASSESSED, "index": GROUPED, "alert": GROUPED}
"""Stage → the topic it reads, in the order of the road."""

MAX_BACKOFF = 30.0
"""Longest pause, in seconds, between two tries to reach a server."""

logger = get_logger(__name__)

T = TypeVar("T")


class Stopped(Exception):
    """The wait was ended by the stop event."""


def patiently(action: Callable[[], T], clock: Clock, stop: threading.Event) -> T:
    """Call `action` until what it needs can be reached, with growing pauses, saying so at the first and every later
    minute.

    Raises
    ------
    Stopped
        If `stop` was set while waiting.
    """
    pause, said = 0.5, float("-inf")
    while True:
        try:
            return action()
        except Unavailable as error:
            if clock.monotonic() - said >= 60:
                logger.warning("waiting", part=error.part, reason=error.message, hint=error.hint)
                said = clock.monotonic()
        if stop.wait(pause * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads retries, guards nothing
            raise Stopped
        pause = min(2 * pause, MAX_BACKOFF)


class Road:
    """The parts, opened once, and the stages made from them.

    Parameters
    ----------
    stop:
        Ends every wait and worker; set it to stop.

    Attributes
    ----------
    on_notice:
        Called by alert stages made after it is set, when notices wait to be sent.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        stop: threading.Event | None = None,
    ) -> None:
        self.settings = settings
        self.on_notice: Callable[[], None] | None = None
        self.clock = clock
        self.stop = stop or threading.Event()
        self.log = open_log(settings)
        self.index = open_index(settings)
        self.store = open_store(settings)

    def prepare(self, *, index: bool = True, store: bool = True) -> None:
        """Make topics, tables and index, waiting for servers that are away."""
        patiently(lambda: self.log.ensure_topics(topic_partitions(self.settings)), self.clock, self.stop)
        if store:
            patiently(lambda: migrate(self.store), self.clock, self.stop)
        if index:
            patiently(self.index.ensure, self.clock, self.stop)

    def stage(self, name: str) -> Stage[Any]:
        """The stage of this name, on this road's parts."""
        if name == "assess":
            from classifiers.corrections import CorrectionBook, CurrentLabels
            from classifiers.load import load_model
            from classifiers.stage import AssessStage, parents_in
            from minsheng.policies import PolicyRegister

            return AssessStage(
                load_model(self.settings),
                PolicyRegister(self.store),
                self.clock,
                parent_lookup=parents_in(self.index),
                labels=CurrentLabels(CorrectionBook(self.store, self.clock)),
            )
        if name == "group":
            from grouping.stage import GroupStage

            return GroupStage(self.store, self.settings.group)
        if name == "index":
            from search.stage import IndexStage

            # An index of its own: the stage closes it at its end, while others may still search.
            return IndexStage(open_index(self.settings), self.clock)
        if name == "alert":
            from alerts.planning.shelf import LivePlans
            from alerts.stage import AlertStage
            from minsheng.policies import PolicyRegister

            plans = LivePlans(self.store, self.settings.path("plans"), self.clock)
            return AlertStage(
                self.store, plans, PolicyRegister(self.store), self.settings, self.clock, on_notice=self.on_notice
            )
        raise WrongUse(f"there is no stage '{name}'", f"stages are crawl, {', '.join(WORKERS)}")

    def worker(self, name: str) -> Worker[Any]:
        """A worker for the stage of this name."""
        stream = self.settings.stream
        return Worker(
            self.stage(name),
            self.log,
            clock=self.clock,
            batch=min(stream.batch, stream.assess_batch) if name == "assess" else stream.batch,
            dead_letter_run=stream.dead_letter_run,
            dead_letter_ratio=stream.dead_letter_ratio,
        )

    def behind(self) -> dict[StageName, int]:
        """Stage → how many records it has not handled yet. Raises `Unavailable`."""
        return {name: self.log.lag(topic, name).behind for name, topic in READS.items()}

    def replay(self, name: StageName) -> None:
        """Let a stage read its topic again from the start; to be called while none of its processes runs."""
        self.log.reset(name, [READS[name]])
        if name == "group":
            from grouping.state import GroupingState

            GroupingState(self.store, self.settings.group).forget()

    def close(self) -> None:
        """Close what was opened."""
        self.log.close()
        self.index.close()
        self.store.close()
