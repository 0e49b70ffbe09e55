"""The parts of policy linking, each by itself."""

from __future__ import annotations

import pytest

from classifiers.folding import fold
from classifiers.linking_addresses import AddressIndex
from classifiers.linking_field import passages
from classifiers.linking_titles import take_apart
from classifiers.linking_weak import names_of
from classifiers.numbers import NumberIndex
from classifiers.regions import elsewhere_named, region_of, whose
from classifiers.words import Lexicon, lexicon
from minsheng.policies import Policy
from training.lexicon import lexicon as lexicon_text
from training.linking_scores import wilson

NUMBERS = (
    "川办发〔2023〕12号",
    "川办发〔2023〕13号",
    "川办发〔2023〕112号",
    "川府规〔2024〕3号",
    "青江市人民政府令第46号",
)


@pytest.fixture(scope="module")
def index() -> NumberIndex:
    index = NumberIndex()
    assert all(index.add(number, place) for place, number in enumerate(NUMBERS))
    return index


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("川办发〔2023〕12、13号", [0, 1]),
        ("川办发〔2023〕12号、13号", [0, 1]),
        ("川办发〔2023〕12，13号", [0, 1]),
        ("川办发〔2023〕12号，13号开会", [0]),
        ("川办发〔2023〕12号和13号上午开会", [0]),
        ("川办发〔2023〕12、13两个文件", [0]),
        ("川办发〔2023〕11、13号", [1]),
        ("川办发〔2023〕12号、13号和112号", [0, 1, 2]),
        ("川办发〔2023〕12号、〔2024〕3号", [0]),
        ("川府规〔2023〕12号、〔2024〕3号", [3]),
        ("川办发〔2023〕12号。〔2023〕13号", [0]),
        ("川办发〔二〇二三〕十二号", [0]),
        ("川办发〔二零二三〕一百一十二号", [2]),
        ("川办发〔二○二三〕一一二号", [2]),
        ("川办发〔2023〕十三号", [1]),
        ("川办发〔23〕12号", [0]),
        ("川办发2023〔12〕号", [0]),
        ("（川办发〔2023〕12）", [0]),
        ("川府规3号文", [3]),
        ("川办发3号文", []),
        ("川府规3号", []),
        ("青江市人民政府令第四十六号", [4]),
        ("青江市政府令46号", [4]),
        ("青江市人民政府令第460号", []),
        ("川办发〔2023〕12号楼", []),
        ("川办发〔2023〕12月", []),
        ("川办发〔2023〕十号", []),
        ("四川办发〔2023〕12号", []),
        ("陵川办发〔2023〕12号", []),
        ("请按川办发〔2023〕12号", [0]),
    ],
)
def test_numbers(index: NumberIndex, text: str, places: list[int]) -> None:
    assert [place for found in index.find(fold(text)) for place in found.places] == places


def test_a_number_without_its_year_means_all_of_that_serial() -> None:
    index = NumberIndex()
    index.add("川办发〔2023〕12号", 0)
    index.add("川办发〔2024〕12号", 1)
    (found,) = index.find(fold("川办发12号文"))
    assert found.places == {0, 1}


def test_a_number_of_no_known_shape_is_not_taken() -> None:
    assert not NumberIndex().add("省政府公告", 0)


@pytest.mark.parametrize(
    ("text", "name", "alone"),
    [
        ("双减让孩子轻松了", "双减", True),
        ("双减速器坏了", "双减", False),
        ("装双减震的车", "双减", False),
        ("老破旧改造", "旧改", False),
        ("推进旧改项目", "旧改", True),
        ("阶梯水价格表", "阶梯水价", False),
        ("阶梯水价表", "阶梯水价", True),
        ("双减", "双减", True),
    ],
)
def test_a_name_in_a_longer_word_is_none(text: str, name: str, alone: bool) -> None:
    start = text.index(name)
    assert lexicon().stands_alone(text, start, start + len(name)) is alone


def test_the_likeliest_words() -> None:
    small = Lexicon({"供": 5, "水": 50, "价": 5, "格": 5, "供水": 100, "价格": 200, "水价": 1})
    assert small.split("供水价格") == ["供水", "价格"]
    assert small.split("") == []
    assert small.split("龘龘") == ["龘", "龘"]
    assert small.cost("价格") < small.cost("水价") < small.cost("龘龘")


