from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pytest

from consultations.book import ConsultationBook
from minsheng.clock import CHINA, ManualClock
from minsheng.policies import Policy, PolicyRegister
from minsheng.store import Store
from tests.stores import made_store

DRAFT = (Path(__file__).parent / "draft.txt").read_text(encoding="utf-8")
TITLE = "云岭市电动自行车管理办法（征求意见稿）"
OPENS, CLOSES = date(2026, 4, 1), date(2026, 4, 30)


class Room:
    """A store with one draft in its register, and the room over it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(datetime(2026, 5, 8, 9, tzinfo=CHINA))
        self.store: Store = made_store(f"sqlite:///{folder / 'store.db'}")
        draft = Policy(
            id="ebike", title=TITLE, department="市公安局", stage="draft", consultation_opens=OPENS,
            consultation_closes=CLOSES,
        )  # fmt: skip
        PolicyRegister(self.store, self.clock).import_policies([draft])
        self.book = ConsultationBook(self.store, self.clock)


def judge(texts: Sequence[str]) -> list[tuple[str, bool]]:
    """A stance head that goes by one word."""
    return [("against" if "反对" in text else "support" if "支持" in text else "neutral", False) for text in texts]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)
