"""The HTML and XML of the sample site, from templates that look like the sites of outlets and governments."""

from __future__ import annotations

import html
import zlib
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import jinja2

from minsheng.clock import CHINA
from minsheng.policies.model import Policy
from sample.content import Article, HotTerm, Message, Outlet, Reply
from sample.timeline import Dated

PAGE_SIZE = 15
"""Entries on a page of a listing."""

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("sample"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_templates.filters["rfc822"] = format_datetime
_templates.filters["paragraphs"] = lambda text: [part for part in text.split("\n") if part.strip()]


FILES = {"docx": "1.正文", "pdf": "2.起草说明", "xlsx": "3.任务分工表", "ofd": "4.政策图解"}
"""The files on a policy's page, by kind, with their titles."""


def number_of(article: Article) -> int:
    """The article's number in its outlet's system."""
    return zlib.crc32(f"{article.outlet}/{article.title}".encode()) % 10_000_000


def article_path(item: Dated[Article]) -> str:
    """Where the article lies on the site, in the usual form of Chinese content systems."""
    return f"/{item.entry.outlet}/{item.at:%Y%m}/t{item.at:%Y%m%d}_{number_of(item.entry):07d}.html"


def message_path(number: int) -> str:
    return f"/board/detail?tid={number}"


def article_page(item: Dated[Article], outlet: Outlet, others: Sequence[Dated[Article]], policy: Any) -> str:
    """An article with all that surrounds it on real pages: navigation, most read, related, footer.

    Parameters
    ----------
    others:
        Other articles of the outlet that are visible now, newest first.
    policy:
        The policy whose own page this is, or None.
    """
    return _render(
        f"article_{outlet.layout}.html",
        path=article_path(item),
        item=item,
        outlet=outlet,
        others=_linked(others[:8]),
        policy=policy,
        files=[(kind, f"{title}.{kind}") for kind, title in FILES.items()],
        number_of=number_of,
    )


def app_page() -> str:
    """A page of the service portal, all of which its script fetches: the list, or the article in its address."""
    return _render("app.html", title="云江民生服务平台")


def app_script() -> str:
    return _render("app.js")


def file_lines(kind: str, policy: Policy) -> list[str]:
    """What stands in a file on a policy's page."""
    if kind == "xlsx":
        return ["任务\t责任单位\t时限", f"组织实施\t{policy.department}\t长期坚持"]
    body = {
        "docx": "本文件自发布之日起组织实施，各地各部门要结合实际抓好落实。",
        "pdf": "起草过程中书面征求了各市州和省直有关部门意见，并通过了合法性审查。",
        "ofd": "一图读懂：谁能享受、怎么办理、找谁咨询。",
    }[kind]
    return [f"《{policy.title}》{FILES[kind].partition('.')[2]}", body]


def listing_page(outlet: Outlet, items: Sequence[Dated[Article]], page: int, pages: int) -> str:
    """One page of an outlet's list of articles."""
    return _render(
        f"listing_{outlet.layout}.html",
        outlet=outlet,
        items=_linked(items),
        page=page,
        pages=pages,
        page_path=page_path,
    )


def page_path(outlet: Outlet, page: int) -> str:
    """`/id/` for the first page, `/id/index_2.html` for the second."""
    return f"/{outlet.id}/" if page == 1 else f"/{outlet.id}/index_{page}.html"


def feed(outlet: Outlet, items: Sequence[Dated[Article]], base_url: str, updated: datetime) -> str:
    """The outlet's RSS or Atom feed; addresses in it are absolute."""
    return _render(
        f"{outlet.feed}.xml",
        outlet=outlet,
        items=_linked(items),
        base_url=base_url,
        updated=updated.astimezone(CHINA),
        number_of=number_of,
    )


def json_feed(outlet: Outlet, items: Sequence[Dated[Article]], base_url: str) -> dict[str, Any]:
    """The outlet's feed as JSON Feed 1.1, with whole texts and relative addresses."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "home_page_url": f"{base_url}/{outlet.id}/",
        "feed_url": f"{base_url}/{outlet.id}/feed.json",
        "hubs": [{"type": "WebSub", "url": f"{base_url}/hub"}],
        "items": [
            {
                "id": f"{outlet.id}-{number_of(item.entry)}",
                "url": path,
                "title": item.entry.title,
                "content_html": "".join(f"<p>{html.escape(part)}</p>" for part in item.entry.text.split("\n")),
                "authors": [{"name": item.entry.origin or outlet.name}],
                "date_published": item.at.isoformat(timespec="seconds"),
            }
            for path, item in _linked(items)
        ],
    }


def board_list(items: Sequence[tuple[int, Dated[Message], bool]], page: int, pages: int) -> str:
    """One page of the message board: number, message, whether it is answered."""
    return _render("board_list.html", items=items, page=page, pages=pages, message_path=message_path)


def board_message(number: int, item: Dated[Message], reply: Dated[Reply] | None) -> str:
    return _render("board_message.html", number=number, item=item, reply=reply)


def forum_list(threads: Sequence[tuple[int, Dated[Message], Dated[Reply] | None]]) -> str:
    """A list of threads as Discuz! shows it."""
    return _render("forum_list.html", threads=threads)


def forum_thread(item: Dated[Message], reply: Dated[Reply] | None) -> str:
    """A thread as Discuz! shows it."""
    return _render("forum_thread.html", item=item, reply=reply)


def hot_page(terms: Sequence[Dated[HotTerm]]) -> str:
    """A hot list as a page, hottest first."""
    return _render("hot.html", terms=sorted(terms, key=lambda item: -item.entry.heat))


def post_page(mblog: dict[str, Any]) -> str:
    """A post's own page, for people who follow a link to it."""
    return _render("post.html", mblog=mblog)


def home(outlets: Sequence[Outlet], hot: Sequence[Dated[HotTerm]]) -> str:
    """The start page, with links to everything."""
    return _render("home.html", outlets=outlets, hot=hot)


def _linked(items: Sequence[Dated[Article]]) -> list[tuple[str, Dated[Article]]]:
    return [(article_path(item), item) for item in items]


def _render(name: str, **values: Any) -> str:
    return _templates.get_template(name).render(**values)
