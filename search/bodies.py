"""A record as it is kept in an index."""

from __future__ import annotations

from minsheng.records import Grouped, decode, encode

_REPLACED = "\ufffd".encode()


def body(record: Grouped) -> tuple[Grouped, bytes]:
    """The record as JSON, and as it will be read again from that.

    The two are the same but for lone surrogates, which JSON can't carry. What is indexed must come from the record as
    it will be read: the embedded index forgets a text by naming its words once more.
    """
    encoded = encode(record)
    return (decode(Grouped, encoded) if _REPLACED in encoded else record), encoded
