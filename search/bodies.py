"""A record as it is kept in an index."""

from __future__ import annotations

from datetime import UTC, datetime

from minsheng.records import Grouped, decode, encode

LONGEST_ID = 512
"""Bytes of an id: the most that Elasticsearch takes."""

EARLIEST, LATEST = datetime(1000, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""Between these lie times of publication: nobody published earlier, and none later has a day in China."""

LARGEST = 2**53
"""More than anybody counts, and little enough for JSON, SQLite and Elasticsearch alike."""

_REPLACED = "\ufffd".encode()


def objection(record: Grouped) -> str:
    """Why no index takes a record, the same on both engines; "" where nothing is wrong. One that was let in would spoil
    each search that counts it."""
    document = record.document
    if len(document.id.encode("utf-8", "replace")) > LONGEST_ID:
        return f"an id longer than {LONGEST_ID} bytes"
    for what, moment in (("published", document.published_at), ("fetched", document.fetched_at)):
        if not EARLIEST <= moment < LATEST:
            return f"{what} at {moment.isoformat()}, which is no believable time"
    counts = (getattr(document.engagement, name) or 0 for name in document.engagement.__struct_fields__)
    if not all(abs(count) <= LARGEST for count in (record.version, *counts)):
        return f"a count or version beyond {LARGEST:,}"
    return ""


def body(record: Grouped) -> tuple[Grouped, bytes]:
    """The record as JSON, and as it will be read again from that.

    The two are the same but for lone surrogates, which JSON can't carry. What is indexed must come from the record as
    it will be read: the embedded index forgets a text by naming its words once more.
    """
    encoded = encode(record)
    return (decode(Grouped, encoded) if _REPLACED in encoded else record), encoded
