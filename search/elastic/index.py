"""The methods of the seam."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from minsheng.clock import Clock, SystemClock
from minsheng.errors import WrongSettings
from minsheng.logs import get_logger
from minsheng.records import Grouped
from minsheng.settings import Settings
from search import cursors
from search.duplicates import page_of_groups
from search.elastic import queries
from search.elastic.answers import Json, address, failure, reached
from search.elastic.months import Months, month
from search.elastic.rebuild import rebuild
from search.elastic.writing import Writer
from search.found import Copies, Found
from search.highlight import hit
from search.index import Facet, Filters, Page, Progress, Search, Written
from search.query import Node, pruned

log = get_logger(__name__)

NEW_INDEX_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
Answer = TypeVar("Answer")
_Ranked = tuple[float, int, str, int]
"""Score, time, id, and the place in its shard that Elasticsearch adds."""

KEEP_RANKING = "5m"
"""How long after one page by relevance the next can be turned with nothing moving. Points in time are not closed, as a
cursor that somebody holds may need them. A busy process has some three hundred open, each in all months: at 5 KB a
month (measured: 7,200 open contexts, 38 MB of heap, no slower search, no more files), less than 60 MB in three years of
months. Elasticsearch's limit of 500 is on scrolls alone."""

SHARE_RANKING = 1.0
"""Seconds for which searches by relevance begin at one point in time: what is written becomes visible once a second."""


