"""A row of a register to an application: dates, outcomes and rulings read from what offices write.

Who made the application never gets past here: only the columns of `disclosure.columns` are looked at, texts are masked,
and where a text repeats what stands in a column on the person, it is taken out of the text, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from crawlers.privacy import mask, mask_names
from disclosure.columns import COLUMNS
from disclosure.model import Application, Outcome, Ruling

APPLICANT = "[申请人]"
LONGEST = {"title": 500, "content": 20_000, "department": 200, "number": 100, "region": 200, "policy": 500}
"""Characters of each part; more is a mistake of the file, and refused."""
FIRST_YEAR = 2008
"""In which the Regulations came into force."""
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]+[\d:.]+)?|(\d{4})(\d{2})(\d{2})")
_OUTCOMES: tuple[tuple[str, Outcome], ...] = (
    # In this order: 部分公开 says 公开, too.
    (r"部分", "partly"),
    (r"不予公开|不公开|不同意公开|不宜公开|不能公开|无法公开|拒绝", "refused"),
    (r"不存在|无法提供|不掌握|未制作|未获取|没有现成", "absent"),
    (r"不予处理|不予重复|不再处理|放弃|撤回|撤销申请|终止|非政府信息|不属于|信访|告知|其他|其它|补正", "other"),
    (r"^(?!.*[不未非无]).*(?:公开|提供)", "disclosed"),
)
_RULINGS: tuple[tuple[str, Ruling], ...] = (
    (r"未审结|未结|审理中|受理中|在审|办理中", "pending"),
    (r"纠正|被纠错|纠错|撤销|变更|确认违法|确认无效|责令|败诉|重新答复", "corrected"),
    (r"维持|驳回|胜诉", "upheld"),
    (r"其他|其它|终止|撤诉|撤回|和解|调解|不予受理", "other"),
)
_NONE = frozenset(("", "无", "否", "未", "没有", "不涉及", "-", "—", "/", "未提起", "未申请", "0"))
_DAYS = ("received_on", "correction_asked_on", "corrected_on", "opinion_asked_on", "opinion_given_on", "extended_on",
         "answered_on")  # fmt: skip


class BadRow(ValueError):
    """A row can't be used; the message says why, in Chinese, and what to write."""


def read_row(
    values: Mapping[str, Any],
    columns: Mapping[str, str],
    identity: Sequence[str],
    *,
    today: date,
    department: str,
    region: str,
    extension_days: int,
) -> Application:
    """The application that a row tells of.

    Parameters
    ----------
    columns:
        Field → column.
    identity:
        The columns that tell who made it.
    department, region:
        Of rows that name none.
    extension_days:
        Working days of an extension that is told without them, and the most that there may be.

    Raises
    ------
    BadRow
        With what is wrong, and what to write.
    """
    given = {field: _text(values.get(column)) for field, column in columns.items()}
    for field, most in LONGEST.items():
        if len(given.get(field, "")) > most:
            raise BadRow(f"{_name(field)}超过 {most} 字")
    if not given["number"]:
        raise BadRow("没有申请编号")
    people = tuple(word for column in identity if len(word := _text(values.get(column))) >= 2)
    title, content = (_without(given.get(field, ""), people) for field in ("title", "content"))
    if not title and not content:
        raise BadRow("没有申请事项，也没有内容")
    days = {field: _day(field, given.get(field, "")) for field in _DAYS}
    received = days["received_on"]
    if received is None:
        raise BadRow("没有收到日期")
    _check_order(days, today)
    outcome = _outcome(given.get("outcome", ""))
    if outcome is not None and days["answered_on"] is None:
        raise BadRow("有答复结果而没有答复日期")
    return Application(
        department=given.get("department", "") or department,
        number=given["number"],
        received_on=received,
        title=title,
        content=content,
        region=given.get("region", "") or region,
        policy_named=mask(given.get("policy", "")),
        correction_asked_on=days["correction_asked_on"],
        corrected_on=days["corrected_on"],
        opinion_asked_on=days["opinion_asked_on"],
        opinion_given_on=days["opinion_given_on"],
        extended_on=days["extended_on"],
        extension_days=_extension(given, days["extended_on"], extension_days),
        answered_on=days["answered_on"],
        outcome=outcome,
        review=_ruling("review", given.get("review", "")),
        litigation=_ruling("litigation", given.get("litigation", "")),
    )


