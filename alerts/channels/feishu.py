"""Feishu robots (飞书机器人), by their webhook.

`https://open.feishu.cn/open-apis/bot/v2/hook/...`, with `?secret=...` added where the robot signs; `feishu://TOKEN`; or
`feishu+http(s)://...` for a gateway in front of it. Feishu may answer HTTP 200 where it has delivered nothing; the
body's `code` tells.
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

_TOO_FAST = frozenset((9499, 11232, 99991400))

_COLOURS = {"red": "red", "orange": "orange", "yellow": "yellow", "blue": "blue"}
_LONGEST = 15_000
"""Bytes of a card's text; a whole message may have 20 KB."""


class Feishu:
    """One Feishu robot."""

    precedence: ClassVar[int] = 10

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        self._secret = query.pop("secret", "")
        if parts.scheme == "feishu":
            self._url = f"https://open.feishu.cn/open-apis/bot/v2/hook/{parts.netloc}"
        else:
            self._url = parts._replace(scheme=parts.scheme.removeprefix("feishu+"), query=urlencode(query)).geturl()

    @classmethod
    def accepts(cls, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("feishu", "feishu+http", "feishu+https") or (
            parts.scheme == "https" and parts.hostname in ("open.feishu.cn", "open.larksuite.com")
        )

    def send(self, notice: Notice) -> None:
        body: dict[str, Any] = {"msg_type": "interactive", "card": _card(notice)}
        if self._secret:
            # Feishu compares with its own wall time, so this is the machine's, not the injected clock's.
            stamp = str(int(time.time()))
            digest = hmac.new(f"{stamp}\n{self._secret}".encode(), b"", hashlib.sha256).digest()
            body.update(timestamp=stamp, sign=base64.b64encode(digest).decode())
        answer = post_json(self._url, body, self._timeout)
        code = answer.get("code", answer.get("StatusCode"))
        if code == 0:
            return
        raise DeliveryFailed(
            f"Feishu refused it: code {code}, {str(answer.get('msg', 'no msg'))[:200]}",
            permanent=isinstance(code, int) and code not in _TOO_FAST,
            retry_after=60.0 if code in _TOO_FAST else None,
        )


def _card(notice: Notice) -> dict[str, Any]:
    last = "" if notice.link else plain(notice.where)
    if notice.to:
        last = f"{last} <at id={notice.to}></at>".strip()
    text = fitted("", [plain(line) for line in notice.lines], last, _LONGEST)
    elements: list[dict[str, Any]] = [{"tag": "div", "text": {"tag": "lark_md", "content": text}}]
    if notice.link:
        button = {"tag": "plain_text", "content": "查看并签收"}
        elements.append(
            {"tag": "action", "actions": [{"tag": "button", "text": button, "type": "primary", "url": notice.link}]}
        )
    title = {"tag": "plain_text", "content": notice.subject[:500]}
    return {
        "config": {"wide_screen_mode": True},
        "header": {"template": _COLOURS.get(notice.level, "grey"), "title": title},
        "elements": elements,
    }
