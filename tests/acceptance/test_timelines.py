"""The duty officer's day by script: real processes, a clock in the hand, notices over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from minsheng.clock import CHINA
from tests.acceptance.timeline import Expect, ExpectedTicket, Runner, Step, Timeline, read

FILES = sorted((Path(__file__).parent / "timelines").glob("*.toml"))


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(tmp_path_factory.mktemp("timelines"))
    yield made
    made.close()


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_timeline(path: Path, runner: Runner, tmp_path: Path) -> None:
    runner.run(read(path), tmp_path / "data")


def test_a_timeline_that_does_not_hold_says_where(runner: Runner, tmp_path: Path) -> None:
    missing = Step(at=10, expect=Expect(tickets=(ExpectedTicket(event="e"),)))
    wrong = Timeline(title="nothing happens", start=datetime(2026, 3, 10, 12, tzinfo=CHINA), steps=(missing,))
    with pytest.raises(AssertionError, match=r"at 10 minutes \(.*\): \[\]"):
        runner.run(wrong, tmp_path / "data")
