"""Logs: one JSON line an event for machines, readable text for people, and quiet libraries."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from minsheng.logs import configure_logs, get_logger


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_each_event_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    log = get_logger("crawlers.test")
    log.debug("too_small")
    log.info("page_fetched", url="https://www.example.gov.cn/供暖", bytes=12, lines="a\nb")
    try:
        raise RuntimeError("坏了")
    except RuntimeError:
        log.exception("broken")
    first, second = capsys.readouterr().err.splitlines()
    event = json.loads(first)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "page_fetched",
        "url": "https://www.example.gov.cn/供暖",
        "bytes": 12,
        "lines": "a\nb",
        "level": "info",
        "logger": "crawlers.test",
    }
    assert "供暖" in first  # readable without decoding
    assert "RuntimeError: 坏了" in json.loads(second)["exception"]


def test_people_get_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "text")
    get_logger("crawlers.test").warning("page_failed", url="x")
    (line,) = capsys.readouterr().err.splitlines()
    assert "page_failed" in line
    assert "url=x" in line


def test_without_a_terminal_auto_means_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "auto")
    get_logger("crawlers.test").info("page_fetched")
    assert json.loads(capsys.readouterr().err)["event"] == "page_fetched"


@pytest.mark.parametrize("name", ["kafka.consumer", "elastic_transport.transport", "scrapy.core", "alembic.runtime"])
def test_libraries_speak_only_of_trouble(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure_logs("info", "json")
    logging.getLogger(name).info("every poll")
    logging.getLogger(name).error("lost %s", "connection")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["logger"]) == ("lost connection", "error", name)


def test_configuring_again_does_not_say_things_twice(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    configure_logs("error", "json")
    log = get_logger("crawlers.test")
    log.warning("small")
    log.error("large")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_nothing_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug", "json")
    get_logger("crawlers.test").info("page_fetched")
    assert capsys.readouterr().out == ""


def test_a_job_of_each_second_that_takes_longer_is_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    scheduler = logging.getLogger("apscheduler.scheduler")
    scheduler.warning('Execution of job "%s" skipped: maximum number of running instances reached (%d)', "deliver", 1)
    scheduler.warning('Run time of job "%s" was missed by %s', "deliver", "0:01:00")
    (line,) = capsys.readouterr().err.splitlines()
    assert "missed by" in line
