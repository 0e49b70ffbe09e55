"""Divisions and offices named in written texts, half of which name none."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from classifiers.places import places_in, units_in

CASES = tomllib.loads(Path(__file__).with_name("place_cases.toml").read_text(encoding="utf-8"))


def told(text: str, region: str | None = None) -> str:
    return ";".join("/".join(place.path) for place in places_in("", text, region=region))


def test_there_are_enough_cases_and_half_are_traps() -> None:
    assert len(CASES["named"]) + len(CASES["traps"]) >= 80
    assert len(CASES["traps"]) >= len(CASES["named"])


@pytest.mark.parametrize("case", CASES["named"] + CASES["traps"], ids=lambda case: case[0])
def test_divisions(case: list[str]) -> None:
    text, expected, *region = case
    assert told(text, *region) == expected


@pytest.mark.parametrize("case", CASES["units"], ids=lambda case: case[0])
def test_offices(case: list[str]) -> None:
    text, expected = case
    assert ";".join(unit.name for unit in units_in("", text)) == expected


def test_the_span_is_where_the_name_stands() -> None:
    title, text = "岳麓区停水", "长沙市 开福区 也停了，找过市水务局"
    for place in places_in(title, text):
        assert place.field and place.span
        stands = (title if place.field == "title" else text)[slice(*place.span)]
        assert place.name == stands
    (unit,) = units_in(title, text)
    assert text[slice(*unit.span)] == unit.name == "市水务局"


def test_the_documents_own_region_is_said_where_the_words_name_none() -> None:
    (place,) = places_in("", "楼下烧烤摊扰民", region="湖南省长沙市岳麓区")
    assert (place.name, place.field, place.span, place.confidence) == ("岳麓区", None, None, 0.5)
    assert places_in("", "楼下烧烤摊扰民", region="火星") == []


def test_codes_levels_and_how_sure() -> None:
    (county,) = places_in("", "长春朝阳区")
    assert (county.code, county.level) == ("220104", "county")
    (city,) = places_in("", "吉林市")
    (province,) = places_in("", "吉林")
    assert (city.level, province.level) == ("city", "province")
    assert county.confidence > city.confidence > province.confidence > 0.5


def test_odd_texts() -> None:
    for text in ("", "\ud800", "长沙" * 20_000, "👍", "a" * 300_000):
        places_in(text[:100], text)
        units_in(text[:100], text)
