"""The worker: poll → work → sink → commit, around one stage.

A batch is committed when the stage has stored its effects and the log has stored the outputs. Killed anywhere, the
worker does the batch again. What can't be reached is waited for, with the batch in hand and the membership alive; what
can't be handled goes to the dead letters; when nearly everything does, the worker stops instead.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, Literal, TypeVar

from minsheng.clock import Clock
from minsheng.errors import BadInput, MinshengError, Unavailable, WrongUse
from minsheng.logs import get_logger
from minsheng.records import decode
from stream.dead_letters import dead_letter, dead_letter_message
from stream.health import Health, HealthRecord
from stream.limits import DeadLetterLimit, TooManyRejected
from stream.log import Consumer, Log, Message, Partition, Producer, Received, size_limit
from stream.messages import DocumentSink, document_message, record_message
from stream.stage import In, Rejected, Result, Stage

__all__ = ["DocumentSink", "TooManyRejected", "Worker", "document_message", "record_message"]

logger = get_logger(__name__)

T = TypeVar("T")

_MAX_BACKOFF = 30.0  # seconds
_REMIND_SECONDS = 60.0  # how often a wait is logged again
_LAG_SECONDS = 5.0  # how often the lag is asked for
_SLICE = 0.2  # seconds a wait notices a stop after


class _Dropped(Exception):
    """The batch in hand is no longer this worker's, or it was told to stop while it waited: read again later."""


