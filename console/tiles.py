"""Where it is spoken about, as tiles: each provincial division a square at its customary place (a cartogram without
borders), below it the prefectures and counties of one of them. Counts are those of the region facet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from math import ceil

import msgspec

from classifiers.divisions import all_divisions, by_path, divisions_in
from console.access import Visit
from console.gazetteer import Gazetteer, Path, short_name
from search.index import MAX_FACET_SIZE, Filters, Search
from search.query import Node

STEPS = 5
"""Shades of a tile that has any."""
UNKNOWN = 40
"""Regions without a place that are listed; the rest is counted."""


class Square(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tile of a provincial division stands: its code, short name, column and row, from 1."""

    code: str
    name: str
    column: int
    row: int


@lru_cache(maxsize=1)
def layout() -> tuple[Square, ...]:
    """The squares of the 34 provincial divisions, in the order of their codes."""
    lines = resources.files("console").joinpath("provinces.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines[1:])
    return tuple(Square(code=code, name=name, column=int(x), row=int(y)) for code, name, x, y in rows)


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """A region and its documents.

    Attributes
    ----------
    area:
        Its names from the province down in one word; of a region without a place, its name as documents carry it.
    itself, names:
        How many of them name it and nothing in it, and how they spell it.
    step:
        0 for none, then 1 to `STEPS`: how dark it is among its like.
    square:
        Its place on the map; None beside it.
    """

    name: str
    area: str
    documents: int
    step: int
    itself: int = 0
    names: tuple[str, ...] = ()
    square: Square | None = None
    parts: tuple[Tile, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A province from within.

    Attributes
    ----------
    tiles:
        Its prefectures with their counties, or counties alone, in the order of the divisions.
    itself, names:
        Documents that name it and nothing in it, and how they spell it.
    """

    name: str
    area: str
    documents: int
    itself: int
    names: tuple[str, ...]
    tiles: tuple[Tile, ...]
    shades: tuple[tuple[int, int], ...]


class TileMap(msgspec.Struct, frozen=True, kw_only=True):
    """All of it.

    Attributes
    ----------
    local:
        What only the units name, where there is any.
    unknown, unlisted:
        Regions that have no place, the most frequent first, and how many documents are of others.
    nowhere:
        Documents without a region.
    shades:
        From and to of each step of the provinces.
    """

    total: int
    provinces: tuple[Tile, ...]
    local: tuple[Tile, ...]
    shades: tuple[tuple[int, int], ...]
    unknown: tuple[Tile, ...]
    unlisted: int
    nowhere: int
    part: Part | None

    @property
    def unplaced(self) -> int:
        """Documents of regions that have no place."""
        return self.unlisted + sum(one.documents for one in self.unknown)


def map_of(visit: Visit, query: Node | None, filters: Filters, areas: Sequence[str] = ()) -> TileMap:
    """The matches that the viewer sees by region, wherever `filters` narrow them to; from within the province of
    `areas`, else the viewer's own, else the one that most of them are of. Raises `Unavailable`."""
    tree = visit.console.units.tree()
    gazetteer = Gazetteer(tree)
    asked = next((found[:1] for area in areas if (found := gazetteer.place(area))), None)
    everywhere = msgspec.structs.replace(filters, regions=None, areas=None)
    page = visit.view.index.search(
        Search(query=query, filters=everywhere, size=0, facets=("region",), facet_size=MAX_FACET_SIZE, highlight=False)
    )
    counts = {bucket.value: bucket.count for bucket in page.facets.get("region", ())}
    return arranged(page.total, counts, gazetteer, asked or gazetteer.province_of(tree, visit.user.unit_id))


def arranged(total: int, counts: Mapping[str, int], gazetteer: Gazetteer, chosen: Path | None) -> TileMap:
    """The map of these counts: region → documents, of `total` documents. `chosen`: the province to show from within."""
    tree = _Counted(counts, gazetteer)
    squares = {all_divisions()[one.code].name: one for one in layout()}
    provinces = tree.parts(())
    if chosen not in provinces:
        most = max(provinces, key=lambda path: tree.within[path])
        chosen = most if tree.within[most] else None
    shades = shades_of(tree.within[path] for path in provinces)
    tiles = [
        Tile(
            name=square.name if (square := squares.get(path[0])) else short_name(path[0]),
            area=path[0],
            documents=tree.within[path],
            step=step_of(tree.within[path], shades),
            square=square,
        )
        for path in provinces
    ]
    unknown = sorted(tree.unknown.items(), key=lambda item: (-item[1], item[0]))
    unknown_shades = shades_of(tree.unknown.values())
    return TileMap(
        total=total,
        provinces=tuple(one for one in tiles if one.square),
        local=tuple(one for one in tiles if not one.square and one.documents),
        shades=shades,
        unknown=tuple(
            Tile(name=name, area=name, documents=count, step=step_of(count, unknown_shades))
            for name, count in unknown[:UNKNOWN]
        ),
        unlisted=sum(count for _, count in unknown[UNKNOWN:]),
        nowhere=total - sum(counts.values()),
        part=_part(tree, chosen) if chosen is not None else None,
    )


def shades_of(counts: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """From and to of each step: as many times as much from one to the next, so that one large number does not make all
    others alike."""
    most = max(counts, default=0)
    tops = sorted({ceil(most ** (step / STEPS)) for step in range(1, STEPS + 1)}) if most else []
    return tuple((low + 1, top) for low, top in pairwise([0, *tops]))


def step_of(count: int, shades: tuple[tuple[int, int], ...]) -> int:
    return next((step for step, (low, top) in enumerate(shades, 1) if low <= count <= top), 0)


class _Counted:
    """Documents by path: `itself`, of those that name it and nothing in it, and `within`, with all in it."""

    def __init__(self, counts: Mapping[str, int], gazetteer: Gazetteer) -> None:
        self.itself: Counter[Path] = Counter()
        self.within: Counter[Path] = Counter()
        self.names: dict[Path, tuple[str, ...]] = {}
        self.unknown: dict[str, int] = {}
        self._gazetteer = gazetteer
        for region, count in counts.items():
            path = gazetteer.place(region)
            if path is None:
                self.unknown[region] = count
                continue
            self.itself[path] += count
            self.names[path] = (*self.names.get(path, ()), region)
            for end in range(1, len(path) + 1):
                self.within[path[:end]] += count

    def parts(self, path: Path) -> list[Path]:
        """What lies directly in a path: the divisions in their order, then what only units or documents name, the most
        frequent first. (): provinces, and what lies in none."""
        code = by_path().get("".join(path)) if path else ""
        listed = [(*path, one.name) for one in divisions_in(code)] if code is not None else []
        counted = [one for one in self.within if len(one) == len(path) + 1 and one[:-1] == path]
        others = {*self._gazetteer.named_in(path), *counted} - {*listed}
        return [*listed, *sorted(others, key=lambda one: (-self.within[one], one))]


def _part(tree: _Counted, path: Path) -> Part:
    parts = {one: tree.parts(one) if tree.within[one] else [] for one in tree.parts(path)}
    shades = shades_of(tree.within[one] for head, inner in parts.items() for one in (head, *inner))

    def tile(one: Path) -> Tile:
        return Tile(
            name=short_name(one[-1]),
            area="".join(one),
            documents=tree.within[one],
            itself=tree.itself[one],
            names=tree.names.get(one, ()),
            step=step_of(tree.within[one], shades),
            parts=tuple(tile(inner) for inner in parts.get(one, ())),
        )

    return Part(
        name=path[-1],
        area="".join(path),
        documents=tree.within[path],
        itself=tree.itself[path],
        names=tree.names.get(path, ()),
        tiles=tuple(tile(one) for one in parts),
        shades=shades,
    )
