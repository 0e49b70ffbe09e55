"""Hot words on written texts in which a word of ours bursts."""

from __future__ import annotations

import json
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grouping.hot_documents import find_hot_words
from grouping.hot_words import hot_words
from search.embedded import EmbeddedIndex
from search.index import Filters
from tests import commands
from tests.search.corpus import grouped

PLACES = ["桂花苑", "南湖新城", "青石巷", "望江路", "东风桥", "柳林社区", "新华街", "北辰家园"]
USUAL = [
    "{}的路灯坏了半个月没人修，晚上走路很不方便",
    "{}门口乱停车堵住消防通道，请交警来管管",
    "{}这个月的水费被重复扣了两次",
    "{}旁边的垃圾站臭味很大，窗户都不敢开",
    "想咨询{}附近的小学今年怎么划片招生",
    "{}公交改线以后老人看病要换两次车",
    "{}的物业费又涨了，服务却越来越差",
    "反映{}广场舞噪音扰民，孩子没法写作业",
]
BURSTS = {
    "蓝晶码": [
        "进{}要扫蓝晶码，老人没有手机怎么办",
        "蓝晶码又崩了，{}门口排了两百多人",
        "{}的保安说没有蓝晶码不让进小区",
        "为什么{}的医院也要看蓝晶码？",
        "今天在{}申请蓝晶码，填了三遍都失败",
        "蓝晶码到底是谁定的，{}的人都在问",
    ],
    "云溪焚烧厂": [
        "{}离云溪焚烧厂只有八百米",
        "反对云溪焚烧厂建在{}旁边",
        "云溪焚烧厂环评公示了吗，{}的居民不知道",
        "{}业主集体签名：云溪焚烧厂必须重新选址",
        "请公开云溪焚烧厂的检测数据，住在{}很担心",
        "听说云溪焚烧厂下个月在{}后面开工",
    ],
    "共富工坊卡": [
        "{}的商户都在办共富工坊卡",
        "共富工坊卡充了钱在{}用不了",
        "共富工坊卡退款要跑三趟，{}网点的人也说不清",
        "请问{}的老人能领共富工坊卡吗",
        "说好的补贴，{}这边共富工坊卡里一分没有",
        "{}推销共富工坊卡的电话一天五个",
    ],
}


def said(sentences: list[str], count: int, seed: int) -> list[str]:
    pick = random.Random(seed)
    return [pick.choice(sentences).format(pick.choice(PLACES)) + f"，已经第{index}天" for index in range(count)]


@pytest.mark.parametrize("word", list(BURSTS))
@pytest.mark.parametrize("weeks", [200, 0])
def test_a_new_word_that_bursts_comes_first(word: str, weeks: int) -> None:
    now = [*said(USUAL, 80, 1), *said(BURSTS[word], 25, 2)]
    found = hot_words(now, said(USUAL, weeks, 3))
    assert found[0].word == word
    assert (found[0].documents, found[0].before) == (25, 0)
    assert found[0].growth > 10
    # No fragment of it is there beside it.
    assert not [one.word for one in found[1:] if one.word in word or word in one.word]


def test_all_three_are_found_together_and_nothing_that_was_said_before() -> None:
    now = said(USUAL, 120, 1)
    for number, sentences in enumerate(BURSTS.values()):
        now += said(sentences, 20, 10 + number)
    words = [one.word for one in hot_words(now, said(USUAL, 400, 5))]
    assert set(BURSTS) <= set(words[:5])
    assert not {"路灯", "消防通道", "垃圾站", "物业", "公交"} & set(words)


def test_what_is_said_as_ever_is_not_hot() -> None:
    assert hot_words(said(USUAL, 100, 1), said(USUAL, 400, 2)) == []


def test_a_known_word_said_three_times_as_often_is_hot() -> None:
    more = ["{}的垃圾站又满了", "垃圾站什么时候清运，{}都臭了", "昨晚{}垃圾站冒烟", "垃圾站建在{}楼下合理吗"]
    now = [*said(USUAL, 60, 1), *said(more, 40, 2)]
    found = {one.word: one for one in hot_words(now, said(USUAL, 400, 3))}
    assert found["垃圾站"].before > 20
    assert 2 <= found["垃圾站"].growth < 10


def test_emoji_names_links_and_chains_are_no_words() -> None:
    noise = [
        f"[蜡烛][蜡烛]@云江小喇叭 转发微博 https://example.org/焚烧 //@某某{index}:蓝晶码崩了" for index in range(30)
    ]
    said_now = [f"{text} 今天{place}真冷" for text in noise for place in PLACES[:1]]
    words = [one.word for one in hot_words(said_now, [])]
    assert not [word for word in words if "蜡烛" in word or "喇叭" in word or "微博" in word or "焚烧" in word]


def test_odd_texts_have_no_hot_words() -> None:
    assert hot_words([], []) == []
    assert hot_words(["停水"], []) == [], "one text is no crowd"
    assert hot_words(["", "👍👍", "\ud800", "a" * 5000, "123 456"] * 5, [""]) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index = EmbeddedIndex(tmp_path / "index.db")
    now = datetime.now(UTC)
    records = [
        grouped(number, text, at=now - timedelta(days=20 - number % 18), event=f"usual-{number}")
        for number, text in enumerate(said(USUAL, 200, 3))
    ]
    records += [
        grouped(1000 + number, text, at=now - timedelta(hours=number % 20), event="burst")
        for number, text in enumerate(said(BURSTS["蓝晶码"], 20, 4))
    ]
    records += [
        grouped(2000 + number, text, at=now - timedelta(hours=number % 20), event=f"also-{number}")
        for number, text in enumerate(said(USUAL, 40, 6))
    ]
    index.write(records)
    index.close()
    return tmp_path


def test_they_are_read_from_the_index_for_a_time_and_for_an_event(folder: Path) -> None:
    index = EmbeddedIndex(folder / "index.db")
    today = find_hot_words(index, Filters(since=datetime.now(UTC) - timedelta(days=1)))
    assert today.words[0].word == "蓝晶码"
    assert (today.total, today.documents) == (60, 60)
    assert today.before > 100
    event = find_hot_words(index, Filters(events=("burst",)))
    assert event.words[0].word == "蓝晶码"
    assert event.documents == 20
    assert find_hot_words(index, Filters(events=("none",))).words == []
    index.close()


def test_copies_count_once(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "index.db")
    now = datetime.now(UTC)
    text = "网传蓝晶码要收费，官方回应不收费"
    records = [grouped(number, text, at=now) for number in range(30)]
    group = records[0].document.id
    from msgspec.structs import replace

    index.write([replace(one, duplicate=replace(one.duplicate, group=group)) for one in records])
    found = find_hot_words(index, Filters(since=now - timedelta(hours=1)))
    assert (found.total, found.documents, found.words) == (30, 1, [])
    index.close()


def test_the_command(folder: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return commands.minsheng("--data-dir", str(folder), "events", "hot-words", *arguments)

    plain = run("--since", "1d", "--json")
    assert plain.returncode == 0, plain.stderr
    assert json.loads(plain.stdout)["words"][0]["word"] == "蓝晶码"
    table = run("--event", "burst")
    assert "蓝晶码" in table.stdout and "new" in table.stdout
    assert run("--since", "2026-03-02", "--until", "2026-03-01").returncode == 2
