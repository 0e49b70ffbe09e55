"""Copies and look-alikes made from real texts, to score near duplicates on.

A copy is a text as outlets and reposters change it: headline, byline, lead-in, ending, paragraphs, punctuation, script,
captions and chains, a word here and there. A look-alike shares most of its words with a text and is none of it: the
same form with other numbers or names, a frame of courtesies around another matter, a quotation, a comment before a
chain, a denial.

Texts are split in two halves by their hash, `develop` and `report`, and so are the words that edits put in. Each text
draws its edits from a generator seeded by its own hash, so the set is the same on every machine. No text is kept.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from minsheng.records import Assessed, Document, Kind, document_id, scores_of
from minsheng.traditional import simplified_forms
from training.data import FOLDER

Half = Literal["develop", "report"]

NEWS, MESSAGES, POSTS, REPOSTS = 400, 400, 500, 200
"""Texts of each kind that copies are made of; as many again only stand by."""

RUN = 13
"""Letters in a row that no two source texts may share: what real copies there are among them would count as errors."""

START = datetime(2026, 3, 1, tzinfo=UTC)


class Source(NamedTuple):
    kind: Kind
    title: str
    text: str


class Made(NamedTuple):
    """A document of the stream. `root` is the same for a text and its copies; `how` names the edit, "" for none."""

    document: Document
    root: str
    how: str


_SWAPS = (
    "表示/称 目前/当前 因此/所以 进行/开展 非常/特别 但是/可是 已经/已 如果/要是 "
    "群众/老百姓 帮助/帮忙 立即/马上 应该/应当 希望/盼望 以及/和 问题/情况 相关/有关 "
    "及时/尽快 由于/因为 通过/经过 提高/提升 我们/咱们 什么/啥 没有/没 一直/始终 知道/晓得 "
    "可以/能够 今天/今日 昨天/昨日 要求/责令 介绍/透露 举行/召开 加强/强化 推动/推进 "
    "发展/发展壮大 严重/极其严重 部门/单位 解决/处理 孩子/小孩 晚上/夜里 现在/眼下 觉得/感觉 "
    "怎么/咋 积极/主动 重要/关键 不断/持续 全面/全方位 同时/与此同时 地方/地区 特别/尤其 "
    "继续/接着 影响/妨碍 居民/住户 认为/以为 必须/务必 附近/周边 得到/获得 "
)
WORDS = [(old, new) for old, _, new in (pair.partition("/") for pair in _SWAPS.split())]
_NAMES = (
    "桂花 南湖 青石 望江 东风 柳林 新华 北辰 云山 锦绣 金鼎 春华 白鹭 石桥 "
    "永安 丰泽 龙泉 翠屏 星河 梧桐 恒达 鼎盛 红旗 朝晖 凤凰 临江 宏远 松竹"
)
NAMES = _NAMES.split()
OUTLETS = ["青江晚报", "云江日报", "都市快报", "江城在线", "云江新闻网", "晨报", "城市之声", "民生周刊"]
PEOPLE = ["江晓", "文可", "林一舟", "周明远", "何青", "许安然", "沈默", "陆平"]
HEADLINES = [
    "重磅！这件事有新消息",
    "最新消息来了",
    "官方通报来了，事关你我",
    "速看！刚刚发布",
    "就在刚刚，传来消息",
    "事关民生，快来看看",
]
LINES = [
    "更多精彩内容，请关注我们的公众号。", "本文仅代表作者观点，不代表本平台立场。",
    "以上内容由网友爆料，欢迎提供新闻线索。",
    "小编提醒：请大家以官方发布为准。", "（图片来源于网络，如有侵权请联系删除）", "点击下方链接，了解更多详情。",
]  # fmt: skip
EMOJI = ["[怒]", "[泪]", "[微笑]", "[蜡烛]", "[赞]", "👍", "😡", "🙏", "[doge]", "[允悲]"]
CAPTIONS = ["转发微博", "转发", "扩散", "求扩散！", "转", "快转", "马", "[怒][怒]", "", "转需", "@某某某 看看"]


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def half_of(text: str) -> Half:
    return "develop" if digest(text)[0] & 1 else "report"


def sources(half: Half, folder: Path = FOLDER, limit: int | None = None) -> dict[str, list[Source]]:
    """The texts of a half, by kind; no two share a run of `RUN` letters."""
    seen: set[int] = set()
    kinds: dict[str, tuple[int, Callable[[], Iterator[Source]]]] = {
        "news": (NEWS, lambda: _news(folder)),
        "messages": (MESSAGES, lambda: _messages(folder)),
        "posts": (POSTS, lambda: _posts(folder / "text_weibo_2020.txt.gz", 97)),
        "reposts": (REPOSTS, lambda: _posts(folder / "text_reposts.txt.gz", 97)),
    }
    found: dict[str, list[Source]] = {}
    for kind, (count, texts) in kinds.items():
        kept = found[kind] = []
        for source in texts():
            if len(kept) == 2 * min(count, limit or count):
                break
            letters = re.sub(r"[\W_]", "", _bare(source.text))
            runs = {hash_of(letters[place : place + RUN]) for place in range(max(1, len(letters) - RUN + 1))}
            if half_of(source.text) != half or len(letters) < 12 or runs & seen:
                continue
            seen |= runs
            kept.append(source)
    return found


def _bare(text: str) -> str:
    """The text without hashtags, names and emoji codes: what makes it a text of its own."""
    return re.sub(r"#[^#]*#|@\w+|\[\w+\]", "", text)


def hash_of(run: str) -> int:
    return int.from_bytes(digest(run)[:8], "big")


def _news(folder: Path) -> Iterator[Source]:
    with gzip.open(folder / "text_broadcast_news.txt.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            text = re.sub(r"<[^>]*>", "\n", line).replace("央视网消息", "").replace("（新闻联播）：", "")
            text = re.sub(r"\s*\n\s*", "\n", text).strip()
            if number % 7 == 0 and 120 <= len(text) <= 3000:
                first = re.split(r"[。；！\n]", text)[0]
                yield Source("news", first[:24], text)


def _messages(folder: Path) -> Iterator[Source]:
    with gzip.open(folder / "messages_topic_train.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            text = row["text"].strip()
            if number % 3 == 0 and 60 <= len(text) <= 3000:
                yield Source("message", row["title"].strip(), text)


def _posts(path: Path, step: int) -> Iterator[Source]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number % step == 0 and "//@" not in line and len(line.strip()) >= 12:
                yield Source("post", "", line.strip())


# Edits that leave the text what it is.

Pick = random.Random
Edit = Callable[[Source, Pick, Half], Source | None]


def _sentences(text: str) -> list[str]:
    return [part for part in re.findall(r"[^。！？!?\n]+[。！？!?\n]*|[。！？!?\n]+", text) if part]


def headline(source: Source, pick: Pick, half: Half) -> Source | None:
    by = pick.choice(
        [f"本报讯（记者 {pick.choice(PEOPLE)}）",
         f"{pick.choice(OUTLETS)}{pick.randrange(1, 13)}月{pick.randrange(1, 29)}日电 ",
         f"来源：{pick.choice(OUTLETS)}\n", f"记者{pick.choice(PEOPLE)}报道："]
    )  # fmt: skip
    return source._replace(title=pick.choice(HEADLINES), text=by + source.text)


def lead_in(source: Source, pick: Pick, half: Half) -> Source | None:
    lead = pick.choice(["据{}记者报道，", "据《{}》消息，", "{}获悉，", "近日，{}从有关方面了解到，", "转自{}："])
    return source._replace(text=lead.format(pick.choice(OUTLETS)) + source.text)


def cut_ending(source: Source, pick: Pick, half: Half) -> Source | None:
    parts = _sentences(source.text)
    if len(parts) < 3:
        return None
    keep = max(1, round(len(parts) * pick.uniform(0.65, 0.9)))
    text = "".join(parts[:keep])
    if len(text) < 0.6 * len(source.text):
        return None
    return source._replace(text=text + pick.choice(["", "……", "（全文见网页链接）", "...全文"]))


def drop_paragraph(source: Source, pick: Pick, half: Half) -> Source | None:
    parts = _sentences(source.text)
    if len(parts) < 5:
        return None
    place = pick.randrange(1, len(parts) - 1)
    if len(parts[place]) > 0.35 * len(source.text):
        return None
    return source._replace(text="".join(parts[:place] + parts[place + 1 :]))


def reorder(source: Source, pick: Pick, half: Half) -> Source | None:
    parts = _sentences(source.text)
    if len(parts) < 4:
        return None
    place = pick.randrange(1, len(parts))
    return source._replace(text="".join(parts[place:] + parts[:place]))


def add_line(source: Source, pick: Pick, half: Half) -> Source | None:
    if len(source.text) < 100:
        return None
    line, credit = pick.choice(LINES), f"（责任编辑：{pick.choice(PEOPLE)}）"
    return source._replace(text=f"{source.text}\n{pick.choice([line, credit, line + credit])}")


def punctuation(source: Source, pick: Pick, half: Half) -> Source | None:
    way = pick.randrange(3)
    if way == 0:
        table = str.maketrans("，。！？：；（）“”0123456789", ',.!?:;()""０１２３４５６７８９')
        return source._replace(text=source.text.translate(table))
    if way == 1:
        return source._replace(text=re.sub(r"[，。；、]", " ", source.text))
    return source._replace(text=re.sub(r"[，。]", lambda _: pick.choice(["，", "。", "~", "…", "！"]), source.text))


def traditional(source: Source, pick: Pick, half: Half) -> Source | None:
    return source._replace(
        title=source.title.translate(_to_traditional()), text=source.text.translate(_to_traditional())
    )


@lru_cache(maxsize=1)
def _to_traditional() -> dict[int, str]:
    forms: dict[int, list[str]] = defaultdict(list)
    for old, new in simplified_forms().items():
        forms[ord(new)].append(old)
    usual = dict(zip(map(ord, "发历钟复汇获当尽坛团杂"), "發歷鐘復匯獲當盡壇團雜", strict=True))
    return {simple: of_it[0] for simple, of_it in forms.items() if len(of_it) == 1} | usual


def words(source: Source, pick: Pick, half: Half) -> Source | None:
    if len(source.text) < 60:
        return None
    known = WORDS[half == "report" :: 2]
    there = [pair for pair in known if pair[0] in source.text]
    if not there:
        return None
    text = source.text
    for old, new in pick.sample(there, min(len(there), 1 + len(text) // 120)):
        text = text.replace(old, new, 1)
    return source._replace(text=text)


def emoji(source: Source, pick: Pick, half: Half) -> Source | None:
    parts = _sentences(source.text)
    return source._replace(
        text="".join(part + (pick.choice(EMOJI) * pick.randrange(3)) for part in parts) + pick.choice(EMOJI)
    )


def chain(source: Source, pick: Pick, half: Half) -> Source | None:
    return source._replace(title="", text=f"{pick.choice(CAPTIONS)}//@{pick.choice(NAMES)}居民:{source.text}")


def long_chain(source: Source, pick: Pick, half: Half) -> Source | None:
    if len(source.text) < 30:
        return None
    names = pick.sample(NAMES, 2)
    return source._replace(title="", text=f"{pick.choice(CAPTIONS)}//@{names[0]}:转发//@{names[1]}:{source.text}")


def marks(source: Source, pick: Pick, half: Half) -> Source | None:
    ways = ["@{0} @{1} {2}", "#{0}身边事# {2}", "{2} http://t.example/{0}", "【转】{2}", "{2} @{0}发布 @{1}日报"]
    return source._replace(text=pick.choice(ways).format(*pick.sample(NAMES, 2), source.text))


OF_LONG: list[Edit] = [
    headline, lead_in, cut_ending, drop_paragraph, reorder, add_line, punctuation, traditional, words, chain,
]  # fmt: skip
OF_SHORT: list[Edit] = [emoji, chain, long_chain, marks, punctuation, traditional, words, cut_ending, add_line]


# Edits that make another text of it.


def _number(found: re.Match[str], pick: Pick) -> str:
    old = found.group()
    while True:
        new = "".join(pick.choice("123456789" if place == 0 else "0123456789") if digit.isdigit() else digit
                      for place, digit in enumerate(old))  # fmt: skip
        if new != old:
            return new


def numbers(source: Source, pick: Pick, half: Half) -> Source | None:
    """Another day's bulletin. Most numbers change, or one alone."""
    tags = [one.span() for one in re.finditer(r"#[^#]*#|@\w+", source.text)]
    places = [one for one in re.finditer(r"\d+(?:\.\d+)?", source.text)
              if not any(start <= one.start() < end for start, end in tags)]  # fmt: skip
    if not places:
        return None
    share = pick.choice([1.0, 1.0, 0.6, 0.0])
    changed = [one for one in places if pick.random() < share] or [pick.choice(places)]
    text = source.text
    for one in reversed(changed):
        text = text[: one.start()] + _number(one, pick) + text[one.end() :]
    return source._replace(text=text)


