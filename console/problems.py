"""What the parts refuse, in the language of who reads it."""

from __future__ import annotations

from console.translation import current, translate
from minsheng.errors import MinshengError
from minsheng.redaction import redacted


def in_words(error: MinshengError) -> str:
    """What to tell somebody at a page: one sentence, or several lines where a file has several mistakes.

    What the pages' own modules refuse is Chinese, and translated as the pages are. A message that is no `Problem` is
    shown as it is, so that nothing is hidden.
    """
    if error.problem is None:
        return translate(error.message)
    return redacted(error.problem.chinese) if current.get() == "zh" else error.message
