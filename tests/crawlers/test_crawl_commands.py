"""The commands: sources, extract and import, against a local site."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import Result
from typer.testing import CliRunner

from crawlers.spiders import KINDS
from crawlers.spiders.base import SourceSpider
from minsheng.cli.app import app
from minsheng.errors import BadInput, MinshengError, WrongUse
from minsheng.records import Document, decode
from stream.embedded import EmbeddedLog
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import BODY, article, put_up
from tests.stores import lay_store

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-source-kind.md"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MINSHENG_CRAWL__PER_HOST_DELAY", "0")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lay_store(tmp_path / "data" / "store.db")
    yield tmp_path / "data"
    # Commands send the logs to their own standard error, which is gone when they have ended.
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def minsheng(data_dir: Path, *words: str, code: int = 0, given: str | None = None) -> Result:
    result = CliRunner().invoke(app, ["--data-dir", str(data_dir), *words], input=given)
    if isinstance(result.exception, MinshengError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def answer(data_dir: Path, *words: str, code: int = 0) -> Any:
    return json.loads(minsheng(data_dir, *words, "--json", code=code).stdout)


@pytest.mark.parametrize("kind", ["feed", "listing", "page"])
def test_an_address_is_recognised_checked_added_and_crawled(kind: str, data_dir: Path, site: LocalSite) -> None:
    url, _ = put_up(kind, site)
    checked = answer(data_dir, "sources", "check", url)
    assert checked["source"]["kind"] == kind
    assert checked["documents"]
    assert not (data_dir / "log.db").exists()
    added = answer(data_dir, "sources", "add", url, "--id", "one", "--every", "1h")
    assert Path(added["file"]) == data_dir / "sources" / "one.toml"
    reports = answer(data_dir, "sources", "run", "one")
    assert [(report["ok"], report["new"]) for report in reports] == [(True, len(checked["documents"]))]
    listed = answer(data_dir, "sources", "list")["sources"]
    assert [(source["id"], source["state"], source["every"]) for source in listed] == [("one", "well", 3600)]
    assert "one" in minsheng(data_dir, "sources", "list").stdout


def test_check_shows_a_table_and_fails_where_the_source_does(data_dir: Path, site: LocalSite) -> None:
    url, _ = put_up("board", site)
    shown = minsheng(data_dir, "sources", "check", url, "--kind", "board", "--option", "pages=2").stdout
    assert "2026-11-23 12:30" in shown
    minsheng(data_dir, "sources", "check", f"{site.url}/none", "--kind", "feed", code=1)
    with pytest.raises(BadInput, match=r"/none gives nothing: \S+/none: answered 404 "):
        minsheng(data_dir, "sources", "check", f"{site.url}/none")
    assert site.paths().count("/none") == 3  # by its kind above, and until two kinds got the same answer
    # Only kinds that know the option are tried, so that it is not called unknown for one that is none of them.
    with pytest.raises(BadInput, match="answered 404"):
        minsheng(data_dir, "sources", "add", f"{site.url}/none", "--option", "full_text=true")
    site.put("/odd", "<html><body><p>待上线</p></body></html>")
    with pytest.raises(BadInput, match=r"as feed: .*as sitemap: .*as listing: .*as page: "):
        minsheng(data_dir, "sources", "check", f"{site.url}/odd")
    with pytest.raises(WrongUse, match="unknown option pagez"):
        minsheng(data_dir, "sources", "check", url, "--kind", "board", "--option", "pagez=2")
    with pytest.raises(WrongUse, match="no source 'gone'"):
        minsheng(data_dir, "sources", "check", "gone")


def test_check_fetches_no_more_than_its_limit(data_dir: Path, site: LocalSite) -> None:
    url, _ = put_up("listing", site)
    assert len(answer(data_dir, "sources", "check", url, "--kind", "listing", "--limit", "2")["documents"]) == 2
    assert sum(path.startswith("/n/") for path in site.paths()) == 2


def test_run_reports_failures_and_broken_files(data_dir: Path, site: LocalSite) -> None:
    folder = data_dir / "sources"
    folder.mkdir(parents=True)
    (folder / "bad.toml").write_text("oops")
    (folder / "gone.toml").write_text(f'kind = "feed"\nurl = "{site.url}/gone.xml"\n')
    reports = answer(data_dir, "sources", "run", code=1)
    assert [(report["source"], report["ok"]) for report in reports] == [("gone", False), ("bad", False)]
    assert answer(data_dir, "sources", "list")["left_out"]


def test_extract_a_file_and_an_address(data_dir: Path, site: LocalSite, tmp_path: Path) -> None:
    html = article("水费重复扣收核查进展公布", "2026-11-23 12:30")
    (tmp_path / "a.html").write_bytes(html.encode("gb18030"))
    site.put("/a.html", html)
    saved = json.loads(minsheng(data_dir, "extract", str(tmp_path / "a.html")).stdout)
    fetched = json.loads(minsheng(data_dir, "extract", f"{site.url}/a.html").stdout)
    for found in (saved, fetched):
        assert found["title"] == "水费重复扣收核查进展公布"
        assert found["published_at"] == "2026-11-23T12:30:00+08:00"
        assert found["text"] == "\n".join(BODY)
        assert found["outlet"] == found["source"] == "云江日报"
    assert fetched["url"] == f"{site.url}/a.html"
    with pytest.raises(WrongUse, match="No such file"):
        minsheng(data_dir, "extract", str(tmp_path / "none.html"))
    with pytest.raises(BadInput, match="404"):
        minsheng(data_dir, "extract", f"{site.url}/none.html")


def test_import(data_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("编号,主题,内容\n1,水费,扣了两次\n2,,\n", encoding="utf-8")
    report = answer(data_dir, "import", str(path), "--kind", "post", "--source", "weibo")
    assert (report["imported"], report["skipped"]) == (1, 1)
    assert Path(report["rejects"]) == data_dir / "rejects" / "m.csv.jsonl"
    assert "known already" in minsheng(data_dir, "import", str(path), "--source", "weibo").stdout
    log = EmbeddedLog(data_dir / "log.db")
    documents = [decode(Document, message.value) for message in log.read("documents")]
    log.close()
    assert [(document.kind, document.title, document.source) for document in documents] == [("post", "水费", "weibo")]
    with pytest.raises(WrongUse, match="no kind 'gossip'"):
        minsheng(data_dir, "import", str(path), "--kind", "gossip")
    with pytest.raises(WrongUse, match="not of the form"):
        minsheng(data_dir, "import", str(path), "--map", "编号")


def test_the_how_tos_example_of_a_kind_works(
    crawling: Crawling, site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = HOW_TO.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    made: dict[str, Any] = {"__name__": "notices"}
    exec(code, made)
    spider: type[SourceSpider] = made["NoticesSpider"]
    monkeypatch.setitem(KINDS, spider.kind, spider)
    rows = [{"id": f"n{place}", "title": f"通知{place}"} for place in range(5)]
    site.put("/notices.json", json.dumps({"data": {"notices": rows}}))
    crawling.source("one", "notices", f"{site.url}/notices.json", most=3)
    assert crawling.run().new == 3
    site.put("/notices.json", "{}")
    assert "no list of notices" in crawling.run().error


def test_a_source_is_stopped_resumed_and_removed_at_the_terminal(data_dir: Path) -> None:
    minsheng(data_dir, "sources", "add", "https://h.example/rss", "--kind", "feed", "--id", "one")
    file = data_dir / "sources" / "one.toml"
    minsheng(data_dir, "sources", "pause", "one", "--reason", "停刊")
    assert "enabled = false" in file.read_text(encoding="utf-8")
    assert "already" in minsheng(data_dir, "sources", "pause", "one", "--reason", "停刊").stdout
    assert answer(data_dir, "sources", "show", "one")["state"] == "off"
    minsheng(data_dir, "sources", "resume", "one", "--reason", "复刊", "--by", "王五")
    assert "enabled" not in file.read_text(encoding="utf-8")
    with pytest.raises(WrongUse, match="with a reason"):
        minsheng(data_dir, "sources", "remove", "one", "--reason", "")
    told = minsheng(data_dir, "sources", "remove", "one", "--reason", "关停").stdout
    assert str(file.parent / "removed") in told and not file.exists()
    assert answer(data_dir, "sources", "list")["sources"] == []
    with pytest.raises(WrongUse, match="there is no source"):
        minsheng(data_dir, "sources", "remove", "one", "--reason", "关停")
    lines = [json.loads(line) for line in minsheng(data_dir, "audit", "list", "--json").stdout.splitlines()]
    assert [line["action"] for line in lines] == ["source-removed", "source-resumed", "source-paused"]
    assert lines[1]["actor"] == "王五" and lines[0]["actor"].startswith("terminal:")