class ElasticsearchIndex:
    """An index on an Elasticsearch cluster.

    Parameters
    ----------
    client:
        Connects at first use.
    prefix:
        Put before the names of indices, alias and template.
    shards, replicas:
        Of each month's index.
    clock:
        Used to wait for a new month's index.
    """

    def __init__(
        self, client: Elasticsearch, prefix: str, *, shards: int = 1, replicas: int = 0, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._clock = clock or SystemClock()
        self._months = Months(client, prefix, shards, replicas)
        self._writer = Writer(self._months)
        self._alias = self._months.alias
        self._opened: tuple[str, float] | None = None  # the newest point in time, and when it was taken

    @classmethod
    def from_settings(cls, settings: Settings) -> ElasticsearchIndex:
        """The index that the settings name."""
        chosen = settings.search
        options: dict[str, Any] = {}
        if chosen.username is not None:
            options["basic_auth"] = (chosen.username, chosen.password.reveal() if chosen.password else "")
        if chosen.ca_file is not None:
            if not Path(chosen.ca_file).is_file():  # the client would find out at its first connection only
                raise WrongSettings(f"search: there is no file {chosen.ca_file}", "see ca_file in the section [search]")
            options["ca_certs"] = chosen.ca_file
        try:
            client = Elasticsearch(
                list(chosen.urls),
                request_timeout=chosen.timeout,
                max_retries=len(chosen.urls) - 1,
                retry_on_timeout=False,
                http_compress=False,
                serializer=Json(),
                **options,
            )
        except ValueError as error:
            raise WrongSettings(f"search: {error}", "see urls in the section [search]") from error
        return cls(client, chosen.index_prefix, shards=chosen.shards, replicas=chosen.replicas)

    def ensure(self) -> None:
        with reached(self._client):
            self._months.create()
            stale = self._months.stale()
        if stale:
            log.warning("index_months_of_another_analysis", months=stale, hint="minsheng index rebuild")

    def write(self, records: Sequence[Grouped]) -> list[Written]:
        if not records:
            return []
        with reached(self._client):
            self._months.create_once()
            return self._writer.write(records)

    def search(self, search: Search) -> Page:
        query = pruned(search.query)
        view = _View(self, query, search)
        with reached(self._client):
            if search.together and search.size:
                shown, cursor = page_of_groups(view.fetch, view.first_of, size=search.size, after=search.after)
            else:
                matches, more = view.page(search.after, search.size)
                shown = [(match, 1) for match in matches]
                cursor = matches[-1].cursor if more else None
        found = view.summary
        aggregations = found.get("aggregations", {})
        return Page(
            total=found["hits"]["total"]["value"],
            hits=tuple(
                hit(match.record, match.score, query, highlight=search.highlight, copies=copies)
                for match, copies in shown
            ),
            cursor=cursor,
            groups=aggregations.get("groups", {}).get("value", 0) if search.together and search.size else None,
            facets={facet: queries.facet(aggregations.get(facet)) for facet in search.facets},
            histogram=queries.histogram(aggregations.get("histogram")),
        )

    def get(self, ids: Sequence[str]) -> dict[str, Grouped]:
        found: dict[str, Grouped] = {}
        with reached(self._client):
            for start in range(0, len(ids), 500):
                part = list(ids[start : start + 500])
                answer = self._ask(
                    index=self._alias,
                    ignore_unavailable=True,
                    query={"terms": {"id": part}},
                    size=len(part),
                    source_includes="record",
                )
                for item in answer["hits"]["hits"]:
                    record = queries.record(item)
                    found[record.document.id] = record
        return found

    def count(self, filters: Filters) -> int:
        with reached(self._client):
            answer = self._ask(
                index=self._alias,
                ignore_unavailable=True,
                query={"bool": {"filter": queries.conditions(filters)}},
                size=0,
                track_total_hits=True,
            )
        return int(answer["hits"]["total"]["value"])

    def refresh(self) -> None:
        with reached(self._client):
            self._client.indices.refresh(index=self._alias, ignore_unavailable=True)
        self._opened = None

    def drop_before(self, moment: datetime) -> int:
        limit = month(moment)
        dropped = 0
        self._opened = None
        with reached(self._client):
            for index, name in self._months.all().items():
                if name.removeprefix(f"{self._alias}-") >= limit:
                    continue
                self._client.indices.refresh(index=index)
                dropped += int(self._client.count(index=index)["count"])
                self._client.indices.delete(index=index, ignore_unavailable=True)
                self._months.forget_homes(name)
                log.info("index_month_dropped", index=index)
        return dropped

    def rebuild(self, progress: Progress) -> int:
        with reached(self._client):
            self._months.create()
            return rebuild(self._months, progress)

    def statistics(self) -> Mapping[str, int | str]:
        with reached(self._client):
            nodes = self._client.nodes.info(filter_path="nodes.*.version")["nodes"]
            stats = self._client.indices.stats(index=f"{self._alias}*", metric=["docs", "store"])["_all"]
            stale = self._months.stale()
        versions = sorted({node["version"] for node in nodes.values()})
        primaries = stats.get("primaries", {})
        return {
            "engine": f"Elasticsearch {', '.join(versions)}",
            "documents": primaries.get("docs", {}).get("count", 0),
            "bytes": primaries.get("store", {}).get("size_in_bytes", 0),
            "where": f"{address(self._client)}/{self._alias}",
            **({"to rebuild": f"{len(stale)} months: minsheng index rebuild"} if stale else {}),
        }

    def close(self) -> None:
        self._client.close()

    # Searching

    def _ask(self, **options: Any) -> Any:
        return self._waiting(lambda: self._client.search(allow_partial_search_results=False, **options).body)

    def _ask_each(self, where: Mapping[str, Any], bodies: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Several searches of the same documents, in one request."""
        header = {**where, "allow_partial_search_results": False}

        def ask() -> list[Any]:
            answer = self._client.msearch(searches=[line for body in bodies for line in (header, body)])
            for one in answer["responses"]:
                if "error" in one:
                    raise failure(answer.meta, one)
            return list(answer["responses"])

        return self._waiting(ask)

    def _now(self) -> str:
        """A point in time to search at."""
        opened, moment = self._opened, self._clock.monotonic()
        if opened is not None and moment - opened[1] < SHARE_RANKING:
            return opened[0]
        answer = self._client.open_point_in_time(index=self._alias, keep_alive=KEEP_RANKING, ignore_unavailable=True)
        self._opened = str(answer["id"]), moment
        return self._opened[0]

    def _waiting(self, ask: Callable[[], Answer]) -> Answer:
        """Search in all shards or not at all. The shard of a new month takes a moment until it answers."""
        for pause in NEW_INDEX_PAUSES:
            try:
                return ask()
            except ApiError as error:
                if error.status_code != 503:
                    raise
            self._clock.sleep(pause)
        return ask()


class _View:
    """One search, page after page.

    By relevance it looks at a point in time, so that what is indexed meanwhile does not change scores and order.

    Attributes
    ----------
    summary:
        What the first answer says of all matches: their number, facets and counts over time.
    """

    def __init__(self, index: ElasticsearchIndex, query: Node | None, search: Search) -> None:
        self._index = index
        self._query = query
        self._search = search
        self._sort = search.sort
        if search.sort == "relevance" and (query is None or not search.size):
            self._sort = "newest"
        self._ranking: str | None = None
        self.summary: Any = None

    def page(self, after: str | None, size: int, without: Sequence[str] = ()) -> tuple[list[Found], bool]:
        """Matches, and whether more follow."""
        place: list[Any] | None = None
        if after is not None and self._sort == "relevance":
            ranked, ranking = cursors.read(after, _Ranked, str)
            place = list(ranked)
            self._ranking = self._ranking or ranking
        elif after is not None:
            place = cursors.read(after, int, str) if self._sort == "newest" else cursors.read(after, int, int, str)
        items = self._answered(size + 1, place, without) if size else self._counted()
        scored = self._sort != "newest"
        matches = [
            Found(queries.record(item), float(item["sort"][0]) if scored else 0.0, self._cursor(item["sort"]))
            for item in items[:size]
        ]
        return matches, len(items) > size > 0

    def fetch(self, after: str | None, without: Sequence[str], size: int) -> tuple[list[Found], bool]:
        return self.page(after, size, without)

    def first_of(self, groups: Sequence[str]) -> dict[str, Copies]:
        if not groups:
            return {}
        condition = self._condition()
        condition["bool"]["filter"].append({"terms": {"duplicate_group": list(groups)}})
        counting = {"query": condition, "size": 0, "aggregations": queries.first_of_groups(groups, self._sort)}
        (answer,) = self._ask([counting])
        return {
            bucket["key"]: Copies(bucket["first"]["hits"]["hits"][0]["_source"]["id"], bucket["doc_count"])
            for bucket in answer["aggregations"]["copies"]["buckets"]
        }

    def _answered(self, size: int, place: list[Any] | None, without: Sequence[str]) -> list[Any]:
        """Matches as they are told, and at the first time the summary.

        With counts beside the matches, there are two searches in one request: the server keeps the answer to the one
        that counts until something new is indexed, and the other one need not look at every match.
        """
        page: dict[str, Any] = {
            "query": self._condition(without),
            "size": size,
            "sort": queries.orders(self._sort),
            "_source": ["record"],
            "track_total_hits": False,
        }
        if place is not None:
            page["search_after"] = place
        if self.summary is not None:
            (answer,) = self._ask([page])
        elif self._query is None or self._aggregations(queries.FACET_CANDIDATES):
            counting, answer = self._ask([self._counting(queries.FACET_CANDIDATES), page])
            self._summarise(counting)
        else:
            (answer,) = self._ask([{**page, "track_total_hits": True}])
            self.summary = answer
        items: list[Any] = answer["hits"]["hits"]
        return items

    def _counted(self) -> list[Any]:
        (counting,) = self._ask([self._counting(queries.FACET_CANDIDATES)])
        self._summarise(counting)
        return []

    def _counting(self, candidates: int) -> dict[str, Any]:
        found = {"query": {"bool": {"filter": self._filters()}}, "size": 0, "track_total_hits": True}
        aggregations = self._aggregations(candidates)
        return {**found, "aggregations": aggregations} if aggregations else found

    def _aggregations(self, candidates: int) -> dict[str, Any]:
        return queries.aggregations(self._search, candidates)

    def _summarise(self, counting: Any) -> None:
        # A term may be frequent in all months together without being among the first of any: then ask for all.
        if self._inexact(counting):
            (counting,) = self._ask([self._counting(queries.ALL_CANDIDATES)])
        # Where a month has more than that, those that were found are counted once more, by name.
        if inexact := self._inexact(counting):
            asked = {facet: queries.candidates(facet, self._search.facet_size) for facet in inexact}
            (wider,) = self._ask([self._counted_so(asked)])
            named = {
                facet: queries.named(facet, wider["aggregations"][facet], self._search.facet_size) for facet in inexact
            }
            (exact,) = self._ask([self._counted_so(named)])
            counting["aggregations"] |= exact["aggregations"]
        self.summary = counting

    def _inexact(self, counting: Any) -> list[Facet]:
        found = counting.get("aggregations", {})
        return [facet for facet in self._search.facets if found.get(facet, {}).get("doc_count_error_upper_bound")]

    def _counted_so(self, aggregations: Mapping[Facet, Any]) -> dict[str, Any]:
        return {"query": {"bool": {"filter": self._filters()}}, "size": 0, "aggregations": aggregations}

    def _filters(self, without: Sequence[str] = (), *, words: bool = True) -> list[dict[str, Any]]:
        """All conditions, none of which counts for a score; `words`: with those of the query."""
        found = queries.conditions(self._search.filters, self._query)
        if self._query is not None and words:
            found.append(queries.compiled(self._query))
        if without:
            found.append({"bool": {"must_not": {"terms": {"duplicate_group": list(without)}}}})
        return found

    def _condition(self, without: Sequence[str] = ()) -> dict[str, Any]:
        if self._sort != "relevance" or self._query is None:
            return {"bool": {"filter": self._filters(without)}}
        return {"bool": {"must": [queries.compiled(self._query)], "filter": self._filters(without, words=False)}}

    def _ask(self, bodies: Sequence[dict[str, Any]]) -> list[Any]:
        """The answers to these searches."""
        if self._sort != "relevance":
            return self._index._ask_each({"index": self._index._alias, "ignore_unavailable": True}, bodies)
        if self._ranking is None:
            self._ranking = self._index._now()
        try:
            answers = self._ask_at(self._ranking, bodies)
        except NotFoundError:
            # It was kept for its time; the place is found again by the score, in what is there now.
            self._index._opened = None
            answers = self._ask_at(self._index._now(), bodies)
        except BadRequestError as error:
            if self._search.after is None:
                raise
            raise cursors.wrong() from error
        self._ranking = answers[-1].get("pit_id", self._ranking)
        return answers

    def _ask_at(self, ranking: str, bodies: Sequence[dict[str, Any]]) -> list[Any]:
        pit = {"id": ranking, "keep_alive": KEEP_RANKING}
        return self._index._ask_each({}, [{**body, "pit": pit} for body in bodies])

    def _cursor(self, place: list[Any]) -> str:
        return cursors.write(place, self._ranking) if self._sort == "relevance" else cursors.write(*place)
