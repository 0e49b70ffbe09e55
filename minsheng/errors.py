"""Errors that a user can act on: each says what is wrong and what to do."""

from __future__ import annotations

from minsheng.problems import Problem
from minsheng.redaction import redacted


class MinshengError(Exception):
    """The base of all errors whose text is meant for a person.

    Parameters
    ----------
    message:
        What is wrong, in one sentence: a `Problem` where somebody at a page can meet it.
    hint:
        What to do about it; empty where nothing sensible can be said.
    """

    exit_code = 1

    def __init__(self, message: str | Problem, hint: str = "") -> None:
        # Errors are printed, logged and kept: what is secret in an address that they name is not in them.
        self.problem = message if isinstance(message, Problem) else None
        self.message = redacted(str(message))
        super().__init__(self.message)
        self.hint = redacted(hint)

    def __str__(self) -> str:
        return f"{self.message} — {self.hint}" if self.hint else self.message


class WrongUse(MinshengError):
    """A wrong command line, setting or file of the user's. Exit code 2."""

    exit_code = 2


class WrongSettings(WrongUse):
    """A settings file or environment variable that can't be used."""


class BadInput(MinshengError):
    """Data from outside that can't be handled: a broken feed, a record of a future version, a wrong file."""


class Unavailable(MinshengError):
    """A part (log, index, store, a source's host) can't be reached now, and may be later: wait and try again.

    Raised by the implementations of the seams, so that a worker can tell "wait" from "this record is poison"
    without knowing which server is behind the seam.
    """

    def __init__(self, part: str, message: str, hint: str = "") -> None:
        super().__init__(f"{part}: {message}", hint)
        self.part = part
