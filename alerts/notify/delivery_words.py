"""Why a message was not delivered, in Chinese, for those who read it at a page.

Channels write it down in English, for logs and the terminal; what the other side said stays in its own words.
"""

from __future__ import annotations

import re

_SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?P<host>\S+) did not answer within (?P<seconds>\S+) s"), "{host} 在 {seconds} 秒内没有应答"),
    (re.compile(r"(?P<host>\S+) is no host that is known here"), "找不到 {host} 这个域名"),
    (re.compile(r"(?P<host>\S+) takes no connection"), "{host} 拒绝连接或连不上"),
    (re.compile(r"(?P<host>\S+) can't be reached \((?P<why>.+)\)"), "连不上 {host}（{why}）"),
    (re.compile(r"(?P<host>\S+) answered (?P<status>HTTP \d+)"), "{host} 返回 {status}"),
    (re.compile(r"(?P<name>.+?) refused it: (?P<why>.+)"), "{name} 拒收：{why}"),
    (re.compile(r"(?P<name>.+?) did not take it: (?P<why>.+)"), "{name} 没有接收：{why}"),
    (re.compile(r"not delivered"), "没有送达"),
    (re.compile(r"ticket closed before it was sent"), "发出之前工单已办结"),
    (re.compile(r"ticket acknowledged before it was sent"), "发出之前工单已签收"),
    (re.compile(r"superseded by a newer one"), "已由更新的一条代替"),
    (re.compile(r"its ticket became part of the policy's before it was sent"), "发出之前工单已并入政策工单"),
    (re.compile(r"its event became part of another one before it was sent"), "发出之前工单已并案"),
)


def in_chinese(error: str) -> str:
    """The same in Chinese; as it is where there is none for it.

    Examples
    --------
    >>> in_chinese("oa.example did not answer within 10 s")
    'oa.example 在 10 秒内没有应答'
    """
    for pattern, words in _SENTENCES:
        found = pattern.fullmatch(error)
        if found is not None:
            return words.format(**found.groupdict())
    return error
