"""What kafka-python's errors mean to a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import (
    AuthorizationError,
    BrokerNotAvailableError,
    KafkaError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from minsheng.errors import MinshengError, Unavailable


@contextmanager
def errors_explained(servers: str) -> Iterator[None]:
    """Turn what can be waited for into `Unavailable`, everything else into an error that says what to do."""
    try:
        yield
    except (SaslAuthenticationFailedError, UnsupportedSaslMechanismError, AuthorizationError) as error:
        raise MinshengError(
            f"Kafka at {servers} refuses this user: {error}",
            "check stream.username, stream.password, stream.sasl_mechanism and the user's rights",
        ) from error
    except (KafkaError, OSError) as error:
        if not can_wait(error):
            raise MinshengError(f"Kafka at {servers}: {error}") from error
        raise Unavailable(
            "log",
            f"Kafka at {servers} does not answer ({error})",
            "check that it runs and that stream.bootstrap_servers is right",
        ) from error


def can_wait(error: Exception) -> bool:
    """Whether the same call may succeed later."""
    return isinstance(error, OSError | BrokerNotAvailableError) or getattr(error, "retriable", False)
