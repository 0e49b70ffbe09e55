"""DingTalk robots (钉钉机器人), by their webhook.

`https://oapi.dingtalk.com/robot/send?access_token=...`, with `&secret=SEC...` added where the robot signs; or
`dingtalk://TOKEN`, `dingtalk://SECRET@TOKEN`; or `dingtalk+http(s)://...` for a gateway in front of it. DingTalk
answers HTTP 200 also where it has delivered nothing; the body's `errcode` tells.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from alerts.channels.channel import DeliveryFailed
from alerts.channels.post import post_json
from alerts.channels.rendering import fitted, plain
from alerts.notices import Notice

_TOO_FAST = frozenset((130101, 410100, 660026))
_MUTED_FOR = 600.0
"""Seconds for which DingTalk mutes a robot that sent more than 20 messages in a minute."""
_BUSY = frozenset((-1, 40078))

_LONGEST = 15_000
"""Bytes of Markdown; a robot's whole message may have 20,000."""


class DingTalk:
    """One DingTalk robot."""

    precedence: ClassVar[int] = 10

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        parts = urlsplit(url)
        if parts.scheme == "dingtalk":
            secret, _, token = parts.netloc.rpartition("@")
            self._url, self._secret = f"https://oapi.dingtalk.com/robot/send?access_token={token}", secret
            return
        query = dict(parse_qsl(parts.query))
        self._secret = query.pop("secret", "")
        self._url = parts._replace(scheme=parts.scheme.removeprefix("dingtalk+"), query=urlencode(query)).geturl()

    @classmethod
    def accepts(cls, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("dingtalk", "dingtalk+http", "dingtalk+https") or (
            parts.scheme == "https" and parts.hostname == "oapi.dingtalk.com"
        )

    def send(self, notice: Notice) -> None:
        answer = post_json(self._signed(), _body(notice), self._timeout)
        code = answer.get("errcode")
        if code == 0:
            return
        raise DeliveryFailed(
            f"DingTalk refused it: errcode {code}, {str(answer.get('errmsg', 'no errmsg'))[:200]}",
            permanent=isinstance(code, int) and code not in _TOO_FAST | _BUSY,
            retry_after=_MUTED_FOR if code in _TOO_FAST else None,
        )

    def _signed(self) -> str:
        if not self._secret:
            return self._url
        # DingTalk compares with its own wall time, so this is the machine's, not the injected clock's.
        stamp = str(round(time.time() * 1000))
        digest = hmac.new(self._secret.encode(), f"{stamp}\n{self._secret}".encode(), hashlib.sha256).digest()
        return f"{self._url}&{urlencode({'timestamp': stamp, 'sign': base64.b64encode(digest).decode()})}"


def _body(notice: Notice) -> dict[str, Any]:
    """A card with a button where there is a link; Markdown where a person is called by name, which cards can't."""
    lines = [plain(line) for line in notice.lines]
    title = notice.subject[:200]
    if notice.link and not notice.to:
        text = fitted(f"### {plain(notice.subject)}", lines, "", _LONGEST, "\n\n")
        card = {"title": title, "text": text, "singleTitle": "查看并签收", "singleURL": notice.link}
        return {"msgtype": "actionCard", "actionCard": card}
    last = f"[查看并签收]({notice.link})" if notice.link else plain(notice.where)
    if notice.to:
        last = f"{last} @{notice.to}".strip()
    text = fitted(f"### {plain(notice.subject)}", lines, last, _LONGEST, "\n\n")
    body: dict[str, Any] = {"msgtype": "markdown", "markdown": {"title": title, "text": text}}
    if notice.to:
        body["at"] = {"atMobiles": [notice.to]} if notice.to.isdecimal() else {"atUserIds": [notice.to]}
    return body
