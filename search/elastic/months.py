"""The indices behind the alias: one a month, the template they are made by, and the homes of documents that moved."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from elasticsearch import Elasticsearch

from minsheng.clock import CHINA
from minsheng.records import Grouped
from search import analysis
from search.elastic import mapping


class Months:
    """Names and makes what lies on the server.

    A month's `name` (`<alias>-2026.11`) is what it is written to by; the index itself has the same name until it is
    made anew.

    Attributes
    ----------
    alias:
        What all months are searched by.
    homes:
        The index that remembers the months of documents whose month has changed.
    """

    def __init__(self, client: Elasticsearch, prefix: str, shards: int, replicas: int) -> None:
        self.client = client
        self.alias = f"{prefix}-documents"
        self.homes = f"{prefix}-homes"
        self.prefix = prefix
        self.shards = shards
        self.replicas = replicas
        self._ensured = False
        self._lock = threading.Lock()

    def create_once(self) -> None:
        with self._lock:
            if not self._ensured:
                self.create()

    def create(self) -> None:
        """Make or renew what is missing; harmless when all is there."""
        name = self.alias
        there = self.client.options(ignore_status=404).indices.get_index_template(name=name)
        versions = [item["index_template"].get("version", 0) for item in there.get("index_templates", [])]
        if not versions or versions[0] < mapping.TEMPLATE_VERSION:
            template = mapping.template(name, self.shards, self.replicas)
            if versions:  # the months that are there already get the fields that are new
                properties = template["template"]["mappings"]["properties"]
                self.client.indices.put_mapping(
                    index=name, allow_no_indices=True, ignore_unavailable=True, properties=properties
                )
            self.client.indices.put_index_template(name=name, **template)
        if not self.client.indices.exists(index=self.homes):
            self.client.options(ignore_status=400).indices.create(  # 400: another process was quicker
                index=self.homes,
                settings={"number_of_shards": 1, "number_of_replicas": self.replicas},
                mappings={"dynamic": False, "properties": {"index": {"type": "keyword"}}},
            )
        self._ensured = True

    def name_of(self, record: Grouped) -> str:
        """The name of the month that a record belongs to."""
        return f"{self.alias}-{month(record.document.published_at)}"

    def all(self) -> dict[str, str]:
        """Index → name, of every month there is, in the order of time."""
        answer = self.client.options(ignore_status=404).indices.get_alias(name=f"{self.alias}*")
        found: dict[str, str] = {}
        for index, about in answer.body.items():
            if not isinstance(about, Mapping) or self.alias not in about.get("aliases", {}):
                continue
            names = [index, *about["aliases"]]
            name = next((one for one in names if one.startswith(f"{self.alias}-")), None)
            if name is not None:
                found[index] = name
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def stale(self) -> list[str]:
        """Names of the months whose words come from another version of the analysis."""
        months = self.all()
        answer = self.client.options(ignore_status=404).indices.get_mapping(index=self.alias)
        return [
            name
            for index, name in months.items()
            if answer.body.get(index, {}).get("mappings", {}).get("_meta", {}).get("analysis") != analysis.VERSION
        ]

    # Documents that moved

    def home_of(self, records: Sequence[Grouped]) -> dict[str, str]:
        """The months remembered for ids whose month has changed: a handful, read in one request."""
        ids = [record.document.id for record in records if record.document.revision == 1]
        if not ids:
            return {}
        answer = self.client.mget(index=self.homes, ids=ids)
        return {item["_id"]: item["_source"]["index"] for item in answer["docs"] if item.get("found")}

    def remember_home(self, document: str, name: str, version: int) -> None:
        self.client.options(ignore_status=409).index(
            index=self.homes, id=document, document={"index": name}, version=version, version_type="external_gte"
        )

    def forget_homes(self, name: str) -> None:
        self.client.indices.refresh(index=self.homes)
        while True:
            found = self.client.search(index=self.homes, query={"term": {"index": name}}, size=1_000, source=False)
            actions = [{"delete": {"_index": self.homes, "_id": item["_id"]}} for item in found["hits"]["hits"]]
            if not actions:
                return
            self.client.bulk(operations=actions, refresh=True)


def month(moment: datetime) -> str:
    """The month in China that a moment lies in, as it stands in names."""
    return moment.astimezone(CHINA).strftime("%Y.%m")