def test_the_word_list_is_made_of_words_without_names() -> None:
    made = lexicon_text(["双 9 m", "减速 193 v", "减速器 2 n", "张三 500 nr", "A股 10 n", "一路平安走好 30 i"])
    assert made.splitlines()[1:] == ["减速 193", "双 9"]


@pytest.mark.parametrize(
    ("before", "own", "says"),
    [
        ("看看东岭省的", "云河省", "other"),
        ("看看云河省的", "云河省", "own"),
        ("云河", "云河省", "own"),
        ("北京", "云河省", "other"),
        ("成都", "四川省", "unknown"),
        ("四川", "四川省", "own"),
        ("隔壁省", "云河省", "other"),
        ("隔壁东岭的", "云河省", "other"),
        ("我省", "云河省", "unknown"),
        ("青江市", "云河省", "unknown"),
        ("云河省", "青江市", "wider"),
        ("临湖市", "青江市", "other"),
        ("家门口超市", "青江市", "unknown"),
        ("东岭省", None, "unknown"),
        ("", "云河省", "unknown"),
    ],
)
def test_whose_matter_it_is(before: str, own: str | None, says: str) -> None:
    text = f"{before}生育新政"
    assert whose(text, len(before), own) == says


def test_a_sentence_about_elsewhere() -> None:
    assert elsewhere_named("浙江这几年力度大,生育新政", 10, "云河省")
    assert not elsewhere_named("浙江和云河省都有,生育新政", 10, "云河省")
    assert not elsewhere_named("浙江真好。我们的生育新政", 9, "云河省")
    assert elsewhere_named("南浦市也出了人才十条", 6, "临湖市")
    assert not elsewhere_named("全市都出了人才十条", 5, "临湖市")


def test_a_party_body_is_of_its_region() -> None:
    assert region_of(Policy(id="a", title="若干措施", department="中共临湖市委办公室")) == "临湖市"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("见https://www.a.gov.cn/b/7.html。", True),
        ("见a.gov.cn/b/7.html", True),
        ("https://a.gov.cn/b/7.html?utm_source=x&from=timeline#c", True),
        ("https://a.gov.cn/b/7.html?page=2", False),
        ("https://a.gov.cn/b/77.html", False),
        ("mail@a.gov.cn/b/7.html", False),
        ("http://[", False),
        ("a.gov.cn", False),
    ],
)
def test_addresses(words: str, found: bool) -> None:
    index = AddressIndex()
    index.add("http://www.a.gov.cn/b/7.html", 3)
    assert [place for _, place in index.find(words)] == ([3] if found else [])


def test_passages_of_a_repost() -> None:
    text = "好//@甲:真的吗//@乙:《办法》"
    parts = list(passages("text", text))
    assert [(part.words, part.quoted) for part in parts] == [
        ("好", False),
        ("//@甲:真的吗", True),
        ("//@乙:《办法》", True),
    ]
    assert all(text[part.offset :].startswith(part.words) for part in parts)
    assert [part.quoted for part in passages("text", "//@甲:原文")] == [True]
    assert list(passages("text", "")) == []


def test_titles_taken_apart() -> None:
    title = take_apart(Policy(id="a", title="云河省人民政府关于印发云河省存量房交易资金监管办法（试行）的通知"))
    assert "云河省存量房交易资金监管办法" in title.whole
    assert title.short == "存量房交易资金监管办法"
    assert set(title.words) >= {"交易", "资金", "监管"}
    assert take_apart(Policy(id="b", title="云河省政策")).short is None


def test_departments_have_short_names() -> None:
    assert {"住建厅", "住房和城乡建设厅"} <= names_of("云河省住房和城乡建设厅")
    assert names_of("云河省人民政府办公厅") == {"人民政府办公厅"}


def test_the_interval_of_a_share() -> None:
    low, high = wilson(50, 50)
    assert 0.92 < low < 0.94 and high == 1.0
    assert wilson(0, 0) == (0.0, 1.0)
