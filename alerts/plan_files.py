"""Plans from TOML files. Whatever is wrong is said with file, line and key, all of it at once."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

import msgspec

from alerts.plan_model import VARIABLES, Plan
from minsheng.errors import WrongUse

_BRACES = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"\$\.([\w.\[\]]+)")
_Problem = tuple[int, str]


def read_plans(path: Path) -> list[Plan]:
    """Read one plan file, or all `*.toml` files of a folder, by file name.

    Raises
    ------
    WrongUse
        With every problem as `file:line: what`.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    problems: list[str] = []
    places: dict[str, Path] = {}
    plans: list[Plan] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
            plain = tomllib.loads(text)
        except OSError as error:
            problems.append(f"{file}:1: can't be read: {error.strerror}")
            continue
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problems.append(f"{file}:{_toml_line(error)}: not readable as TOML: {error}")
            continue
        wrong = [*_unknown_keys(plain, Plan, "", text), *_wrong_texts(plain, "", text)]
        if not wrong:
            try:
                plan = msgspec.convert(plain, Plan)
                wrong = list(_senseless(plan, text))
            except msgspec.ValidationError as error:
                wrong = [_type_problem(error, text)]
        if wrong:
            problems += [f"{file}:{line}: {what}" for line, what in sorted(wrong)]
            continue
        if plan.id in places:
            problems.append(f"{file}:{_line(text, 'id')}: plan id '{plan.id}' is already used in {places[plan.id]}")
            continue
        places[plan.id] = file
        plans.append(plan)
    if problems:
        raise WrongUse("wrong plan files, none was taken:\n" + "\n".join(problems), "see docs/reference/plans.md")
    return plans


def _unknown_keys(plain: Mapping[str, Any], kind: type[msgspec.Struct], place: str, text: str) -> Iterator[_Problem]:
    fields = _fields(kind)
    for key, value in plain.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(fields)}"
            yield _line(text, f"{place}{key}"), f"unknown key {place}{key}; {hint}"
            continue
        inner = fields[key].type
        table = next((arg for arg in (inner, *get_args(inner)) if _is_struct(arg)), None)
        if table is None:
            continue
        if isinstance(value, dict):
            yield from _unknown_keys(value, table, f"{place}{key}.", text)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    yield from _unknown_keys(item, table, f"{place}{key}[{number}].", text)


@cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    return {field.name: field for field in msgspec.structs.fields(kind)}


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _wrong_texts(value: Any, place: str, text: str) -> Iterator[_Problem]:
    """Unknown variables anywhere in the texts."""
    if isinstance(value, str):
        for name in _BRACES.findall(value):
            if name not in VARIABLES:
                near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.5)
                hint = f"did you mean {{{near[0]}}}?" if near else f"known are {', '.join(VARIABLES)}"
                yield _line(text, place, f"{{{name}}}"), f"unknown variable {{{name}}} in {place}; {hint}"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _wrong_texts(item, f"{place}.{key}" if place else key, text)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _wrong_texts(item, f"{place}[{number}]", text)


def check_plan(plan: Plan) -> list[str]:
    """What is wrong with a plan that comes from no file, e.g. from a form; empty: nothing."""
    plain = msgspec.to_builtins(plan)
    return [what for _, what in (*_wrong_texts(plain, "", ""), *_senseless(plan, ""))]


def _senseless(plan: Plan, text: str) -> Iterator[_Problem]:
    if not plan.id.strip() or not plan.title.strip():
        yield _line(text, "id"), "id and title must not be empty"
    if plan.inherited:
        yield _line(text, "inherited"), "inherited is set when a plan is chosen: leave it out"
    if plan.version < 1:
        yield _line(text, "version"), "version counts from 1"
    if not plan.policies and not plan.topics:
        yield _line(text, "policies"), 'bound to nothing: give policies (ids, or ["*"] for a general plan) or topics'
    if not plan.steps:
        yield _line(text, "steps"), "a plan needs at least one step"
    for number, step in enumerate(plan.steps):
        if step.within_minutes is not None and step.within_minutes <= 0:
            yield _line(text, f"steps[{number}].within_minutes"), "within_minutes must be above 0"


def _type_problem(error: msgspec.ValidationError, text: str) -> _Problem:
    """msgspec writes `Expected `int`, got `str` - at `$.steps[0].within_minutes``."""
    message = str(error)
    found = _PATH.search(message)
    place = re.sub(r"\[\.\.\.\]", "", found[1]) if found else ""
    missing = re.search(r"missing required field `(\w+)`", message)
    if missing:
        return (_line(text, place) if place else 1), f"{place or 'the plan'} lacks the key {missing[1]}"
    invalid = re.search(r"Invalid enum value '([^']*)'", message)
    if invalid:
        key = re.sub(r"\[\d*\]$", "", place)
        field = next(field for field in msgspec.structs.fields(Plan) if field.name == key)
        choices = get_args(get_args(field.type)[0])
        near = difflib.get_close_matches(invalid[1], choices, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(choices)}"
        return _line(text, key, invalid[1]), f"{key}: unknown value '{invalid[1]}'; {hint}"
    return (_line(text, place) if place else 1), message.replace("`$.", "`")


def _line(text: str, place: str, containing: str = "") -> int:
    """The line where a key stands, e.g. `steps[1].title`; 1 where it can't be found."""
    lines = text.splitlines()
    start = 0
    *tables, key = place.split(".")
    key = re.sub(r"\[\d*\]", "", key)
    for table in tables:
        name, _, index = table.partition("[")
        number = int(index.rstrip("]") or 0) if index else 0
        headers = [at for at, line in enumerate(lines) if re.match(rf"\s*\[\[?(?:\w+\.)*{name}\]\]?", line)]
        if number < len(headers):
            start = headers[number]
    for at in range(start, len(lines)):
        if re.match(rf"\s*\[*(?:\w+\.)*{re.escape(key)}\b", lines[at]):
            start = at
            break
    else:
        return start + 1 if tables else 1
    if containing:
        for at in range(start, len(lines)):
            if containing in lines[at]:
                return at + 1
    return start + 1


def _toml_line(error: Exception) -> int:
    found = re.search(r"line (\d+)", str(error))
    return int(found[1]) if found else 1
