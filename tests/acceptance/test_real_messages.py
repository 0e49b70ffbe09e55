"""4,290 real messages of citizens through the whole road, on both sets of parts."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.servers import fresh_database
from minsheng.records import SCHEMA
from minsheng.road import WORKERS
from tests.acceptance.conftest import Variables, drain, minsheng, opened, variables_of
from tests.acceptance.outcome import Outcome, outcome
from tests.shared_data import shared_data

ROWS = 4_290

pytestmark = [pytest.mark.shared_data, pytest.mark.timeout(900)]


def messages() -> Path:
    return shared_data("messages_unlabelled.csv.gz")


class Passes:
    """The messages once through the road on each set of parts, made at first use."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        self._made: dict[str, tuple[dict[str, str], Outcome]] = {}

    def on(self, parts: str) -> tuple[dict[str, str], Outcome]:
        """What sets up the Minsheng that they went through, and what came of it."""
        if parts not in self._made:
            chosen = self._variables(parts)
            report = minsheng(chosen, "import", messages(), "--source", "board", "--json")
            assert json.loads(report.stdout)["imported"] == ROWS
            with opened(chosen) as road:
                assert drain(road)["index"] == ROWS
                self._made[parts] = chosen, outcome(road)
        return self._made[parts]


@pytest.fixture(scope="module")
def passes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passes]:
    name = f"t{secrets.token_hex(6)}"
    with ExitStack() as databases:

        def database() -> str:
            return databases.enter_context(fresh_database(request.getfixturevalue("postgresql_server")))

        yield Passes(lambda parts: variables_of(parts, tmp_path_factory.mktemp(parts), name, request, database))


@pytest.mark.kafka
@pytest.mark.elasticsearch
@pytest.mark.postgresql
def test_the_messages_on_both_sets_of_parts(passes: Passes, subtests: pytest.Subtests) -> None:
    """One test, because each that ran in a process of its own would send all the messages down the road again."""
    with subtests.test("every message is indexed once, and both find the same events and tickets"):
        same_on_both(passes)
    for parts in ("embedded", "servers"):
        with subtests.test("replaying the whole log changes nothing", parts=parts):
            same_when_replayed(passes, parts)
    with subtests.test("other programs read the log and the index"):
        read_by_other_programs(passes)


def same_on_both(passes: Passes) -> None:
    (_, embedded), (_, servers) = passes.on("embedded"), passes.on("servers")
    assert len(embedded.indexed) == ROWS
    assert servers.indexed == embedded.indexed
    assert servers.events == embedded.events
    assert servers.tickets == embedded.tickets
    largest = max(documents for _, documents in embedded.events.values())
    assert largest >= 40, "the best known hot issues of this file have about fifty messages each"
    assert len(embedded.tickets) >= 10
    assert embedded.notices == 0, "old news wakes nobody"


def same_when_replayed(passes: Passes, parts: str) -> None:
    chosen, before = passes.on(parts)
    with opened(chosen) as road:
        for name in WORKERS:
            road.replay(name)
        handled = drain(road)
        assert handled["assess"] == ROWS
        assert handled["alert"] > ROWS, "the assessments of both passes were read"
        assert outcome(road) == before
    again = json.loads(minsheng(chosen, "import", messages(), "--source", "board", "--json").stdout)
    assert again["imported"] == 0


def read_by_other_programs(passes: Passes) -> None:
    chosen, _ = passes.on("servers")
    reader = (
        "import json, sys; from kafka import KafkaConsumer\n"
        "consumer = KafkaConsumer(sys.argv[2], bootstrap_servers=sys.argv[1], auto_offset_reset='earliest',"
        " consumer_timeout_ms=20000)\n"
        "record = json.loads(next(consumer).value)\n"
        "print(record['record'], record['schema'], record['document']['kind'], record['sentiment']['label'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", reader, chosen["MINSHENG_STREAM__BOOTSTRAP_SERVERS"],
         chosen["MINSHENG_STREAM__TOPIC_PREFIX"] + "assessed"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split()[:3] == ["assessed", str(SCHEMA), "message"]

    from elasticsearch import Elasticsearch

    (url,) = json.loads(chosen["MINSHENG_SEARCH__URLS"])
    with Elasticsearch(url) as client:
        body = client.search(
            index=f"{chosen['MINSHENG_SEARCH__INDEX_PREFIX']}*", query={"match_phrase": {"text": "搅拌站"}}
        )
    assert body["hits"]["total"]["value"] > 20
    assert all("搅拌站" in "".join(hit["_source"]["text"].split()) for hit in body["hits"]["hits"])
