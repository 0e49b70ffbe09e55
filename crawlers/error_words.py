"""What went wrong at a source, in Chinese, for those who read it at a page.

Crawls write errors down in English, with what they name in them: in the store, in logs and at the terminal, where they
are searched and compared. Here each sentence has its Chinese one, so that what was written down long ago is told in
Chinese, too. A test walks the crawler's code for sentences that lack one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from crawlers.kind_words import KIND_WORDS
from minsheng.problem_messages import MESSAGES

_SENTENCES: tuple[tuple[str, str], ...] = (
    # First: whatever it was, there is a time to it.
    ("{reason}; asked again from {until}", "{reason}；{until} 起再抓"),
    # Networks and servers.
    ("no answer", "没有应答"),
    ("no answer in time", "超时没有应答"),
    ("connection refused", "对方拒绝连接"),
    ("no such host", "找不到这个域名"),
    ("the answer broke off", "传输中断"),
    ("the connection broke off", "连接中断"),
    ("no safe connection (TLS): {reason}", "建立不了安全连接（TLS）：{reason}"),
    ("larger than crawl.max_body", "内容超过 crawl.max_body 的上限"),
    ("cut off after {seconds} s (crawl.source_timeout)", "抓取超过 {seconds} 秒（crawl.source_timeout），已中断"),
    ("answered {status}", "返回 {status}"),
    ("{where} answered {status}", "{where} 返回 {status}"),
    ("{where} answered with an empty page", "{where} 返回空页"),
    ("{where} is an empty page", "{where} 是空页"),
    ("forbidden by robots.txt", "对方的 robots.txt 不允许抓取"),
    ("Forbidden by robots.txt", "对方的 robots.txt 不允许抓取"),
    ("refused", "被拒绝"),
    (
        "{host} is at {places}, no public address: list its network in crawl.allowed_networks",
        "{host} 的地址是 {places}，不是公网地址：确要抓取的，把该网段写进 crawl.allowed_networks",
    ),
    ("{host} wants long pauses between requests", "{host} 要求请求之间间隔较长"),
    ("{host} is asked only in its hours (crawl.hosts)", "{host} 只在规定时段抓取（crawl.hosts）"),
    ("{host} was asked {times} times today, all that its budget allows", "{host} 今天已请求 {times} 次，达到每日上限"),
    ("{where}: broken gzip: {reason}", "{where}：gzip 损坏：{reason}"),
    ("{where}: the gzip breaks off", "{where}：gzip 不完整"),
    ("{where}: holds more than {most} bytes", "{where}：解开后超过 {most} 字节"),
    (
        "{where}: {size} bytes are too much to read: they take more than {seconds} s or {memory} MB",
        "{where}：{size} 字节，太大读不了：要超过 {seconds} 秒或 {memory} MB 内存",
    ),
    # Pages with something in the way.
    ("the page is gone, says the page", "页面说内容已不存在"),
    ("the site refuses us", "网站拒绝访问"),
    ("the page asks for a captcha", "页面要求输入验证码"),
    ("the page asks for a login", "页面要求登录"),
    ("the page needs JavaScript", "页面要运行脚本才有内容"),
    ("the site is being maintained, says the page", "页面说网站正在维护"),
    ("neither title nor text", "没有标题，也没有正文"),
    ("neither id nor address", "没有编号，也没有地址"),
    ("attachment can't be read", "附件读不出来"),
    ("not readable as a mail", "读不出邮件"),
    ("{where} goes on at pages that can't be had", "{where} 的后续页取不到"),
    # Lists, feeds, interfaces.
    ("nothing matches links = {selector}", "选择器 links = {selector} 没有匹配到"),
    ("nothing matches text = {selector}", "选择器 text = {selector} 没有匹配到"),
    ("no list of links is seen", "看不出文章列表"),
    ("no thread is seen", "看不出主题列表"),
    ("no post is seen", "看不出帖子"),
    ("no hot list is seen", "看不出热榜"),
    ("no list of entries is seen", "看不出条目列表"),
    ("no longTextContent in the answer", "返回内容里没有 longTextContent"),
    ("{where} is no list of messages", "{where} 不是留言列表"),
    ("{where} is no list of threads", "{where} 不是主题列表"),
    ("{where} is no list of posts", "{where} 不是帖子列表"),
    ("{where} is no feed", "{where} 不是订阅源"),
    ("{where} is no feed: {reason}", "{where} 不是订阅源：{reason}"),
    ("{where}: RSSHub answers with an error: {reason}", "{where}：RSSHub 报错：{reason}"),
    ("{where} is JSON, but no JSON Feed", "{where} 是 JSON，但不是 JSON Feed"),
    ("{where} is no JSON: {reason}", "{where} 不是 JSON：{reason}"),
    ("{where} is no sitemap", "{where} 不是网站地图"),
    ("{where} is no sitemap, but <{name}>", "{where} 不是网站地图，而是 <{name}>"),
    ("{where} is no sitemap: {reason}", "{where} 不是网站地图：{reason}"),
    ("sitemaps lead to sitemaps more than {times} times", "网站地图嵌套超过 {times} 层"),
    ("none of {count} entries has a title or text", "{count} 个条目都没有标题和正文"),
    ("nothing is at items = {items}", "items = {items} 处没有内容"),
    ("'{expression}' can't be applied to the answer: {reason}", "“{expression}”用不到返回内容上：{reason}"),
    ("the next page is at another host, which the secret header is not for", "下一页在另一台主机上，密钥不能发给它"),
    ("the next page is at another host, which the token is not for", "下一页在另一台主机上，令牌不能发给它"),
    ("the service wants a login: {reason}", "对方要求登录：{reason}"),
    ("the service wants a login ({code}): {reason}", "对方要求登录（{code}）：{reason}"),
    ("the service refuses: {reason}", "对方拒绝：{reason}"),
    ("the service refuses ({code}): {reason}", "对方拒绝（{code}）：{reason}"),
    ("nothing to search for", "没有可搜索的词"),
    ("nothing found", "什么也没有找到"),
    ("{url} gives nothing, also with its scripts run: {reason}", "{url} 没有抓到内容，运行脚本也没有：{reason}"),
    ("{url} needs JavaScript", "{url} 要运行脚本才有内容"),
    # Attached files.
    ("{file}: files of this kind ({kind}) are not read", "{file}：不读这种文件（{kind}）"),
    ("{file} answered with a page: {words}", "{file} 返回的是网页：{words}"),
    ("{file} was written by a Word older than 97", "{file} 是 Word 97 以前的格式"),
    ("it has no piece table", "文件结构不完整"),
    # Mailboxes.
    ("there is no password for {user}", "没有 {user} 的口令"),
    ("the mail server can't be reached: {reason}", "连不上邮件服务器：{reason}"),
    ("the mail server hung up: {reason}", "邮件服务器断开：{reason}"),
    ("the mail server broke off: {reason}", "邮件服务器中断：{reason}"),
    ("the mail server refuses {command}: {reason}", "邮件服务器拒绝 {command}：{reason}"),
    ("{where} does not take the user and password: {reason}", "{where} 不接受用户名和口令：{reason}"),
    ("the folder {folder} can't be opened: {reason}", "打不开文件夹 {folder}：{reason}"),
    ("{where} has no folder {folder}", "{where} 没有文件夹 {folder}"),
    ("the server gives no UIDVALIDITY for {folder}: {reason}", "服务器没有给出 {folder} 的 UIDVALIDITY：{reason}"),
    ("its certificate is not trusted ({reason})", "证书不可信（{reason}）"),
    # Browsers.
    ("the browser could not make the page: {reason}", "浏览器打不开页面：{reason}"),
    ("its scripts take more memory than crawl.browser.memory_mb", "脚本占用内存超过 crawl.browser.memory_mb"),
    ("its scripts don't come to an end (crawl.browser.timeout)", "脚本运行超时（crawl.browser.timeout）"),
    ("its scripts make it larger than crawl.max_body", "脚本生成的内容超过 crawl.max_body"),
    ("it leads on and on", "页面不停跳转"),
    ("it is no page but {kind}", "不是网页，而是 {kind}"),
    ("{method} to another host", "要向别的主机发送 {method} 请求"),
    ("it was sent to another host", "被转到别的主机"),
    ("more than crawl.browser.requests", "请求数超过 crawl.browser.requests"),
    ("more than twice crawl.max_body", "内容超过 crawl.max_body 的两倍"),
    ("no Chromium was found", "没有找到 Chromium"),
    ("Chromium does not keep its sandbox for root", "以 root 运行时 Chromium 没有沙箱"),
    ("Chromium can't set up its sandbox here", "Chromium 在本机建立不了沙箱"),
    ("Chromium does not start: {reason}", "Chromium 启动不了：{reason}"),
    (
        "running a page's scripts needs a browser, and minsheng[browser] is not installed",
        "运行页面脚本要用浏览器，本机没有安装 minsheng[browser]",
    ),
    # Our own.
    ("another backfill of it is under way", "它的另一次补采正在进行"),
    (
        "another crawler is at it now: see it in minsheng sources list in a moment",
        "另一个采集进程正在抓它：稍后用 minsheng sources list 查看",
    ),
)
_HINTS: tuple[tuple[str, str], ...] = (
    ("let a browser run its scripts: the option javascript of the source", "可用浏览器运行脚本：信源的选项 javascript"),
    ("the article may be gone: see where it leads", "文章可能已删除，请打开看看"),
    ("ask the site for a part of it: a feed or sitemap of the newest, or lower crawl.max_body",
     "请向网站要一部分：只含新内容的订阅源或网站地图，或调低 crawl.max_body"),
    ("give the address of the feed itself, not of a page", "请给订阅源本身的地址，不是网页的"),
    ("the page names: {feeds}", "网页里写着订阅源：{feeds}"),
    ("for other JSON use the kind json_api", "其他 JSON 用类型“JSON 接口”"),
    ("give the address of a feed", "请给订阅源的地址"),
    ("say where its entries are: options.items, or options.rows for a page",
     "写明条目在哪里：options.items，网页用 options.rows"),
    ("the service may want a login, or has changed", "对方可能要求登录，或改了接口"),
    ("give a sitemap's address, or the site's: its robots.txt may name one",
     "请给网站地图的地址，或网站的：robots.txt 里可能写着"),
    ("the page shows another one, which may hold the list: {url}", "页面里套着另一个网页，列表可能在那里：{url}"),
    ("give the links' selector: options.links; where scripts make the list: options.javascript",
     "写明链接的选择器 options.links；列表由脚本生成的，用 options.javascript"),
    ("give the links' selector: options.threads", "写明链接的选择器 options.threads"),
    ("give the posts' selectors: options.posts, options.text", "写明帖子的选择器 options.posts、options.text"),
    ("give Discourse's latest.json or NodeBB's api/recent", "请给 Discourse 的 latest.json 或 NodeBB 的 api/recent"),
    ("say where they are: options.items", "写明它们在哪里：options.items"),
    ("say where they are: options.fields; an entry has {names}", "写明它们在哪里：options.fields；条目里有 {names}"),
    ("the answer has {names}", "返回内容里有 {names}"),
    ("renew options.headers", "请更新 options.headers"),
    ("give a token: options.token", "请给令牌：options.token"),
    ("give the service's address, as https://mastodon.example", "请给服务的地址，如 https://mastodon.example"),
    ("give options.queries, or add policies: minsheng policies import", "写明 options.queries，或登记政策"),
    ("give the cookie of your own account again: {command}", "请重新给自己账号的 Cookie：{command}"),
    ("give it: {command}", "请给出：{command}"),
    ("give the password again: {command}; many services want one made for mail programs",
     "请重新给口令：{command}；许多服务要用邮件程序专用的口令"),
    ("it has: {names}", "有：{names}"),
    ("ask more seldom", "请放慢节奏"),
    ("say what it is: --kind, --option links=...", "请写明类型和选项"),
    ("look whether the address is right and the site is there", "请核对地址，看网站是否还在"),
    ("a browser can run its scripts: {how}; then: --kind listing --option javascript=list",
     "可用浏览器运行脚本：{how}；类型选“栏目列表”，选项写 javascript = \"list\""),
    ("pip install {what}", "请安装：pip install {what}"),
    ("run the crawler as a user of its own; where a container is its sandbox: crawl.browser.sandbox = false",
     "请用专门的用户运行采集进程；容器就是沙箱的，设 crawl.browser.sandbox = false"),
    ("allow user namespaces (kernel.unprivileged_userns_clone=1); where the crawler's container is its sandbox: "
     "crawl.browser.sandbox = false",
     "请允许用户命名空间（kernel.unprivileged_userns_clone=1）；容器就是沙箱的，设 crawl.browser.sandbox = false"),
)  # fmt: skip
_MISFITS: tuple[tuple[str, str], ...] = (
    ("Expected `{wanted}`, got `{given}`", "应为{wanted}，写的是{given}"),
    ("Object contains unknown field `{name}`", "没有 {name} 这一项"),
    ("Object missing required field `{name}`", "缺少 {name}"),
    ("Invalid enum value '{name}'", "不能写“{name}”"),
    ("Invalid enum value {name}", "不能写 {name}"),
    ("{name} must be between {least} and {most}", "{name} 应在 {least} 和 {most} 之间"),
    ("{name} must be at least {least}", "{name} 至少是 {least}"),
    ("{name} needs {{id}} where the post's number goes", "{name} 要用 {{id}} 表示帖子编号的位置"),
    ("{name} needs {{id}} where the entry's id goes", "{name} 要用 {{id}} 表示条目编号的位置"),
    ("fields: there is no field {name}; known are: {names}", "fields 没有 {name} 这一项；可用的有：{names}"),
    ("fields: there is no part {name}; known are: {names}", "fields 没有 {name} 这一项；可用的有：{names}"),
    ("'{expression}' is no JMESPath: {reason}", "“{expression}”不是正确的 JMESPath：{reason}"),
    ("'{expression}' is no regular expression: {reason}", "“{expression}”不是正确的正则表达式：{reason}"),
    ("'{selector}' is no selector: {reason}", "“{selector}”不是正确的选择器：{reason}"),
    ("user is missing: whose mailbox is it?", "缺少 user：是谁的邮箱？"),
    ('read = "tags" needs tags', '选了 read = "tags"，要写 tags'),
    ("{path}: not readable as TOML: {reason}", "不是正确的 TOML：{reason}"),
    ("{what} (at line {line}, column {column})", "第 {line} 行第 {column} 列写法不对"),
    ("{what} (at end of document)", "末尾没有写完"),
)
"""Of options that do not fit their kind, or are no TOML."""
_TYPES = {"int": "整数", "float": "数", "str": "文字", "bool": "true 或 false", "array": "列表", "object": "表",
          "null": "空"}  # fmt: skip
_CODES = ("file-broken", "file-kind", "file-large", "file-locked", "file-swollen", "file-unreadable", "file-wordless",
          "page-empty", "page-listing", "page-no-html", "source-nothing")  # fmt: skip
"""Of `MESSAGES`: what crawls raise that others do, too."""
_FIELD = re.compile(r"(?<!\{)\{(\w+)(?::[^}]*)?\}(?!\})")
_NUMBERS = ("status", "times", "seconds", "size", "memory", "most", "least", "count", "line", "column")
_AS = re.compile(r"as (\w+): ")
_WHERE = re.compile(r"(\S+): (.+)", re.DOTALL)


class _Sentence(NamedTuple):
    english: re.Pattern[str]
    chinese: str


def in_chinese(error: str) -> str:
    """An error that a crawl wrote down, with what to do about it where it says so. Sentences that have no Chinese one,
    and what other programs said, stay as they are.

    Examples
    --------
    >>> in_chinese("https://h.example/rss: answered 503")
    'https://h.example/rss：返回 503'
    >>> in_chinese("http://h/a is no feed — give the address of the feed itself, not of a page")
    'http://h/a 不是订阅源。请给订阅源本身的地址，不是网页的'
    """
    message, dash, hint = error.rpartition(" — ")
    if dash and (advice := _match(hint, _hints())) is not None:
        return f"{in_chinese(message).rstrip('。')}。{advice}"
    return _told(error) or error


def hint_in_chinese(hint: str) -> str:
    """What to do about an error of a crawl; empty where there is no Chinese for it."""
    return _match(hint, _hints()) or ""


def misfit_in_chinese(reason: str) -> str:
    """Why an option can't be used, as its kind's checks or TOML's say it."""
    return _match(reason, _misfits()) or reason


