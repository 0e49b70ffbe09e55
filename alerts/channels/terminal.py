"""The terminal: each notice as one block on standard error, for `minsheng run`."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from alerts.notices import Notice

_STYLES = {"blue": "blue", "yellow": "yellow", "orange": "dark_orange", "red": "red"}


class Terminal:
    """The terminal of this process; its address is `terminal://`."""

    precedence: ClassVar[int] = 10

    def __init__(self, url: str, timeout: float) -> None:
        pass

    @classmethod
    def accepts(cls, url: str) -> bool:
        return url.startswith("terminal://")

    def send(self, notice: Notice) -> None:
        # Text, not markup: titles come from outside.
        block = Panel(Text(notice.body), title=Text(notice.subject), border_style=_STYLES.get(notice.level, "white"))
        Console(stderr=True, highlight=False).print(block)
