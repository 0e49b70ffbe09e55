"""A stream of real texts for benchmarks: 80 % posts, 15 % citizens' messages, 5 % articles, from the shared data.

Nothing of it is committed or shipped; the texts are read where they lie. Times run evenly over two days before `end`;
a fifth of the posts is a copy of an earlier one, as in real streams; a share mentions a policy of `POLICIES`.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from minsheng.policies import Policy
from minsheng.records import Document, Engagement, Kind, document_id

POLICIES = (
    Policy(id="water", title="云江省城镇居民阶梯水价实施办法", aliases=("阶梯水价",), topics=("城乡建设",)),
    Policy(id="parking", title="云江省机动车停放服务收费管理办法", aliases=("停车收费新规",), topics=("交通运输",)),
    Policy(id="insurance", title="云江省城乡居民基本医疗保险办法", aliases=("居民医保",), topics=("卫生计生",)),
)

COPIES = 0.2
MENTIONS = 0.03


def data_folder() -> Path:
    """The shared data, beside the project or where `MINSHENG_SHARED_DATA` says. Raises `FileNotFoundError`."""
    folder = Path(os.environ.get("MINSHENG_SHARED_DATA") or Path(__file__).parents[1].parent / "shared" / "data")
    if not folder.exists():
        raise FileNotFoundError(f"{folder}: the benchmarks run on the shared data, which is not there")
    return folder


def mixed_stream(count: int, end: datetime, *, seed: int = 11) -> Iterator[Document]:
    """`count` documents in order of time."""
    pick = random.Random(seed)
    folder = data_folder()
    posts = _lines(folder / "text_weibo_2020.txt.gz")
    messages = _messages(folder / "messages_topic_train.csv.gz")
    articles = _articles(folder / "text_broadcast_news.txt.gz")
    recent: list[str] = []
    step = timedelta(days=2) / count
    for number in range(count):
        at = end - timedelta(days=2) + number * step
        kind: Kind
        title, draw = "", pick.random()
        if draw < 0.80:
            kind, source = "post", f"weibo-{number % 4}"
            if recent and pick.random() < COPIES:
                text = f"转发 //@用户:{pick.choice(recent)}"
            else:
                text = next(posts)
                recent = [*recent[-200:], text]
        elif draw < 0.95:
            kind, source = "message", f"board-{number % 3}"
            title, text = next(messages)
        else:
            kind, source = "news", f"news-{number % 5}"
            title, text = next(articles)
        if pick.random() < MENTIONS:
            text += f" {pick.choice(POLICIES).aliases[0]}"
        yield Document(
            id=document_id(source, str(number)), source=source, kind=kind, native_id=str(number), title=title,
            text=text, published_at=at, fetched_at=at + timedelta(seconds=30),
            author_key=f"{pick.randrange(count):016x}",
            engagement=Engagement(likes=pick.randrange(30), reposts=pick.randrange(10)),
        )  # fmt: skip


def _lines(path: Path) -> Iterator[str]:
    while True:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from (line.strip() for line in lines if len(line) > 10)


def _messages(path: Path) -> Iterator[tuple[str, str]]:
    while True:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from ((row["title"], row["text"]) for row in csv.DictReader(lines))


def _articles(path: Path) -> Iterator[tuple[str, str]]:
    """Articles of about 1,200 characters, put together from consecutive lines."""
    lines = _lines(path)
    while True:
        body: list[str] = []
        while sum(map(len, body)) < 1200:
            body.append(next(lines))
        yield body[0][:30], "\n".join(body)
