"""Pages that answer, and are no article: a login, a captcha, a refusal, a notice that it is gone, scripts alone."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import lxml.html

from crawlers.markup import page_title, parse_html
from crawlers.outline import Outline, outline

Obstacle = Literal["empty", "not-html", "javascript", "captcha", "login", "refused", "gone", "listing"]
"""Why there is no article: nothing there, no page, something in its place, or only links to others."""

SHORT = 100
"""A page with less running text than this may be a wall rather than an article."""
LONGEST_TITLE = 40
"""Characters of a page's title; longer ones speak of a matter."""
FEW_LINKS = 10
"""A page with more links leads to others."""
LONG = 2000
"""Words beside links; a page with more is no wall."""


class Wall(NamedTuple):
    """What stands in the way, how it is told, and what helps; empty where nothing does.

    `perhaps`: the page may as well be an article with a box to log in beside it.
    """

    obstacle: Obstacle
    reason: str
    hint: str = ""
    perhaps: bool = False


_GONE = Wall("gone", "the page is gone, says the page")
_REFUSED = Wall("refused", "the site refuses us")
_CAPTCHA = Wall("captcha", "the page asks for a captcha")
_LOGIN = Wall("login", "the page asks for a login")
_LOGIN_BOX = _LOGIN._replace(perhaps=True)
_SCRIPTS = Wall(
    "javascript", "the page needs JavaScript", "let a browser run its scripts: the option javascript of the source"
)
_MAINTENANCE = Wall("refused", "the site is being maintained, says the page")

_SIGNS: tuple[tuple[re.Pattern[str], Wall], ...] = (
    (
        re.compile(
            r"(?:页面|網頁|頁面|网页|内容|內容|文章|信息|链接|資料|帖子|主题|稿件|该文|此文)\S{0,6}(?:不存在"
            r"|未找到|没有找到|沒有找到|找不到|已删除|已刪除|已被\S{0,6}删除"
            r"|已下线|已失效|已过期)"
            r"|(?:找不到|没有找到|未找到)\S{0,10}(?:页|頁|内容|文章|文件)|404 not found|page not found"
            r"|404\s*[-—:：|]|^404$|(?:此"
            r"|该)内容因违规|被投诉\S{0,20}无法查看"
            r"|(?:已|被)\S{0,6}(?:发布者|作者)?(?:删除|刪除|撤稿|屏蔽)(?!\w)",
            re.IGNORECASE | re.MULTILINE,
        ),
        _GONE,
    ),
    (
        re.compile(
            r"(?:访问|請求|请求|操作|刷新)\S{0,4}(?:过于|太|过)频繁|访问受限|拒绝访问|禁止访问|无权访问"
            r"|access (?:denied|forbidden)|403 forbidden"
            r"|IP\S{0,12}(?:限制|封禁|频繁|异常)|访问被(?:阻断|拦截|拒绝)|(?:安全威胁|恶意)\S{0,20}(?:阻断|拦截)"
            r"|请求已被\S{0,8}拦截|防火墙",
            re.IGNORECASE,
        ),
        _REFUSED,
    ),
    (
        re.compile(
            r"滑动验证|安全验证|人机验证|驗證碼|(?:拖动|滑动)\S{0,8}(?:滑块|拼图)|captcha"
            r"|完成\S{0,6}验证\S{0,4}后\S{0,4}继续|完成下方验证|环境异常"
            r"|请输入\S{0,6}验证码|are you (?:a )?(?:human|robot)",
            re.IGNORECASE,
        ),
        _CAPTCHA,
    ),
    (
        re.compile(
            r"(?:请|需要?)(?:您)?(?:先)?(?:开启|启用|打开|允许|啟用|開啟).{0,16}java\s?script|enable (?:java\s?script"
            r"|it to continue)|java\s?script (?:is )?(?:required|disabled)|正在检查您的浏览器|checking your browser"
            r"|just a moment",
            re.IGNORECASE,
        ),
        _SCRIPTS,
    ),
    (
        re.compile(
            r"登[录陆](?:后|以后|之后)(?:才能|可以?|方可|继续|即可)?(?:查看|阅读|访问|浏览|继续|观看)|visitor system"
            r"|(?:会员|付费|订阅)\S{0,4}(?:专享|可见|阅读|内容)|(?:开通|成为)\S{0,6}会员\S{0,6}(?:阅读|查看)"
            r"|sign in to continue"
            r"|log ?in to continue",
            re.IGNORECASE,
        ),
        _LOGIN,
    ),
    (
        re.compile(
            r"请(?:您)?(?:先)?(?:登[录陆]|登入)|請(?:先)?登[錄入]|扫码登[录陆]|账号登[录陆]|统一(?:身份)?认证|passport",
            re.IGNORECASE,
        ),
        _LOGIN_BOX,
    ),
    (
        re.compile(r"(?:网站|系统|站点)\S{0,6}(?:维护|升级)(?:中|改造)|正在\S{0,6}(?:维护|升级)\S{0,6}(?:暂|稍后)"),
        _MAINTENANCE,
    ),
)  # fmt: skip
_RELOADS = re.compile(
    r"location(?:\.href)?\s*=|location\.(?:replace|reload)|document\.cookie\s*=|window\.__|window\[|webpack|chunk"
)
_LOADING = re.compile(
    r"(?:(?:正在|努力|拼命|页面|数据|内容|玩命)*(?:加载|载入|跳转|打开)(?:中|数据)?"
    r"|请(?:您)?(?:耐心)?(?:稍[候后等]|等待)|loading|please wait"
    r"|[\s.…·。，,！!~～]+)+",
    re.IGNORECASE,
)
"""What a page says until its scripts have drawn it."""


