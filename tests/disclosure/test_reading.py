"""What offices write in their registers, and what must never get past the door."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from disclosure.columns import COLUMNS, identity_columns, known_name, recognise
from disclosure.model import Application
from disclosure.reading import BadRow, read_row
from minsheng.errors import WrongUse

TODAY = date(2026, 11, 27)
BASE = {"申请编号": "1", "收到申请日期": "2026-03-02", "申请事项": "三公经费"}


def read(**more: Any) -> Application:
    values = {**BASE, **more}
    columns = recognise(values, {}, "f.csv")
    people = identity_columns(values, columns)
    return read_row(values, columns, people, today=TODAY, department="市局", region="云江省", extension_days=20)


@pytest.mark.parametrize(
    "name",
    [
        "申请人", "申请人姓名", "姓名", "联系人", "联系电话", "手机号码", "身份证号", "证件号码", "通讯地址",
        "邮寄地址", "住址", "电子邮箱", "邮政编码", "性别", "出生日期", "法定代表人", "单位名称", "统一社会信用代码",
        "工作单位",         "Applicant Name", "email", "Phone", "收件地址", "代理人姓名", "微信号", "Name",
    ],
)  # fmt: skip
def test_columns_on_people_are_known_for_what_they_are(name: str) -> None:
    columns = recognise([*BASE, name], {}, "f.csv")
    assert identity_columns([*BASE, name], columns) == [name]
    with pytest.raises(WrongUse, match="not stored"):
        recognise([*BASE, name], {name: "content"}, "f.csv")


def test_no_column_that_is_read_is_on_people() -> None:
    for names in COLUMNS.values():
        assert identity_columns(names, {}) == []
        assert all(map(known_name, names))


def test_a_person_named_in_a_column_is_taken_out_of_the_texts() -> None:
    one = read(申请人="欧阳娜娜", 联系电话="13800138000", 身份证号="510104199001011239",
               申请事项="欧阳娜娜申请公开低保名单",
               所需信息内容="寄至欧阳娜娜收，微信：abc12345，电话028-86601234")  # fmt: skip
    assert one.title == "[申请人]申请公开低保名单"
    for word in ("欧阳", "abc12345", "86601234", "138"):
        assert word not in one.content


def test_a_file_without_what_is_needed_is_refused_with_what_is_missing() -> None:
    with pytest.raises(WrongUse, match="申请编号、申请事项（或所需信息内容）"):
        recognise(["收到日期", "办理结果"], {}, "f.csv")
    assert recognise(["号", "收到日期", "标题"], {"号": "number"}, "f.csv")["number"] == "号"


@pytest.mark.parametrize("text", ["2026-03-02", "2026/3/2", "2026.03.02", "2026年3月2日", "20260302",
                                  "2026-03-02 00:00:00", "2026-3-2 9:30"])  # fmt: skip
def test_days_as_people_write_them(text: str) -> None:
    assert read(收到申请日期=text).received_on == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("予以公开", "disclosed"), ("已主动公开", "disclosed"), ("全部公开", "disclosed"), ("部分公开", "partly"),
        ("予以部分公开", "partly"), ("不予公开（国家秘密）", "refused"), ("不同意公开", "refused"),
        ("信息不存在", "absent"), ("无法提供—本机关不掌握", "absent"), ("不予处理", "other"), ("申请人撤回", "other"),
        ("不属于本机关公开", "other"),
        ("其他", "other"), ("无", None), ("", None),
    ],
)  # fmt: skip
def test_outcomes_as_people_write_them(words: str, outcome: str | None) -> None:
    assert read(答复日期="2026-03-20", 答复结果=words).outcome == outcome


@pytest.mark.parametrize(
    ("words", "ruling"),
    [("维持", "upheld"), ("纠正", "corrected"), ("撤销原答复", "corrected"), ("确认违法", "corrected"),
     ("败诉", "corrected"), ("驳回原告诉讼请求", "upheld"), ("尚未审结", "pending"), ("撤诉", "other"), ("否", None)],
)  # fmt: skip
def test_rulings_as_people_write_them(words: str, ruling: str | None) -> None:
    assert read(答复日期="2026-03-20", 行政诉讼结果=words).litigation == ruling


def test_extensions_as_people_write_them() -> None:
    assert read(是否延期="是").extension_days == 20
    assert read(是否延期="否").extension_days is None
    assert read(延期日期="2026-03-20").extension_days == 20
    assert read(延期天数="10个工作日").extension_days == 10


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"申请编号": ""}, "没有申请编号"),
        ({"收到申请日期": ""}, "没有收到日期"),
        ({"申请事项": " "}, "没有申请事项"),
        ({"收到申请日期": "三月初"}, "不是日期，应写作"),
        ({"收到申请日期": "2026-02-30"}, "不是日期"),
        ({"收到申请日期": "2026-12-01"}, "还没有到"),
        ({"收到申请日期": "1998-12-01"}, "太早"),
        ({"答复日期": "2026-02-01"}, "早于收到申请日期"),
        ({"收到补正日期": "2026-03-09"}, "有收到补正日期而没有补正告知日期"),
        ({"征求意见日期": "2026-03-09", "收到意见日期": "2026-03-06"}, "早于征求意见日期"),
        ({"延期日期": "2026-03-25", "答复日期": "2026-03-20"}, "晚于答复日期"),
        ({"答复结果": "予以公开"}, "有答复结果而没有答复日期"),
        ({"答复日期": "2026-03-20", "答复结果": "看情况"}, "看不懂，应写“予以公开”"),
        ({"行政复议结果": "？"}, "应写“维持”“纠正”"),
        ({"是否延期": "也许"}, "看不懂"),
        ({"延期天数": "40"}, "应是 1 至 20 个工作日"),
        ({"所需信息内容": "字" * 20_001}, "超过 20000 字"),
    ],
)
def test_a_row_that_can_not_be_so_says_why(more: dict[str, str], why: str) -> None:
    with pytest.raises(BadRow, match=why):
        read(**more)


def test_rows_that_name_no_department_or_region_get_those_given() -> None:
    assert (read().department, read().region) == ("市局", "云江省")
    assert read(承办单位="县局", 区县="云江省望津市").department == "县局"
