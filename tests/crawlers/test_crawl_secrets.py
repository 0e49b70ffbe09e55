"""A key in a source's address is nowhere but in its file and its row."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from crawlers.health import states
from crawlers.operator_tickets import tickets
from crawlers.recording import TROUBLE_AFTER
from crawlers.source_lists import read_list, take, to_toml
from crawlers.sources import Source, shown
from minsheng.errors import BadInput
from minsheng.logs import configure_logs, get_logger
from minsheng.metrics import text as metrics_text
from minsheng.redaction import redacted, redacted_values, without_secrets
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import article
from tests.crawlers.test_crawl_commands import data_dir, minsheng

__all__ = ["data_dir"]

SECRET = "s3cr3t-of-ours"


@pytest.mark.parametrize(
    "address",
    [
        f"https://h.example/rss?key={SECRET}", f"https://h.example/rss?a=1&api_key={SECRET}&b=2",
        f"https://h.example/rss?ACCESS_TOKEN={SECRET}#x", f"https://me:{SECRET}@h.example:8443/rss",
        f"https://{SECRET}@h.example/", f"imaps://me%40h.example:{SECRET}@mail.example/INBOX",
        f"http://h.example/?sign={SECRET}", f"http://h.example/?sid={SECRET}&p=1", f"http://h.example/?pwd={SECRET}",
        f"http://h.example/;jsessionid={SECRET}", f'{{"url": "http://h.example/?appSecret={SECRET}", "n": 1}}',
        f"http://h.example/?token={SECRET}，再试",
    ],
)  # fmt: skip
def test_secrets_are_hidden_wherever_they_stand(address: str) -> None:
    hidden = redacted(f"{address} answered 404")
    assert SECRET not in hidden
    assert "***" in hidden
    assert hidden.endswith(" answered 404") or "再试" in hidden
    assert redacted(hidden) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "https://h.example/rss?keyword=供水&page=2", "http://h.example/a@b/c", "请联系 office@h.example",
        "http://h.example/tokens/list?sort=asc", "x=1", "转发 @云江发布：https://h.example/",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_options_are_hidden_by_their_names_and_references_stay() -> None:
    options = {
        "headers": {"Authorization": f"Bearer {SECRET}", "X-Key": {"env": "KEY"}},
        "post": f"http://h/?key={SECRET}",
    }
    assert redacted_values(options) == {
        "headers": {"Authorization": "***", "X-Key": {"env": "KEY"}}, "post": "http://h/?key=***",
    }  # fmt: skip


def test_a_documents_address_loses_the_sources_secret_and_keeps_its_own_parameters() -> None:
    assert without_secrets(f"http://h.example/a?key={SECRET}&id=3", {SECRET}) == "http://h.example/a?id=3"
    assert without_secrets("http://h.example/a?key=77&id=3", {SECRET}) == "http://h.example/a?key=77&id=3"
    assert without_secrets("http://me:pw@h.example/a", ()) == "http://h.example/a"


def test_errors_and_logs_hide_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert SECRET not in str(BadInput(f"http://h.example/?key={SECRET} is no feed", f"try http://x:{SECRET}@h/"))
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure_logs("info", "json")
        get_logger("crawlers.test").warning("page_failed", url=f"http://h.example/?key={SECRET}")
        try:
            raise OSError(f"http://h.example/?key={SECRET}")
        except OSError:
            get_logger("crawlers.test").exception("broke")
        logging.getLogger("other").warning("asked %s", f"http://u:{SECRET}@h.example/")
    finally:
        root.handlers[:], root.level = before[0], before[1]
    said = capsys.readouterr().err
    assert said.count("***") >= 3
    assert SECRET not in said
    for line in said.splitlines():
        json.loads(line)


def test_nothing_that_is_told_of_a_source_shows_its_key(crawling: Crawling, site: LocalSite) -> None:
    crawling.source("gone", "feed", f"{site.url}/gone.xml?token={SECRET}")
    site.put(f"/a.html?key={SECRET}", article("供水恢复正常", "2026-11-23 12:30"))
    crawling.source("one", "page", f"{site.url}/a.html?key={SECRET}")
    for _ in range(TROUBLE_AFTER):
        reports = crawling.stage.run_once()
    assert any(SECRET in asked.path for asked in site.asked)  # it was sent, all the same
    (ticket,) = tickets(crawling.store)
    told = f"{reports} {states(crawling.store, crawling.clock)} {ticket} {crawling.documents()}"
    assert "answered 404" in told
    assert crawling.documents()[0].url == f"{site.url}/a.html"
    assert SECRET not in told
    assert SECRET not in metrics_text(crawling.store, crawling.clock)


def test_a_list_is_handed_on_without_and_an_import_of_it_says_what_is_missing(tmp_path: Path) -> None:
    source = Source(id="a", kind="feed", url=f"https://h.example/rss?key={SECRET}")
    file = tmp_path / "list.toml"
    file.write_text(to_toml([shown(source)]), encoding="utf-8")
    assert SECRET not in file.read_text(encoding="utf-8")
    taken = take(read_list(file), tmp_path / "sources", [])
    assert taken.added == []
    assert "hidden" in taken.left_out[0][1]


def test_commands_hide_them(data_dir: Path, tmp_path: Path) -> None:
    url = f"https://h.example/rss?key={SECRET}"
    added = minsheng(data_dir, "sources", "add", url, "--kind", "feed", "--id", "a", "--json")
    listed = minsheng(data_dir, "sources", "show", "a")
    out = tmp_path / "all.opml"
    minsheng(data_dir, "sources", "export", str(out))
    assert "key=***" in added.output
    assert SECRET not in f"{added.output} {listed.output} {out.read_text(encoding='utf-8')}"
    minsheng(data_dir, "sources", "export", str(out), "--with-secrets")
    assert SECRET in out.read_text(encoding="utf-8")
