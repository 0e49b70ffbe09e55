"""What a scene is, and the article page that several kinds lead to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.crawlers.local_site import LocalSite

BODY = (
    "市水务集团今天上午公布了阶梯水价首期账单的核查进展，已经核实重复扣费两百余户，正在逐户退款。",
    "集团有关负责人表示，退款将在五个工作日之内到账，居民不需要到营业厅排队，也不需要提供其他材料。",
    "记者在新圃区看到，社区工作人员正挨家挨户核对账单，不少老人已经收到了退款短信，对处理结果表示满意。",
)


def article(title: str, time: str, charset: str = "utf-8", body: tuple[str, ...] = BODY) -> str:
    paragraphs = "".join(f"<p>{text}</p>" for text in body)
    return (
        f'<html><head><meta charset="{charset}"><title>{title}_云江日报网</title></head><body><h1>{title}</h1>'
        f'<div class="info">{time}　来源：云江日报　编辑：小周</div><div class="content">{paragraphs}</div>'
        '<div class="foot">云江日报社主办　投稿邮箱：a@yunjiang.example</div></body></html>'
    )


class Scene(NamedTuple):
    """A site for one kind.

    Attributes
    ----------
    build:
        Puts the pages of a site up; given the times of its things, and a charset. Returns the path of the source's own
        page.
    options:
        The source's options, given the site's address.
    expect:
        Title or text, and native time as written, of what must come of it.
    content:
        Paths that must be fetched once only, however often the source is crawled.
    days_in_list:
        The source's own page gives a day that stands where a thing's own page gives no believable time.
    """

    build: Callable[[LocalSite, str, str], str]
    expect: tuple[str, ...]
    options: Callable[[str], dict[str, Any]] = lambda url: {}
    content: tuple[str, ...] = ()
    days_in_list: bool = False