def masked_row(values: Mapping[str, Any], columns: Mapping[str, str], identity: Sequence[str]) -> dict[str, str]:
    """A row as it may be kept to be mended: the columns that are used, without who made the application."""
    people = tuple(word for column in identity if len(word := _text(values.get(column))) >= 2)
    return {column: _without(_text(values.get(column)), people) for column in columns.values()}


def _without(text: str, people: Sequence[str]) -> str:
    for word in sorted(people, key=len, reverse=True):
        text = text.replace(word, APPLICANT)
    return mask_names(mask(text))


def _text(value: Any) -> str:
    # PostgreSQL keeps no NUL in a text.
    return "" if value is None or isinstance(value, dict | list) else str(value).replace("\0", "").strip()


def _name(field: str) -> str:
    return COLUMNS[field][1]


def _day(field: str, text: str) -> date | None:
    if text in _NONE:
        return None
    found = _DAY.fullmatch(text.replace("／", "/").replace("．", "."))
    try:
        if found is None:
            raise ValueError
        year, month, day = (int(part) for part in found.groups() if part is not None)
        return date(year, month, day)
    except ValueError:
        raise BadRow(f"{_name(field)}“{text[:30]}”不是日期，应写作 2026-11-24") from None


def _check_order(days: Mapping[str, date | None], today: date) -> None:
    received, answered = days["received_on"], days["answered_on"]
    assert received is not None
    if received.year < FIRST_YEAR:
        raise BadRow(f"{_name('received_on')} {received} 太早")
    for field, day in days.items():
        if day is None:
            continue
        if day > today:
            raise BadRow(f"{_name(field)} {day} 还没有到")
        if day < received:
            raise BadRow(f"{_name(field)} {day} 早于{_name('received_on')} {received}")
        if answered is not None and received <= answered < day:
            raise BadRow(f"{_name(field)} {day} 晚于{_name('answered_on')} {answered}")
    for first, then in (("correction_asked_on", "corrected_on"), ("opinion_asked_on", "opinion_given_on")):
        begun, ended = days[first], days[then]
        if ended is not None and begun is None:
            raise BadRow(f"有{_name(then)}而没有{_name(first)}")
        if begun is not None and ended is not None and ended < begun:
            raise BadRow(f"{_name(then)} {ended} 早于{_name(first)} {begun}")


def _extension(given: Mapping[str, str], extended_on: date | None, most: int) -> int | None:
    told, said = given.get("extension_days", ""), given.get("extended", "")
    if told and told not in _NONE:
        number = re.fullmatch(r"(\d{1,4})(?:\.0)?\s*(?:个?工作日|天|日)?", told)
        if number is None or not 1 <= int(number[1]) <= most:
            raise BadRow(f"延期天数“{told[:30]}”应是 1 至 {most} 个工作日")
        return int(number[1])
    if extended_on is not None:
        return most
    if said in _NONE or said in ("未延期", "不延期", "false", "no", "n", "N"):
        return None
    if said in ("是", "已延期", "延期", "有", "true", "True", "yes", "y", "Y", "1", "√"):
        return most
    raise BadRow(f"是否延期“{said[:30]}”看不懂，应写“是”或“否”")


def _outcome(text: str) -> Outcome | None:
    if text in _NONE:
        return None
    for pattern, outcome in _OUTCOMES:
        if re.search(pattern, text):
            return outcome
    raise BadRow(f"答复结果“{text[:30]}”看不懂，应写“予以公开”“部分公开”“不予公开”“不存在”或“其他”")


def _ruling(field: str, text: str) -> Ruling | None:
    if text in _NONE:
        return None
    for pattern, ruling in _RULINGS:
        if re.search(pattern, text):
            return ruling
    lost = "纠正" if field == "review" else "败诉"
    raise BadRow(f"{_name(field)}“{text[:30]}”看不懂，应写“维持”“{lost}”“尚未审结”或“其他”")
