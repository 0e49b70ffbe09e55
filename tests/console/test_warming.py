"""What takes long at its first use is read in beside the serving, and asked for once."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from answers.mining import Candidates
from answers.search import AnswerSearch
from console import serving
from console.serving import warm_later
from minsheng.errors import Unavailable
from tests.console.world import ConsoleWorld


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """The tests that follow have their garbage collected."""
    yield
    gc.unfreeze()


def test_the_answers_are_read_in_without_being_asked_for(
    shared_world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    warmed = threading.Event()
    monkeypatch.setattr(serving, "WARM_AFTER", 0.01)
    monkeypatch.setattr(AnswerSearch, "warm", lambda _: warmed.set())
    gc.unfreeze()
    warm_later(shared_world.app).join(10)
    assert warmed.is_set()
    assert gc.get_freeze_count() > 100_000, "what stays is not gone through again and again"


@pytest.mark.filterwarnings("error")
def test_a_store_that_is_away_does_not_end_the_console(
    shared_world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: AnswerSearch) -> None:
        raise Unavailable("the store", "it is away")

    monkeypatch.setattr(serving, "WARM_AFTER", 0.01)
    monkeypatch.setattr(AnswerSearch, "warm", away)
    thread = warm_later(shared_world.app)
    thread.join(10)
    assert not thread.is_alive()


def test_a_console_that_ends_at_once_reads_nothing_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = ConsoleWorld(tmp_path)
    monkeypatch.setattr(AnswerSearch, "warm", lambda _: pytest.fail("nobody needs it any more"))
    world.console.stopping.set()
    warm_later(world.app).join(10)
    world.close()


def test_a_page_of_questions_compares_each_once(shared_world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[AnswerSearch] = []
    begin = AnswerSearch.__init__

    def counted(self: AnswerSearch, *parts: object) -> None:
        made.append(self)
        begin(self, *parts)  # type: ignore[arg-type]

    monkeypatch.setattr(AnswerSearch, "__init__", counted)
    client = shared_world.client("duty")
    for path in ("/answers", "/answers", "/answers/coverage"):
        assert client.get(path).status_code == 200
    assert made == [], "the console's own search is used, which keeps the answers' vectors"
    Candidates(shared_world.store, shared_world.clock)
    assert len(made) == 1
