"""What is masked, and what must stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawlers.privacy import KEY_FILE, AuthorKeys, mask, mask_names
from minsheng.errors import WrongSettings
from minsheng.settings import CrawlSettings, Secret, Settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请致电13800138000。", "请致电[电话]。"),
        ("手机138 0013 8000或138-0013-8000", "手机[电话]或[电话]"),
        ("+86 13800138000", "[电话]"),
        ("微信同号8613800138000", "微信同号[电话]"),
        ("１３８００１３８０００", "[电话]"),
        ("办公室028-86601234转805", "办公室[电话]"),
        ("（028）86601234", "[电话]"),
        ("电话：86601234", "电话：[电话]"),
        ("联系电话是02886601234", "联系电话是[电话]"),
        ("身份证11010519491231002X", "身份证[身份证号]"),
        ("11010519491231002x是我的", "[身份证号]是我的"),
        ("身份证号：110105194912310021（输错了一位）", "身份证号：[身份证号]（输错了一位）"),
        ("110105491231002", "[身份证号]"),
        ("发到 zhang.san@mail.example.cn 吧", "发到 [邮箱] 吧"),
        ("我13800138000，他13900139000", "我[电话]，他[电话]"),
    ],
)
def test_masks(text: str, expected: str) -> None:
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "川办发〔2023〕12号",
        "国办发〔2016〕61号文件",
        "2026-11-24 12:30:00",
        "20261124123000",
        "2019-2020年度",
        "投入1234567890元",
        "合计13800138000元，13912345678条",
        "补贴13800元，共138001380000元",
        "订单号20261124123456789",
        "编号110105194912310021",  # as long as an identity number, but its check digit is wrong
        "共86601234条",
        "拨打12345热线，或96119",
        "3.1415926535",
        "经度104.0657612345",
        "统一社会信用代码91510100MA62345678",
        "第5001号提案，第13条第8款",
        "A市A3区联丰路米兰春天G2栋320",
        "热线：0000-12345",
    ],
)
def test_leaves(text: str) -> None:
    assert mask(text) == text


def test_names_in_posts() -> None:
    assert mask_names("//@水务_集团-官方:已退款 @老王，你看") == "//@用户:已退款 @用户，你看"
    assert mask_names("单价3元@平方") == "单价3元@用户"  # an unlucky but harmless one


def test_authors_are_the_same_person_at_one_source_only() -> None:
    keys = AuthorKeys(b"k" * 32)
    assert keys("a", "老周") == keys("a", "老周")
    assert keys("a", "老周") != keys("b", "老周")
    assert keys("a", "老周") != keys("a", "小周")
    assert keys("a", "老周") != AuthorKeys(b"j" * 32)("a", "老周")
    assert len(keys("a", "老周")) == 24


def test_the_key_is_made_once_and_read_by_nobody_else(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    first = AuthorKeys.from_settings(settings)("a", "老周")
    assert AuthorKeys.from_settings(settings)("a", "老周") == first
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / KEY_FILE).parent.iterdir()) == [tmp_path / KEY_FILE]


def test_a_given_key_is_used_and_must_be_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path, crawl=CrawlSettings(author_key=Secret(env="MINSHENG_TEST_AUTHOR_KEY")))
    monkeypatch.setenv("MINSHENG_TEST_AUTHOR_KEY", "k" * 32)
    assert AuthorKeys.from_settings(settings)("a", "老周") == AuthorKeys(b"k" * 32)("a", "老周")
    assert not (tmp_path / KEY_FILE).exists()
    monkeypatch.setenv("MINSHENG_TEST_AUTHOR_KEY", "short")
    with pytest.raises(WrongSettings, match="too short"):
        AuthorKeys.from_settings(settings)
