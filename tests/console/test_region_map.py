"""Regions as tiles: where each stands, that they count what the facet counts, and nothing beyond the viewer's scope."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from msgspec.structs import replace

from classifiers.divisions import all_divisions, by_path, codes_above, divisions_in
from console.gazetteer import Gazetteer, parts_of, short_name
from console.searching import Asked
from console.tiles import STEPS, TileMap, arranged, layout, shades_of, step_of
from console.units import Unit, UnitTree
from search.index import MAX_FACET_SIZE, Filters, Search
from tests.briefings.small_world import MIDNIGHT, record
from tests.console.world import ConsoleWorld


def unit(number: int, parent: int | None, name: str, *regions: str) -> Unit:
    return Unit(
        id=number, parent_id=parent, name=name, kind="city", whole=True, policies=(), departments=(), topics=(),
        regions=regions, created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


UNITS = UnitTree(
    [
        unit(1, None, "云江省人民政府办公厅"),
        unit(2, 1, "望津市", "望津市", "云江省望津市"),
        unit(3, 1, "岚阳市", "岚阳市", "云江省岚阳市"),
        unit(4, 2, "望津市教育局"),
        unit(5, None, "湖南省教育厅"),
        unit(6, None, "长沙市城市管理局"),
        unit(7, None, "某办公室"),
        unit(8, 2, "白榆区人民政府办公室", "望津市白榆区"),
    ]
)


def test_each_provincial_division_has_one_square_of_its_own() -> None:
    squares = layout()
    assert [one.code for one in squares] == [one.code for one in divisions_in("")]
    assert len(squares) == 34 == len({(one.column, one.row) for one in squares})
    assert all(all_divisions()[one.code].name.startswith(one.name) and len(one.name) <= 3 for one in squares)
    assert {one.column for one in squares} == set(range(1, 8)) and {one.row for one in squares} == set(range(1, 9))


def test_neighbours_stand_beside_each_other() -> None:
    """Some of those that have a border on the ground, as everybody knows, touch here, too."""
    at = {one.name: one for one in layout()}
    pairs = (
        "北京 河北, 天津 河北, 山西 河南, 陕西 甘肃, 四川 重庆, 湖北 湖南, 广东 广西, 广东 海南, 江苏 上海, 江苏 安徽, "
        "江西 浙江, 新疆 西藏, 青海 甘肃, 吉林 黑龙江, 云南 贵州"
    )
    for pair in pairs.split(", "):
        one, other = (at[name] for name in pair.split())
        assert max(abs(one.column - other.column), abs(one.row - other.row)) == 1, pair


def test_an_area_begins_nothing_but_what_lies_in_it() -> None:
    """Searches find an area by how the names of regions begin."""
    paths = sorted(by_path())
    for shorter, longer in pairwise(paths):
        if longer.startswith(shorter):
            assert by_path()[shorter] in codes_above(by_path()[longer]), (shorter, longer)


@pytest.mark.parametrize(
    ("region", "path"),
    [
        ("湖南省长沙市岳麓区", ("湖南省", "长沙市", "岳麓区")),
        ("湖南省长沙市高新区", ("湖南省", "长沙市")),
        ("广东省东莞市", ("广东省", "东莞市")),
        ("云江", ("云江省",)),
        ("云江省", ("云江省",)),
        ("望津市", ("云江省", "望津市")),
        ("云江省望津市白榆区", ("云江省", "望津市", "白榆区")),
        ("望津市白榆区", ("云江省", "望津市", "白榆区")),
        ("云江省溪陵市石泓县", ("云江省", "溪陵市", "石泓县")),
        ("溪陵市", None),
        ("海外", None),
    ],
)
def test_regions_are_placed_by_the_divisions_and_the_units(region: str, path: tuple[str, ...] | None) -> None:
    assert Gazetteer(UNITS).place(region) == path


def test_an_area_has_all_spellings_of_what_lies_in_it() -> None:
    gazetteer = Gazetteer(UNITS)
    assert gazetteer.beginnings("湖南省长沙市") == ("湖南省长沙市",)
    assert gazetteer.beginnings("云江省") == ("云江", "望津市", "岚阳市")
    assert "望津市白榆区" in gazetteer.beginnings("云江省望津市白榆区")
    assert gazetteer.beginnings("溪陵市") == ("溪陵市",)


def test_a_unit_may_leave_out_what_the_one_above_it_has_written() -> None:
    gazetteer = Gazetteer(UNITS)
    assert gazetteer.place("望津市白榆区海棠社区") == ("云江省", "望津市", "白榆区", "海棠社区")
    assert gazetteer.named_in(()) == [("云江省",)]
    assert gazetteer.named_in(("云江省", "望津市")) == [("云江省", "望津市", "白榆区")]


def test_a_unit_has_a_province_of_its_own() -> None:
    gazetteer = Gazetteer(UNITS)
    found = {number: gazetteer.province_of(UNITS, number) for number in UNITS.by_id}
    assert found == {**dict.fromkeys((1, 2, 3, 4, 8), ("云江省",)), **dict.fromkeys((5, 6), ("湖南省",)), 7: None}
    assert gazetteer.province_of(UNITS, None) is None


def test_names_are_short_where_there_is_little_room() -> None:
    assert [short_name(name) for name in ("岳麓区", "恩施土家族苗族自治州", "和县", "澳门特别行政区")] == [
        "岳麓", "恩施", "和县", "澳门",
    ]  # fmt: skip
    assert (parts_of("云岭市东区"), parts_of("云江")) == (("云岭市", "东区"), ("云江",))


def test_shades_tell_large_from_small_by_steps() -> None:
    shades = shades_of([0, 1, 7, 1_000])
    assert len(shades) == STEPS and shades[0][0] == 1 and shades[-1][1] == 1_000
    assert all(after[0] == before[1] + 1 for before, after in pairwise(shades))
    assert [step_of(count, shades) for count in (0, 1, 1_000)] == [0, 1, STEPS]
    assert shades_of([0]) == () and shades_of([2]) == ((1, 2),)


def whole(found: TileMap) -> int:
    return sum(one.documents for one in (*found.provinces, *found.local)) + found.unplaced + found.nowhere


def test_all_documents_are_somewhere() -> None:
    counts = {"湖南省": 5, "湖南省长沙市": 3, "湖南省长沙市岳麓区": 4, "云江": 7, "望津市白榆区": 2, "海外": 9}
    counts |= {f"他处{number}": 1 for number in range(60)}
    found = arranged(100, counts, Gazetteer(UNITS), ("湖南省",))
    assert whole(found) == 100 and found.nowhere == 100 - sum(counts.values())
    hunan = next(one for one in found.provinces if one.name == "湖南")
    assert hunan.documents == 12 and [one.documents for one in found.local] == [9]
    assert found.unknown[0].name == "海外" and found.unplaced == 69 and found.unlisted > 0
    part = found.part
    assert part is not None and (part.documents, part.itself, part.names) == (12, 5, ("湖南省",))
    assert [one.area for one in part.tiles] == ["湖南省" + one.name for one in divisions_in("430000")]
    changsha = part.tiles[0]
    assert (changsha.documents, changsha.itself) == (7, 3)
    assert sum(one.documents for one in changsha.parts) + changsha.itself == changsha.documents
    assert not part.tiles[1].parts, "counties are shown where there is any"


def test_without_a_province_of_ones_own_the_map_opens_the_one_with_most() -> None:
    counts = {"云江": 2, "望津市白榆区": 3, "广东省江门市": 4}
    part = arranged(9, counts, Gazetteer(UNITS), None).part
    assert part is not None and (part.name, part.documents, part.names) == ("云江省", 5, ("云江",))
    assert [(one.name, [inner.name for inner in one.parts]) for one in part.tiles] == [("望津", ["白榆"]), ("岚阳", [])]
    assert arranged(0, {}, Gazetteer(UNITS), None).part is None
    assert arranged(9, {"海外": 9}, Gazetteer(UNITS), ("火星",)).part is None


REGIONS = ("湖南省长沙市岳麓区", "湖南省长沙市", "湖南省株洲市", "北京市", "", "海外")


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> ConsoleWorld:
    """A world with posts of several regions on heating, and one on schools."""
    world = ConsoleWorld(tmp_path_factory.mktemp("spread"))
    posts = [
        record(f"at-{place}", MIDNIGHT, "供暖远近", policy="heating", event="heat") for place in range(len(REGIONS))
    ]
    posts.append(record("at-school", MIDNIGHT, "扩招远近", policy="school", event="enrol"))
    placed = [*REGIONS, "四川省成都市"]
    world.world.index.write(
        [
            replace(one, assessed=replace(one.assessed, places=(place,) if place else ()))
            for one, place in zip(posts, placed, strict=True)
        ]
    )
    world.world.index.refresh()
    return world


def tiles_of(page: str) -> dict[str, tuple[int, str]]:
    """Name → number and address of the tiles that lead somewhere."""
    found = re.findall(r'<a class="tile[^"]*" href="([^"]*)"[^>]*>([^<]*) <b>(\d+)</b>', page)
    return {name.strip(): (int(count), html.unescape(address)) for address, name, count in found}


def test_the_tiles_count_what_the_facet_counts_and_narrow_to_it(spread: ConsoleWorld) -> None:
    client, index = spread.client("duty"), spread.world.index
    page = client.get("/search/analysis?q=远近").text
    tiles = tiles_of(page)
    facet = index.search(Search(filters=Filters(), size=0, facets=("region",), facet_size=MAX_FACET_SIZE)).facets
    counts = {bucket.value: bucket.count for bucket in facet["region"]}
    assert tiles["湖南"][0] == sum(count for region, count in counts.items() if region.startswith("湖南省")) == 3
    assert {name: tiles[name][0] for name in ("长沙", "岳麓", "株洲", "北京", "四川", "海外")} == {
        "长沙": 2, "岳麓": 1, "株洲": 1, "北京": 1, "四川": 1, "海外": 1,
    }  # fmt: skip
    assert "没有写明地区 1 篇" in page
    for name, (count, address) in tiles.items():
        assert address.startswith("/search/analysis?"), name
        narrowed = client.get(address.replace("/search/analysis", "/search"))
        assert re.search(rf"<b>{count}</b> 篇", narrowed.text), name
    # The map stays whole within an area, says which, and its tile lets go.
    inside = client.get(tiles["湖南"][1]).text
    assert tiles_of(inside)["四川"][0] == 1 and inside.count('aria-current="true"') == 1
    assert tiles_of(inside)["湖南"][1] == "/search/analysis?q=%E8%BF%9C%E8%BF%91"
    assert "地区范围：湖南省" in inside


def test_an_area_narrows_the_api_and_saved_searches_alike(spread: ConsoleWorld) -> None:
    client = spread.client("duty")
    found = client.get("/api/v1/documents", params={"q": "远近", "area": "湖南省长沙市"}).json()
    assert found["total"] == 2
    both = client.get("/api/v1/documents", params={"area": "湖南省", "region": "北京市"}).json()
    assert both["total"] == 0, "both must hold"
    assert Asked.read([("area", "湖南省")]).filters(spread.store).areas == ("湖南省",)
    assert "地区范围：湖南省" in client.get("/searches", params={"area": "湖南省"}).text


def test_an_events_regions_are_a_map_of_its_own(spread: ConsoleWorld) -> None:
    page = spread.client("duty").get("/events/heat").text
    tiles = tiles_of(page)
    assert tiles["湖南"][0] == 3 and "四川" not in tiles
    assert tiles["湖南"][1].startswith("/search?") and "event=heat" in tiles["湖南"][1]


def test_the_map_counts_the_viewers_documents_alone(spread: ConsoleWorld) -> None:
    schools = spread.client("duty", "schools")
    tiles = tiles_of(schools.get("/search/analysis").text)
    assert tiles["四川"][0] == 1 and "湖南" not in tiles and "海外" not in tiles
    outside = schools.get("/search/analysis", params={"area": "湖南省"}).text
    missing = schools.get("/search/analysis", params={"area": "青海省"}).text
    assert "四川" in outside and outside.replace("湖南", "青海").count("<b>0</b>") > 30
    assert re.sub("湖南|青海", "", outside.split("先后到过的信源")[1].split("地区分布")[0]) == re.sub(
        "湖南|青海", "", missing.split("先后到过的信源")[1].split("地区分布")[0]
    ), "an area of others reads like one of nobody"


def test_tiles_are_told_in_english(spread: ConsoleWorld) -> None:
    client = spread.client("duty")
    client.cookies.set("minsheng-language", "en")
    page = client.get("/search/analysis?q=远近&area=湖南省").text
    assert "One tile a provincial division" in page and "Regions not recognised" in page and "Area：湖南省" in page
