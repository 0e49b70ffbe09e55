"""What crawls say of sources has its Chinese: every sentence that the crawler's code can write down."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from crawlers import failures, walls
from crawlers.error_words import hint_in_chinese, in_chinese, misfit_in_chinese
from crawlers.host_rules import HostResting
from crawlers.sources import make_source, parse_options
from crawlers.states import said
from minsheng.errors import WrongUse

ROOT = Path(__file__).parents[2] / "crawlers"
ASIDE = {"admission", "columns", "delivery", "importing", "linking", "logins", "policy_pages", "receiving", "rows",
         "source_keeping", "source_lists", "sources", "tables", "threads", "xml_workbook"}  # fmt: skip
"""Modules that ask no source for anything: files, deliveries, and what operators type."""
RAISED = {"BadInput": 0, "LoginEnded": 0, "LayoutChanged": 0, "AddressRefused": 0, "IgnoreRequest": 0, "HostResting": 0,
          "NoArticle": 1, "NoBrowser": 0, "refused": 0}  # fmt: skip
"""What tells of an error, and which of its values is the sentence; the one behind it is the hint."""
PUT_TOGETHER = ("7: 7", "7 is no feed7")
"""An address, and what others say of it: they are asked themselves."""


def readings(node: ast.expr) -> list[str]:
    """The sentences that an expression can be, with 7 for what is put in; empty where it is put together elsewhere."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return readings(node.body) + readings(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in readings(value)]
    if isinstance(node, ast.BinOp):
        return ["".join(parts) for parts in product(readings(node.left) or ["7"], readings(node.right) or ["7"])]
    if isinstance(node, ast.JoinedStr):
        parts = [
            readings(value) or ["7"] if isinstance(value, ast.Constant) else readings(value.value) or ["7"]  # type: ignore[attr-defined]
            for value in node.values
        ]
        return ["".join(one) for one in product(*parts)]
    return []


def sentences() -> Iterator[tuple[str, str, bool]]:
    """Place, sentence, and whether it is a hint."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.stem in ASIDE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if (place := RAISED.get(name)) is None:
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            for number, value in enumerate(node.args[place : place + (1 if name == "refused" else 2)]):
                yield from ((where, text, number == 1) for text in readings(value) if text)


def test_every_sentence_of_a_crawl_has_its_chinese() -> None:
    found = list(sentences())
    assert len(found) > 100
    lacking = [
        f"{place}: {text}"
        for place, text, is_hint in found
        if text not in PUT_TOGETHER and (not hint_in_chinese(text) if is_hint else in_chinese(text) == text)
    ]
    assert lacking == []
    told = [wall.reason for _, wall in walls._SIGNS] + list(failures._WORDS.values())
    assert [text for text in told if in_chinese(text) == text] == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("https://h.example/rss: answered 503", "https://h.example/rss：返回 503"),
        ("no such host", "找不到这个域名"),
        ("https://h/a: no safe connection (TLS): certificate verify failed",
         "https://h/a：建立不了安全连接（TLS）：certificate verify failed"),
        ("http://h/: nothing matches links = ul.x a — give the links' selector: options.links; where scripts make the "
         "list: options.javascript",
         "http://h/：选择器 links = ul.x a 没有匹配到。写明链接的选择器 options.links；列表由脚本生成的，用 "
         "options.javascript"),
        ("imap.h:993: the mail server can't be reached: no answer in time",
         "imap.h:993：连不上邮件服务器：超时没有应答"),
        ("http://h/rss: 10.0.0.1 is at 10.0.0.1, no public address: list its network in crawl.allowed_networks",
         "http://h/rss：10.0.0.1 的地址是 10.0.0.1，不是公网地址：确要抓取的，把该网段写进 crawl.allowed_networks"),
        ("https://h/x gives nothing: as feed: https://h/x is no feed; as listing: "
         "https://h/x: no list of links is seen",
         "https://h/x 没有抓到内容：按“订阅源（RSS、Atom）”：https://h/x 不是订阅源；按“栏目列表”：https://h/x：看不出文章列表"),
        ("缺少作者", "缺少作者"),
        ("ZeroDivisionError: division by zero", "ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_sentences_are_told_with_what_they_name(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


def test_a_host_that_rests_is_told_with_its_time() -> None:
    error = HostResting("h.example answered 429", datetime(2026, 11, 24, 4, tzinfo=UTC), refused=True)
    assert in_chinese(str(error)) == "h.example 返回 429；11-24 12:00 起再抓"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("failing: https://h/rss: answered 500", "采集失败（https://h/rss：返回 500）"),
        ("never answered: no such host", "从未采集成功（找不到这个域名）"),
        ("quiet: answers, but brought nothing new", "可以访问，但长时间没有新内容"),
        ("https://h/rss: answered 500", "https://h/rss：返回 500"),  # as a ticket of operators has it
    ],
)
def test_blindness_is_told_in_one_language(reason: str, words: str) -> None:
    assert said(reason) == words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('pages = "x"', "options.pages 的值不对：应为整数，写的是文字"),
        ("pages = 5000", "pages 应在 1 和 1000 之间"),
    ],
)
def test_options_that_do_not_fit_are_told_in_chinese(options: str, words: str) -> None:
    values = {"id": "x", "kind": "listing", "url": "http://h/", "options": parse_options(options)}
    with pytest.raises(WrongUse) as refused:
        make_source(values, "the form")
    assert refused.value.problem is not None and words in refused.value.problem.chinese


def test_toml_that_is_none_is_told_in_chinese() -> None:
    with pytest.raises(WrongUse) as refused:
        parse_options("pages 3")
    assert refused.value.problem is not None and "第 1 行第 7 列写法不对" in refused.value.problem.chinese
    assert misfit_in_chinese("Invalid value (at end of document)") == "末尾没有写完"
