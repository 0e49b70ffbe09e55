"""What is masked, and what must stay."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from crawlers.admission import Admission, Found
from crawlers.privacy import KEY_FILE, AuthorKeys, KeyFiles, NamedAccounts, author_keys, mask, mask_names
from minsheng.errors import WrongSettings
from minsheng.records import Attachment, Document
from minsheng.settings import CrawlSettings, SearchSettings, Secret, Settings

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)


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
        ("护照号：E12345678", "护照号：[证件号]"),
        ("川A12345堵在路口", "[车牌号]堵在路口"),
        ("川A·F3K21、川A F3K21和川AF3K21", "[车牌号]、[车牌号]和[车牌号]"),
        ("新能源车川AD12345，货车川A12345D", "新能源车[车牌号]，货车[车牌号]"),
        ("教练车川A1234学，挂车鄂AP185挂", "教练车[车牌号]，挂车[车牌号]"),
        ("车牌是川a12345", "车牌是[车牌号]"),
        ("卡号6222021234567890128", "卡号[银行卡号]"),
        ("打到6222 0212 3456 7890 128", "打到[银行卡号]"),
        ("6222-0212-3456-7890-128", "[银行卡号]"),
        ("退到4111111111111111", "退到[银行卡号]"),
        ("银行账号：6217 0000 1234 5678", "银行账号：[银行卡号]"),  # Luhn fails; its owner says what it is
        ("我住人民路88号", "我住人民路[门牌号]"),
        ("家在北二环东段１２号附３号", "家在北二环东段[门牌号]"),
        ("中山路123弄45号602室", "中山路[门牌号]"),
        ("中心大街西段67号", "中心大街西段[门牌号]"),
        ("王家村12号", "王家村[门牌号]"),
        ("光塘村七组155号", "光塘村七组[门牌号]"),
        ("A市A3区联丰路米兰春天G2栋320", "A市A3区联丰路米兰春天G2栋[门牌号]"),
        ("3栋2单元501室漏水", "3栋[门牌号]漏水"),
        ("6号楼一单元1203", "6号楼[门牌号]"),
        ("5栋2902私自封闭", "5栋[门牌号]私自封闭"),
        ("阳光花园12-3-1502", "阳光花园[门牌号]"),
        ("B栋337房，法定代表人", "B栋[门牌号]，法定代表人"),
        ("人民路33号市医院家属院", "人民路[门牌号]市医院家属院"),
        ("人民路15号", "人民路[门牌号]"),
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
        "人民路33号市政务服务中心",
        "市政务服务中心2号楼305室",
        "人民路15号起停水，解放路16号上午恢复",
        "据报道12号开通，线路3号站",
        "地铁2号线3号口，12号桥",
        "米兰春天G2栋电梯坏了，6号楼也是",
        "3栋320户居民，5栋1200平方米",
        "一座100兆瓦的光热电站",
        "a座，电话另告",
        "1单元停电",
        "第3号院线，2号文件，5号令",
        "农村12号会议",
        "京东2023年，新A股，川A号段，皖B2-20080001",
        "北京HU7976航班，云A类资质",
        "新usb300接口",
        "沪ICP备12345678号，京公网安备11010802020088号",
        "订单号6222021234567890128",
        "6222021234567890123是一串数字",  # its check digit is wrong
        "共6222021234567890128元",
        "2026年11月24日8时20分许",
        "得分3-2-501，比例12-3-15",
        "国发〔2023〕12号、川府函2023年第8号、GB/T 9704-2012",
        "第十三届全国人大常委会第三十五次会议",
        "预算12.5亿元，同比增长8.3%，涉及1203户、501人",
        "邮编610041，经费代码2080505",
        "热线：0000-12345",
    ],
)
def test_leaves(text: str) -> None:
    assert mask(text) == text


def test_names_in_posts() -> None:
    assert mask_names("//@水务_集团-官方:已退款 @老王，你看") == "//@用户:已退款 @用户，你看"
    assert mask_names("单价3元@平方") == "单价3元@用户"  # an unlucky but harmless one


def test_institutions_stay_named(tmp_path: Path) -> None:
    (tmp_path / "named-accounts.txt").write_text("# offices\n水务集团  # since 2026\n＠云江发布\n\n", encoding="utf-8")
    named = NamedAccounts.from_settings(Settings(data_dir=tmp_path))
    assert len(named) == 2
    assert mask_names("问@水务集团 和@云江发布，还有@老王", named) == "问@水务集团 和@云江发布，还有@用户"
    admit = Admission("s", AuthorKeys(b"k" * 32, named=named))
    office = admit(Found(key="1", kind="post", text="今晚停水", author="水务集团"), NOW)
    person = admit(Found(key="2", kind="post", text="又停水", author="老王"), NOW)
    assert isinstance(office, Document) and isinstance(person, Document)
    assert (office.outlet, person.outlet) == ("水务集团", None)
    assert office.author_key and person.author_key and office.author_key != person.author_key


def test_a_list_of_institutions_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "named-accounts.txt").write_bytes("水务集团".encode("gb18030"))
    with pytest.raises(WrongSettings, match="not UTF-8"):
        NamedAccounts.from_settings(Settings(data_dir=tmp_path))


def test_nothing_of_a_document_is_left_unmasked() -> None:
    document = Admission("s", AuthorKeys(b"k" * 32))(
        Found(
            key="1",
            kind="news",
            title="@老王 的车川A12345",
            text="电话13800138000",
            outlet="记者13900139000",
            author="老王",
            attachments=(Attachment(url="http://h/1.pdf", name="身份证11010519491231002X.pdf"),),
        ),
        NOW,
    )
    assert isinstance(document, Document)
    assert (document.title, document.text, document.outlet) == ("@用户 的车[车牌号]", "电话[电话]", "记者[电话]")
    assert document.attachments[0].name == "身份证[身份证号].pdf"
    assert "老王" not in repr(document)


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


def test_a_new_key_hashes_anew_and_the_old_ones_can_still_be_asked(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    before = AuthorKeys.from_settings(settings)("a", "老周")
    files = KeyFiles(tmp_path / KEY_FILE)
    assert files.rotate(NOW)
    keys = AuthorKeys.from_settings(settings)
    assert keys("a", "老周") != before
    assert keys.all("a", "老周") == [keys("a", "老周"), before]
    assert {path.stat().st_mode & 0o777 for path in files.path.parent.glob("author*.key")} == {0o600}


def test_keys_are_replaced_when_old_and_forgotten_when_of_no_use(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, crawl=CrawlSettings(author_key_days=365), search=SearchSettings(retention_days=400)
    )
    files = KeyFiles(tmp_path / KEY_FILE)
    files.current()
    os.utime(files.path, (NOW.timestamp(), NOW.timestamp()))
    first = author_keys(settings, NOW)("a", "老周")
    assert author_keys(settings, NOW + timedelta(days=364))("a", "老周") == first
    second = author_keys(settings, NOW + timedelta(days=365))
    assert second.all("a", "老周") == [second("a", "老周"), first]
    assert author_keys(settings, NOW + timedelta(days=729))("a", "老周") == second("a", "老周")
    # 400 days after the first was replaced, all that it hashed is gone.
    later = author_keys(settings, NOW + timedelta(days=766))
    assert first not in later.all("a", "老周")
    assert later.all("a", "老周")[1:] == [second("a", "老周")]


def test_keys_stay_where_replacing_is_off(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, crawl=CrawlSettings(author_key_days=0))
    first = author_keys(settings, NOW)("a", "老周")
    assert author_keys(settings, NOW + timedelta(days=9000)).all("a", "老周") == [first]


def _rotate(path: str) -> bool:
    return KeyFiles(Path(path)).rotate(NOW + timedelta(days=900), older_than=timedelta(days=365))


def test_of_several_processes_one_replaces_the_key(tmp_path: Path) -> None:
    files = KeyFiles(tmp_path / KEY_FILE)
    files.current()
    os.utime(files.path, (NOW.timestamp(), NOW.timestamp()))
    with get_context("spawn").Pool(4) as pool:
        assert sorted(pool.map(_rotate, [str(files.path)] * 4)) == [False, False, False, True]
    assert len(files.old()) == 1


def test_old_keys_of_the_settings_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINSHENG_TEST_AUTHOR_KEY", "k" * 32)
    monkeypatch.setenv("MINSHENG_TEST_OLD_AUTHOR_KEY", "j" * 32)
    crawl = CrawlSettings(
        author_key=Secret(env="MINSHENG_TEST_AUTHOR_KEY"),
        old_author_keys=(Secret(env="MINSHENG_TEST_OLD_AUTHOR_KEY"),),
    )
    keys = AuthorKeys.from_settings(Settings(data_dir=tmp_path, crawl=crawl))
    assert keys.all("a", "老周") == [AuthorKeys(b"k" * 32)("a", "老周"), AuthorKeys(b"j" * 32)("a", "老周")]


@pytest.mark.parametrize(
    "piece",
    ["一", "1", "路1号", "a@", "3栋2单元", "12-3-", "川A1", "1234 ", "卡号1", "弄1弄", "政务，", "一二三段", "@"],
)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (50_000 // len(piece))
    began = time.process_time()
    masked = mask(mask_names(text))
    assert time.process_time() - began < 3
    assert mask(mask_names(masked)) == masked
