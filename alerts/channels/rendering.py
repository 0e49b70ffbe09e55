"""Notices in the forms that channels take: Markdown without anybody else's markup, texts cut to a length in bytes."""

from __future__ import annotations

from collections.abc import Iterable

_FULL_WIDTH = str.maketrans("[]<>*`|", "［］＜＞＊ˋ｜")
"""What the chat services' Markdown reads as markup. They know no escapes, so full-width signs stand in its place."""


def plain(text: str) -> str:
    """Text for Markdown in which nothing is markup: titles come from outside, and a link in one would be a trap."""
    lines = []
    for line in text.translate(_FULL_WIDTH).splitlines():
        bare = line.lstrip()
        lines.append("＃" + bare[1:] if bare.startswith("#") else line)
    return "\n".join(lines)


def fitted(first: str, lines: Iterable[str], last: str, longest: int, separator: str = "\n") -> str:
    """The text in at most so many bytes of UTF-8: lines are left out from the end, the first is cut at worst; the last,
    with the link, always stays whole."""
    kept = list(lines)
    while True:
        text = separator.join(one for one in (first, *kept, last) if one)
        if len(text.encode()) <= longest:
            return text
        if kept:
            whole = kept.pop()
            room = longest - len(separator.join(one for one in (first, *kept, last) if one).encode()) - 10
            if room > 60 and len(whole.encode()) > room:
                kept.append(whole.encode()[:room].decode(errors="ignore") + "…")
                return separator.join(one for one in (first, *kept, last) if one)
            continue
        room = max(longest - len(last.encode()) - len(separator) - 3, 0)
        return separator.join(one for one in (first.encode()[:room].decode(errors="ignore") + "…", last) if one)
