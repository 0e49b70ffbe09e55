"""A file of made-up posts for tests that need volume: repetitive enough for duplicates, events and one ticket."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

PLACES = ["桂花苑", "南湖新城", "青石巷", "望江路", "东风桥", "柳林社区", "新华街", "北辰家园", "十里铺", "莲花池"]
MATTERS = ["拌合站半夜噪音大还有焦油味", "路灯坏了半个月没人修", "水费被重复扣了两次", "小区门口乱停车堵住消防通道",
           "垃圾站臭味熏天", "公交改线以后老人看病不方便", "电梯停了三天没人管", "下水道堵了污水倒灌"]  # fmt: skip
ENDINGS = ["请尽快处理", "到底谁来管", "希望给个说法", "已经反映三次了", "打热线也没用", "孩子都睡不好", "太让人失望了"]
OPENINGS = ["领导您好，", "请问", "反映一下，", "又来说说，", "", "真是受够了，", "各位邻居，"]


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
