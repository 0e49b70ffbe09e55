"""The live stream says "look again": at once of what is new or alarming, of other changes not to all at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from alerts.ticket_counts import OpenState
from console import live
from minsheng.clock import ManualClock


class Stream:
    """A stream over states that the test sets; each look is two seconds of its clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.state = OpenState(count=3, newest=3, versions=3, weighted=6, alarming=0)
        console = SimpleNamespace(clock=self.clock, stopping=threading.Event(), sessions=SimpleNamespace(get=id))
        request = SimpleNamespace(cookies={}, is_disconnected=self._connected)
        view = SimpleNamespace(ticket_state=lambda: self.state)
        self._script: Iterator[dict[str, int]] = iter(())
        self._console = console
        visit: Any = SimpleNamespace(request=request, console=console, view=view)
        pulse: Any = SimpleNamespace(state=lambda: self.state, state_of=lambda _view: self.state)
        self._changes = live.changes(visit, pulse)

    async def _connected(self) -> bool:
        """Called before each look: time goes on, and the next thing of the script happens."""
        self.clock.advance(seconds=live.EVERY)
        change = next(self._script, None)
        if change is None:
            self._console.stopping.set()
        else:
            self.state = OpenState(**{**{name: getattr(self.state, name) for name in FIELDS}, **change})
        return False

    def said(self, *script: dict[str, int]) -> list[str]:
        """What the stream says at each look: `more`, `changed`, or nothing."""
        self._script = iter(script)
        times: list[tuple[float, str]] = []
        began = self.clock.monotonic()

        async def listen() -> None:
            async for text in self._changes:
                if text.startswith("event: tickets"):
                    times.append((self.clock.monotonic() - began, text.split("data: ")[1].strip()))

        anyio.run(listen)
        found = [""] * len(script)
        for at, what in times:
            found[round(at / live.EVERY) - 1] = what
        return found


FIELDS = OpenState.__struct_fields__


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    async def at_once(_seconds: float) -> None:
        pass

    monkeypatch.setattr(live.anyio, "sleep", at_once)
    monkeypatch.setattr(live.random, "uniform", lambda low, high: high)
    return Stream()


def test_changes_one_after_the_other_are_told_together_later(stream: Stream) -> None:
    changes = [{"versions": 4 + number} for number in range(8)]
    assert stream.said(*changes) == ["changed", "", "", "", "", "changed", "", ""]


def test_a_change_that_had_to_wait_is_told_though_nothing_changes_any_more(stream: Stream) -> None:
    assert stream.said({"versions": 4}, {"versions": 5}, *[{}] * 6) == ["changed", "", "", "", "", "changed", "", ""]


@pytest.mark.parametrize(("change", "said"), [({"newest": 4, "count": 4}, "more"), ({"alarming": 1}, "changed")])
def test_what_is_new_or_alarming_does_not_wait(stream: Stream, change: dict[str, int], said: str) -> None:
    assert stream.said({"versions": 4}, {"versions": 5, **change}, {}, {}) == ["changed", said, "", ""]


def test_one_that_was_acknowledged_may_wait(stream: Stream) -> None:
    assert stream.said({"alarming": 1}, {"alarming": 0}, {}) == ["changed", "", ""]


def test_nothing_is_said_where_nothing_changes(stream: Stream) -> None:
    assert stream.said(*[{}] * 5) == [""] * 5
