"""Faults of a source that an operator must mend, told apart from those that pass by themselves."""

from __future__ import annotations

from typing import ClassVar, Literal

from minsheng.errors import BadInput

Fault = Literal["", "login", "layout"]
"""`login`: the service wants a login, or the one it was given has ended; `layout`: what used to be there is missing."""


class SourceFault(BadInput):
    """A fault that stays until somebody does something."""

    fault: ClassVar[Fault] = ""


class LoginEnded(SourceFault):
    """The service wants a login: none was given, or the cookie or token has expired."""

    fault = "login"


class LayoutChanged(SourceFault):
    """The answer is well-formed, but what the source's options name is not in it."""

    fault = "layout"
