"""Scores grouping on written situations of two to four short texts each: those that are one matter, and those that only
look like it.

    python -m training.event_situations [--report]

Each situation is placed into a memory of its own, as on a quiet day. What is tuned is tuned on the half `tune`;
`--report` prints the shares of the other half, and no situation of it.
"""

from __future__ import annotations

import argparse
import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from grouping.memory import Memory
from minsheng.records import Assessed, Document, document_id, scores_of
from minsheng.settings import GroupSettings

FILE = Path(__file__).parents[1] / "tests" / "grouping" / "event_situations.toml"

START = datetime(2026, 3, 1, 8, tzinfo=UTC)

Half = Literal["tune", "report"]


class Situation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`texts` are minutes since the first, title and text; `matters` has a letter for each, equal ones for one matter,
    A first, then B and so on as they come up."""

    name: str
    matters: str
    texts: tuple[tuple[int, str, str], ...]

    @property
    def half(self) -> Half:
        """By a hash of the name."""
        return "tune" if hashlib.sha256(self.name.encode()).digest()[0] % 2 else "report"

    @property
    def together(self) -> bool:
        return len(set(self.matters)) == 1


def read_situations() -> list[Situation]:
    """All of them."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))["situations"]
    return msgspec.convert(found, list[Situation])


def assessed(situation: Situation) -> list[Assessed]:
    """The texts as grouping gets them."""
    neutral = scores_of("neutral")
    made = []
    for place, (minutes, title, text) in enumerate(situation.texts):
        at = START + timedelta(minutes=minutes)
        document = Document(
            id=document_id("written", f"{situation.name}/{place}"), source="written", title=title, text=text,
            kind="message" if title else "post", published_at=at, fetched_at=at,
        )  # fmt: skip
        made.append(
            Assessed(
                document=document, sentiment=neutral, emotion=neutral, topic=neutral, request=neutral, assessed_at=at
            )
        )
    return made


def matters_of(events: Iterable[str]) -> str:
    """A letter for each event, as `Situation.matters` has them."""
    letters: dict[str, str] = {}
    return "".join(letters.setdefault(event, chr(ord("A") + len(letters))) for event in events)


def placed(memory: Memory, texts: Sequence[Assessed]) -> str:
    """What matters grouping makes of them."""
    events = [memory.place(one).member.event for one in texts]
    return matters_of(map(memory.today, events))


def grouped_alone(situation: Situation) -> str:
    """What matters grouping makes of a situation by itself."""
    return placed(Memory(timedelta(days=GroupSettings().window_days)), assessed(situation))


def score_situations(situations: Iterable[Situation], half: Half) -> dict[str, float]:
    """The share of situations that are grouped as they were read: of all, of those that are one matter, and of those
    that are several."""
    right: dict[bool, list[bool]] = {True: [], False: []}
    for situation in situations:
        if situation.half == half:
            right[situation.together].append(grouped_alone(situation) == situation.matters)
    return {
        name: round(sum(values) / len(values), 4)
        for name, values in (("right", right[True] + right[False]), ("one", right[True]), ("several", right[False]))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", action="store_true", help="the other half")
    chosen = parser.parse_args()
    situations = read_situations()
    if not chosen.report:
        for situation in situations:
            made = grouped_alone(situation)
            if situation.half == "tune" and made != situation.matters:
                print(f"{situation.matters} grouped as {made}: {situation.name}")
    half: Half = "report" if chosen.report else "tune"
    print(half, score_situations(situations, half))


if __name__ == "__main__":
    main()
