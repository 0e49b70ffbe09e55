"""Files in the binary formats of Office 97 to 2003, as LibreOffice writes them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from crawlers.attached import file_text
from crawlers.old_office import _pieces
from minsheng.errors import BadInput
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import article

FILES = Path(__file__).parent / "files"
DOC, XLS = (FILES / "measures.doc").read_bytes(), (FILES / "prices.xls").read_bytes()
WORDS = (
    "云江省阶梯水价实施办法\n第一条 为了保障居民用水，制定本办法。A price of 3.20 yuan.\n档次 价格\n第一档 3.20元\n"
    "详见省水务局网站。\n附则：本办法自2026年12月1日起施行。"
)
CELLS = "档次 年用水量 价格\n第一档 180立方米 3.2\n第二档 260立方米 4.8\n施行日期 2026-12-01"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [(DOC, "doc", WORDS), (DOC, "wps", WORDS), (DOC, "docx", WORDS), (XLS, "xls", CELLS), (XLS, "et", CELLS)],
)
def test_words_of_real_files_whatever_they_are_called(body: bytes, kind: str, words: str) -> None:
    assert file_text(body, kind, "http://h/f") == words


def test_newer_files_under_older_names() -> None:
    from sample.files import make

    assert file_text(make("docx", ("第一条",)), "doc", "f") == "第一条"
    assert "第一条" in file_text(make("xlsx", ("第一条",)), "xls", "f")


def test_pieces_of_one_byte_a_character_and_of_two() -> None:
    main = b"Notice \x93No. 7\x94" + "：水价".encode("utf-16-le")
    places = [0x4000_0000, 14]
    table = struct.pack("<3I", 0, 14, 17) + b"".join(struct.pack("<HIH", 0, place, 0) for place in places)
    clx = b"\x01\x02\x00ab" + b"\x02" + struct.pack("<I", len(table)) + table
    assert "".join(_pieces(main, clx)) == "Notice “No. 7”：水价"


def locked(body: bytes) -> bytes:
    at = body.index(struct.pack("<H", 0xA5EC)) + 0x0A
    (flags,) = struct.unpack_from("<H", body, at)
    return body[:at] + struct.pack("<H", flags | 0x0100) + body[at + 2 :]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (locked(DOC), "doc", "locked by a password"),
        (DOC[:3000], "doc", "can't be read as doc"),
        (DOC[:600], "doc", "can't be read as doc"),
        (XLS[:2000], "xls", "can't be read as xls"),
        (b"{\\rtf1 x}", "doc", "are not read"),
    ],
)
def test_what_is_locked_or_broken_is_told(body: bytes, kind: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        file_text(body, kind, "http://h/f")


def test_on_a_government_page(crawling: Crawling, site: LocalSite) -> None:
    names = ("measures.doc", "prices.xls", "slides.ppt")
    links = "".join(f'<p><a href="/f/{name}">{name}</a></p>' for name in names)
    site.put("/f/measures.doc", DOC, media_type="application/msword")
    site.put("/f/prices.xls", XLS, media_type="application/vnd.ms-excel")
    titles = ["云江省阶梯水价实施办法的通知", "关于做好冬季供水工作的通知"]
    rows = "".join(f'<li><a href="/a/{n}.html">{title}</a> 2026-11-23</li>' for n, title in enumerate(titles))
    site.put("/list", f"<html><body><ul>{rows}</ul></body></html>")
    for n, title in enumerate(titles):
        page, foot = article(title, "2026-11-23 12:30"), '</div><div class="foot"'
        site.put(f"/a/{n}.html", page.replace(foot, f"{links}{foot}"))
    crawling.source("one", "government", f"{site.url}/list")
    report = crawling.run()
    assert (report.ok, report.failed, report.rejected) == (True, 0, {})
    text = crawling.documents()[0].text
    assert f"【附件】measures.doc\n{WORDS}\n【附件】prices.xls\n{CELLS}" in text
    # What is not read says so, and keeps its link.
    assert text.endswith("【附件】slides.ppt（附件未读取：格式 PPT）")
    assert [file.name for file in crawling.documents()[0].attachments] == list(names)
