"""4,290 real messages of citizens through the whole road, on both sets of parts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from minsheng.records import SCHEMA
from minsheng.road import WORKERS
from tests.acceptance.conftest import BOTH, Variables, drain, minsheng, opened
from tests.acceptance.outcome import outcome
from tests.shared_data import shared_data

ROWS = 4_290

pytestmark = [pytest.mark.shared_data, pytest.mark.timeout(600)]


@pytest.mark.kafka
@pytest.mark.elasticsearch
@pytest.mark.postgresql
def test_both_sets_of_parts_index_every_message_once_and_find_the_same_events_and_tickets(variables: Variables) -> None:
    found = {}
    for parts in ("embedded", "servers"):
        chosen = variables(parts)
        report = minsheng(chosen, "import", shared_data("messages_unlabelled.csv.gz"), "--source", "board", "--json")
        assert json.loads(report.stdout)["imported"] == ROWS
        with opened(chosen) as road:
            assert drain(road)["index"] == ROWS
            found[parts] = outcome(road)
    assert len(found["embedded"].indexed) == ROWS
    assert found["servers"].indexed == found["embedded"].indexed
    assert found["servers"].events == found["embedded"].events
    assert found["servers"].tickets == found["embedded"].tickets
    largest = max(documents for _, documents in found["embedded"].events.values())
    assert largest >= 40, "the best known hot issues of this file have about fifty messages each"
    assert len(found["embedded"].tickets) >= 10
    assert found["embedded"].notices == 0, "old news wakes nobody"


@pytest.mark.parametrize("parts", BOTH)
def test_replaying_the_whole_log_changes_nothing(variables: Variables, parts: str) -> None:
    chosen = variables(parts)
    file = shared_data("messages_unlabelled.csv.gz")
    minsheng(chosen, "import", file, "--source", "board")
    with opened(chosen) as road:
        drain(road)
        before = outcome(road)
        for name in WORKERS:
            road.replay(name)
        handled = drain(road)
        assert handled["assess"] == ROWS
        assert handled["alert"] > ROWS, "the assessments of both passes were read"
        assert outcome(road) == before
    again = json.loads(minsheng(chosen, "import", file, "--source", "board", "--json").stdout)
    assert again["imported"] == 0


@pytest.mark.kafka
@pytest.mark.elasticsearch
@pytest.mark.postgresql
def test_other_programs_read_the_log_and_the_index(variables: Variables) -> None:
    chosen = variables("servers")
    minsheng(chosen, "import", shared_data("messages_unlabelled.csv.gz"), "--source", "board")
    with opened(chosen) as road:
        drain(road)
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
