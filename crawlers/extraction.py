"""A page to title, text, time and medium: our own rules around trafilatura."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from typing import Literal

import lxml.html
import msgspec

from crawlers.markup import element_text, parse_html
from crawlers.metadata import read_metadata
from minsheng.errors import BadInput
from minsheng.records import Attachment

_ASIDE = re.compile(
    r"(?:^|[-_ ])(?:related?|recommend\w*|xgyd|xgxw|hot(?:news|list|rank)?|rank(?:ing)?(?:list)?|share\w*|comments?"
    r"|pinglun|breadcrumbs?|crumbs?|position|copyright|footer|foot|sidebar|side|advert\w*|ads?|qrcode|erweima|toolbar|tools"
    r"|next|prev|editor-note|statement|disclaimer|nav\w*|menu)(?:$|[-_ \d])",
    re.IGNORECASE,
)
_LAST_LINES = re.compile(
    r"^[（(\[【]?(?:责任编辑|责编|编辑|校对|审核|监制|值班编辑|本文编辑|来源|本文来源|文章来源|信息来源|作者|记者)[:：].{0,40}$"
    r"|^(?:相关阅读|相关新闻|相关链接|推荐阅读|延伸阅读|热门推荐|猜你喜欢|更多阅读|为您推荐|编辑推荐|热点新闻)[:：]?$"
    r"|^(?:特别声明|免责声明|版权声明|声明)[:：].*$|^【?(?:打印|关闭|返回|分享|收藏|纠错).{0,24}$"
    r"|^(?:上一篇|下一篇|返回列表|打印本页|关闭窗口|分享到|扫一扫|字号|字体).{0,60}$"
)
_TAIL_BEGINS = re.compile(
    r"^(?:相关阅读|相关新闻|相关链接|推荐阅读|延伸阅读|热门推荐|猜你喜欢|更多阅读|为您推荐)[:：]?$"
)
_BODIES = (
    "//*[@id='zoom' or @id='Zoom' or @id='UCAP-CONTENT' or @id='artibody' or @id='js_content' or @id='endText']",
    "//*[contains(@class,'TRS_Editor') or contains(@class,'article-content') or contains(@class,'article_content')]",
)
"""Where widespread content systems put an article's body, and nothing else."""
_INFORMATION = re.compile(
    r"(?=.{0,150}$)(?:.*(?:发布|发表|更新)?[时日][间期]\s*[:：]|.*(?:来源|字号|编辑|浏览次数|点击数|阅读量|作者)\s*[:：]"
    r"|\s*\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2})"
)
_FOOT = re.compile(
    r"(?=.{0,120}$)(?:.*(?:主办|承办|版权所有|投稿邮箱|备案|ICP|[Cc]opyright|©|联系我们|网站标识码|建议使用|浏览器)"
    r"|[-·•\s]*\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[\s\d:：]*$|.{0,20}[:：]$)"
)
_WALLS = (
    (re.compile(r"(?:请|需要?)(?:您)?(?:先)?(?:开启|启用|打开|允许).{0,12}java\s?script|enable javascript", re.I),
     "the page needs JavaScript"),
    (re.compile(r"验证码|滑动验证|安全验证|人机验证|拖动.{0,6}滑块|captcha", re.I), "the page asks for a captcha"),
    (re.compile(r"请(?:您)?(?:先)?登[录陆]|登[录陆]后(?:才能|可以?|方可|继续)?(?:查看|阅读|访问|浏览)|扫码登[录陆]|账号登[录陆]"),
     "the page asks for a login"),
    (re.compile(r"访问(?:过于)?频繁|请求过于频繁|访问受限|拒绝访问|access denied|IP.{0,10}(?:限制|封禁)", re.I),
     "the site refuses us"),
    (re.compile(r"页面(?:不存在|未找到|已删除|找不到)|(?:内容|文章|信息)(?:不存在|已(?:被)?删除)"
                r"|404 not found|找不到(?:该|您).{0,8}页", re.I),
     "the page is gone, says the page"),
)  # fmt: skip
_TAG = re.compile(r"<[a-zA-Z!]")
SHORT = 100
"""A page with less text than this may be a wall rather than an article."""


Obstacle = Literal["empty", "not-html", "javascript", "captcha", "login", "refused", "gone"]
"""Why there is no article: nothing there, no page, or something that stands in its place."""


