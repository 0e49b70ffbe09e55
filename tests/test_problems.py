"""Errors that are told in two languages: each code has both, and each error carries one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from console.problems import in_words
from console.translation import current
from minsheng.errors import BadInput, WrongUse
from minsheng.problem_messages import MESSAGES
from minsheng.problems import Problem

ROOT = Path(__file__).parents[1]
CODE = ("alerts", "answers", "briefings", "classifiers", "console", "consultations", "crawlers", "disclosure",
        "grouping", "minsheng", "search", "stream")  # fmt: skip
ALL_TOLD = ("alerts/casework", "alerts/planning/shelf.py", "alerts/transitions.py", "alerts/tickets.py",
            "alerts/duty/changes.py", "alerts/duty/book.py", "alerts/responses", "alerts/rules/book.py",
            "answers/book.py", "answers/search.py", "answers/mining.py", "briefings/shelf.py", "briefings/orders.py",
            "briefings/wording.py", "consultations/book.py", "grouping/by_hand.py", "search/query.py",
            "console")  # fmt: skip
"""Where whatever is refused can be met at a page."""
AT_THE_TERMINAL = ("the console did not start", "the console can't listen on", "a second factor was sealed")
CHINESE = re.compile("[\u4e00-\u9fff]")


def _calls(folders: tuple[str, ...], names: tuple[str, ...]) -> Iterator[tuple[str, ast.Call]]:
    for folder in folders:
        place = ROOT / folder
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def _codes(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_codes(node.body), *_codes(node.orelse)]
    assert isinstance(node, ast.Constant), "a code is written out where it is raised"
    return [str(node.value)]


def test_each_code_has_both_languages_and_is_raised_with_what_they_name() -> None:
    used, wrong = set(), []
    for place, call in _calls(CODE, ("Problem",)):
        if place.startswith(("console/api/", "minsheng/problems.py")):  # what the API answers; the class itself
            continue
        given = {str(keyword.arg) for keyword in call.keywords}
        for code in _codes(call.args[0]):
            used.add(code)
            english, chinese = MESSAGES.get(code, ("", ""))
            if given != _fields(english) | _fields(chinese):
                wrong.append(f"{place}: {code} with {sorted(given)}")
    assert wrong == [], "\n".join(wrong)
    assert used == set(MESSAGES)
    for code, (english, chinese) in MESSAGES.items():
        assert english and not CHINESE.search(english), code
        assert CHINESE.search(chinese), code
    assert list(MESSAGES) == sorted(MESSAGES)


def test_what_pages_can_meet_is_told_by_code_or_in_chinese() -> None:
    plain = []
    for place, call in _calls(ALL_TOLD, ("WrongUse", "BadInput", "Refused", "MinshengError")):
        if not call.args or not isinstance(call.args[0], ast.Constant | ast.JoinedStr):
            continue
        parts = [node.value for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)]
        words = "".join(part for part in parts if isinstance(part, str))
        if not CHINESE.search(words) and not words.startswith(AT_THE_TERMINAL):
            plain.append(f"{place}: {words}")
    assert plain == [], "\n".join(plain)


@pytest.mark.parametrize(("language", "said"), [("zh", "没有工单 T9。"), ("en", "there is no ticket T9")])
def test_a_page_tells_it_in_its_language(language: str, said: str) -> None:
    token = current.set(language)
    try:
        assert in_words(WrongUse(Problem("ticket-unknown", ticket="T9"), "see minsheng tickets list")) == said
        assert in_words(WrongUse("请写明理由。")) == ("请写明理由。" if language == "zh" else "Say why.")
    finally:
        current.reset(token)


def test_it_stays_told_when_another_error_passes_it_on_and_names_no_secret() -> None:
    first = BadInput(Problem("page-no-html", url="https://user:secret@example.org/page"))
    error = WrongUse(first.problem or first.message, first.hint)
    assert in_words(error).endswith("不是网页。") and "secret" not in in_words(error)
    assert str(error).endswith("is no HTML page") and "secret" not in str(error)
