"""Questions to a Kafka cluster that are answered, or given up, in a time that the caller sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, KafkaTimeoutError

from stream.kafka_errors import can_wait, errors_explained

T = TypeVar("T")

_RETRY_SECONDS = 0.3
_CLOSE_SECONDS = 2.0


class KafkaAdmin:
    """One admin client, connected at the first question and again after each failure; for several threads.

    Not every call of the library takes a timeout, and those that do count it for each request, while the deadline here
    holds for the whole question. So each is put in a thread of its own, which is left behind when its time is up.

    Parameters
    ----------
    bootstrap_servers:
        For errors.
    config:
        What the client is opened with.
    """

    def __init__(self, bootstrap_servers: str, config: Mapping[str, Any]) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._config = dict(config)
        self._lock = threading.Lock()
        self._client: KafkaAdminClient | None = None

    def ask(self, question: Callable[[KafkaAdminClient], T], seconds: float) -> T:
        """The answer to the question, which is asked again for as long as the cluster may still give one.

        Raises
        ------
        Unavailable
            After so many seconds, or sooner where no further try fits in.
        """
        deadline = time.monotonic() + seconds
        with errors_explained(self._bootstrap_servers):
            if not self._lock.acquire(timeout=seconds):
                raise KafkaTimeoutError("earlier questions still wait for their answers")
            try:
                return self._ask(question, deadline)
            finally:
                self._lock.release()

    def _ask(self, question: Callable[[KafkaAdminClient], T], deadline: float) -> T:
        while True:
            try:
                if self._client is None:
                    left = max(1, int((deadline - time.monotonic()) * 1000))
                    self._client = KafkaAdminClient(**{**self._config, "bootstrap_timeout_ms": left})
                return _within(question, self._client, deadline)
            except (KafkaError, OSError) as error:
                # Begin afresh: a client that lost its brokers may not find them at their new addresses.
                self._forget()
                if not can_wait(error) or time.monotonic() + _RETRY_SECONDS > deadline:
                    raise
            time.sleep(_RETRY_SECONDS)

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            # Ends a question that was left behind, too.
            closing = threading.Thread(target=client.close, name="kafka-admin-close", daemon=True)
            closing.start()
            closing.join(_CLOSE_SECONDS)


def _within(question: Callable[[KafkaAdminClient], T], client: KafkaAdminClient, deadline: float) -> T:
    """What the question returns or raises; `KafkaTimeoutError` if it does neither before the deadline."""
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(question(client))
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="kafka-admin-question", daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if raised:
        raise raised[0]
    if not returned:
        raise KafkaTimeoutError("no answer in time")
    return returned[0]
