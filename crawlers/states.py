"""The states of a source: how each is told from what its last run gave, and what an operator does about it."""

from __future__ import annotations

import re
from typing import Literal, get_args

from crawlers.error_words import in_chinese
from crawlers.run import RunReport
from crawlers.sources import Source
from minsheng.redaction import redacted

State = Literal["off", "new", "well", "late", "quiet", "failing", "blocked", "empty", "layout", "cookie"]
STATES: tuple[State, ...] = get_args(State)

WORDS: dict[State, str] = {
    "off": "停用",
    "new": "未采集",
    "well": "正常",
    "late": "迟到",
    "quiet": "沉寂",
    "failing": "失败",
    "blocked": "被拒",
    "empty": "空页",
    "layout": "改版",
    "cookie": "登录失效",
}

BLINDNESS: dict[str, str] = {
    "never answered": "从未采集成功",
    "not crawled yet": "尚未采集",
    "failing": "采集失败",
    "late": "未按时采集",
    "quiet": "可以访问，但长时间没有新内容",
    "blocked": "对方拒绝采集",
    "cookie": "登录凭据失效",
    "layout": "网页改版，内容取不到",
    "empty": "可以访问，但页面里没有内容",
}
"""Why a source says nothing of a time, as `crawlers.health` gives it, for readers of briefings."""

ADVICE: dict[State, str] = {
    "off": "",
    "new": "等待首次采集；立即采集：minsheng sources run {id}",
    "well": "",
    "late": "采集进程没有按时采集它：查看采集进程是否在运行（minsheng doctor），是否信源过多、机器过慢",
    "quiet": (
        "信源可以访问，但久无新内容：打开 {url} 查看是否停更、换址；确属停更的，停用它（minsheng sources pause {id}）"
    ),
    "failing": "信源无法访问或读不出：先用 minsheng sources check {id} 试采；网址变更的，改它的地址",
    "blocked": "对方拒绝采集：放慢节奏（every、[[crawl.hosts]] delay），或与对方联系取得书面许可；不要更换身份绕过",
    "empty": "页面照常返回，但里面没有条目：打开 {url} 核对，再用 minsheng sources check {id} 调整选项",
    "layout": (
        "网页改版，原有内容取不到：用 minsheng sources check {id} 核对，重写选择器；"
        "确认无误后 minsheng sources reset {id}"
    ),
    "cookie": (
        "需要登录，或登录凭据失效：由账号所有人重新登录，用 minsheng sources login {id} 更新 Cookie；"
        "凭据写在信源文件 options 中的，在其中更新"
    ),
}

BLIND: frozenset[State] = frozenset(("late", "quiet", "failing", "blocked", "empty", "layout", "cookie", "new"))
EMPTY_RUNS = 3
"""So many runs in a row, over an hour at least, that answer and hold nothing, where there used to be something, are no
chance."""

_LAYOUT = re.compile(
    r"no list of links is seen|nothing matches|neither title nor text|is no feed|is no JSON|empty page|is no HTML"
)
_LOGIN = re.compile(r"asks for a login|want a login|登[录陆]|cookie", re.IGNORECASE)
_REFUSED = re.compile(r"the site refuses us|captcha|the service refuses")
_CREDENTIALS = re.compile(r"cookie|session|token|login|password|credential", re.IGNORECASE)


def state_after(source: Source, report: RunReport, *, answered_before: bool, gone: list[str], empty_runs: int) -> State:
    """The state of a source after a run.

    Parameters
    ----------
    answered_before:
        It has answered well once.
    gone:
        Fields that its documents used to have.
    empty_runs:
        Runs in a row, this one included, that answered and held nothing though earlier ones did.
    """
    if not report.ok or report.fault == "login":
        # Behind a login there is also what cannot be had of a source whose own page answers.
        return _of_failure(source, report, answered_before=answered_before)
    if gone:
        return "layout"
    if empty_runs >= EMPTY_RUNS:
        return "empty"
    if report.failed >= 3 and not report.items and report.failed > report.unchanged:
        # The list can be read, and none of what it leads to.
        return _of_failure(source, report, answered_before=answered_before)
    return "well"


def _of_failure(source: Source, report: RunReport, *, answered_before: bool) -> State:
    credentials = report.with_login or any(map(_CREDENTIALS.search, source.options))
    if report.fault == "login" or (credentials and _LOGIN.search(report.error)):
        return "cookie"
    if report.blocked or _REFUSED.search(report.error) or _LOGIN.search(report.error):
        return "blocked"
    changed = report.fault == "layout" or _LAYOUT.search(report.error)
    # What was never read has not changed: its options are wrong.
    return "layout" if answered_before and changed else "failing"


def said(reason: str) -> str:
    """The crawler's words for operators, in the leader's language; what the source's host said stays as it is."""
    state, _, detail = reason.partition(": ")
    words = BLINDNESS.get(state)
    if words is None:
        return in_chinese(reason)
    told_why = state in ("failing", "never answered", "blocked", "cookie", "layout")
    return f"{words}（{in_chinese(detail)}）" if detail and told_why else words


def advice(state: State, source_id: str, url: str) -> str:
    """What to do, in Chinese; empty where there is nothing to do."""
    return ADVICE[state].format(id=source_id, url=redacted(url))
