"""Sources that are changed by hand: two at once, in rows and in files, and what is left of one that is removed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from crawlers import operator_tickets, source_keeping, tables
from crawlers.health import state_of
from crawlers.leases import Leases
from crawlers.operator_tickets import tickets
from crawlers.recording import record_run
from crawlers.run import RunReport
from crawlers.source_history import history, removed, source_names
from crawlers.source_keeping import SourceKeeper, mark
from crawlers.source_lock import locked
from crawlers.sources import Source, load_sources, make_source, read_source, save, sync_folder
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.store import Store
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import put_up
from tests.stores import made_store

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
ONE = Source(id="one", kind="feed", url="https://h.example/rss", name="望津发布")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    opened = made_store(url if request.param == "sqlite" else request.getfixturevalue("postgresql_url"))
    yield opened
    opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(params=["row", "file"])
def keeper(request: pytest.FixtureRequest, store: Store, clock: ManualClock, tmp_path: Path) -> SourceKeeper:
    """Of one source, which is a row alone or has a file."""
    folder = tmp_path / "sources"
    if request.param == "file":
        folder.mkdir()
    made = SourceKeeper(store, folder, clock)
    made.add(ONE)
    assert (made.file_of("one") is not None) == (request.param == "file")
    return made


def values(source: Source, **other: Any) -> dict[str, Any]:
    return {**msgspec.to_builtins(source), **other}


def test_of_two_who_change_it_in_the_same_moment_one_is_told(
    keeper: SourceKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked at the same, and both are past every check that is made before the change itself."""
    seen, together = mark(keeper.get("one")), threading.Barrier(2, timeout=10)
    file_of = SourceKeeper.file_of

    def at_once(self: SourceKeeper, source_id: str) -> Path | None:
        found = file_of(self, source_id)
        together.wait()
        return found

    monkeypatch.setattr(SourceKeeper, "file_of", at_once)
    told: list[str] = []

    def change(name: str) -> None:
        try:
            keeper.change("one", values(ONE, name=name), seen)
        except WrongUse as error:
            told.append(error.problem.code if error.problem else "")
        else:
            told.append(name)

    threads = [threading.Thread(target=change, args=(name,)) for name in ("甲", "乙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told)[0] == "source-changed" and len(told) == 2
    assert keeper.get("one").name == sorted(told)[1]


def test_of_two_who_add_the_same_id_one_is_told(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    keeper = SourceKeeper(store, tmp_path / "not-there", clock)
    together = threading.Barrier(2, timeout=10)
    told: list[str] = []

    def add(name: str) -> None:
        together.wait()
        try:
            keeper.add(msgspec.structs.replace(ONE, name=name))
        except WrongUse as error:
            told.append(error.problem.code if error.problem else "")
        else:
            told.append(name)

    threads = [threading.Thread(target=add, args=(name,)) for name in ("甲", "乙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told)[0] == "source-taken" and keeper.get("one").name == sorted(told)[1]


def test_what_an_editor_wrote_meanwhile_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, folder = made_store(f"sqlite:///{tmp_path / 'store.db'}"), tmp_path / "sources"
    folder.mkdir()
    keeper = SourceKeeper(store, folder, ManualClock(NOW))
    keeper.add(ONE)
    path, seen = folder / "one.toml", mark(ONE)
    typed = values(ONE, name="按网页改")
    # Before the change: no crawl has read it yet.
    path.write_text(path.read_text(encoding="utf-8").replace("15m", "30m"), encoding="utf-8")
    with pytest.raises(WrongUse, match="changed meanwhile"):
        keeper.change("one", typed, seen)
    assert (read_source(path).every, keeper.get("one").every) == ("30m", "30m")  # who is told sees it now
    # In the middle of it: an editor asks for no lock.
    written = source_keeping.source_file

    def while_an_editor_writes(source: Source) -> str:
        path.write_text(f"# 刚写的\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
        return written(source)

    monkeypatch.setattr(source_keeping, "source_file", while_an_editor_writes)
    with pytest.raises(WrongUse, match="changed meanwhile"):
        keeper.change("one", typed, mark(keeper.get("one")))
    assert path.read_text(encoding="utf-8").startswith("# 刚写的\n") and read_source(path).name == ONE.name
    assert [one.name for one in folder.iterdir()] == ["one.toml"]  # no draft is left behind
    assert keeper.get("one").name == ONE.name
    monkeypatch.undo()
    # The same times, written in another way, are no change.
    path.write_text(path.read_text(encoding="utf-8").replace("30m", "1800s"), encoding="utf-8")
    keeper.change("one", typed, mark(keeper.get("one")))
    assert read_source(path).name == "按网页改"
    path.write_text("kind = ", encoding="utf-8")
    with pytest.raises(WrongUse) as broken:
        keeper.change("one", typed, mark(keeper.get("one")))
    assert broken.value.problem is not None and broken.value.problem.code == "source-file-broken"
    keeper.remove("one", seen=mark(keeper.get("one")), actor="x", reason="写坏了")  # what is broken can be taken away
    assert not path.exists()
    store.close()


def test_a_reading_of_the_folder_waits_for_a_change(tmp_path: Path) -> None:
    store, folder = made_store(f"sqlite:///{tmp_path / 'store.db'}"), tmp_path / "sources"
    folder.mkdir()
    (folder / "one.toml").write_text('kind = "feed"\nurl = "https://h.example/rss"\n', encoding="utf-8")
    reading = threading.Thread(target=sync_folder, args=(store, folder))
    with locked(folder):
        reading.start()
        reading.join(0.3)
        assert reading.is_alive() and load_sources(store) == []
    reading.join(10)
    assert [one.id for one in load_sources(store)] == ["one"]
    store.close()


def test_one_that_is_stopped_is_not_leased_and_goes_on_anew(
    keeper: SourceKeeper, store: Store, clock: ManualClock
) -> None:
    leases = Leases(store, clock)
    leases.beat()
    leases.make_rows(["one"])
    record_run(store, ONE, RunReport(source="one", ok=True, looked=True, items=1, new=1, recent=1), NOW, NOW)
    with store.begin() as connection:
        operator_tickets.note(store, connection, "one", NOW, ("late", "迟到", "", ""))
    clock.advance(hours=1)
    assert keeper.switch("one", enabled=False, seen=mark(ONE), actor="op", reason=" 停\n刊 ")
    assert leases.claim(10).sources == [] and tickets(store) == []
    paused = keeper.get("one")
    assert not keeper.switch("one", enabled=False, seen=mark(paused), actor="op", reason="再按一次")
    with pytest.raises(WrongUse):
        keeper.switch("one", enabled=True, seen=mark(paused), actor="op", reason="  ")
    clock.advance(days=30)
    keeper.switch("one", enabled=True, seen=mark(paused), actor="op", reason="复刊")
    state = state_of(store, clock, "one")
    # What it did not say while nobody asked says nothing of it.
    assert state is not None and (state.state, state.last_item_at) == ("new", clock.now())
    assert leases.claim(10).sources == ["one"]
    assert [(one.action, one.actor, one.reason) for one in history(store, "one")] == [
        ("resumed", "op", "复刊"), ("paused", "op", "停 刊"),
    ]  # fmt: skip


def test_of_one_that_is_removed_its_documents_and_its_name_are_left(
    keeper: SourceKeeper, store: Store, clock: ManualClock
) -> None:
    leases = Leases(store, clock)
    leases.beat()
    leases.make_rows(["one"])
    with store.begin() as connection:
        connection.execute(sa.update(tables.crawl_state).values(next_run_at=NOW))
        operator_tickets.note(store, connection, "one", NOW, ("failing", "失败", "", ""))
        connection.execute(tables.source_logins.insert().values(source_id="one", sealed="x", given_at=NOW))
        document = {"id": "d", "source_id": "one", "content_hash": "h", "revision": 1, "reach": 0, "published_at": NOW,
                    "stored_at": NOW}  # fmt: skip
        connection.execute(tables.crawl_documents.insert().values(**document))
    assert leases.claim(10).sources == ["one"]  # a run is under way
    with pytest.raises(WrongUse):
        keeper.remove("one", seen=mark(ONE), actor="op", reason="")
    keeper.remove("one", seen=mark(ONE), actor="op", reason="关停")
    record_run(
        store, ONE, RunReport(source="one", ok=True, looked=True, items=1), NOW, NOW + timedelta(minutes=1),
        worker=leases.worker,
    )  # fmt: skip
    assert load_sources(store) == [] and tickets(store) == []
    with store.read() as connection:
        for table in (tables.crawl_state, tables.crawl_hours, tables.source_logins):
            assert connection.execute(sa.select(table)).all() == []
        assert source_names(connection) == {"one": "望津发布"}
    assert keeper.documents("one") == 1
    assert [(one.source, one.reason) for one in removed(store)] == [("one", "关停")]
    with pytest.raises(WrongUse, match="there is no source"):
        keeper.remove("one", seen=mark(ONE), actor="op", reason="关停")
    keeper.add(msgspec.structs.replace(ONE, name="又来"))  # its id is free again
    assert removed(store) == []
    with store.read() as connection:
        assert source_names(connection) == {"one": "又来"}
    keeper.remove("one", seen=mark(keeper.get("one")), actor="op", reason="又关")  # beside its first file


def test_a_source_that_is_removed_while_it_is_crawled_ends_there(crawling: Crawling, site: LocalSite) -> None:
    url, options = put_up("feed", site)
    crawling.source("one", "feed", url, **options)
    keeper = SourceKeeper(crawling.store, crawling.folder / "sources", crawling.clock)
    assert crawling.run("one").ok
    brought = len(crawling.documents())
    keeper.remove("one", seen=mark(keeper.get("one")), actor="op", reason="关停")
    assert crawling.stage.run_once() == [] and brought == len(crawling.documents()) > 0


def test_what_is_kept_of_a_removed_source_holds_no_secret(tmp_path: Path) -> None:
    store = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    source = make_source({"id": "api", "kind": "feed", "url": "https://h.example/v1?token=abc123"}, "test")
    with store.begin() as connection:
        save(store, [(source, None)], connection)
    SourceKeeper(store, tmp_path / "not-there", ManualClock(NOW)).remove(
        "api", seen=mark(source), actor="op", reason="见 https://h.example/v1?token=abc123"
    )
    assert "abc123" not in str(removed(store))
    store.close()