class NoArticle(BadInput):
    """A page that holds no article, and why.

    Attributes
    ----------
    obstacle:
        What is there instead.
    """

    def __init__(self, obstacle: Obstacle, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.obstacle = obstacle


class Page(msgspec.Struct, kw_only=True):
    """What a page holds; empty or None where it names none.

    Attributes
    ----------
    text:
        The article's words, a line for each paragraph, without what stands around it.
    published_at:
        When it was published, to the minute where the page says so; China's time where it names no zone.
    published_raw:
        What the page says of its time where that can't be read.
    outlet:
        The medium or office it came from (来源).
    author:
        Who wrote it. Goes no further than admission.
    attachments:
        Files that the article links to.
    next_page:
        Where the article goes on; None on its last page and where it has only one.
    """

    url: str
    title: str = ""
    text: str = ""
    published_at: datetime | None = None
    published_raw: str | None = None
    outlet: str | None = None
    author: str | None = None
    attachments: tuple[Attachment, ...] = ()
    next_page: str | None = None


def extract(html: str, url: str, now: datetime) -> Page:
    """Read an article page.

    Parameters
    ----------
    html:
        The decoded page.
    url:
        Where it lies.
    now:
        What relative times count from.

    Raises
    ------
    NoArticle
        If there is no article: the page is empty, a login, a captcha, or a notice that it is gone.
    """
    tree = parse_html(html)
    if tree is None:
        raise NoArticle("empty", f"{url} is an empty page")
    if not _TAG.search(html):
        raise NoArticle("not-html", f"{url} is no HTML page")
    about = read_metadata(tree, url, now)
    wall = wall_of(tree)
    text = _body(tree, about.title)
    if wall and len(text) < SHORT:
        raise NoArticle("refused", f"{url}: {wall}")
    if not text and not about.title:
        raise NoArticle("empty", f"{url} has neither title nor text")
    return Page(
        url=url,
        title=about.title,
        text=text,
        published_at=about.published_at,
        published_raw=about.published_raw,
        outlet=about.outlet,
    )


def wall_of(tree: lxml.html.HtmlElement) -> str:
    """What stands in the way on a page without an article; empty where nothing is recognised."""
    noscript = " ".join(node.text_content() for node in tree.iter("noscript"))
    title = " ".join(node.text_content() for node in tree.iter("title"))
    words = f"{title}\n{element_text(tree)}"
    if len(words) > 2000:
        return ""
    for pattern, reason in _WALLS:
        if pattern.search(words):
            return reason
    if any(field.get("type") == "password" for field in tree.iter("input")):
        return "the page asks for a login"
    return "the page needs JavaScript" if _WALLS[0][0].search(noscript) and len(words) < SHORT else ""


def _body(tree: lxml.html.HtmlElement, title: str) -> str:
    """The article's words, a line for each paragraph."""
    import trafilatura

    # It warns of every page that it finds nothing in; what that means is said here.
    logging.getLogger("trafilatura").setLevel(logging.ERROR)
    _prune(tree)
    marked = _marked(tree)
    found = trafilatura.extract(
        tree, fast=True, include_comments=False, include_tables=True, include_formatting=False, deduplicate=False
    )
    text = _clean(found or "", title)
    if len(marked) >= 40 or len(marked) * 2 > len(text):
        return marked
    # For short texts trafilatura takes all the page's words in one line.
    return text if "\n" in text or len(text) > 2000 else _clean(_densest(tree), title) or text


def _prune(tree: lxml.html.HtmlElement) -> None:
    """Take away what surrounds articles: menus, related links, comments, footers."""
    whole = len(tree.text_content())
    for node in tree.xpath("//script|//style|//noscript|//nav|//footer|//aside|//form|//select|//button"):
        _drop(node, whole)
    for node in tree.xpath("//body//*[@class or @id]"):
        if _ASIDE.search(f"{node.get('class', '')} {node.get('id', '')}"):
            _drop(node, whole)
    for node in tree.xpath("//ul|//ol|//table|//div|//section"):
        if _is_links(node):
            _drop(node, whole)


def _drop(node: lxml.html.HtmlElement, whole: int) -> None:
    """Remove an element, unless most of the page's words, or its headline, are inside."""
    if node.getparent() is None or node.tag in ("html", "body"):
        return
    if node.tag not in ("script", "style", "noscript"):
        if node.find(".//h1") is not None:
            return
        paragraphs = sum(len(part.text_content()) for part in node.iter("p") if part.find(".//a") is None)
        if paragraphs > 200 and paragraphs * 4 > whole:
            return
    node.drop_tree()


def _is_links(node: lxml.html.HtmlElement) -> bool:
    """Whether an element is a list of links: at least three, and nearly all of its words."""
    links = node.findall(".//a")
    if len(links) < 3:
        return False
    words = len("".join(node.text_content().split()))
    linked = sum(len("".join(link.text_content().split())) for link in links)
    return words > 0 and linked / words > 0.8


def _marked(tree: lxml.html.HtmlElement) -> str:
    for path in _BODIES:
        found = [element_text(node) for node in tree.xpath(path)]
        if found and (longest := max(found, key=len)):
            return _clean(longest, "")
    return ""


def _densest(tree: lxml.html.HtmlElement) -> str:
    """The words of the element with the most text of its own and of its paragraphs."""
    best, most = None, 0
    for node in tree.iter("div", "td", "section", "article", "main", "body"):
        own = len((node.text or "").strip()) + sum(
            len((child.tail or "").strip())
            + (len(child.text_content().strip()) if child.tag in ("p", "span", "font", "b", "strong") else 0)
            for child in node
        )
        if own > most:
            best, most = node, own
    return element_text(best) if best is not None and most >= 10 else ""


def _clean(text: str, title: str) -> str:
    """Without the headline and what stands around it, the editors' lines, and what follows an article."""
    lines = [re.sub(r"[ \t\u00a0\u3000]+", " ", line).strip(" |") for line in text.split("\n")]
    lines = [line for line in lines if line]
    headline = next((place for place, line in enumerate(lines[:12]) if title and line == title), None)
    if headline is not None:
        lines = lines[headline + 1 :]
    while lines and _INFORMATION.match(lines[0]) and not lines[0].endswith("。"):
        lines.pop(0)
    tail = next((place for place, line in enumerate(lines) if place and _TAIL_BEGINS.match(line)), len(lines))
    kept = [line for line in lines[:tail] if not _LAST_LINES.match(line)]
    while kept and _FOOT.match(kept[-1]) and not kept[-1].endswith("。"):
        kept.pop()
    return "\n".join(kept)