def wall_in(words: str) -> Wall | None:
    """What stands in the way, by the words of a page alone; None where they speak of nothing of the kind."""
    return next((wall for pattern, wall in _SIGNS if pattern.search(words)), None)


def wall_instead(text: str) -> str:
    """What stands in the place of a feed, a sitemap or JSON, in words; empty where that is a page of some other kind.

    A list of articles may ask its readers to log in, too: a page that leads to many others is no wall.
    """
    tree = parse_html(text) if text.lstrip("\ufeff \t\r\n")[:1] == "<" else None
    if tree is None:
        return ""
    if (gone := gone_by_title(tree)) is not None:
        return gone.reason
    wall = find_wall(tree) if sum(1 for _ in tree.iter("a")) <= FEW_LINKS else None
    # Whose scripts are run is said of lists and articles, which a page may be.
    return wall.reason if wall is not None and wall.obstacle != "javascript" else ""


def gone_by_title(tree: lxml.html.HtmlElement) -> Wall | None:
    """That a page is gone, where its own title says so: such pages recommend others, and look like lists of them."""
    title = page_title(tree)
    return _GONE if len(title) <= LONGEST_TITLE and _SIGNS[0][0].search(title) else None


def find_wall(tree: lxml.html.HtmlElement, page: Outline | None = None) -> Wall | None:
    """What stands in the way on a page without an article; None where nothing is recognised.

    Parameters
    ----------
    tree:
        The whole page.
    page:
        Its outline as it was made, where there is one already.
    """
    page = page or outline(tree)
    title = " ".join(node.text_content() for node in tree.iter("title"))
    # Menus and links to other news surround notices, too, and say nothing of them.
    said = [line.text for line in page.lines if line.linked * 2 <= len(line.text)]
    words = "\n".join((title, *said))
    if len(words) > LONG:
        return None
    if (wall := wall_in(words)) is not None:
        return wall
    if any(field.get("type") == "password" for field in tree.iter("input")):
        return _LOGIN_BOX
    if len("".join(said)) < SHORT:
        waits = not _LOADING.sub("", "".join(said))
        noscript = " ".join(node.text_content() for node in tree.iter("noscript"))
        if _SIGNS[3][0].search(noscript):
            return _SCRIPTS
        scripts = [script for script in tree.iter("script") if "json" not in (script.get("type") or "")]
        code = " ".join((script.text or "") for script in scripts)
        if waits and scripts and (_RELOADS.search(code) or any(script.get("src") for script in scripts)):
            return _SCRIPTS
    return None
