"""Policies from files: one TOML a policy. Whatever is wrong is said with file and line, all of it at once."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec

from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from minsheng.policies.model import STAGES, Policy, Sensitivity, standard_number

_FIELDS = {field.name: field for field in msgspec.structs.fields(Policy)}
_DATES = tuple(name for name in _FIELDS if name.endswith(("_on", "_opens", "_closes")))
_STAGE_WORDS: dict[str, str] = {
    **{stage: stage for stage in STAGES},
    **{words: stage for stage, words in STAGES.items()},
    "draft_for_comment": "draft",
    "征求意见稿": "draft",
    "现行": "in_force",
    "有效": "in_force",
    "废止": "repealed",
}
_EXPECTED = {
    **{name: 'expected a list of texts, e.g. ["…", "…"]' for name, field in _FIELDS.items() if field.default == ()},
    "sensitivity": f"expected one of {', '.join(get_args(Sensitivity))}",
}
_SHOWN = 20
"""Problems listed in one error; more are only counted."""


class _Problem(Exception):
    """Something wrong in one file, at a key (None: the file as a whole) or at a line; `code` for programs."""

    def __init__(self, message: str, key: str | None = None, line: int | None = None, *, code: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.line = line
        self.code = code


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a policy.

    Attributes
    ----------
    field:
        Of the policy; empty: of none that there is.
    code:
        `unknown-field`, `missing`, `empty`, `control`, `type`, `date`, `id`, `stage`, `order` (a day before the one it
        follows), `url` or `self` (its own successor).
    message:
        In English.
    """

    field: str
    code: str
    message: str


