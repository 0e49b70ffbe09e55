"""What the parts refuse, in the language of who reads it."""

from __future__ import annotations

import re

from console.translation import current, translate
from crawlers.error_words import hint_in_chinese, in_chinese
from minsheng.errors import MinshengError
from minsheng.redaction import redacted

_CHINESE = re.compile("[\u4e00-\u9fff]")


def advice(error: MinshengError) -> str:
    """What to do about it, for the same reader; empty where it is only known in another language."""
    is_chinese = bool(_CHINESE.search(error.hint))
    if current.get() == "zh":
        return error.hint if is_chinese else hint_in_chinese(error.hint)
    return translate(error.hint)


def in_words(error: MinshengError) -> str:
    """What to tell somebody at a page: one sentence, or several lines where a file has several mistakes.

    What the pages' own modules refuse is Chinese, and translated as the pages are. What a crawl says of a page is told
    in Chinese, where it is known; any other message that is no `Problem` is shown as it is, so that nothing is hidden.
    """
    if error.problem is None:
        return translate(in_chinese(error.message) if current.get() == "zh" else error.message)
    return redacted(error.problem.chinese) if current.get() == "zh" else error.message
