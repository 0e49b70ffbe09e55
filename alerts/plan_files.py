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
from minsheng.problems import Problem

_BRACES = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"\$\.([\w.\[\]]+)")
Mistake = tuple[int, Problem]
"""A line, from 1, and what is wrong there."""


def read_plans(path: Path) -> list[Plan]:
    """Read one plan file, or all `*.toml` files of a folder, by file name.

    Raises
    ------
    WrongUse
        With every problem as `file:line: what`.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    mistakes: list[tuple[Path, int, Problem]] = []
    places: dict[str, Path] = {}
    plans: list[Plan] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            mistakes.append((file, 1, Problem("plan-file-unreadable", reason=error.strerror)))
            continue
        except UnicodeDecodeError as error:
            mistakes.append((file, 1, Problem("plan-file-encoding", byte=error.start)))
            continue
        plan, wrong = read_plan(text)
        if plan is not None and plan.id in places:
            wrong = [(_line(text, "id"), Problem("plan-id-used", id=plan.id, file=places[plan.id]))]
        mistakes += [(file, line, what) for line, what in wrong]
        if plan is not None and not wrong:
            places[plan.id] = file
            plans.append(plan)
    if mistakes:
        english = "\n".join(f"{file}:{line}: {what}" for file, line, what in mistakes)
        chinese = "\n".join(f"{file.name} 第 {line} 行：{what.chinese}" for file, line, what in mistakes)
        raise WrongUse(Problem("plan-files-wrong", english=english, chinese=chinese), "see docs/reference/plans.md")
    return plans


def read_plan(text: str) -> tuple[Plan | None, list[Mistake]]:
    """The plan of a file's text, or everything that is wrong with it, line by line."""
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [(_toml_line(error), Problem("plan-no-toml", reason=error))]
    wrong = [*_unknown_keys(plain, Plan, "", text), *_wrong_texts(plain, "", text)]
    if wrong:
        return None, sorted(wrong, key=lambda one: one[0])
    try:
        plan = msgspec.convert(plain, Plan)
    except msgspec.ValidationError as error:
        return None, [_type_problem(error, text)]
    wrong = sorted(_senseless(plan, text), key=lambda one: one[0])
    return (None if wrong else plan), wrong


def _unknown_keys(plain: Mapping[str, Any], kind: type[msgspec.Struct], place: str, text: str) -> Iterator[Mistake]:
    fields = _fields(kind)
    for key, value in plain.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
            yield (
                _line(text, f"{place}{key}"),
                Problem("plan-key-near", key=f"{place}{key}", near=near[0])
                if near
                else Problem("plan-key-unknown", key=f"{place}{key}", known=", ".join(fields)),
            )
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


def _wrong_texts(value: Any, place: str, text: str) -> Iterator[Mistake]:
    """Unknown variables anywhere in the texts."""
    if isinstance(value, str):
        for name in _BRACES.findall(value):
            if name not in VARIABLES:
                near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.5)
                yield (
                    _line(text, place, f"{{{name}}}"),
                    Problem("plan-variable-near", name=name, place=place, near=near[0])
                    if near
                    else Problem("plan-variable-unknown", name=name, place=place, known=", ".join(VARIABLES)),
                )
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _wrong_texts(item, f"{place}.{key}" if place else key, text)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _wrong_texts(item, f"{place}[{number}]", text)


def check_plan(plan: Plan) -> list[Problem]:
    """What is wrong with a plan that comes from no file, e.g. from a form; empty: nothing."""
    plain = msgspec.to_builtins(plan)
    return [what for _, what in (*_wrong_texts(plain, "", ""), *_senseless(plan, ""))]


def _senseless(plan: Plan, text: str) -> Iterator[Mistake]:
    if not plan.id.strip() or not plan.title.strip():
        yield _line(text, "id"), Problem("plan-nameless")
    if plan.inherited:
        yield _line(text, "inherited"), Problem("plan-inherited")
    if plan.version < 1:
        yield _line(text, "version"), Problem("plan-version-zero")
    if not plan.policies and not plan.topics:
        yield _line(text, "policies"), Problem("plan-unbound")
    if not plan.steps:
        yield _line(text, "steps"), Problem("plan-stepless")
    for number, step in enumerate(plan.steps):
        if step.within_minutes is not None and step.within_minutes <= 0:
            yield _line(text, f"steps[{number}].within_minutes"), Problem("plan-step-minutes", step=number + 1)


def _type_problem(error: msgspec.ValidationError, text: str) -> Mistake:
    """msgspec writes `Expected `int`, got `str` - at `$.steps[0].within_minutes``."""
    message = str(error)
    found = _PATH.search(message)
    place = re.sub(r"\[\.\.\.\]", "", found[1]) if found else ""
    missing = re.search(r"missing required field `(\w+)`", message)
    if missing:
        where = _line(text, place) if place else 1
        return where, (
            Problem("plan-part-lacks", place=place, key=missing[1]) if place else Problem("plan-lacks", key=missing[1])
        )
    invalid = re.search(r"Invalid enum value '([^']*)'", message)
    if invalid:
        key = re.sub(r"\[\d*\]$", "", place)
        field = next(field for field in msgspec.structs.fields(Plan) if field.name == key)
        choices = get_args(get_args(field.type)[0])
        near = difflib.get_close_matches(invalid[1], choices, n=1, cutoff=0.5)
        return _line(text, key, invalid[1]), (
            Problem("plan-value-near", key=key, value=invalid[1], near=near[0])
            if near
            else Problem("plan-value-unknown", key=key, value=invalid[1], known=", ".join(choices))
        )
    return (_line(text, place) if place else 1), Problem(
        "plan-type", message=message.replace("`$.", "`"), place=place or "预案"
    )


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