class Worker(Generic[In]):
    """Runs one stage on the log. To be used from one thread; `health` may be read from any.

    Parameters
    ----------
    stage:
        The stage; its name is the consumer group's.
    batch:
        Largest number of records a poll.
    producer:
        For the outputs; default one of its own.
    dead_letter_run, dead_letter_ratio:
        Limits on what is rejected, see `stream.limits`.
    poll_seconds:
        How long a poll waits for records; a stop is noticed after at most so long.
    """

    def __init__(
        self,
        stage: Stage[In],
        log: Log,
        *,
        clock: Clock,
        batch: int = 500,
        producer: Producer | None = None,
        dead_letter_run: int = 200,
        dead_letter_ratio: float = 0.5,
        poll_seconds: float = 0.5,
    ) -> None:
        self.stage: Stage[In] = stage
        self._log = log
        self._clock = clock
        self._batch = batch
        self._poll_seconds = poll_seconds
        self._own_producer = producer is None
        self._producer = producer
        self._consumer: Consumer | None = None
        self._limit = DeadLetterLimit(dead_letter_run, dead_letter_ratio)
        self._health = HealthRecord(stage.name, clock)
        self._stop = threading.Event()
        self._generation = 0
        self._reached: dict[Partition, int] = {}  # handled, but not committed yet
        self._uncommitted_from: dict[Partition, int] = {}  # where that begins
        self._lag_at = float("-inf")
        self._asking: threading.Thread | None = None

    @property
    def health(self) -> Health:
        """How the worker is now."""
        return self._health.snapshot()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish the batch, save, commit and close.

        Raises
        ------
        TooManyRejected
            If nearly everything was rejected.
        MinshengError
            If the stage or the log can't go on; a wait for what is only away now is no reason.
        """
        self._stop = stop
        logger.info("worker_started", stage=self.stage.name, input=self.stage.input)
        try:
            while not stop.is_set():
                self.step()
                self._watch_lag()
            self._save_last()
        except BaseException as error:
            reason = str(error) if isinstance(error, MinshengError) else f"{type(error).__name__}: {error}"
            self._health.enter("stopped", reason)
            logger.error("worker_stopped", stage=self.stage.name, reason=reason)
            raise
        finally:
            self.close()
        self._health.enter("stopped")
        logger.info("worker_stopped", stage=self.stage.name, processed=self.health.processed)

    def drain(self, stop: threading.Event | None = None) -> int:
        """Work until the group has handled everything in the input. Returns how many records this worker handled.

        The worker stays usable; `close` it at the end.
        """
        self._stop = stop or self._stop
        handled = 0
        while not self._stop.is_set():
            count = self.step()
            handled += count
            if count == 0:
                self._save_last()
                if self._ask_lag() == 0:
                    break
        return handled

    def step(self) -> int:
        """One poll, and everything up to the commit. Returns how many records were handled; 0 where none came, or
        where the batch was dropped because its partitions were lost."""
        received: list[Received] = []
        try:
            with self._timed("poll"):
                received = self._patiently(self._poll)
            consumer = self._consumer
            if consumer is not None and consumer.generation() != self._generation:
                received = self._reassigned(consumer, received)
            if self._health.state == "starting":
                self._health.enter("running")
            if received:
                self._handle(received)
            else:
                self._save()
            return len(received)
        except BaseException as error:
            self._put_back(received)
            if isinstance(error, _Dropped):
                return 0
            raise

    def close(self) -> None:
        """Leave the group and close the stage. What was not committed is read again by the next one."""
        if self._asking is not None:
            self._asking.join()
            self._asking = None
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
        if self._own_producer and self._producer is not None:
            self._producer.close()
            self._producer = None
        self.stage.close()

    def _poll(self) -> list[Received]:
        if self._consumer is None:
            self._consumer = self._log.consumer([self.stage.input], self.stage.name)
        return self._consumer.poll(self._batch, self._poll_seconds)

    def _reassigned(self, consumer: Consumer, received: list[Received]) -> list[Received]:
        """Start the stage anew on the partitions now held, and keep of `received` what still follows."""
        generation = consumer.generation()
        held = consumer.assignment()
        if held:
            positions = self._patiently(self.stage.start)
            # What was handled without a commit is in no saved state, so it is read again.
            back = {partition: first for partition, first in self._uncommitted_from.items() if partition in held}
            back.update({p: offset for p, offset in (positions or {}).items() if p in held})
            consumer.seek(back)
            received = [message for message in received if Partition(message.topic, message.partition) not in back]
        self._reached.clear()
        self._uncommitted_from.clear()
        self._generation = generation
        logger.info("partitions_assigned", stage=self.stage.name, partitions=sorted(p.number for p in held))
        return received

    def _put_back(self, received: Sequence[Received]) -> None:
        """Let the next poll begin with these again, where they are still this worker's."""
        if self._consumer is None or not received:
            return
        first: dict[Partition, int] = {}
        for message in received:
            first.setdefault(Partition(message.topic, message.partition), message.offset)
        with contextlib.suppress(MinshengError):
            held = self._consumer.assignment()
            self._consumer.seek({partition: offset for partition, offset in first.items() if partition in held})

    def _handle(self, received: Sequence[Received]) -> None:
        records, places, reasons = self._decoded(received)
        with self._timed("work"):
            result = self._work(records)
        for rejected in result.rejected:
            reasons[places[rejected.position]] = rejected.reason
        if reasons:
            outcomes = [place in reasons for place in range(len(received))]
            self._limit.check(outcomes, self.stage.name, reasons[max(reasons)])
        else:
            self._limit.check([False] * len(received), self.stage.name, "")
        outgoing = self._outgoing(received, result, reasons)
        with self._timed("send"):
            self._still_held(received)
            if outgoing:
                self._patiently(lambda: self._send(outgoing))
            self._still_held(received)
            for message in received:
                partition = Partition(message.topic, message.partition)
                self._uncommitted_from.setdefault(partition, message.offset)
                self._reached[partition] = message.offset + 1
            self._save()
        self._health.count(len(received), len(reasons))
        if reasons:
            first = min(reasons)
            logger.warning("records_rejected", stage=self.stage.name, count=len(reasons), first_reason=reasons[first])

    def _decoded(self, received: Sequence[Received]) -> tuple[list[In], list[int], dict[int, str]]:
        """The readable records, the place in the batch of each, and why the others are not readable."""
        records: list[In] = []
        places: list[int] = []
        reasons: dict[int, str] = {}
        for place, message in enumerate(received):
            try:
                records.append(decode(self.stage.record, message.value))
                places.append(place)
            except BadInput as error:
                reasons[place] = str(error)
        return records, places, reasons

    def _work(self, records: Sequence[In]) -> Result:
        if not records:
            return Result()
        try:
            return self._patiently(lambda: self.stage.work(records))
        except (_Dropped, WrongUse):
            raise
        except Exception as error:
            reason = _reason(error)
            self._health.error(reason)
            # With its traceback once a batch; the dead letters keep the reason of each record.
            logger.error("batch_failed", stage=self.stage.name, records=len(records), reason=reason, exc_info=True)
            if len(records) == 1:
                return Result(rejected=[Rejected(0, reason)])
        results = [self._work_alone(record) for record in records]
        return Result(
            outputs=[output for result in results for output in result.outputs],
            rejected=[Rejected(place, r.reason) for place, result in enumerate(results) for r in result.rejected],
        )

    def _work_alone(self, record: In) -> Result:
        try:
            return self._patiently(lambda: self.stage.work([record]))
        except (_Dropped, WrongUse):
            raise
        except Exception as error:
            return Result(rejected=[Rejected(0, _reason(error))])

    def _outgoing(self, received: Sequence[Received], result: Result, reasons: dict[int, str]) -> list[Message]:
        messages = []
        if self.stage.output is not None:
            places = {message.key: place for place, message in enumerate(received)}
            for output in result.outputs:
                message = record_message(self.stage.output, output)
                if len(message.value) > size_limit(message.topic) and message.key in places:
                    reasons[places[message.key]] = f"its {self.stage.output} record has {len(message.value):,} bytes"
                else:
                    messages.append(message)
        now = self._clock.now()
        for place, reason in sorted(reasons.items()):
            messages.append(dead_letter_message(dead_letter(self.stage.name, received[place], reason, now)))
        return messages

    def _send(self, messages: Iterable[Message]) -> None:
        if self._producer is None:
            self._producer = self._log.producer()
        self._producer.send(messages)

    def _save(self, *, final: bool = False) -> None:
        """Let the stage save what it holds, and commit if it did."""
        consumer = self._consumer
        if consumer is None or not self._reached:
            return
        reached: Mapping[Partition, int] = dict(self._reached)
        held = self._patiently(consumer.assignment)
        if consumer.generation() != self._generation or not reached.keys() <= held:
            return
        if self._patiently(lambda: self.stage.checkpoint(reached, final=final)):
            self._patiently(lambda: consumer.commit(reached))
            self._reached.clear()
            self._uncommitted_from.clear()

    def _save_last(self) -> None:
        """Save before a stop. What is away now is not waited for: the records are read again by the next start."""
        try:
            self._save(final=True)
        except _Dropped:
            logger.warning("stopped_without_commit", stage=self.stage.name, reason=self.health.last_error)

    def _still_held(self, received: Sequence[Received]) -> None:
        consumer = self._consumer
        if consumer is None or consumer.generation() != self._generation:
            raise _Dropped
        held = self._patiently(consumer.assignment)
        if not {Partition(message.topic, message.partition) for message in received} <= held:
            raise _Dropped

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do it, and again for as long as something is away; with growing pauses, and without leaving the group."""
        attempt = 0
        generation = self._consumer.generation() if self._consumer is not None else 0
        began = reminded = self._clock.monotonic()
        while True:
            try:
                done = action()
            except Unavailable as error:
                self._health.enter("waiting", str(error))
                now = self._clock.monotonic()
                if attempt == 0 or now - reminded >= _REMIND_SECONDS:
                    logger.warning("worker_waiting", stage=self.stage.name, reason=str(error), seconds=now - began)
                    reminded = now
                pause = min(_MAX_BACKOFF, 0.5 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
                attempt += 1
                self._wait(pause, generation)
            else:
                if attempt:
                    logger.info("worker_resumed", stage=self.stage.name, seconds=self._clock.monotonic() - began)
                    self._health.enter("running")
                return done

    def _wait(self, seconds: float, generation: int) -> None:
        """Wait without leaving the group. Raises `_Dropped` if told to stop, or if partitions were lost or gained."""
        until = self._clock.monotonic() + seconds
        consumer = self._consumer
        if consumer is not None:
            consumer.pause()
        try:
            while (left := until - self._clock.monotonic()) > 0.001:
                if self._stop.is_set():
                    raise _Dropped
                if consumer is not None:
                    try:
                        consumer.poll(self._batch, 0.0)
                    except Unavailable as error:
                        self._health.error(str(error))
                    if consumer.generation() != generation:
                        raise _Dropped
                self._clock.sleep(min(_SLICE, left))
        finally:
            if consumer is not None:
                consumer.resume()

    def _watch_lag(self) -> None:
        """Ask for the lag now and then, in a thread of its own: records don't wait for what only tells of them."""
        if self._clock.monotonic() - self._lag_at < _LAG_SECONDS:
            return
        if self._asking is None or not self._asking.is_alive():
            self._lag_at = self._clock.monotonic()
            self._asking = threading.Thread(target=self._ask_lag, name=f"lag-{self.stage.name}", daemon=True)
            self._asking.start()

    def _ask_lag(self) -> int | None:
        try:
            behind = self._log.lag(self.stage.input, self.stage.name).behind
        except MinshengError as error:
            self._health.error(str(error))
            return None
        self._health.behind(behind)
        return behind

    @contextlib.contextmanager
    def _timed(self, on: Literal["poll", "work", "send"]) -> Iterator[None]:
        began = self._clock.monotonic()
        try:
            yield
        finally:
            self._health.spend(on, self._clock.monotonic() - began)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
