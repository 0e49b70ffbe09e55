"""Scenarios: what people are made to say in a drill, in one TOML file each."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from alerts.risk_kind import RiskKind
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.records import Kind

SHIPPED = Path(__file__).parent / "scenarios"
"""The scenarios that come with the product."""
FOLDER = "drills"
"""Where a user's own lie in the data folder; one with the id of a shipped one takes its place."""
MOST = 200
"""Posts of a scenario."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_BRACES = re.compile(r"\{([^{}]*)\}")
VARIABLES = {"policy": "政策名称", "department": "责任单位"}


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Post(_Table, frozen=True, kw_only=True):
    """One post. `minutes_before`: how long before the drill's start it is said to be published; `author`: posts with
    the same one are of one person, without it each is of another one."""

    text: str
    title: str = ""
    kind: Kind = "post"
    minutes_before: Annotated[float, msgspec.Meta(ge=0, le=360)] = 0
    author: str = ""
    region: str | None = None
    likes: Annotated[int, msgspec.Meta(ge=0)] = 0
    comments: Annotated[int, msgspec.Meta(ge=0)] = 0
    reposts: Annotated[int, msgspec.Meta(ge=0)] = 0


class Scenario(_Table, frozen=True, kw_only=True):
    """One scenario.

    Attributes
    ----------
    level:
        The level that the rules should give it: with other rules another one, and the report says so.
    aims:
        What is to be practised, for those who judge it (演练目的).
    checks:
        What an observer looks at (观察要点).
    posts:
        Their texts may hold `VARIABLES` in braces: the drill's policy and its department.
    """

    id: str
    title: str
    risk_kind: RiskKind
    level: Literal["blue", "yellow", "orange", "red"]
    summary: str
    aims: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    posts: tuple[Post, ...]


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file. Raises `WrongUse` with what is wrong and where."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8-sig")), Scenario)
    except OSError as error:
        raise WrongUse(
            Problem("file-unreadable", file=path, reason=error.strerror),
            "minsheng drill scenarios lists those there are",
        ) from None
    except UnicodeDecodeError:
        raise WrongUse(Problem("file-encoding", file=path), "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(Problem("toml-wrong", file=path, reason=error), "see docs/how-to/run-a-drill.md") from None
    except msgspec.ValidationError as error:
        raise WrongUse(f"{path}: {str(error).replace('`$.', '`')}", "see docs/how-to/run-a-drill.md") from None
    if wrong := list(_senseless(found)):
        raise WrongUse("\n".join(f"{path}: {one}" for one in wrong), "see docs/how-to/run-a-drill.md")
    return found


def scenarios(folder: Path | None = None) -> dict[str, Scenario]:
    """All scenarios by id: the shipped ones, and those in a folder, which need not exist. Raises `WrongUse`."""
    files = [*sorted(SHIPPED.glob("*.toml"))]
    if folder is not None and folder.is_dir():
        files += sorted(folder.glob("*.toml"))
    return {found.id: found for found in map(read_scenario, files)}


def find_scenario(name: str, folder: Path | None = None) -> Scenario:
    """The scenario with this id, or in this file. Raises `WrongUse`."""
    if name.endswith(".toml"):
        return read_scenario(Path(name))
    known = scenarios(folder)
    if name not in known:
        raise WrongUse(
            Problem("scenario-unknown", name=name), f"there are: {', '.join(known)}; or name a file NAME.toml"
        )
    return known[name]


def _senseless(scenario: Scenario) -> Iterator[str]:
    if not _ID.fullmatch(scenario.id):
        yield "id: use lower-case letters, digits and -, at most 60"
    if not scenario.title.strip() or len(scenario.title) > 100:
        yield "title: give one of at most 100 characters"
    if not 1 <= len(scenario.posts) <= MOST:
        yield f"posts: give 1 to {MOST}"
    for number, post in enumerate(scenario.posts, 1):
        if not post.text.strip():
            yield f"posts, number {number}: a post says something"
        for name in _BRACES.findall(post.title + post.text):
            if name not in VARIABLES:
                yield f"posts, number {number}: unknown variable {{{name}}}; known are {', '.join(VARIABLES)}"
