"""Files of made-up posts and messages for tests that need volume: enough alike for duplicates, events and tickets."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

PLACES = ["桂花苑", "南湖新城", "青石巷", "望江路", "东风桥", "柳林社区", "新华街", "北辰家园", "十里铺", "莲花池"]
MATTERS = ["拌合站半夜噪音大还有焦油味", "路灯坏了半个月没人修", "水费被重复扣了两次", "小区门口乱停车堵住消防通道",
           "垃圾站臭味熏天", "公交改线以后老人看病不方便", "电梯停了三天没人管", "下水道堵了污水倒灌"]  # fmt: skip
ENDINGS = ["请尽快处理", "到底谁来管", "希望给个说法", "已经反映三次了", "打热线也没用", "孩子都睡不好", "太让人失望了"]
OPENINGS = ["领导您好，", "请问", "反映一下，", "又来说说，", "", "真是受够了，", "各位邻居，"]


SITES = ["桂花苑", "青石巷里", "望江雅居", "柳林新村", "北辰家园", "松涛公馆"]
TROUBLES = [
    ("拌合站夜间噪音", "拌合站半夜还在生产，轰鸣声很大，焦油味呛人，孩子睡不着"),
    ("地下车位强制捆绑销售", "开发商说不买车位就不给签合同，十二万一个，业主都不同意"),
    ("二次供水水质发黄", "水龙头放出来的水又黄又浑，物业说水箱没有洗过，不敢喝"),
]


def messages(count: int, seed: int = 5) -> Iterator[tuple[str, str]]:
    """Titles and texts of messages about few matters, told in parts, so that tellings of one matter meet only later:
    events that have to be merged."""
    pick = random.Random(seed)
    for number in range(count):
        site, (trouble, told) = pick.choice(SITES), pick.choice(TROUBLES)
        title = pick.choice(
            [f"{site}{trouble}", f"关于{site}的投诉", f"反映{trouble}问题", f"{site}业主：{trouble}没人管"]
        )
        parts = told.split("，")
        pick.shuffle(parts)
        told = "，".join(parts[: pick.randrange(1, 5)])
        yield title, f"{site}{told}，第{number}次反映了，请{pick.choice(['尽快', '依法', '书面'])}答复"


def write_messages(file: Path, count: int, *, days: float = 1.0) -> None:
    """JSON Lines of `messages` over the last `days`, by many authors."""
    start = datetime.now(UTC) - timedelta(days=days)
    with file.open("w", encoding="utf-8") as lines:
        for number, (title, text) in enumerate(messages(count)):
            at = start + timedelta(days=days) * number / count
            row = {"id": f"m{number}", "title": title, "text": text, "author": f"来信人{number}", "kind": "message",
                   "published_at": at.isoformat(timespec="seconds")}  # fmt: skip
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_posts(file: Path, count: int, *, seed: int = 5, days: float = 1.0, first: int = 0) -> None:
    """JSON Lines of `count` posts by many authors over the last `days`, the same for the same seed but for times.

    `first`: the number of the first one, which its id is made of.
    """
    pick = random.Random(seed)
    start = datetime.now(UTC) - timedelta(days=days)
    step = timedelta(days=days) / count
    with file.open("w", encoding="utf-8") as lines:
        for number in range(count):
            text = (
                f"{pick.choice(OPENINGS)}{pick.choice(PLACES)}{pick.choice(MATTERS)}，"
                f"{pick.choice(ENDINGS)}，第{pick.randrange(30)}天了"
            )
            row = {
                "id": f"n{first + number}",
                "text": text,
                "author": f"作者{pick.randrange(count)}",
                "published_at": (start + number * step).isoformat(timespec="seconds"),
            }
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
