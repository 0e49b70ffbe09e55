"""Bytes to text, right also where the page declares the wrong charset."""

from __future__ import annotations

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""", re.IGNORECASE)
_HEAD = 4096

# The characters that make up about a third of any running text, in both scripts: what a wrong decoding does not give.
_COMMON = frozenset(
    "的一是不了在人有我他这这個个们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着著下自之年过過发發后後作里用道行所然"
    "家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實日军軍者意无無力它与與长長"
    "把机機十民第公此已工使情明性知全三又关關点點正业業外将將两兩高间間由问問很最重并新市政府号號区區月通知，。、：《》（）"
)


def decode(body: bytes, declared: str | None = None) -> str:
    """Decode a page.

    Order: byte-order mark, valid UTF-8, the declared charset (by `declared`, e.g. of the HTTP header, then by the page
    itself), GB18030, Big5; where several fit, the one that gives more common Chinese characters. Bytes that fit none
    are replaced in the best of them.

    Parameters
    ----------
    body:
        The bytes.
    declared:
        The charset that came along with them.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body.decode(name, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        # A page that was cut, or has one broken character, is still UTF-8.
        if error.start > len(body) - 4 and error.start > 0:
            return body.decode("utf-8", "replace")
    candidates = list(dict.fromkeys(filter(None, (*_names(declared, body), "gb18030", "big5hkscs"))))
    decoded = {name: _try(body, name) for name in candidates}
    whole = {name: text for name, text in decoded.items() if text is not None}
    if whole:
        return max(whole.items(), key=lambda pair: (_score(pair[1]), -candidates.index(pair[0])))[1]
    replaced = [body.decode(name, "replace") for name in dict.fromkeys(("utf-8", *candidates))]
    return min(replaced, key=lambda text: text.count("\ufffd") - _score(text))


def declared_charset(content_type: str) -> str | None:
    """The charset of a Content-Type header."""
    match = _DECLARED.search(content_type.encode("latin-1", "replace"))
    return match[1].decode() if match else None


def _names(declared: str | None, body: bytes) -> list[str | None]:
    match = _DECLARED.search(body[:_HEAD])
    return [_codec(declared), _codec(match[1].decode() if match else None)]


def _codec(name: str | None) -> str | None:
    """Python's codec for a declared name; the larger set for those that pages use beyond their bounds."""
    if not name:
        return None
    plain = name.lower().replace("_", "-").strip()
    if plain in ("gb2312", "gbk", "gb-2312", "gb2312-80", "x-gbk", "cp936", "euc-cn"):
        return "gb18030"
    if plain in ("big5", "big-5", "x-x-big5", "cp950"):
        return "big5hkscs"
    try:
        return codecs.lookup(plain).name
    except LookupError:
        return None


def _try(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


def _score(text: str) -> float:
    """Common Chinese characters among the characters beyond ASCII; latin-1 readings of Chinese bytes give none."""
    wide = [char for char in text[:200_000] if char > "\x7f"]
    return sum(char in _COMMON for char in wide) / len(wide) if wide else 0.0
