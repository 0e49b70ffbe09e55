"""Source files: what is refused and how, and how they become rows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from crawlers.health import states
from crawlers.sources import Source, load_sources, period, read_source, seconds, sync_folder, write_source
from crawlers.spiders import KINDS
from minsheng.errors import WrongUse
from tests.crawlers.conftest import Crawling

GOOD = 'kind = "feed"\nurl = "https://yunjiang.example/rss.xml"\n'


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "sources" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_a_small_file(tmp_path: Path) -> None:
    source = read_source(write(tmp_path, "yunjiang", GOOD))
    assert source == Source(id="yunjiang", kind="feed", url="https://yunjiang.example/rss.xml")
    assert source.every_seconds == 900


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        (GOOD + 'evry = "1h"\n', "line 3: unknown key evry", "did you mean every?"),
        (GOOD + 'every = "15 minutes"\n', "line 3: every: '15 minutes' is no period", ""),
        (GOOD + 'every = "0m"\n', "line 3: every", ""),
        (GOOD + "enabled = 3\n", "line 3: enabled: Expected `bool`", ""),
        (GOOD.replace("feed", "fead"), "line 1: there is no source kind 'fead'", "did you mean feed?"),
        (GOOD.replace("https://", ""), "line 2", "whole"),
        ('kind = "feed"\n', "url is missing", ""),
        (GOOD + 'id = "云江"\n', "line 3: '云江' can't be an id", "lower-case"),
        (GOOD + "[options]\nfull_txt = true\n", "line 4: unknown option full_txt", "did you mean full_text?"),
        (GOOD + '[options]\nfull_text = "yes"\n', "line 4: options.full_text: Expected `bool`", ""),
        (GOOD + "options = 3\n", "line 3", ""),
        (GOOD + "every = \n", "line 3", ""),
        (GOOD.replace("feed", "listing") + "[options]\npages = 0\n", "pages must be between", ""),
        (GOOD.replace("feed", "weibo_search") + '[options]\nlong_text = "http://h/"\n', "{id}", ""),
        (GOOD.replace("feed", "board") + '[options.fields]\ntitel = "a"\n', "no field titel", ""),
    ],
)
def test_refuses_with_place_and_nearest_name(tmp_path: Path, text: str, problem: str, hint: str) -> None:
    path = write(tmp_path, "one", text)
    with pytest.raises(WrongUse) as refused:
        read_source(path)
    assert refused.value.message.startswith(str(path))
    assert problem in refused.value.message
    assert hint in refused.value.hint


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    source = Source(
        id="one",
        kind="listing",
        url="https://h.example/",
        name="云江要闻",
        every="1h",
        quiet_after="3d",
        note="每日更新",
        options={"pages": 2, "links": "ul.list a"},
    )
    path = write_source(source, tmp_path / "sources")
    assert read_source(path) == source
    with pytest.raises(WrongUse, match="already"):
        write_source(source, tmp_path / "sources")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_default_options_of_every_kind_fit(kind: str, tmp_path: Path) -> None:
    needed = {"user": "duty"} if kind == "mail" else {}  # a mailbox is somebody's
    options = "".join(f'\n[options]\n{name} = "{value}"\n' for name, value in needed.items())
    fitting = GOOD.replace("feed", kind).replace("https://", f"{KINDS[kind].schemes[-1]}://")
    assert read_source(write(tmp_path, "one", fitting + options)).kind == kind
    assert KINDS[kind].summary
    msgspec.convert(needed, KINDS[kind].Options)


def test_files_are_the_truth_about_their_rows(crawling: Crawling) -> None:
    folder = crawling.folder / "sources"
    write(crawling.folder, "one", GOOD)
    write(crawling.folder, "two", GOOD + 'name = "二号"\nquiet_after = "2d"\n')
    assert sync_folder(crawling.store, folder) == []
    assert [source.id for source in load_sources(crawling.store)] == ["one", "two"]
    assert load_sources(crawling.store)[1] == read_source(folder / "two.toml")
    write(crawling.folder, "two", GOOD + 'every = "1d"\n')
    (folder / "one.toml").unlink()
    sync_folder(crawling.store, folder)
    assert [(source.id, source.every) for source in load_sources(crawling.store)] == [("two", "1d")]


def test_a_broken_file_leaves_its_row_and_the_others(crawling: Crawling) -> None:
    folder = crawling.folder / "sources"
    write(crawling.folder, "one", GOOD)
    write(crawling.folder, "two", GOOD)
    sync_folder(crawling.store, folder)
    write(crawling.folder, "one", GOOD + "oops")
    write(crawling.folder, "three", GOOD)
    errors = sync_folder(crawling.store, folder)
    assert [error.message.startswith(str(folder / "one.toml")) for error in errors] == [True]
    assert [source.id for source in load_sources(crawling.store)] == ["one", "three", "two"]


def test_an_id_is_taken_once(crawling: Crawling) -> None:
    write(crawling.folder, "one", GOOD)
    write(crawling.folder, "two", GOOD + 'id = "one"\n')
    errors = sync_folder(crawling.store, crawling.folder / "sources")
    assert ["taken by one.toml" in str(error) for error in errors] == [True]


def test_a_new_source_is_new_and_one_that_is_off_is_off(crawling: Crawling) -> None:
    write(crawling.folder, "one", GOOD)
    write(crawling.folder, "two", GOOD + "enabled = false\n")
    sync_folder(crawling.store, crawling.folder / "sources")
    assert [state.state for state in states(crawling.store, crawling.clock)] == ["new", "off"]


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30), ("15m", 900), ("1h", 3600), ("1.5h", 5400), ("2d", 172800)]
)
def test_periods(text: str, expected: int) -> None:
    assert seconds(text) == expected
    assert seconds(period(expected)) == expected


DOCS = Path(__file__).parents[2] / "docs" / "reference" / "sources.md"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_and_option_is_documented(kind: str) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert f"## {kind}" in text
    section = text.split(f"## {kind}\n", 1)[1].split("\n## ", 1)[0]
    options = [field.name for field in msgspec.structs.fields(KINDS[kind].Options)]
    missing = [name for name in options if f"| `{name}` |" not in section]
    assert missing == []


def test_every_key_of_a_source_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [f.name for f in msgspec.structs.fields(Source) if f"| `{f.name}` |" not in text] == []
