"""Units as a tree (province, city, county, department), and what each may see: its scope, resolved when it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, get_args

import msgspec
import sqlalchemy as sa

from console.tables import units as table
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.policies import Policy
from minsheng.problems import Problem
from minsheng.store import Store

UnitKind = Literal["province", "city", "county", "department"]
UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)
UNIT_WORDS: dict[str, str] = {"province": "省级", "city": "市级", "county": "县级", "department": "部门"}
DEEPEST = 12
"""Levels of the tree."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit.

    Attributes
    ----------
    whole:
        Sees everything in its region, also what is about no policy.
    policies, departments, topics:
        What is its own: policies by id, by the department that the register names, by topic.
    regions:
        How the names of its regions begin (云江省望津市); empty: those of the unit above it.
    """

    id: int
    parent_id: int | None
    name: str
    kind: str
    whole: bool
    policies: tuple[str, ...]
    departments: tuple[str, ...]
    topics: tuple[str, ...]
    regions: tuple[str, ...]
    created_at: datetime


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit may see. `policies` None: everything; `regions` None: everywhere. Both must hold.

    `departments`: what the unit and those below it are called, and the departments that are theirs: what is kept by
    department rather than by policy is theirs by these.
    """

    policies: tuple[str, ...] | None = ()
    regions: tuple[str, ...] | None = None
    departments: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        return self.policies is None and self.regions is None


