"""Why a request failed, in a few words for an operator."""

from __future__ import annotations

_WORDS = {
    "DownloadTimeoutError": "no answer in time",
    "DownloadConnectionRefusedError": "connection refused",
    "CannotResolveHostError": "no such host",
    "DownloadCancelledError": "larger than crawl.max_body",
    "ResponseDataLossError": "the answer broke off",
    "ResponseFailed": "the answer broke off",
}


def words_for(error: BaseException) -> str:
    name = type(error).__name__
    return _WORDS.get(name) or f"{name}: {error}"
