"""The site that crawl benchmarks ask: lists, articles and feeds made on the fly, served by a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BODY = (
    "市水务集团今天上午公布了阶梯水价首期账单的核查进展，已经核实重复扣费两百余户，正在逐户退款，五个工作日之内到账。"
)


def page_of(path: str) -> str | None:
    """`/list/<links>/<page>/`, `/a/<n>.html`, `/feed/<n>.xml`, `/huge/<entries>.xml`; None where there is nothing."""
    if found := re.fullmatch(r"/list/(\d+)/(\d+)/", path):
        links, number = int(found[1]), int(found[2])
        rows = "".join(
            f'<li><a href="/a/{n}.html">第{n}号关于供水工作的通知公告</a><span>2026-11-23</span></li>'
            for n in range((number - 1) * links, number * links)
        )
        return f'<html><body><ul>{rows}</ul><a href="/list/{links}/{number + 1}/">下一页</a></body></html>'
    if found := re.fullmatch(r"/a/(\d+)\.html", path):
        title = f"第{found[1]}号关于供水工作的通知公告"
        paragraphs = "".join(f"<p>{BODY}这是第{n}段，编号{found[1]}。</p>" for n in range(12))
        menu = "".join(f'<li><a href="/m/{n}">栏目{n}</a></li>' for n in range(40))
        return (
            f'<html><head><meta charset="utf-8"><title>{title}_云江日报网</title></head><body><ul>{menu}</ul>'
            f'<h1>{title}</h1><div class="info">2026-11-23 12:30　来源：云江日报</div>'
            f'<div class="content">{paragraphs}</div></body></html>'
        )
    if found := re.fullmatch(r"/feed/(\d+)\.xml", path):
        items = "".join(
            f"<item><title>第{found[1]}号信源第{n}条</title><link>/f/{found[1]}/{n}.html</link>"
            f"<pubDate>2026-11-23 12:{n:02}</pubDate><description>{BODY}</description></item>"
            for n in range(10)
        )
        return f'<rss version="2.0"><channel><title>信源{found[1]}</title>{items}</channel></rss>'
    if found := re.fullmatch(r"/huge/(\d+)\.xml", path):
        items = "".join(
            f"<item><title>第{n}条</title><link>/h/{n}.html</link><pubDate>2026-11-23 12:00</pubDate>"
            f"<description>{BODY[:20]}</description></item>"
            for n in range(int(found[1]))
        )
        return f'<rss version="2.0"><channel><title>全部</title>{items}</channel></rss>'
    return None


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            headers: dict[str, str] = {}
            while (header := (await reader.readline()).decode("latin-1").strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            path = line.split(b" ")[1].decode()
            page = page_of(path)
            body = (page or "").encode()
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            known = page is not None and headers.get("if-none-match") == tag
            status = b"304 Not Modified" if known else b"200 OK" if page is not None else b"404 Not Found"
            kind = b"text/xml" if path.startswith("/feed") else b"text/html"
            sent = b"" if known else body
            writer.write(
                b"HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\nETag: %s\r\nContent-Length: %d\r\n\r\n"
                % (status, kind, tag.encode(), len(sent))
                + sent
            )
            await writer.drain()
    except (OSError, IndexError):
        pass
    finally:
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextmanager
def served() -> Iterator[str]:
    """Serve the site while the block lasts; gives its address."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.crawl_site"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