class UnitTree:
    """All units, as they were when read."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.by_id = {unit.id: unit for unit in units}
        self._below: dict[int | None, list[Unit]] = {}
        for unit in sorted(self.by_id.values(), key=lambda one: one.id):
            self._below.setdefault(unit.parent_id, []).append(unit)

    def listed(self) -> list[tuple[int, Unit]]:
        """Depth and unit, each followed by those below it."""
        found: list[tuple[int, Unit]] = []

        def walk(parent: int | None, depth: int) -> None:
            for unit in self._below.get(parent, ()):
                found.append((depth, unit))
                walk(unit.id, depth + 1)

        walk(None, 0)
        return found

    def below(self, unit_id: int | None) -> list[Unit]:
        """The units directly below one; None: those with none above."""
        return list(self._below.get(unit_id, ()))

    def regions_above(self, unit_id: int) -> list[str]:
        """The regions that the units above one name, from the nearest up."""
        found: list[str] = []
        place = self.by_id[unit_id].parent_id
        while place is not None:
            found += self.by_id[place].regions
            place = self.by_id[place].parent_id
        return found

    def with_below(self, unit_id: int) -> list[Unit]:
        """The unit and all below it."""
        if unit_id not in self.by_id:
            return []
        found = [self.by_id[unit_id]]
        for unit in found:  # grows while it is walked
            found.extend(self._below.get(unit.id, ()))
        return found

    def grant(self, unit_id: int | None, policies: Sequence[Policy]) -> Grant:
        """What a unit may see: its own policies and those of the units below it, inside its regions. No unit, or one
        without anything of its own: nothing."""
        family = self.with_below(unit_id) if unit_id is not None else []
        if not family:
            return Grant()
        regions: tuple[str, ...] | None = None
        place: Unit | None = family[0]
        while place is not None and regions is None:
            regions = place.regions or None
            place = self.by_id.get(place.parent_id) if place.parent_id is not None else None
        if family[0].whole:
            return Grant(policies=None, regions=regions)
        own = {name for unit in family for name in unit.policies}
        departments = {name for unit in family for name in unit.departments}
        topics = {name for unit in family for name in unit.topics}
        own |= {one.id for one in policies if one.department in departments or topics & set(one.topics)}
        names = departments | {unit.name for unit in family}
        return Grant(policies=tuple(sorted(own)), regions=regions, departments=tuple(sorted(names)))


class UnitBook:
    """The units in the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def tree(self) -> UnitTree:
        return read_units(self._store)

    def add(
        self,
        name: str,
        kind: str,
        *,
        parent: int | None = None,
        whole: bool = False,
        policies: Sequence[str] = (),
        departments: Sequence[str] = (),
        topics: Sequence[str] = (),
        regions: Sequence[str] = (),
    ) -> Unit:
        """Add a unit. Raises `WrongUse` where the name is taken, the kind unknown or the unit above not there."""
        name = _checked(name, kind)
        with self._store.begin() as connection:
            rows = [_unit(row) for row in connection.execute(sa.select(table)).mappings()]
            if any(one.name == name for one in rows):
                raise WrongUse(Problem("unit-taken", name=name), "choose another name")
            _check_depth(UnitTree(rows), parent)
            number = connection.execute(
                table.insert().values(
                    name=name,
                    kind=kind,
                    parent_id=parent,
                    whole=whole,
                    policies=_clean(policies),
                    departments=_clean(departments),
                    topics=_clean(topics),
                    regions=_clean(regions),
                    created_at=self._clock.now(),
                )
            ).inserted_primary_key
            assert number is not None
            row = connection.execute(sa.select(table).where(table.c.id == number[0])).mappings().one()
        return _unit(row)

    def change(
        self,
        unit_id: int,
        *,
        name: str,
        kind: str,
        parent: int | None,
        whole: bool,
        policies: Sequence[str],
        departments: Sequence[str],
        topics: Sequence[str],
        regions: Sequence[str],
    ) -> Unit:
        """Change a unit. A unit can't be put below itself."""
        name = _checked(name, kind)
        with self._store.begin() as connection:
            rows = [_unit(row) for row in connection.execute(sa.select(table)).mappings()]
            tree = UnitTree(rows)
            if unit_id not in tree.by_id:
                raise WrongUse(Problem("unit-unknown", unit=unit_id))
            if any(one.name == name and one.id != unit_id for one in rows):
                raise WrongUse(Problem("unit-taken", name=name), "choose another name")
            if parent in {one.id for one in tree.with_below(unit_id)}:
                raise WrongUse(Problem("unit-below-itself"), "choose another unit above it")
            _check_depth(tree, parent)
            connection.execute(
                table.update()
                .where(table.c.id == unit_id)
                .values(
                    name=name,
                    kind=kind,
                    parent_id=parent,
                    whole=whole,
                    policies=_clean(policies),
                    departments=_clean(departments),
                    topics=_clean(topics),
                    regions=_clean(regions),
                )
            )
            row = connection.execute(sa.select(table).where(table.c.id == unit_id)).mappings().one()
        return _unit(row)

    def find(self, text: str) -> Unit:
        """The unit with this name or number. Raises `WrongUse`."""
        tree = self.tree()
        for unit in tree.by_id.values():
            if unit.name == text.strip() or str(unit.id) == text.strip():
                return unit
        raise WrongUse(Problem("unit-unknown", unit=text), "see minsheng units list")


def read_units(store: Store) -> UnitTree:
    """All units of the store."""
    with store.read() as connection:
        return UnitTree(_unit(row) for row in connection.execute(sa.select(table)).mappings())


def _checked(name: str, kind: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 200:
        raise WrongUse(Problem("unit-unnamed"))
    if kind not in UNIT_KINDS:
        raise WrongUse(Problem("unit-kind", kind=kind), f"known are: {', '.join(UNIT_KINDS)}")
    return name


def _check_depth(tree: UnitTree, parent: int | None) -> None:
    depth = 0
    while parent is not None:
        if parent not in tree.by_id:
            raise WrongUse(Problem("unit-unknown", unit=parent), "see minsheng units list")
        parent = tree.by_id[parent].parent_id
        depth += 1
        if depth >= DEEPEST:
            raise WrongUse(Problem("units-deep", most=DEEPEST), "put it higher")


def _clean(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(word for value in values if (word := value.strip())))


def _unit(row: sa.RowMapping) -> Unit:
    lists = {name: tuple(row[name]) for name in ("policies", "departments", "topics", "regions")}
    return Unit(
        id=row["id"], parent_id=row["parent_id"], name=row["name"], kind=row["kind"], whole=row["whole"],
        created_at=row["created_at"], **lists,
    )  # fmt: skip