_NAMED = re.compile(r"[\u4e00-\u9fff]{2}(?=小区|花园|街道|公司|集团|镇|村|社区|中学|小学|大学|医院|路|市|县|省|区)")
_NO_NAME = set("我们这个那个该个本市一个几个整个的在是有和到与从对了每们全各城郊农乡居铁道公马网上地")


def names(source: Source, pick: Pick, half: Half) -> Source | None:
    """The petition of another estate: each name before 小区, 公司, 县... becomes another, the same one everywhere."""
    found = {name for name in _NAMED.findall(source.text) if not set(name) & _NO_NAME and name not in NAMES}
    if not found:
        return None
    text, title = source.text, source.title
    new = pick.sample(NAMES[half == "report" :: 2], min(len(found), 14))
    for old, name in zip(sorted(found), new, strict=False):
        text, title = text.replace(old, name), title.replace(old, name)
    return source._replace(title=title, text=text)


def numbers_and_names(source: Source, pick: Pick, half: Half) -> Source | None:
    first = names(source, pick, half)
    return numbers(first, pick, half) if first else None


def quoted(source: Source, pick: Pick, half: Half) -> Source | None:
    """Somebody's own words around a third of the other text or less."""
    own = "，".join(next(_remarks[half]) for _ in range(3))
    quote = source.text[: min(len(own), len(source.text)) // 3]
    return source._replace(title="", text=f"{own[: len(own) // 2]}。有人说：“{quote}”。{own[len(own) // 2 :]}")


def comment(source: Source, pick: Pick, half: Half) -> Source | None:
    return source._replace(title="", text=f"{next(_remarks[half])}//@{pick.choice(NAMES)}:{source.text}")


_remarks: dict[Half, Iterator[str]] = {}
"""People's own words to put beside a text, each used once; `stream` begins them anew."""


def remarks(half: Half, folder: Path) -> Iterator[str]:
    with gzip.open(folder / "emotion_usual_train.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            text = re.split(r"//@|http", row["text"])[0].strip()
            if half_of(text) == half and len(re.sub(r"[\W_]|#[^#]*#", "", text)) >= 14:
                yield text[:60]


def denial(source: Source, pick: Pick, half: Half) -> Source | None:
    """The opposite of a short text: it can be, it can't."""
    found = re.search(r"(?<![不没未都只总就也还])(?:可以|能够|属实|支持|同意|允许|合格|应该|有人)", source.text)
    if found is None or len(source.text) > 150:
        return None
    verb = {"有人": "没有人"}.get(found.group(), "不" + found.group())
    return source._replace(text=source.text[: found.start()] + verb + source.text[found.end() :])


LOOK_ALIKES: list[Edit] = [numbers, numbers, names, names, numbers_and_names, quoted, comment, denial]


def frame(source: Source, other: Source) -> Source:
    """The first words and the last of one petition around the matter of another."""
    first, last = _sentences(source.text)[0][:40], _sentences(source.text)[-1][:40]
    return source._replace(title=other.title, text=first + other.text + last)


def stream(half: Half, folder: Path = FOLDER, limit: int | None = None) -> list[Made]:
    """All documents of a half, in order of time: texts, two copies of every second one, a look-alike of it."""
    made: list[Made] = []
    _remarks[half] = remarks(half, folder)
    for name, texts in sources(half, folder, limit).items():
        for number, source in enumerate(texts):
            pick = random.Random(digest(source.text))
            root = digest(source.text).hex()[:16]
            at = START + timedelta(minutes=pick.randrange(14 * 24 * 60))
            made.append(_made(source, root, "", at))
            if number % 2:
                continue
            edits = OF_LONG if name in ("news", "messages") else OF_SHORT
            for place, count in enumerate((1, pick.choice((1, 2, 3)))):
                later = at + timedelta(minutes=1 + pick.randrange(10 * 24 * 60))
                copied, how = _edited(source, pick, half, edits, count)
                if how:
                    made.append(_made(copied, root, f"copy: {how}", later, str(place)))
            later = at + timedelta(minutes=1 + pick.randrange(10 * 24 * 60))
            other, how = _edited(source, pick, half, LOOK_ALIKES, 1)
            if how and _bare(other.text) != _bare(source.text):
                made.append(_made(other, f"{root}-other", f"other: {how}", later))
            if name == "messages" and number % 4 == 0 and number + 1 < len(texts):
                # A copy of the neighbour, whose matter it is.
                matter = texts[number + 1]
                framed = frame(source, matter)
                if len(matter.text) >= 0.6 * len(framed.text):
                    root = digest(matter.text).hex()[:16]
                    made.append(_made(framed, root, "copy: frame", at + timedelta(days=15)))
    return sorted(made, key=lambda one: (one.document.published_at, one.document.id))


def _edited(source: Source, pick: Pick, half: Half, edits: list[Edit], count: int) -> tuple[Source, str]:
    """The text after `count` different edits of these that it allows, and their names. Who reposts with a chain edits
    nothing but the look of it."""
    done: list[str] = []
    for edit in pick.sample(edits, len(edits)):
        chained = any(name.endswith("chain") for name in done)
        if len(done) == count or edit.__name__ in done or (done and edit in (chain, long_chain)):
            continue
        if chained and edit not in (punctuation, traditional, emoji):
            continue
        after = edit(source, pick, half)
        if after is not None and after != source:
            source = after
            done.append(edit.__name__)
    return source, " + ".join(done)


def _made(source: Source, root: str, how: str, at: datetime, part: str = "") -> Made:
    name = f"{root}{how}{part}"
    return Made(
        Document(
            id=document_id("pairs", name), source="pairs", kind=source.kind, title=source.title, text=source.text,
            published_at=at, fetched_at=at,
        ),
        root,
        how,
    )  # fmt: skip


def assessed(document: Document) -> Assessed:
    """The document as grouping takes it, with nothing judged."""
    neutral = scores_of("neutral")
    return Assessed(
        document=document, sentiment=neutral, emotion=neutral, topic=neutral, request=neutral,
        assessed_at=document.fetched_at,
    )  # fmt: skip
