"""WeCom group robots (企业微信群机器人), by their webhook.

`https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=...`, `wecombot://KEY`, or `wecom+http(s)://...` for a gateway in
front of it. WeCom answers HTTP 200 also where it has delivered nothing; the body's `errcode` tells.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from alerts.channels.channel import DeliveryFailed
from alerts.channels.post import post_json
from alerts.channels.rendering import fitted, plain
from alerts.notices import Notice

_TOO_FAST = 45009
_BUSY = -1
_LONGEST = 4096
"""Bytes of Markdown that WeCom takes; it refuses more."""


class WeCom:
    """One WeCom group robot."""

    precedence: ClassVar[int] = 10

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        parts = urlsplit(url)
        if parts.scheme == "wecombot":
            self._url = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={parts.netloc}"
        else:
            self._url = parts._replace(scheme=parts.scheme.removeprefix("wecom+")).geturl()

    @classmethod
    def accepts(cls, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("wecombot", "wecom+http", "wecom+https") or (
            parts.scheme == "https" and parts.hostname == "qyapi.weixin.qq.com"
        )

    def send(self, notice: Notice) -> None:
        answer = post_json(self._url, {"msgtype": "markdown", "markdown": {"content": _content(notice)}}, self._timeout)
        code = answer.get("errcode")
        if code == 0:
            return
        raise DeliveryFailed(
            f"WeCom refused it: errcode {code}, {str(answer.get('errmsg', 'no errmsg'))[:200]}",
            permanent=isinstance(code, int) and code not in (_TOO_FAST, _BUSY),
            retry_after=60.0 if code == _TOO_FAST else None,
        )


def _content(notice: Notice) -> str:
    subject = plain(notice.subject)
    if notice.level in ("red", "orange"):
        subject = f'<font color="warning">{subject}</font>'
    last = f"[查看并签收]({notice.link})" if notice.link else plain(notice.where)
    if notice.to:
        last = f"{last} <@{notice.to}>".strip()
    return fitted(f"**{subject}**", [plain(line) for line in notice.lines], last, _LONGEST)
