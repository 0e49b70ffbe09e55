"""Why a request failed, in a few words for an operator."""

from __future__ import annotations

import re

_TLS = re.compile(r"(?:certificate|wrong version|unsupported protocol|handshake|unexpected eof)[\w ]*", re.IGNORECASE)
_WORDS = {
    "DownloadTimeoutError": "no answer in time",
    "DownloadConnectionRefusedError": "connection refused",
    "CannotResolveHostError": "no such host",
    "DownloadCancelledError": "larger than crawl.max_body",
    "ResponseDataLossError": "the answer broke off",
    "ResponseFailed": "the answer broke off",
    "DownloadFailedError": "the connection broke off",
}


def is_known(error: BaseException) -> bool:
    """Whether it is one of the failures that networks and servers have, none of our own."""
    return type(error).__name__ in _WORDS


def words_for(error: BaseException) -> str:
    name = type(error).__name__
    if name == "DownloadFailedError" and (tls := _TLS.search(str(error))):
        return f"no safe connection (TLS): {tls[0].strip()}"
    return _WORDS.get(name) or f"{name}: {error}"
