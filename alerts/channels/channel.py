"""What a channel is, and how it says that a notice did not get through."""

from __future__ import annotations

from typing import ClassVar, Protocol

from alerts.notices import Notice


class DeliveryFailed(Exception):
    """A notice was not delivered.

    Parameters
    ----------
    message:
        Why, without any part of the address that may be secret.
    permanent:
        Trying again can't help: the address or the message is refused.
    retry_after:
        Seconds that the other side asks to wait; None where it does not say.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class Channel(Protocol):
    """Carries notices to one address. Used from one thread at a time.

    Attributes
    ----------
    precedence:
        Classes of higher precedence are asked first whether they accept an address.
    """

    precedence: ClassVar[int]

    def __init__(self, url: str, timeout: float) -> None: ...

    @classmethod
    def accepts(cls, url: str) -> bool:
        """Whether this class can carry notices to the address."""
        ...

    def send(self, notice: Notice) -> None:
        """Deliver the notice and return when the other side has confirmed it. Raises `DeliveryFailed`."""
        ...
