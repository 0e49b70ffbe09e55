"""Policy linking: the written cases, and what holds for any text."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.folding import fold, origins
from classifiers.linking import PolicyLinker, inherit
from minsheng.policies import Policy
from minsheng.records import PolicyLink

HERE = Path(__file__).parent
POLICIES = [
    msgspec.convert(table, Policy)
    for table in tomllib.loads((HERE / "linking_policies.toml").read_text(encoding="utf-8"))["policy"]
]
CASES = tomllib.loads((HERE / "linking_cases.toml").read_text(encoding="utf-8"))["case"]
LINKER = PolicyLinker(POLICIES)


def shown(link: PolicyLink) -> str:
    return f"{link.policy_id} {link.reason}{'?' if link.confidence < 0.5 else ''}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["text"][:30]))
def test_written_case(case: dict[str, Any]) -> None:
    links = LINKER.link(case.get("title", ""), case["text"], case.get("url"))
    assert sorted(map(shown, links)) == sorted(case["links"])
    if "matched" in case:
        assert links[0].matched == case["matched"]


def test_there_are_enough_cases_and_a_third_are_traps() -> None:
    assert len(CASES) >= 60
    assert sum(not case["links"] for case in CASES) >= len(CASES) / 3


NAMES = [name for policy in POLICIES for name in (policy.title, policy.number or "", *policy.aliases)]


@given(
    st.lists(st.one_of(st.sampled_from(NAMES), st.text(max_size=8), st.sampled_from("《》〔〕 \n２号\ud800㈠ﬁ"))),
    st.lists(st.one_of(st.sampled_from(NAMES), st.text(max_size=8))),
)
@settings(max_examples=150, deadline=None)
def test_any_text_gives_links_whose_spans_are_where_they_say(text: list[str], title: list[str]) -> None:
    fields = {"title": "".join(title), "text": "".join(text)}
    links = LINKER.link(fields["title"], fields["text"])
    assert len({link.policy_id for link in links}) == len(links)
    for link in links:
        assert 0 < link.confidence <= 1
        assert link.field is not None and link.span is not None
        assert fields[link.field][slice(*link.span)] == link.matched != ""


@given(st.text())
def test_each_folded_character_has_its_origin(text: str) -> None:
    places = origins(text)
    assert len(places) == len(fold(text))
    assert places == sorted(places)
    assert all(fold(text[place]) for place in places)


def test_a_very_long_text_of_names_gives_one_link() -> None:
    (link,) = LINKER.link("", "双减" * 50_000)
    assert link.span == (0, 2)


def test_an_empty_register_links_nothing() -> None:
    assert PolicyLinker([]).link("双减", "云办发〔2023〕12号《办法》") == []


def test_the_revision_is_the_registers() -> None:
    assert PolicyLinker(POLICIES[::-1]).revision == LINKER.revision
    assert PolicyLinker(POLICIES[1:]).revision != LINKER.revision


def test_a_reply_inherits_with_less_confidence_and_says_so() -> None:
    parents = LINKER.link("", "生育新政")
    (link,) = inherit([], parents)
    assert (link.policy_id, link.reason, link.span) == ("birth", "parent", None)
    assert link.confidence < parents[0].confidence


def test_what_a_reply_names_itself_stays_its_own_reason() -> None:
    parents = [*LINKER.link("", "云教发〔2021〕30号"), *LINKER.link("", "云府发〔2025〕7号")]
    links = inherit(LINKER.link("", "双减呢"), parents)
    assert {link.policy_id: link.reason for link in links} == {"double": "alias", "birth": "parent"}


def test_the_parent_settles_an_ambiguous_name() -> None:
    links = inherit(LINKER.link("", "住房新规好"), LINKER.link("", "云建金〔2024〕3号"))
    assert [link.policy_id for link in links] == ["fund"]


def test_an_ambiguous_parent_stays_ambiguous() -> None:
    links = inherit([], LINKER.link("", "住房新规"))
    assert {link.policy_id for link in links} == {"office-112", "fund"}
    assert all(link.confidence < 0.5 for link in links)
