"""The sample world as files, for units that get their material so: tables, JSON Lines, a web archive, a mailbox."""

from __future__ import annotations

import csv
import io
import mailbox
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from sample import files
from sample.content import Article, Message, Post, Reply
from sample.letters import letters
from sample.timeline import Dated, Scene

MEDIA_TYPES = {
    "hotline.xlsx": files.MEDIA_TYPES["xlsx"],
    "tickets.xlsx": files.MEDIA_TYPES["xlsx"],
    "posts.csv": "text/csv",
    "posts.jsonl": "application/jsonl",
    "pages.warc.gz": "application/warc",
    "inbox.mbox": "application/mbox",
}
MOST = 20
"""Things in a file, the newest."""


def make(name: str, scene: Scene, now: datetime, page_of: Callable[[Dated[Article]], tuple[str, bytes]]) -> bytes:
    """The file of that name, with what is there by now.

    Parameters
    ----------
    page_of:
        Gives an article's address and its page.
    """
    posts = [item for item in scene.posts if item.at <= now][:MOST]
    messages = [(item, scene.replies.get(place)) for place, item in enumerate(scene.messages) if item.at <= now][:MOST]
    articles = [item for item in scene.articles if item.at <= now][:MOST]
    match name:
        case "hotline.xlsx":
            return hotline(messages, now)
        case "tickets.xlsx":
            return tickets(messages)
        case "posts.csv":
            return posts_csv(posts)
        case "posts.jsonl":
            return b"".join(msgspec.json.encode(_post(item)) + b"\n" for item in posts)
        case "pages.warc.gz":
            return archive([page_of(item) for item in articles])
        case _:
            return mbox(letters(item for item, _ in messages))


def hotline(messages: Sequence[tuple[Dated[Message], Dated[Reply] | None]], now: datetime) -> bytes:
    """As hotlines export their tickets: a title, column names that are known, the answer in its question's row."""
    rows = ["12345热线工单明细（示例）", "工单编号\t诉求标题\t诉求内容\t来电时间\t来电人\t答复内容\t答复时间\t答复单位"]
    for item, reply in messages:
        answer = (reply.entry.text, _time(reply.at), reply.entry.by) if reply and reply.at <= now else ("", "", "")
        number = f"YJ{item.at:%Y%m%d%H%M}{len(item.entry.text)}"
        rows.append("\t".join((number, item.entry.title, item.entry.text, _time(item.at), item.entry.by, *answer)))
    return files.xlsx([row.replace("\n", " ") for row in rows])


def tickets(messages: Sequence[tuple[Dated[Message], Dated[Reply] | None]]) -> bytes:
    """The same with names for its columns that no program knows."""
    rows = ["件号\t反映的事\t哪天哪时\t哪里"]
    for item, _ in messages:
        number = f"WJ-{item.at:%m%d%H%M}-{len(item.entry.text)}"
        rows.append("\t".join((number, item.entry.text, _time(item.at), item.entry.area)))
    return files.xlsx([row.replace("\n", " ") for row in rows])


def posts_csv(posts: Sequence[Dated[Post]]) -> bytes:
    """In the charset that spreadsheet programs write in China."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["博主", "正文", "发布", "点赞数"])
    table.writerows([item.entry.by, item.entry.text, _time(item.at), item.entry.likes] for item in posts)
    return file.getvalue().encode("gb18030")


def archive(pages: Sequence[tuple[str, bytes]]) -> bytes:
    """A web archive of article pages."""
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    file = io.BytesIO()
    writer = WARCWriter(file, gzip=True)
    for url, body in pages:
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        writer.write_record(writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=headers))
    return file.getvalue()


def mbox(mails: Sequence[bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inbox.mbox"
        box = mailbox.mbox(path)
        for mail in mails:
            box.add(mail)
        box.close()
        return path.read_bytes()


def _post(item: Dated[Post]) -> Mapping[str, object]:
    entry = item.entry
    return {
        "id": f"{item.at:%Y%m%d%H%M%S}-{len(entry.text)}",
        "text": entry.text,
        "published_at": item.at.isoformat(),
        "author": entry.by,
        "likes": entry.likes,
        "region": entry.region,
    }


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
