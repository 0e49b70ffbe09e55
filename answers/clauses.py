"""A policy's text as its clauses, each by the number that people cite it by."""

from __future__ import annotations

import re

import msgspec

_NUMERALS = "零〇一二三四五六七八九十百千两"
_ARTICLE = re.compile(rf"(第[{_NUMERALS}\d]{{1,7}}条)(?:之[{_NUMERALS}])?[\s　:：]*")
_CHAPTER = re.compile(rf"第[{_NUMERALS}\d]{{1,5}}[章节编][\s　]*")
_ITEM = re.compile(rf"([{_NUMERALS}]{{1,4}})[、.．]\s*")
_POINT = re.compile(rf"[（(]([{_NUMERALS}]{{1,4}})[）)]\s*")
_APPENDIX = re.compile(r"附\s*件\s*\d*\s*[:：]?")
_DIGITS = "零一二三四五六七八九"


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One clause: its label (第五条, 二, 二（一）; empty: what stands before the first) and its text."""

    label: str
    text: str


def clauses_of(text: str) -> list[Clause]:
    """The clauses of a document, in order.

    Articles (第…条) where it has them, with the points （一） in them; otherwise the items 一、 and their points.
    A document with neither is one clause without a label.

    Examples
    --------
    >>> [clause.label for clause in clauses_of("总的要求。\\n一、减免。\\n（一）水费。\\n二、本通知自公布之日起执行。")]
    ['', '一', '一（一）', '二']
    """
    lines = [line.strip(" \t　\xa0") for line in text.replace("\r", "\n").split("\n")]
    lines = [line for line in lines if line]
    articles = any(_ARTICLE.match(line) for line in lines)
    found: list[tuple[str, list[str]]] = [("", [])]
    above = ""
    for line in lines:
        if articles and _CHAPTER.match(line):
            continue  # a heading, which nobody cites
        first = _ARTICLE.match(line) if articles else _ITEM.match(line)
        if first:
            above = canonical(first[1])
            found.append((above, [line]))
        elif above and (point := _POINT.match(line)):
            found.append((f"{above}（{point[1]}）", [line]))
        elif _APPENDIX.match(line):
            above = ""
            found.append(("附件", [line]))
        else:
            found[-1][1].append(line)
    return [Clause(label=label, text="\n".join(own)) for label, own in found if own]


def canonical(label: str) -> str:
    """A clause's number in one spelling: 第5条, 第 五 条 and 5条 are 第五条; 一、 is 一.

    Examples
    --------
    >>> canonical("第12条"), canonical("二、"), canonical("三(一)"), canonical("第五条第二款")
    ('第十二条', '二', '三（一）', '第五条第二款')
    """
    plain = re.sub(r"\s+", "", label).translate(str.maketrans("()", "（）")).rstrip("、.．")
    plain = re.sub(r"\d+", lambda found: numeral(int(found[0])), plain)
    if re.fullmatch(rf"[{_NUMERALS}]+条", plain):
        plain = f"第{plain}"
    return plain


def numeral(number: int) -> str:
    """A number below 10,000 in Chinese, as clauses are counted: 十二, 一百零三."""
    if not 0 <= number < 10_000:
        return str(number)
    if number == 0:
        return _DIGITS[0]
    made, gap = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // size % 10
        if digit:
            made += ("零" if gap else "") + _DIGITS[digit] + unit
            gap = False
        elif made:
            gap = True
    return made.removeprefix("一") if 10 <= number < 20 else made
