"""What people ask for: the sentences of their posts that put a question or a demand."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
import numpy as np

from grouping.vectors import fold, ngram_bins, rarity

LONGEST = 6_000
"""Characters read of one post."""
MOST = 12
"""Demands kept of one matter: the ones with most to them."""

_BREAK = re.compile(r"(?<=[。！？!?；;\n])|(?<=_x000D_)")
_QUESTION = re.compile(
    r"[？?]|请问|咨询|何时|什么时候|几时|为什么|为何|为啥|怎么|怎样|如何|是否|能否|可否|能不能|可不可以|有没有|是不是|会不会|"
    r"哪里|哪个|哪些|多少|多久|凭什么|难道|[吗呢]"
)
_WISH = re.compile(
    r"希望|请求|恳请|恳求|要求|建议|盼望|期盼|呼吁|请(?!问)|望.{0,10}(?:部门|领导|政府|解决|处理|重视)|投诉|举报|反映|反对|"
    r"诉求|督促|尽快|尽早|应该|应当|给予|不要|还我|还给|没人管|无人管|不作为"
)
_COURTESY = re.compile(
    r"(?:尊敬的|敬爱的)?(?:各位)?(?:领导|书记|市长|县长|区长)(?:们|同志)?(?:您好|你好|们好)?|您好|你好|谢谢|感谢|万分|不胜感激|盼复|"
    r"百忙之中|敬请|此致|敬礼|重视|关注|有关部门|相关部门|政府|希望|恳请|请求|建议|反映|投诉|举报|咨询|解决|处理|问题"
)
_REGION = re.compile(r"[A-Z]\d*[市区县]")
_ALIKE = 0.6
"""Two sentences that share so much of what the shorter one says put the same demand."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """One demand.

    Attributes
    ----------
    text:
        The sentence as it was written.
    document_id:
        The post it stands in.
    weight:
        How much it says, in nats of rarity; the sum over its n-grams that are not mere courtesy.
    asked:
        How many posts put it.
    """

    text: str
    document_id: str = ""
    weight: float = 0.0
    asked: int = 1


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One post that a response answers to."""

    text: str
    title: str = ""
    document_id: str = ""


def demands_of(posts: Iterable[Asked]) -> list[Demand]:
    """The demands in posts, what most posts ask for first; where none puts a demand in words, what they are about.

    Returns
    -------
    At most `MOST` demands; none where the posts say nothing.
    """
    found: list[tuple[Demand, set[int]]] = []
    for post in posts:
        for text in _sentences(post):
            grams = content(text)
            weight = weight_of(grams)
            if weight < _LEAST:
                continue
            for place, (known, others) in enumerate(found):
                if _share(grams, others) >= _ALIKE:
                    keep = known if known.weight >= weight else msgspec.structs.replace(known, text=text, weight=weight)
                    more = known.asked + (post.document_id != known.document_id)
                    found[place] = (msgspec.structs.replace(keep, asked=more), others | grams)
                    break
            else:
                found.append((Demand(text=text, document_id=post.document_id, weight=round(weight, 2)), grams))
    found.sort(key=lambda item: (-item[0].asked, -item[0].weight, item[0].text))
    return [demand for demand, _ in found[:MOST]]


_LEAST = 25.0
"""A sentence that says less than this, in nats, asks for nothing that could be answered."""


def content(text: str) -> set[int]:
    """The hashed n-grams of what a sentence is about: without courtesy and names of places that were made anonymous."""
    return set(ngram_bins(_COURTESY.sub(" ", _REGION.sub(" ", fold(text).upper()).lower())).tolist())


def weight_of(grams: set[int]) -> float:
    """How much n-grams say: the sum of their rarities in nats."""
    return float(rarity()[np.fromiter(grams, np.int64, len(grams))].sum()) if grams else 0.0


def _share(grams: set[int], others: set[int]) -> float:
    shorter = grams if len(grams) <= len(others) else others
    return weight_of(grams & others) / max(weight_of(shorter), 1e-6)


def _sentences(post: Asked) -> list[str]:
    """The title and the sentences that ask; all sentences where none does."""
    pieces = [piece.strip() for piece in _BREAK.split(post.text[:LONGEST].replace("_x000D_", "\n"))]
    pieces = [piece for piece in pieces if len(piece) >= 4]
    asking = [piece for piece in pieces if _QUESTION.search(piece) or _WISH.search(piece)]
    title = [post.title.strip()] if post.title.strip() else []
    return title + (asking or ([] if title else pieces))
