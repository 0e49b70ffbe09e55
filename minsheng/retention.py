"""How long things are kept: what is older than the settings say is removed, once an hour.

Policies, tickets with their timelines, events, briefings and the labels that persons set are kept; they are few, and
they are the record. With a label no text is kept: it goes with its document.
"""

from __future__ import annotations

from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from stream.log import TOPICS

if TYPE_CHECKING:
    from minsheng.road import Road

logger = get_logger(__name__)

EVERY_SECONDS = 3600.0


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What went: log messages (-1 where the log removes by itself), documents of the index, observations."""

    messages: int
    documents: int
    observations: int


def apply_retention(road: Road) -> Removed:
    """Remove what is too old, everywhere. Raises `Unavailable`; what was not reached is removed next time."""
    from alerts.retention import forget_before

    now = road.clock.now()
    oldest_message = int((now - timedelta(days=road.settings.stream.retention_days)).timestamp() * 1000)
    gone = [road.log.retain(topic, older_than_ms=oldest_message) for topic in TOPICS]
    return Removed(
        messages=-1 if min(gone) < 0 else sum(gone),
        documents=road.index.drop_before(now - timedelta(days=road.settings.search.retention_days)),
        observations=forget_before(road.store, now - timedelta(days=road.settings.alert.retention_days)),
    )


class RetentionClock:
    """Applies the retention every hour, on APScheduler's clock. A context manager."""

    def __init__(self, road: Road) -> None:
        self._road = road

    def __enter__(self) -> Self:
        from apscheduler.schedulers.background import BackgroundScheduler

        self._scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
        self._scheduler.add_job(self.tick, "interval", seconds=EVERY_SECONDS, jitter=60, id="retention")
        self._scheduler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.shutdown(wait=False)

    def tick(self) -> None:
        """One round; a part that is away is no reason to stop."""
        try:
            removed = apply_retention(self._road)
        except Unavailable as error:
            logger.warning("retention_postponed", reason=str(error))
        else:
            logger.info("retention", **msgspec.structs.asdict(removed))
