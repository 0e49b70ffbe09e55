"""Writing: bulk requests, each record in its month, one place for each id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from elasticsearch import ApiError

from minsheng.records import Grouped
from search.bodies import objection
from search.elastic.answers import reason, written
from search.elastic.mapping import sources_of
from search.elastic.months import Months
from search.index import Written

CHUNK_BYTES = 5_000_000
CHUNK_RECORDS = 1_000

_encoder = msgspec.json.Encoder()


class _Item(NamedTuple):
    """One action of a bulk request: where the record stands in the batch, and the two lines."""

    place: int
    lines: tuple[Any, ...]


class Writer:
    """Writes records to their months."""

    def __init__(self, months: Months) -> None:
        self._months = months
        self._client = months.client

    def write(self, records: Sequence[Grouped]) -> list[Written]:
        """One answer a record, in order."""
        answers: list[Written | None] = [
            Written(record.document.id, "rejected", why) if (why := objection(record)) else None for record in records
        ]
        items = self._items(records, answers)
        for chunk in _chunks(items):
            self._send(chunk, records, answers)
        self._delete_moved(records, answers)
        assert all(answer is not None for answer in answers)
        return [answer for answer in answers if answer is not None]

    def _items(self, records: Sequence[Grouped], answers: list[Written | None]) -> list[_Item]:
        """The actions of those records that can be sent; the others get their answers."""
        taken = [record for record, answer in zip(records, answers, strict=True) if answer is None]
        homes = self._months.home_of(taken)
        copies = self._copies([record for record in taken if record.document.revision > 1])
        chosen = []
        for place, record in enumerate(records):
            name = record.document.id
            if answers[place] is not None:
                continue
            index = homes.get(name, self._months.name_of(record))
            if record.document.revision > 1:
                index = self._months.name_of(record)
                elsewhere = {other: version for other, version in copies.get(name, {}).items() if other != index}
                if any(version >= record.version for version in elsewhere.values()):
                    answers[place] = Written(name, "conflict")
                    continue
                if index not in copies.get(name, {}):
                    self._months.remember_home(name, index, record.version)
            chosen.append((place, index, record))
        sources = sources_of([record for _, _, record in chosen])
        return [
            _Item(place, (action("index", index, record.document.id, record.version), encoded(source)))
            for (place, index, record), source in zip(chosen, sources, strict=True)
        ]

    def _copies(self, records: Sequence[Grouped]) -> dict[str, dict[str, int]]:
        """For each id, the names of the months that hold it and the version there; read in real time, not from the
        last refresh."""
        found: dict[str, dict[str, int]] = {}
        months = self._months.all() if records else {}
        ids = sorted({record.document.id for record in records})
        wanted = [{"_index": index, "_id": name, "_source": False} for index in months for name in ids]
        for start in range(0, len(wanted), 5_000):
            answer = self._client.mget(docs=wanted[start : start + 5_000])
            for item in answer["docs"]:
                if item.get("found"):
                    found.setdefault(item["_id"], {})[months[item["_index"]]] = item["_version"]
        return found

    def _delete_moved(self, records: Sequence[Grouped], answers: list[Written | None]) -> None:
        """Remove what an earlier revision has left in another month; where that fails, the record is to be retried."""
        later = {
            record.document.id: place
            for place, (record, answer) in enumerate(zip(records, answers, strict=True))
            if record.document.revision > 1 and answer is not None and answer.outcome in ("stored", "conflict")
        }
        copies = self._copies([records[place] for place in later.values()])
        actions: list[Any] = []
        for name, versions in copies.items():
            newest = max(versions.values())
            actions += [
                action("delete", index, name, newest) for index, version in versions.items() if version < newest
            ]
        if not actions:
            return
        for item in self._client.bulk(operations=actions)["items"]:
            result = item["delete"]
            if result["status"] not in (200, 404, 409):  # 404, 409: somebody else was quicker
                answers[later[result["_id"]]] = Written(result["_id"], "retry", reason(result))

    def _send(self, items: Sequence[_Item], records: Sequence[Grouped], answers: list[Written | None]) -> None:
        """Write a chunk. Where the server refuses it as a whole, halves are sent, down to the record it dislikes."""
        try:
            answer = self._client.bulk(operations=[line for item in items for line in item.lines])
        except ApiError as error:
            if error.status_code in (429, 502, 503, 504):
                for item in items:
                    answers[item.place] = Written(records[item.place].document.id, "retry", reason(error.body))
                return
            if error.status_code not in (400, 413):
                raise
            if len(items) == 1:
                place = items[0].place
                answers[place] = Written(records[place].document.id, "rejected", reason(error.body))
                return
            middle = len(items) // 2
            self._send(items[:middle], records, answers)
            self._send(items[middle:], records, answers)
            return
        for item, result in zip(items, answer["items"], strict=True):
            answers[item.place] = written(records[item.place].document.id, result["index"])


encoded = _encoder.encode


def action(kind: str, index: str, name: str, version: int) -> bytes:
    """The first line of a bulk action."""
    return _encoder.encode({kind: {"_index": index, "_id": name, "version": version, "version_type": "external"}})


def _chunks(items: Sequence[_Item]) -> Iterator[list[_Item]]:
    chunk: list[_Item] = []
    size = 0
    for item in items:
        length = sum(len(line) for line in item.lines)
        if chunk and (size + length > CHUNK_BYTES or len(chunk) >= CHUNK_RECORDS):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += length
    if chunk:
        yield chunk
