"""Reads and checks rule files: a bad one is refused with file, line and reason, and changes nothing."""

from __future__ import annotations

import difflib
import re
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from alerts.observations import MARKS
from alerts.rules.model import FACTS, GRAVE, PARTS, RuleSet
from alerts.rules.words import BadWords, parse
from minsheng.errors import BadInput
from minsheng.problems import Problem

_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.?([\w-]+)|\[(\d+)\]")
_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@cache
def default_rules() -> RuleSet:
    """The rules that are in force where nobody has installed others."""
    return read_rules(default_text(), "default.toml")


def default_text() -> str:
    return files("alerts.rules").joinpath("default.toml").read_text(encoding="utf-8")


def read_file(path: Path) -> RuleSet:
    """The rules of a file. Raises `BadInput`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}", "give a rule file, TOML in UTF-8") from error
    return read_rules(text, str(path))


def read_rules(text: str, name: str) -> RuleSet:
    """The rules of a text.

    Raises
    ------
    BadInput
        With `name`, the line, and what is wrong there.
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        raise _refused(
            name, int(line[1]) if line else text.count("\n") + 1, Problem("rules-toml", error=error)
        ) from None
    try:
        rules = msgspec.convert(plain, RuleSet)
    except msgspec.ValidationError as error:
        message, at = str(error), _PATH.search(str(error))
        steps = _steps(at["path"]) if at else []
        unknown = re.search(r"unknown field `([^`]+)`", message)
        place = ".".join(map(str, steps))
        raise _refused(
            name,
            _line_of(text, [*steps, *([unknown[1]] if unknown else [])]),
            f"{place}: {_PATH.sub('', message)}" if place else _PATH.sub("", message),
        ) from None
    _check(rules, text, name)
    return rules


def _check(rules: RuleSet, text: str, name: str) -> None:
    """What the shape alone does not say."""
    for listed, words in rules.words.items():
        if listed in MARKS:
            raise _refused(name, _line_of(text, ["words", listed]), Problem("rules-words-taken", words=listed))
        try:
            parse(words.match)
        except BadWords as error:
            raise _refused(name, _line_of(text, ["words", listed, "match"]), f"words.{listed}: {error}") from None
    known = {*FACTS, *(f"part.{part}" for part in PARTS), *(f"words.{listed}" for listed in rules.words)}
    names: set[str] = set()
    for number, rule in enumerate(rules.rules):
        where = ["rules", number]
        if rule.name in names:
            raise _refused(name, _line_of(text, [*where, "name"]), Problem("rules-name-twice", rule=rule.name))
        names.add(rule.name)
        try:
            conditions = rule.conditions
        except ValueError as error:
            wrong = Problem("rules-condition", rule=rule.name, text=error)
            raise _refused(name, _line_of(text, [*where, "when"]), wrong) from None
        for each in conditions:
            if each.fact not in known:
                near = difflib.get_close_matches(each.fact, sorted(known), 1)
                wrong = (
                    Problem("rules-fact-near", rule=rule.name, fact=each.fact, near=near[0])
                    if near
                    else Problem("rules-fact", rule=rule.name, fact=each.fact)
                )
                raise _refused(name, _line_of(text, [*where, "when"]), wrong)
        fact = "messages" if rule.scopes == ("matter",) else "voices"
        for scope in rule.scopes:
            fact = "messages" if scope == "matter" else "voices"
            if rule.least(fact) < 2:
                wrong = Problem("rules-one-alone", rule=rule.name, fact=fact)
                raise _refused(name, _line_of(text, [*where, "when"]), wrong)
    if not sum(getattr(rules.weights, part) for part in PARTS):
        raise _refused(name, _line_of(text, ["weights"]), Problem("rules-weightless"))
    if rules.weights.gravity and GRAVE not in rules.words:
        raise _refused(
            name, _line_of(text, ["weights", "gravity"]), f"gravity counts words.{GRAVE}, which is not there"
        )


def _refused(name: str, line: int, reason: str | Problem) -> BadInput:
    english, chinese = (reason.english, reason.chinese) if isinstance(reason, Problem) else (reason, reason)
    return BadInput(
        Problem("rules-line", file=name, line=line, reason=english, said=chinese),
        "the rules in force stay as they are; see docs/how-to/write-a-rule.md",
    )


def _steps(path: str) -> list[str | int]:
    return [int(number) if number else word for word, number in _STEP.findall(path)]


def _line_of(text: str, steps: list[Any]) -> int:
    """The line, from 1, of what these keys lead to, or of the nearest that is written there."""
    lines = text.split("\n")
    place, seen = 0, -1
    table: list[str] = []
    steps = list(steps)
    if steps and isinstance(steps[0], str) and len(steps) > 1 and isinstance(steps[1], int):
        for number, line in enumerate(lines):
            if re.match(rf"\s*\[\[\s*{re.escape(steps[0])}\s*\]\]", line):
                seen += 1
                if seen == steps[1]:
                    place = number
                    break
        steps = steps[2:]
    elif len(steps) > 1:
        while steps and isinstance(steps[0], str):
            found = _header(lines, [*table, steps[0]])
            if found is None:
                break
            table.append(steps.pop(0))
            place = found
    for step in steps:
        if not isinstance(step, str):
            continue
        for number in range(place + (place > 0), len(lines)):
            if place and lines[number].lstrip().startswith("["):
                break
            if re.match(rf'\s*"?{re.escape(step)}"?\s*=', lines[number]) or _header(lines, [step]) == number:
                place = number
                break
    return place + 1


def _header(lines: list[str], table: list[str]) -> int | None:
    wanted = r"\s*\.\s*".join(rf'"?{re.escape(key)}"?' for key in table)
    return next((number for number, line in enumerate(lines) if re.match(rf"\s*\[\s*{wanted}\s*[\].]", line)), None)