def _told(message: str) -> str | None:
    found = _match(message, _sentences())
    if found is not None:
        return found
    if _AS.match(message):
        # Why an address is none of several kinds.
        tried = [one.removeprefix("as ").partition(": ") for one in re.split(r"; (?=as \w+: )", message)]
        return "；".join(f"按“{KIND_WORDS.get(kind, kind)}”：{in_chinese(why)}" for kind, _, why in tried)
    placed = _WHERE.fullmatch(message)
    rest = _told(placed[2]) if placed else None
    return f"{placed[1]}：{rest}" if placed and rest is not None else None


def _match(text: str, among: tuple[_Sentence, ...]) -> str | None:
    for one in among:
        if match := one.english.fullmatch(text):
            parts = match.groupdict()
            if "reason" in parts:
                parts["reason"] = parts["told"] = misfit_in_chinese(in_chinese(parts["reason"]))
            for name in ("wanted", "given"):
                if name in parts:
                    parts[name] = "或".join(_TYPES.get(one, one) for one in parts[name].split(" | "))
            return one.chinese.format(**parts).rstrip("。")
    return None


@cache
def _sentences() -> tuple[_Sentence, ...]:
    return tuple(_sentence(*pair) for pair in (*_SENTENCES, *(MESSAGES[code] for code in _CODES)))


@cache
def _misfits() -> tuple[_Sentence, ...]:
    return tuple(_sentence(*pair) for pair in _MISFITS)


@cache
def _hints() -> tuple[_Sentence, ...]:
    return tuple(_sentence(*pair) for pair in _HINTS)


def _sentence(english: str, chinese: str) -> _Sentence:
    pattern, place = "", 0
    for field in _FIELD.finditer(english):
        # What stands before all else is an address or a name: no sentence of several words, and nothing with a colon
        # behind it, which is a place.
        first = field.start() == 0 and field[1] not in ("reason", "what")
        value = r"[\d,.]+" if field[1] in _NUMBERS else r"\S*[^\s:]" if first else ".+?"
        pattern += f"{_escaped(english[place : field.start()])}(?P<{field[1]}>{value})"
        place = field.end()
    pattern += _escaped(english[place:])
    return _Sentence(re.compile(pattern, re.DOTALL), _FIELD.sub(r"{\1}", chinese))


def _escaped(text: str) -> str:
    return re.escape(text.replace("{{", "{").replace("}}", "}"))
