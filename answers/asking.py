"""The question in a post or message: the sentence that asks, as it was typed."""

from __future__ import annotations

import re

from crawlers.privacy.masking import mask
from grouping.vectors import own_words

LONGEST = 120
"""Characters kept of a question."""
SHORTEST = 4
ALONE = 14
"""A shorter question is kept with the sentence before it, or the title."""

_BREAK = re.compile(r"(?<=[。！？!?；;\n])|_x000D_")
_STRONG = re.compile(
    r"[？?]|请问|咨询|问一?下|问问|求问|求解|怎么|怎样|如何|咋|啥|什么|何时|几时|多久|多少|(?<!好)(?<!十)几[天年月个](?!前|来|都|$)|哪[里个些儿天年]|找谁|[去在]哪|是谁|谁[来出管]|几[块成千百吨度楼点]|百分之多|多长|还是|(.)不\1|"
    r"是否|能否|可否|能不能|可不可以|有没有|是不是|会不会|要不要|行不行|算不算|用不用|[吗么嘛不没呢吧]\s*$"
)
_COURTESY = re.compile(
    r"^(?:尊敬的|敬爱的)?.{0,12}?(?:您好|你好|好)[，,！!。：:\s]*|^(?:请问(?:一下)?|咨询(?:一下)?|想?问(?:一?下|问)?(?:大家|各位)?)"
    r"[，,：:\s]*"
)
_ANSWER = re.compile(
    r"回复如下|答复如下|(?:留言|来信|来电|问题|诉求)(?:我局|我委|我们)?(?:已)?(?:经)?(?:收悉|收到)|您反映的"
)
"""A department's reply, which asks nothing, however it ends."""
_REFERRED = re.compile(
    r"(?:请|可|欢迎)(?:及时|随时|直接)?(?:拨打|致电|来电|电话|联系|向).{0,30}咨询|如有(?:疑问|问题|不明)"
)
_COMPLAINT = re.compile(r"凭什么|什么玩意|有什么用|还有没有王法|怎么这么|为什么要?(?:骗|坑)|是不是(?:疯|傻)|算什么")
"""Asks nothing that an answer could be given to."""


def question_of(title: str, text: str) -> str | None:
    """The question that a text puts, masked, at most `LONGEST` characters; None where it puts none.

    Of several the first that asks in so many words; a title that asks counts before the text.
    """
    if _ANSWER.search(text):
        return None
    sentences = [_plain(one) for one in (title, *_BREAK.split(own_words(text[:4_000]).replace("_x000D_", "\n")))]
    asked = [
        place
        for place, one in enumerate(sentences)
        if one and _STRONG.search(one) and not _COMPLAINT.search(one) and not _REFERRED.search(one)
    ]
    if not asked:
        return None
    marked = [place for place in asked if sentences[place].endswith(("？", "?"))]
    chosen = 0 if 0 in asked else (marked or asked)[0]
    question = sentences[chosen]
    if len(question) >= ALONE or chosen == 0:
        return question
    # "有这个条件吗？" says nothing without what stands before it.
    before = next((one for one in (*reversed(sentences[1:chosen]), sentences[0]) if one), "")
    return f"{before[-(LONGEST - ALONE - 1) :]} {question}".strip()


def _plain(sentence: str) -> str:
    plain = " ".join(sentence.split())
    while (shorter := _COURTESY.sub("", plain, count=1).strip()) != plain:
        plain = shorter
    plain = mask(plain)
    if len(plain) < SHORTEST:
        return ""
    # Of a long sentence its end asks.
    return plain if len(plain) <= LONGEST else "…" + plain[-(LONGEST - 1) :]
