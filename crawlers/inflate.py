"""Compressed bodies, opened only as far as they may be: a few kilobytes can hold gigabytes."""

from __future__ import annotations

import zlib

from minsheng.errors import BadInput

MOST = 52_428_800
"""Bytes; what a sitemap may hold by its own rules (sitemaps.org)."""
_GZIP = b"\x1f\x8b"


def inflated(body: bytes, where: str, most: int = MOST) -> bytes:
    """The body, opened where it is gzip. Raises `BadInput` where it is broken or holds more than `most` bytes."""
    if not body.startswith(_GZIP):
        return body
    parts: list[bytes] = []
    size = 0
    rest = body
    # A file may hold several members, one after another.
    while rest.startswith(_GZIP):
        opener = zlib.decompressobj(wbits=31)
        try:
            parts.append(opener.decompress(rest, most - size + 1))
        except zlib.error as error:
            raise BadInput(f"{where}: broken gzip: {error}") from error
        size += len(parts[-1])
        if size > most:
            raise BadInput(f"{where}: holds more than {most:,} bytes")
        if not opener.eof:
            raise BadInput(f"{where}: the gzip breaks off")
        rest = opener.unused_data
    return b"".join(parts)
