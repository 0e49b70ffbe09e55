"""Each kind of source has a how-to page, and what the page says to do works against the sample site."""

from __future__ import annotations

import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from crawlers.checking import check
from crawlers.logins import Logins
from crawlers.sources import make_source
from crawlers.spiders import KINDS
from minsheng.clock import ManualClock, SystemClock
from minsheng.settings import CrawlSettings, Settings
from sample import DEFAULT_MAIL_PORT, DEFAULT_PORT
from sample.mailbox import PASSWORD, MailServer, sample_mailbox
from sample.site import SampleSite
from tests.crawlers.test_crawl_commands import data_dir, minsheng
from tests.stores import made_store

__all__ = ["data_dir"]

GUIDES = Path(__file__).parents[2] / "docs" / "how-to" / "sources"
WRITTEN_FOR = f"http://127.0.0.1:{DEFAULT_PORT}"
MAIL_WRITTEN_FOR = f"imap://127.0.0.1:{DEFAULT_MAIL_PORT}"


@pytest.fixture(scope="module")
def sample() -> Iterator[SampleSite]:
    with SampleSite(anchor=datetime.now(UTC)) as site:
        yield site


@pytest.fixture(scope="module")
def mailbox(sample: SampleSite) -> Iterator[MailServer]:
    with sample_mailbox(sample.site, 0) as server:
        yield server


def guide(kind: str, sample: SampleSite, mailbox: MailServer) -> str:
    text = (GUIDES / f"{kind}.md").read_text(encoding="utf-8")
    return text.replace(WRITTEN_FOR, sample.base_url).replace(MAIL_WRITTEN_FOR, mailbox.url)


def blocks(text: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


def test_there_is_a_page_for_each_kind_and_the_index_names_them() -> None:
    assert sorted(page.stem for page in GUIDES.glob("*.md")) == sorted(KINDS)
    index = (GUIDES.parent / "add-a-source.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"(sources/{kind}.md)" not in index] == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_its_commands_work(kind: str, sample: SampleSite, mailbox: MailServer, data_dir: Path) -> None:
    ran = []
    for block in blocks(guide(kind, sample, mailbox), ""):
        for line in block.splitlines():
            words = shlex.split(line)
            assert words[0] == "minsheng", line
            given = PASSWORD if words[2] == "login" else None
            output = minsheng(data_dir, *words[1:], given=given).output
            assert " 0 fetched" not in output, line
            ran.append(words[2])
    assert {"check", "add", "run"} <= set(ran)


@pytest.mark.chromium
def test_the_commands_for_pages_that_scripts_make_work(
    sample: SampleSite, data_dir: Path, chromium_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINSHENG_CRAWL__BROWSER__PATH", chromium_path)
    monkeypatch.setenv("MINSHENG_CRAWL__BROWSER__SANDBOX", "false" if os.geteuid() == 0 else "true")
    text = (GUIDES.parent / "read-pages-made-by-scripts.md").read_text(encoding="utf-8")
    lines = "".join(blocks(text.replace(WRITTEN_FOR, sample.base_url), "")).splitlines()
    shown = [minsheng(data_dir, *shlex.split(line)[1:]).output for line in lines]
    assert 'javascript = "all"' in shown[0]
    assert [" 0 fetched" in output for output in shown] == [False] * 4
    (values,) = [tomllib.loads(block) for block in blocks(text, "toml")]
    assert make_source({"id": "one", **values}, "the page").options == {"javascript": "all"}


def test_the_files_to_import_can_be_had_and_imported(
    sample: SampleSite, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (GUIDES.parent / "import-files.md").read_text(encoding="utf-8").replace(WRITTEN_FOR, sample.base_url)
    (fetched,) = [block for block in blocks(text, "sh") if block.startswith("curl")]
    folder, names = re.search(r'"(\S+)/\{(.+)\}"', fetched).groups()  # type: ignore[union-attr]
    monkeypatch.chdir(tmp_path)
    for name in names.split(","):
        with urlopen(f"{folder}/{name}") as answer:
            Path(name).write_bytes(answer.read())
    lines = "".join(blocks(text, "")).splitlines()
    assert [name for name in names.split(",") if f"import {name} " not in "".join(lines)] == []
    for line in lines:
        found = json.loads(minsheng(data_dir, *shlex.split(line)[1:], "--json").stdout)
        assert (found["skipped"], found["dates_estimated"]) == (0, 0), line
        assert found["imported"] >= 10, line


def test_a_login_that_ends_is_told(data_dir: Path) -> None:
    text = (GUIDES / "weibo_search.md").read_text(encoding="utf-8")
    (block,) = [block for block in blocks(text, "sh") if block.startswith("curl")]
    clock = ManualClock(datetime.now(UTC))
    with SampleSite(clock=clock) as site:
        first, *lines = block.replace(WRITTEN_FOR, site.base_url).splitlines()
        with urlopen(first.split()[1]) as answer:
            cookie = answer.read().decode()
        for line in lines:
            words = shlex.split(line)[1:]
            output = minsheng(data_dir, *words, given=cookie if "login" in words else None).output
        assert " 0 fetched" not in output and "want" not in output
        clock.advance(minutes=11)
        assert "wants a login" in minsheng(data_dir, "sources", "run", "members", code=1).output
    listed = json.loads(minsheng(data_dir, "sources", "list", "--json").stdout)["sources"]
    assert [one["state"] for one in listed] == ["cookie"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_its_files_work(kind: str, sample: SampleSite, mailbox: MailServer, tmp_path: Path) -> None:
    files = [tomllib.loads(block) for block in blocks(guide(kind, sample, mailbox), "toml")]
    assert files
    settings = Settings(data_dir=tmp_path, crawl=CrawlSettings(per_host_delay=0.0, allowed_networks=("127.0.0.1",)))
    store = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    Logins.from_settings(settings, store).give_password("one", PASSWORD, SystemClock().now())
    here = (sample.base_url, mailbox.url)
    for values in files:
        source = make_source({"id": "one", **values}, "the page")  # also where it can't be tried here
        if not source.url.startswith(here):
            continue
        checked = check(source, settings, SystemClock(), limit=3, store=store if kind == "mail" else None)
        assert checked.report.ok, checked.report.error
        assert checked.documents
    store.close()
    assert any(values["kind"] == kind and values["url"].startswith(here) for values in files)