class WrongPolicy(WrongUse):
    """A policy that can't be, with everything that is wrong with it."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("; ".join(one.message for one in mistakes), "see docs/reference/policies.md")
        self.mistakes = mistakes


def read_policies(path: Path) -> list[Policy]:
    """Read a policy file, or all `*.toml` files of a folder and the folders in it, by id.

    Raises
    ------
    WrongUse
        If anything is wrong in any file: every problem with its file and line, and nothing is returned.
    """
    files = _files(Path(path))
    problems: list[str] = []
    found: dict[str, tuple[Policy, str]] = {}
    for file in files:
        try:
            text = _text(file)
            policy, wrong = _read(text)
        except _Problem as problem:
            problems.append(f"{file}:{problem.line or 1}: {problem}")
            continue
        problems.extend(f"{file}:{line_of(text, error.key)}: {error}" for error in wrong)
        if policy is None:
            continue
        place = f"{file}:{line_of(text, 'id')}"
        if policy.id in found:
            problems.append(f"{place}: policy id '{policy.id}' is already used in {found[policy.id][1]}")
        else:
            found[policy.id] = (policy, place)
    if problems:
        listed = problems[:_SHOWN]
        if len(problems) > _SHOWN:
            listed.append(f"… and {len(problems) - _SHOWN} more")
        raise WrongUse("wrong policy files, nothing was taken:\n" + "\n".join(listed), "see docs/reference/policies.md")
    return [policy for policy, _ in sorted(found.values(), key=lambda item: item[0].id)]


def line_of(text: str, key: str | None) -> int:
    """The line, from 1, that a key of the top table stands in; 1 where it is not there.

    A line that looks like the key counts only if everything before it is whole TOML: then it does not lie inside a
    string of several lines.
    """
    if key is None:
        return 1
    pattern = re.compile(rf"""\s*\[*\s*(["']?){re.escape(key)}\1\s*[=.\]]""")
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if pattern.match(line) and _is_whole("\n".join(lines[:number])):
            return number + 1
    return 1


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise WrongUse(f"there is no policy file or folder {path}")
    files = sorted(file for file in path.rglob("*.toml") if not file.name.startswith("."))
    if not files:
        raise WrongUse(f"there are no policy files (*.toml) in {path}", "see docs/reference/policies.md")
    return files


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Problem(f"not UTF-8 (byte {error.start}): save the file as UTF-8") from None
    except OSError as error:
        raise _Problem(f"can't be read: {error.strerror}") from None


def _read(text: str) -> tuple[Policy | None, list[_Problem]]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise _Problem(f"not readable as TOML: {error}", line=int(line[1]) if line else text.count("\n") + 1) from None
    return _of(table)


def checked(values: Mapping[str, Any]) -> Policy:
    """A policy of these values, by the rules of policy files; None stands for what is left out.

    Raises
    ------
    WrongPolicy
        Names everything that is wrong.
    """
    policy, problems = _of({key: value for key, value in values.items() if value is not None})
    if policy is None:
        raise WrongPolicy(tuple(Mistake(field=one.key or "", code=one.code, message=str(one)) for one in problems))
    return policy


def _of(table: Mapping[str, Any]) -> tuple[Policy | None, list[_Problem]]:
    problems: list[_Problem] = []
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _FIELDS:
            problems.append(_Problem(f"unknown key '{key}'{_nearest(key)}", key, code="unknown-field"))
            continue
        try:
            values[key] = _value(key, value)
        except _Problem as problem:
            problems.append(problem)
    problems.extend(_Problem(f"'{key}' is missing", key, code="missing") for key in ("id", "title") if key not in table)
    if not problems:
        problems.extend(_contradictions(values))
    return (None if problems else Policy(**values)), problems


def _value(key: str, value: Any) -> Any:
    if key in _DATES:
        return _date(key, value)
    if key == "stage" and isinstance(value, str):
        stage = _STAGE_WORDS.get(re.sub(r"[\s-]+", "_", value.strip().lower()))
        if stage is None:
            known = "、".join(f"{name} ({words})" for name, words in STAGES.items())
            raise _Problem(f"stage: '{value}' is none of {known}", key, code="stage")
        return stage
    try:
        converted = msgspec.convert(value, _FIELDS[key].type)
    except msgspec.ValidationError as error:
        raise _Problem(f"{key}: {_EXPECTED.get(key, error)}", key, code="type") from None
    if isinstance(converted, tuple):
        return tuple(dict.fromkeys(_clean(key, word) for word in converted))
    if isinstance(converted, str):
        converted = _clean(key, converted)
    if key == "id" and (len(converted) > 100 or re.search(r"[\s,/\\]", converted)):
        raise _Problem("id: at most 100 characters, without spaces, commas and slashes", key, code="id")
    if key == "url" and not converted.startswith(("http://", "https://")):
        raise _Problem(f"url: '{converted}' is no address of a page, write https://...", key, code="url")
    if key == "number":
        return standard_number(converted) or converted
    if key == "title" and converted.startswith("《") and converted.endswith("》") and "《" not in converted[1:]:
        return converted[1:-1]
    return converted


def _clean(key: str, text: str) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise _Problem(f"{key}: must not be empty", key, code="empty")
    if any(unicodedata.category(character) == "Cc" for character in cleaned):
        raise _Problem(f"{key}: must be one line, without control characters", key, code="control")
    return cleaned


def _date(key: str, value: Any) -> date:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise _Problem(f"{key}: '{value}' is no date, write 2026-05-01", key, code="date") from None
    if isinstance(value, datetime):
        return value.astimezone(CHINA).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    raise _Problem(f"{key}: expected a date, write 2026-05-01", key, code="date")


def _contradictions(values: dict[str, Any]) -> list[_Problem]:
    problems = []
    for earlier, later in (
        ("consultation_opens", "consultation_closes"),
        ("released_on", "amended_on"),
        ("released_on", "repealed_on"),
    ):
        if values.get(earlier) and values.get(later) and values[later] < values[earlier]:
            problems.append(
                _Problem(f"{later} ({values[later]}) lies before {earlier} ({values[earlier]})", later, code="order")
            )
    if values.get("successor") == values["id"]:
        problems.append(_Problem("successor: a policy can't succeed itself", "successor", code="self"))
    return problems


def _nearest(key: str) -> str:
    close = difflib.get_close_matches(key.lower(), _FIELDS, n=1, cutoff=0.5)
    return f", did you mean '{close[0]}'?" if close else f"; known are: {', '.join(_FIELDS)}"


def _is_whole(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
