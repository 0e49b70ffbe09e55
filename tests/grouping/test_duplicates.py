"""Copies and look-alikes: what is one text and what only shares its words."""

from __future__ import annotations

import random
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from grouping.duplicates import LONGEST, Copies, alike, body_of
from grouping.memory import Memory
from minsheng.records import Assessed
from tests.grouping.test_grouping_memory import COMPLAINT, assessed, memory
from tests.shared_data import shared_data
from training.duplicate_scores import score_duplicates
from training.linking_scores import wilson

SET = tomllib.loads(Path(__file__).with_name("duplicate_pairs.toml").read_text(encoding="utf-8"))["texts"]


class Case(NamedTuple):
    first: Assessed
    second: Assessed
    copy: bool


def cases() -> list[Case]:
    found = []
    for number, one in enumerate(SET):
        first = assessed(one["text"], title=one.get("title", ""), key=f"{number}")
        for is_copy, name in ((True, "copies"), (False, "others")):
            for place, (title, text) in enumerate(one[name]):
                second = assessed(text, title=title, minutes=30 + place, key=f"{number}-{name}-{place}")
                found.append(Case(first, second, is_copy))
    return found


def test_the_written_set_is_large_enough_to_tell() -> None:
    made = cases()
    assert len(made) >= 60
    assert sum(case.copy for case in made) >= 30
    assert sum(not case.copy for case in made) >= 30


def test_copies_are_told_from_look_alikes() -> None:
    found: dict[tuple[bool, bool], list[str]] = {}
    for case in cases():
        groups = memory()
        first = groups.place(case.first).member
        second = groups.place(case.second).member
        called = second.duplicate_group == first.document
        found.setdefault((case.copy, called), []).append(case.second.document.text)
    assert (False, True) not in found, found[False, True]
    assert len(found.get((True, False), [])) <= 0.05 * len(found[True, True]), found[True, False]


def test_copies_are_told_in_a_stream_of_everything() -> None:
    groups = memory()
    firsts = {case.first.document.id: groups.place(case.first).member for case in cases()}
    wrong = missed = 0
    for case in cases():
        member = groups.place(case.second).member
        in_group = member.duplicate_group == firsts[case.first.document.id].document
        missed += case.copy and not in_group
        wrong += not case.copy and in_group
    assert wrong == 0
    assert missed <= 2


@pytest.mark.shared_data
def test_the_set_made_of_real_texts_reaches_the_goal() -> None:
    shared_data("text_broadcast_news.txt.gz")
    found = score_duplicates(shared_data("text_broadcast_news.txt.gz").parent, limit=60)
    assert found["copies"] > 300
    assert found["precision"] >= 0.97
    assert found["recall"] >= 0.95


def test_one_hashtag_in_common_is_no_copy() -> None:
    tag = "#青江市民中心搬到新区以后办事更方便了吗#"
    assert body_of("", f"{tag}方便多了") == ""
    groups = memory()
    first = groups.place(assessed(f"{tag}我家门口就有车直达，挺方便的")).member
    second = groups.place(assessed(f"{tag}老人去一趟要换两次车", minutes=1)).member
    assert second.duplicate_group != first.document


def test_no_copy_is_found_after_the_window() -> None:
    groups = Memory(timedelta(days=1))
    groups.place(assessed(COMPLAINT))
    late = groups.place(assessed(COMPLAINT + "（责任编辑：文可）", minutes=60 * 24 * 3)).member
    assert late.kind == "first"


def test_a_slip_is_no_other_fact_and_a_number_is() -> None:
    body = body_of("", COMPLAINT)
    assert alike(body, body.replace("拌合", "合拌")) is not None
    assert alike(body, body.replace("打了两次热线", "打了九次热线")) is None


def test_what_the_index_finds_depends_on_what_it_still_keeps_alone() -> None:
    pick = random.Random(1)
    bodies = ["".join(chr(0x4E00 + pick.randrange(3000)) for _ in range(60)) for _ in range(90)]
    long_lived, fresh = Copies(40), Copies(40)
    for body in bodies:
        long_lived.add(body)
    fresh.next = 50
    for body in bodies[50:]:
        fresh.add(body)
    for number, body in enumerate(bodies):
        expected = [(number, 1.0)] if number >= 50 else []
        assert long_lived.find(body) == fresh.find(body) == expected


def test_odd_bodies() -> None:
    index = Copies(10)
    for text in ["", "\ud800" * 30, "啊" * 5000, "a" * 100_000, "👍" * 50, "12 34 56 78 90 12", "𠮷野家" * 20]:
        body = body_of("", text)
        assert len(body) <= LONGEST
        number = index.add(body)
        assert not body or number in [found for found, _ in index.find(body)]


def test_the_interval_of_a_share() -> None:
    low, high = wilson(98, 100)
    assert 0.92 < low < 0.98 < high < 1
    assert wilson(0, 0) == (0.0, 1.0)
