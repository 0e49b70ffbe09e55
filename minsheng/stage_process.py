"""A stage in a process of its own, beside the one that runs the others.

Judging texts keeps a processor busy by itself, and grouping half of one; as threads they would take turns with all
other stages, and with the console, for the one interpreter, and the second processor would be idle.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection

import msgspec

from minsheng.clock import Clock, SystemClock
from minsheng.errors import MinshengError
from minsheng.logs import configure_logs, get_logger
from minsheng.road import Road, StageName
from minsheng.settings import Settings
from stream.health import Health, HealthRecord

logger = get_logger(__name__)

TELL_SECONDS = 0.5
"""How often the process says how it is."""

STOP_SECONDS = 60.0
"""How long it has to finish its batch."""

MAX_PAUSE = 30.0
"""Longest pause, in seconds, before a process that was killed is started again."""


class Failed(msgspec.Struct, frozen=True):
    """Why the stage can't go on."""

    reason: str
    hint: str


class StageProcess:
    """Runs one stage as a child, and starts it again where somebody kills it. To be used as a `stream.worker.Worker`:
    `run` from one thread, `health` from any.

    Parameters
    ----------
    name:
        The stage's.
    settings:
        With these the child opens parts of its own.
    """

    def __init__(self, name: str, settings: Settings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._own = HealthRecord(name, clock)
        self._told: Health | None = None  # by the process that lives
        self._earlier: Health | None = None  # what those before it did, together
        self._lock = threading.Lock()

    @property
    def health(self) -> Health:
        """How the stage was when it last said so; of a process that has just started, or was killed, what is known.
        What it has done counts from the first of its processes on."""
        with self._lock:
            now = self._told or self._own.snapshot()
            return _since_first(now, self._earlier) if self._earlier is not None else now

    def run(self, stop: threading.Event) -> None:
        """Let the stage work until `stop` is set; then let it finish its batch.

        Raises
        ------
        MinshengError
            If the stage can't go on. A process that was killed is no reason.
        """
        pause = 0.5
        while not stop.is_set():
            began = self._clock.monotonic()
            code = self._live(stop)
            if stop.is_set():
                break
            reason = f"its process ended (exit code {code}); it is started again"
            done = msgspec.structs.replace(self.health, last_error=reason)
            with self._lock:
                self._told, self._earlier = None, done
            self._own.enter("waiting", reason)
            logger.error("stage_process_ended", stage=self.name, exit_code=code)
            pause = 0.5 if self._clock.monotonic() - began > MAX_PAUSE else min(2 * pause, MAX_PAUSE)
            stop.wait(pause)
        self._own.enter("stopped")
        with self._lock:
            if self._told is not None and self._told.state != "stopped":
                self._told = msgspec.structs.replace(self._told, state="stopped", reason="")

    def _live(self, stop: threading.Event) -> int | None:
        """One life of the process: its exit code."""
        fresh = multiprocessing.get_context("spawn")  # a fork would take over locks that other threads hold
        ours, theirs = fresh.Pipe()
        process = fresh.Process(
            target=_work, args=(self.name, self._settings, theirs), name=f"minsheng-{self.name}", daemon=True
        )
        process.start()
        theirs.close()
        failed: Failed | None = None
        until: float | None = None
        killed = False
        try:
            while True:
                if stop.is_set() and until is None:
                    until = self._clock.monotonic() + STOP_SECONDS
                    _send(ours, None)
                elif until is not None and self._clock.monotonic() > until and not killed:
                    killed = True
                    logger.error("stage_process_killed", stage=self.name, reason="it did not stop in time")
                    process.kill()
                if ours.poll(TELL_SECONDS / 2):
                    said = ours.recv()
                    if isinstance(said, Failed):
                        failed = said
                    else:
                        with self._lock:
                            self._told = said
        except (EOFError, OSError):
            process.join()
        finally:
            ours.close()
        if failed is not None:
            self._own.enter("stopped", failed.reason)
            raise MinshengError(failed.reason, failed.hint)
        return process.exitcode


def runs_apart(stage: StageName, settings: Settings) -> bool:
    """Whether a stage of `minsheng run` has a process of its own: judging and grouping, which take the most time."""
    chosen = {"assess": settings.classify.own_process, "group": settings.group.own_process}
    if stage not in chosen:
        return False
    wanted = chosen[stage]
    return wanted if wanted is not None else (os.cpu_count() or 1) > 1


def _since_first(now: Health, earlier: Health) -> Health:
    """How a process is, with what those before it have done."""
    return msgspec.structs.replace(
        now,
        processed=earlier.processed + now.processed,
        rejected=earlier.rejected + now.rejected,
        poll_seconds=earlier.poll_seconds + now.poll_seconds,
        work_seconds=earlier.work_seconds + now.work_seconds,
        send_seconds=earlier.send_seconds + now.send_seconds,
        last_error=now.last_error or earlier.last_error,
    )


def _work(name: str, settings: Settings, pipe: Connection) -> None:
    """The child: the stage until the parent says so, or is gone."""
    # Ctrl+C and a service manager's stop reach every process; this one waits for its parent's word.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    configure_logs(settings.logs.level, settings.logs.format)
    stop, silent = threading.Event(), threading.Event()
    threading.Thread(target=_listen, args=(pipe, stop), name="listen", daemon=True).start()
    last: object = None
    telling: threading.Thread | None = None
    road: Road | None = None
    try:
        road = Road(settings, SystemClock(), stop)
        worker = road.worker(name)

        def tell() -> None:
            while not silent.wait(TELL_SECONDS):
                _send(pipe, worker.health)

        telling = threading.Thread(target=tell, name="tell", daemon=True)
        telling.start()
        worker.run(stop)
        last = worker.health
    except MinshengError as error:
        last = Failed(error.message, error.hint)
    except Exception as error:
        logger.error("stage_failed", stage=name, reason=str(error), exc_info=True)
        last = Failed(f"{type(error).__name__}: {error}", "")
    finally:
        silent.set()
        if telling is not None:
            telling.join()
        _send(pipe, last)
        if road is not None:
            road.close()
        pipe.close()


def _listen(pipe: Connection, stop: threading.Event) -> None:
    """Wait for the parent's word, or its end."""
    try:
        pipe.recv()
    except (EOFError, OSError):
        logger.warning("parent_gone", hint="this stage stops too")
    stop.set()


def _send(pipe: Connection, said: object) -> None:
    try:
        pipe.send(said)
    except (BrokenPipeError, OSError):
        return  # who would read it is gone; `_listen` and `_live` notice that themselves
