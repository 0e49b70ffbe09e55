"""Fixtures of the crawl tests: a local site, and a crawl stage over a real store and log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawlers.run import RunReport
from crawlers.stage import CrawlStage
from minsheng.clock import ManualClock
from minsheng.records import Document, decode
from minsheng.settings import CrawlSettings, ReceiveSettings, Settings
from stream.embedded import EmbeddedLog
from stream.log import DOCUMENTS
from tests.crawlers.local_site import LocalSite
from tests.stores import made_store

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)


@pytest.fixture
def site() -> Iterator[LocalSite]:
    opened = LocalSite()
    yield opened
    opened.close()


class Crawling:
    """A data folder with its store, log and crawl stage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(NOW)
        self.store = made_store(f"sqlite:///{folder / 'store.db'}")
        self.log = EmbeddedLog(folder / "log.db")
        self.crawl: dict[str, Any] = {
            "per_host_delay": 0.0,
            "per_host_concurrency": 4,
            "timeout": 5.0,
            "allowed_networks": ("127.0.0.1",),
        }
        self.receive: dict[str, Any] = {}

    @property
    def settings(self) -> Settings:
        return Settings(
            data_dir=self.folder, crawl=CrawlSettings(**self.crawl), receive=ReceiveSettings(**self.receive)
        )

    @property
    def stage(self) -> CrawlStage:
        return CrawlStage(self.settings, self.store, self.log, self.clock)

    def source(self, name: str, kind: str, url: str, /, **options: Any) -> None:
        """Write a source's file."""
        import tomlkit

        path = self.folder / "sources" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(tomlkit.dumps({"kind": kind, "url": url, "options": options}), encoding="utf-8")

    def run(self, *names: str) -> RunReport:
        """Crawl once; the report of the only source, or of the first that is named."""
        return self.stage.run_once(list(names) or None)[0]

    def documents(self) -> list[Document]:
        """Everything on the log, oldest first."""
        return [decode(Document, message.value) for message in self.log.read(DOCUMENTS)]

    def close(self) -> None:
        self.log.close()
        self.store.close()


@pytest.fixture
def crawling(tmp_path: Path) -> Iterator[Crawling]:
    opened = Crawling(tmp_path)
    yield opened
    opened.close()
