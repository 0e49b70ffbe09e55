"""Months made anew from the records they keep, each behind its alias, while searching and writing go on.

A new index takes all records of a month in the order of their ids, which is also where a rebuild that was stopped goes
on. Then writing to the old one is held up (writers try again, and wait) until what has changed since is brought over,
and in one step the new index takes the names of the old one, which is removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from minsheng.errors import Unavailable
from minsheng.logs import get_logger
from search.elastic import mapping, queries
from search.elastic.answers import reason
from search.elastic.months import Months
from search.elastic.writing import action, encoded
from search.index import Progress

log = get_logger(__name__)

BATCH = 1_000
COMPARED = 10_000


def rebuild(months: Months, progress: Progress) -> int:
    """Make every month anew; returns how many records that were."""
    return sum(_rebuild_month(months, index, name, progress) for index, name in months.all().items())


def _rebuild_month(months: Months, old: str, name: str, progress: Progress) -> int:
    client = months.client
    new = _next_index(months, old, name)
    if not client.indices.exists(index=new):
        made = mapping.template(months.alias, months.shards, months.replicas)["template"]
        client.indices.create(index=new, mappings=made["mappings"], settings=made["settings"])
    client.indices.refresh(index=f"{old},{new}")
    total = int(client.count(index=old)["count"])
    done = int(client.count(index=new)["count"])
    last = client.search(index=new, sort=[{"id": "desc"}], size=1, source=False)["hits"]["hits"]
    place = last[0]["sort"] if last else None
    while True:
        found = client.search(
            index=old, sort=[{"id": "asc"}], size=BATCH, search_after=place, source_includes="record"
        )["hits"]["hits"]
        _copy(months, new, found)
        done += len(found)
        progress(name, min(done, total), total)
        if len(found) < BATCH:
            break
        place = found[-1]["sort"]
    client.indices.add_block(index=old, block="write")
    try:
        _bring_over_changes(months, old, new)
    except BaseException:
        client.indices.put_settings(index=old, settings={"index.blocks.write": None})
        raise
    client.indices.refresh(index=new)
    count = int(client.count(index=new)["count"])
    client.indices.update_aliases(
        actions=[
            {"remove_index": {"index": old}},
            {"add": {"index": new, "alias": name}},
            {"add": {"index": new, "alias": months.alias}},
        ]
    )
    log.info("index_month_rebuilt", index=new, documents=count)
    return count


def _next_index(months: Months, old: str, name: str) -> str:
    """The name of the index that follows; outside the template's pattern, so that it gets no alias before its time."""
    made = f"{months.prefix}-rebuilt-{name.removeprefix(f'{months.alias}-')}"
    generation = int(old.removeprefix(f"{made}-")) if old.startswith(f"{made}-") else 1
    return f"{made}-{generation + 1}"


def _copy(months: Months, new: str, found: Sequence[Any]) -> None:
    lines: list[Any] = []
    records = [queries.record(item) for item in found]
    for item, record, source in zip(found, records, mapping.sources_of(records), strict=True):
        lines += [action("index", new, item["_id"], record.version), encoded(source)]
    _bulk(months, lines)


def _bring_over_changes(months: Months, old: str, new: str) -> None:
    """What was written, replaced or taken away since it was copied."""
    months.client.indices.refresh(index=f"{old},{new}")
    there, made = _versions(months, old), _versions(months, new)
    changed: list[str] = []
    gone: list[Any] = []
    one, other = next(there, None), next(made, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            changed.append(one[0])
            one = next(there, None)
        elif one is None or other[0] < one[0]:
            gone.append({"delete": {"_index": new, "_id": other[0]}})
            other = next(made, None)
        else:
            if one[1] != other[1]:
                changed.append(one[0])
            one, other = next(there, None), next(made, None)
    for start in range(0, len(changed), BATCH):
        answer = months.client.mget(index=old, ids=changed[start : start + BATCH], source_includes="record")
        _copy(months, new, [item for item in answer["docs"] if item.get("found")])
    for start in range(0, len(gone), BATCH):
        _bulk(months, gone[start : start + BATCH])


def _versions(months: Months, index: str) -> Iterator[tuple[str, int]]:
    """Id and version of every document, in the order of ids as Elasticsearch sorts them: by their bytes."""
    place = None
    while True:
        found = months.client.search(
            index=index,
            sort=[{"id": "asc"}],
            size=COMPARED,
            search_after=place,
            source=False,
            docvalue_fields=[{"field": "version"}],
            filter_path="hits.hits.sort,hits.hits.fields",
        ).get("hits", {})
        for item in found.get("hits", ()):
            yield item["sort"][0], int(item["fields"]["version"][0])
        if len(found.get("hits", ())) < COMPARED:
            return
        place = found["hits"][-1]["sort"]


def _bulk(months: Months, lines: list[Any]) -> None:
    if not lines:
        return
    for item in months.client.bulk(operations=lines)["items"]:
        (result,) = item.values()
        if result["status"] >= 300 and result["status"] not in (404, 409):  # there already, or gone
            raise Unavailable("index", f"{result['_id']} could not be copied: {reason(result)}", "run it again")
