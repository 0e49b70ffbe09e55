"""Regions as people administer them: in which province, prefecture and county the region of a document lies.

The divisions of the Ministry of Civil Affairs, and beside them what the units of this installation name as theirs: so
that new districts, and places that no list has, stand where they belong.
"""

from __future__ import annotations

import re

from classifiers.divisions import by_path, path_of, without_suffix
from classifiers.places import places_in
from console.units import UnitTree

Path = tuple[str, ...]
"""Names from the province down."""

_PARTS = re.compile(
    r"(?P<province>[^省市州县]{2,8}(?:省|自治区|特别行政区))?(?P<city>.{1,10}?(?:市|自治州|地区|盟|州))?"
    r"(?P<county>.{1,12}?(?:自治县|自治旗|区|县|旗|市))?"
)
_PROVINCE = ("省", "自治区", "特别行政区")
_LONGEST = max(map(len, by_path()))


class Gazetteer:
    """The divisions, and those that only the units of `tree` name: a unit's regions that end alike are spellings of one
    (望津市, 云江省望津市)."""

    def __init__(self, tree: UnitTree) -> None:
        self._spellings: dict[Path, list[str]] = {}
        self._by_beginning: dict[str, list[tuple[str, Path]]] = {}  # the same, by a spelling's first two characters
        for unit in sorted(tree.by_id.values(), key=lambda one: one.id):
            own = {region: parts_of(region) for region in unit.regions if not _listed(region)}
            whole = [parts for parts in own.values() if parts[0].endswith(_PROVINCE)]
            above = [
                parts for region in tree.regions_above(unit.id) if (parts := parts_of(region))[0].endswith(_PROVINCE)
            ]
            for region, parts in own.items():
                path = next((one for one in whole if one[-len(parts) :] == parts), parts)
                if path == parts:  # 望津市白榆区, below a unit of 云江省望津市
                    path = next((one[:-1] + parts for one in above if one[-1] == parts[0]), parts)
                for end in range(1, len(path) + 1):
                    self._spell(path[:end], "".join(path[:end]))
                self._spell(path, region)
                if path[0].endswith(_PROVINCE):
                    self._spell(path[:1], without_suffix(path[0]))

    def _spell(self, path: Path, name: str) -> None:
        kept = self._spellings.setdefault(path, [])
        if name not in kept:
            kept.append(name)
            self._by_beginning.setdefault(name[:2], []).append((name, path))

    def named_in(self, path: Path) -> list[Path]:
        """What only units name directly in a path, as they were added; (): provinces and what stands in none."""
        return [one for one in self._spellings if len(one) == len(path) + 1 and one[:-1] == path]

    def place(self, region: str) -> Path | None:
        """Where a document's region lies; None where neither the divisions nor the units know. What lies deeper than
        they tell is divided by its words, within what the units name alone."""
        listed = _listed(region)
        if listed:
            return path_of(listed)
        known = [one for end in (1, 2) for one in self._by_beginning.get(region[:end], ())]
        spelling, path = max((one for one in known if region.startswith(one[0])), key=_length, default=("", ()))
        if not path:
            return None
        rest = _PARTS.fullmatch(region.removeprefix(spelling))
        return (*path, *(part for part in rest.groups() if part)) if rest else path

    def beginnings(self, area: str) -> tuple[str, ...]:
        """How the regions begin that lie in an area: itself, and the other spellings that units give it."""
        found = {area: None}
        for path, spellings in self._spellings.items():
            if "".join(path).startswith(area):
                found |= dict.fromkeys(spellings)
            elif area.startswith("".join(path)):
                found |= dict.fromkeys(one + area.removeprefix("".join(path)) for one in spellings)
        return tuple(one for one in found if not any(one != other and one.startswith(other) for other in found))

    def province_of(self, tree: UnitTree, unit_id: int | None) -> Path | None:
        """The province that a unit is of, by its regions or its name, or those of a unit above it, or else by those
        below it, where these lie in one."""
        place = tree.by_id.get(unit_id) if unit_id is not None else None
        while place is not None:
            named = [found for name in (*place.regions, place.name) if (found := self.place(name))]
            named += [one.path for one in places_in(place.name, "")]
            if named:
                return named[0][:1]
            place = tree.by_id.get(place.parent_id) if place.parent_id is not None else None
        below = tree.with_below(unit_id) if unit_id is not None else []
        provinces = {found[:1] for one in below for region in one.regions if (found := self.place(region))}
        return provinces.pop() if len(provinces) == 1 else None


def parts_of(region: str) -> Path:
    """A region's name divided by its words: 云江省, 望津市; whole where its words don't tell."""
    found = _PARTS.fullmatch(region)
    return tuple(part for part in found.groups() if part) if found and region else (region,)


def short_name(name: str) -> str:
    """A division's name as it stands where there is little room; 和县 stays whole."""
    short = without_suffix(name)
    return short if len(short) > 1 else name


def _listed(region: str) -> str:
    """The code of the deepest division that a region's name begins with, by its whole path; "" where there is none."""
    known = by_path()
    return next((code for end in range(min(len(region), _LONGEST), 1, -1) if (code := known.get(region[:end]))), "")


def _length(one: tuple[str, Path]) -> int:
    return len(one[0])
