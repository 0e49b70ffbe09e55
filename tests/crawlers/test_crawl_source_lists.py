"""Lists of sources: OPML and TOML, there and back."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from crawlers.source_lists import read_list, recipes, take, to_opml, to_toml
from crawlers.sources import Source, read_folder
from crawlers.spiders import KINDS
from minsheng.errors import BadInput, WrongUse
from tests.crawlers.scenes import SCENES
from tests.crawlers.test_crawl_commands import data_dir, minsheng

__all__ = ["data_dir"]

FEED = Source(
    id="a",
    kind="feed",
    url="https://a.example/rss?x=1&y=2",
    name="云江<日报>",
    every="1h",
    note="要闻",
    quiet_after="2d",
)


def written(folder: Path) -> list[Source]:
    return [source for source, _ in read_folder(folder)[0].values()]


def test_feeds_go_out_and_come_back_as_opml(tmp_path: Path) -> None:
    full = Source(id="b", kind="feed", url="https://b.example/f", options={"full_text": True})
    other = Source(id="c", kind="listing", url="https://c.example/")
    text = to_opml([FEED, full, other])
    outlines = list(ElementTree.fromstring(text).iter("outline"))
    assert [(one.get("type"), one.get("text"), one.get("xmlUrl")) for one in outlines] == [
        ("rss", "云江<日报>", FEED.url),
        ("rss", "b", full.url),
    ]
    (tmp_path / "f.opml").write_text(text, encoding="utf-8")
    assert take(read_list(tmp_path / "f.opml"), tmp_path / "sources", []).left_out == []
    assert [(one.id, one.url, one.every, one.options) for one in written(tmp_path / "sources")] == [
        ("a", FEED.url, "1h", {}),
        ("b", full.url, "15m", {"full_text": True}),
    ]


def test_every_kind_goes_out_and_comes_back_as_toml(tmp_path: Path) -> None:
    sources = [
        Source(
            id=kind,
            kind=kind,
            url=f"{KINDS[kind].schemes[-1]}://h.example/",
            options=SCENES[kind].options("https://h.example") if kind in SCENES else {"user": "duty"},
            note="注",
        )
        for kind in sorted(KINDS)
    ]
    (tmp_path / "s.toml").write_text(to_toml(sources), encoding="utf-8")
    assert take(read_list(tmp_path / "s.toml"), tmp_path / "sources", []) == (sources, [])
    assert written(tmp_path / "sources") == sources


def test_other_readers_opml(tmp_path: Path) -> None:
    feeds = {
        name: f'<outline text="{name}" xmlUrl="https://h.example/feed{end}"/>'
        for name, end in (("A", ""), ("B", ".xml"))
    }
    text = (
        f'<?xml version="1.0"?><opml version="1.0"><body><outline text="新闻">{feeds["A"]}{feeds["B"]}</outline>'
        f'<outline text="C">{feeds["A"]}<outline text="D" xmlUrl="ftp://h.example/"/></outline></body></opml>'
    )
    (tmp_path / "r.opml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    known = [Source(id="h.example-feed", kind="feed", url="http://other.example/")]
    result = take(read_list(tmp_path / "r.opml"), tmp_path / "sources", known, enabled=False)
    assert [(one.id, one.name, one.note, one.enabled) for one in result.added] == [
        ("h.example-feed-2", "A", "新闻", False),
        ("h.example-feed-3", "B", "新闻", False),
    ]
    assert [name for name, _ in result.left_out] == ["D"]
    assert "no address" in result.left_out[0][1]


@pytest.mark.parametrize("text", ["<html/>", "<", "a = [", "a = 1", "sources = [1]"])
def test_what_is_no_list_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput):
        read_list(tmp_path / "f")
    with pytest.raises(WrongUse):
        read_list(tmp_path / "none")


def test_recipes_are_valid_and_say_that_nobody_tried_them(data_dir: Path, tmp_path: Path) -> None:
    found = recipes()
    assert len({one.id for one in found}) == len(found) >= 10
    assert all("not verified here" in one.note for one in found)
    assert [one.id for one in recipes("医疗")] == ["nhsa-documents"]
    assert recipes("医保") == recipes("医疗")  # as the guide has it
    text = minsheng(data_dir, "sources", "recipes", "hot", "--toml").stdout
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    assert take(read_list(tmp_path / "r.toml"), tmp_path / "sources", []).added == recipes("hot")


def test_the_commands(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "sources"
    folder.mkdir(parents=True)
    (folder / "a.toml").write_text('kind = "feed"\nurl = "https://a.example/rss"\n')
    (folder / "b.toml").write_text('kind = "page"\nurl = "https://b.example/"\n')
    minsheng(data_dir, "sources", "export", str(tmp_path / "all.toml"))
    minsheng(data_dir, "sources", "export", str(tmp_path / "feeds.opml"))
    assert "https://b.example" not in (tmp_path / "feeds.opml").read_text()
    (folder / "b.toml").unlink()
    said = json.loads(minsheng(data_dir, "sources", "import", str(tmp_path / "all.toml"), "--json").stdout)
    assert [source["id"] for source in said["added"]] == ["b"]
    assert said["left_out"] == [["a", "there is a source a already"]]
    with pytest.raises(WrongUse, match=r"\.opml or \.toml"):
        minsheng(data_dir, "sources", "export", str(tmp_path / "all.csv"))


def test_an_export_says_what_is_not_in_it(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "sources"
    folder.mkdir(parents=True)
    (folder / "a.toml").write_text('kind = "feed"\nurl = "https://a.example/rss?token=0123456789abcdef"\n')
    (folder / "b.toml").write_text('kind = "page"\nurl = "https://b.example/"\n')
    (folder / "c.toml").write_text('kind = "fed"\nurl = "https://c.example/"\n')
    said = minsheng(data_dir, "sources", "export", str(tmp_path / "feeds.opml")).output
    assert "c.toml, line 1: there is no source kind 'fed'" in said
    assert "left out: 1 that are no feeds" in said
    assert "without their keys and passwords: a;" in said
    assert "1 of 3 sources" in said
    said = minsheng(data_dir, "sources", "export", str(tmp_path / "all.toml"), "--with-secrets").output
    assert "without" not in said and "no feeds" not in said
    assert "2 of 3 sources" in said


def test_the_list_of_another_reader_comes_in_once(tmp_path: Path) -> None:
    outlines = "".join(f'<outline text="{n}" xmlUrl="http://h.example/{n}.xml"/>' for n in ("a", "b"))
    (tmp_path / "r.opml").write_text(f"<opml><body>{outlines}</body></opml>", encoding="utf-8")
    first = take(read_list(tmp_path / "r.opml"), tmp_path / "sources", [])
    assert (len(first.added), first.left_out) == (2, [])
    again = take(read_list(tmp_path / "r.opml"), tmp_path / "sources", first.added)
    assert again.added == []
    assert [reason for _, reason in again.left_out] == [f"it is there already, as {one.id}" for one in first.added]


@pytest.mark.parametrize(
    "url", ["http://[h.example/", "http://h.example:99999/", "http://h.example:port/f", "http:///f"]
)
def test_an_address_that_is_none_leaves_the_others_alone(url: str, tmp_path: Path) -> None:
    values = [{"kind": "feed", "url": url}, {"kind": "feed", "url": "http://h.example/f"}]
    result = take(values, tmp_path / "sources", [])
    assert [one.url for one in result.added] == ["http://h.example/f"]
    assert "is no address" in result.left_out[0][1]
