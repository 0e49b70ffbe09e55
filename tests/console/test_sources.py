"""Operators add a source, look at what it gives, and change it at the console."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from fastapi.testclient import TestClient
from httpx import Response

from crawlers.recording import record_run
from crawlers.run import RunReport
from crawlers.source_keeping import SourceKeeper, mark
from crawlers.sources import FOLDER, Source, load_sources, make_source, read_source, save, sync_folder
from minsheng.errors import WrongUse
from minsheng.settings import CrawlSettings
from tests.console.world import ConsoleWorld, send
from tests.crawlers.local_site import LocalSite

FEED = """<rss version="2.0"><channel><title>望津发布</title>
<item><title>望津市调整公交线路</title><link>http://127.0.0.1:{port}/a</link><guid>a</guid>
<description>自下周一起，三条公交线路调整。</description><pubDate>Thu, 07 May 2026 09:00:00 +0800</pubDate></item>
</channel></rss>"""


@pytest.fixture
def site() -> Iterator[LocalSite]:
    opened = LocalSite()
    opened.put("/rss.xml", FEED.format(port=opened.port), media_type="application/rss+xml; charset=utf-8")
    yield opened
    opened.close()


@pytest.fixture
def folder(shared_world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The console's data folder for one test, with a folder of sources."""
    crawl = CrawlSettings(allowed_networks=("127.0.0.1",), per_host_delay=0.0, timeout=5.0)
    settings = msgspec.structs.replace(shared_world.console.settings, data_dir=tmp_path, crawl=crawl)
    monkeypatch.setattr(shared_world.console, "settings", settings)
    (tmp_path / FOLDER).mkdir()
    return tmp_path / FOLDER


def fields(text: str) -> dict[str, str]:
    """What a browser would send of the page's form of a source."""
    found = dict(re.findall(r'<input name="(\w+)" value="([^"]*)"', text))
    found |= dict(re.findall(r'<input type="hidden" name="(seen)" value="([^"]*)"', text))
    kind = re.search(r'<option value="(\w+)" selected>', text)
    options = re.search(r'<textarea name="options"[^>]*>([^<]*)</textarea>', text)
    assert options is not None
    found |= {"options": options[1], **({"kind": kind[1]} if kind else {})}
    return {name: html.unescape(value) for name, value in found.items()}


def test_an_address_becomes_a_source_that_is_changed_later(
    shared_world: ConsoleWorld, folder: Path, site: LocalSite
) -> None:
    client = shared_world.client("operator")
    looked = send(client, "/sources/new", "/sources/look", url=f"{site.url}/rss.xml")
    assert looked.status_code == 200 and "望津市调整公交线路" in looked.text and "2026-05-07 09:00" in looked.text
    kept = send(client, "/sources/new", "/sources/look", url=f"{site.url}/rss.xml", every="15m", note="待核")
    assert fields(kept.text)["note"] == "待核"  # what was typed stays beside what is proposed
    proposed = fields(looked.text)
    assert (proposed["kind"], proposed["name"]) == ("feed", "望津发布")
    assert list(folder.iterdir()) == []  # a look stores nothing
    added = send(client, "/sources/new", "/sources/add", **{**proposed, "id": "wangjin"})
    assert added.headers["location"] == "/sources/of/wangjin"
    path = folder / "wangjin.toml"
    assert read_source(path).name == "望津发布"
    assert "望津发布" in client.get("/sources").text

    path.write_text("# 每季度核对一次\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    typed = fields(client.get("/sources/of/wangjin").text)
    assert send(client, "/sources/of/wangjin", "/sources/of/wangjin", **{**typed, "every": "2h"}).status_code == 303
    changed = read_source(path)
    assert (changed.every, changed.enabled) == ("2h", True)
    assert path.read_text(encoding="utf-8").startswith("# 每季度核对一次\n")

    late = send(client, "/sources/of/wangjin", "/sources/of/wangjin", **{**typed, "every": "3h"})
    assert late.status_code == 400 and "已被改动" in late.text and 'value="3h"' in late.text
    again = send(client, "/sources/of/wangjin", "/sources/of/wangjin", **{**typed, **fields(late.text)})
    assert again.status_code == 303 and read_source(path).every == "3h"  # who was told may save over it
    looked = send(client, "/sources/of/wangjin", "/sources/of/wangjin/look")
    assert looked.status_code == 200 and "望津市调整公交线路" in looked.text
    kinds = [line.action for line in shared_world.console.audit.list(actor="operator-whole")]
    assert {"source-added", "source-changed", "source-checked"} <= set(kinds)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"id": "A B"}, "编号“A B”不能用"),
        ({"url": "example.com/rss"}, "不是完整的地址"),
        ({"kind": "feeds"}, "没有“feeds”这个类型"),
        ({"every": "often"}, "抓取间隔写法不对"),
        ({"options": "pages = "}, "选项不是正确的 TOML"),
        ({"options": "pagez = 3"}, "可用的有"),
        ({"kind": ""}, "请填写类型"),
    ],
)
def test_what_can_not_be_used_is_told_and_kept_in_the_form(
    shared_world: ConsoleWorld, folder: Path, wrong: dict[str, str], words: str
) -> None:
    given = {"id": "x", "kind": "feed", "url": "https://example.com/rss", "every": "1h", "note": "待核", **wrong}
    answer = send(shared_world.client("operator"), "/sources/new", "/sources/add", **given)
    assert answer.status_code == 400 and words in html.unescape(answer.text) and 'value="待核"' in answer.text
    assert list(folder.iterdir()) == []


def test_an_address_that_gives_nothing_is_told(shared_world: ConsoleWorld, folder: Path, site: LocalSite) -> None:
    client = shared_world.client("operator")
    nothing = send(client, "/sources/new", "/sources/look", url=f"{site.url}/nowhere")
    assert nothing.status_code == 400 and "没有抓到内容" in nothing.text and "。请核对地址" in nothing.text
    private = send(client, "/sources/new", "/sources/look", url="http://10.0.0.1/rss", kind="feed")
    looked = [line.subject for line in shared_world.console.audit.list(action="source-checked", limit=2)]
    assert looked == ["http://10.0.0.1/rss", f"{site.url}/nowhere"]
    assert "10.0.0.1" in private.text and "什么也没有抓到" in private.text  # no network that the settings allow


def test_only_operators_change_sources(shared_world: ConsoleWorld, folder: Path) -> None:
    SourceKeeper(shared_world.store, folder, shared_world.clock).add(
        make_source({"id": "seen", "kind": "feed", "url": "https://example.com/rss"}, "test")
    )
    duty = shared_world.client("duty")
    page = duty.get("/sources/of/seen")
    assert page.status_code == 200 and "<textarea" not in page.text
    assert duty.get("/sources/new").status_code == 403
    assert send(duty, "/sources/of/seen", "/sources/of/seen", name="x").status_code == 403
    assert duty.get("/sources/of/unknown").status_code == 404


def test_a_hidden_secret_stays_and_a_row_needs_no_file(shared_world: ConsoleWorld, tmp_path: Path) -> None:
    keeper = SourceKeeper(shared_world.store, tmp_path / "not-there", shared_world.clock)
    options = {"items": "data", "fields": {"title": "t"}, "headers": {"Authorization": "Bearer s3cret"}}
    values = {"id": "api", "kind": "json_api", "url": "https://example.com/v1?token=abc123", "options": options}
    keeper.add(make_source(values, "test"))
    page = shared_world.client("operator").get("/sources/of/api").text
    assert "abc123" not in page and "s3cret" not in page
    typed = fields(page)
    client = shared_world.client("operator")
    answer = send(client, "/sources/of/api", "/sources/of/api", **{**typed, "name": "接口"})
    assert answer.status_code == 303, answer.text
    kept = keeper.get("api")
    assert kept.name == "接口" and "abc123" in kept.url
    assert kept.options["headers"] == {"Authorization": "Bearer s3cret"}
    # Who can't read the secret must not have it sent to a host of their own either.
    elsewhere = {**fields(client.get("/sources/of/api").text), "url": "https://elsewhere.example/v1"}
    answer = send(client, "/sources/of/api", "/sources/of/api", **elsewhere)
    assert answer.status_code == 400 and "请写上真实的密钥" in answer.text


def test_a_file_of_another_machine_is_changed_there(shared_world: ConsoleWorld, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "far.toml").write_text('kind = "feed"\nurl = "https://example.com/far"\n', encoding="utf-8")
    sync_folder(shared_world.store, folder)
    (folder / "far.toml").unlink()
    keeper = SourceKeeper(shared_world.store, tmp_path / "not-there", shared_world.clock)
    source = keeper.get("far")
    given = {**msgspec.to_builtins(source), "name": "远"}
    with pytest.raises(WrongUse, match="another machine"):
        keeper.change("far", given, mark(source))
    assert {one.id: one for one in load_sources(shared_world.store)}["far"] == source
    assert isinstance(source, Source)


def seen_on(client: TestClient, path: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', client.get(path).text)
    assert found is not None
    return found[1]


def test_a_source_is_stopped_resumed_and_removed_with_a_reason(shared_world: ConsoleWorld, folder: Path) -> None:
    client, page = shared_world.client("operator"), "/sources/of/old"
    path = folder / "old.toml"
    path.write_text('# 老网站\nkind = "feed"\nurl = "https://h.example/old"\nname = "旧报"\n', encoding="utf-8")
    (folder / "kept.toml").write_text('# 勿动\nkind = "feed"\nurl = "https://h.example/kept"\n', encoding="utf-8")
    sync_folder(shared_world.store, folder)

    def press(what: str, **fields: str) -> Response:
        return send(client, page, f"{page}/{what}", **{"seen": seen_on(client, page), "reason": "停刊", **fields})

    assert press("pause", reason=" ").status_code == 400  # no reason
    assert press("pause").status_code == 303
    assert (read_source(path).enabled, path.read_text(encoding="utf-8")[:5]) == (False, "# 老网站")
    assert press("pause").status_code == 303  # pressed twice
    shown = client.get(page).text
    assert "停刊" in shown and "启用后马上抓取一次" in shown
    assert press("resume", reason="复刊").status_code == 303
    assert read_source(path).enabled

    asked = client.get(f"{page}/remove").text
    assert "removed/old.toml" in asked and "已采到的信息留着" in asked
    late = press("remove", seen="0123456789abcdef", reason="网站关闭")
    assert late.status_code == 400 and "已被改动" in late.text and 'value="网站关闭"' in late.text
    removed = {"seen": seen_on(client, page), "reason": "网站关闭"}
    assert send(client, page, f"{page}/remove", **removed).headers["location"] == "/sources"
    assert [one.name for one in folder.glob("*.toml")] == ["kept.toml"]
    assert (folder / "kept.toml").read_text(encoding="utf-8").startswith("# 勿动\n")
    assert (folder / "removed" / "old.toml").read_text(encoding="utf-8").startswith("# 老网站\n")
    listed = client.get("/sources").text
    assert "移除的信源" in listed and "网站关闭" in listed and "/sources/of/old" not in listed
    assert client.get(page).status_code == 404
    assert send(client, "/sources", f"{page}/remove", **removed).status_code == 303  # pressed twice
    # What is left of it is still called by its name.
    assert (
        shared_world.console.view_of(shared_world.console.users.find("operator-whole")).source_names()["old"] == "旧报"
    )
    lines = [one for one in shared_world.console.audit.list(actor="operator-whole") if one.subject == "old"]
    assert [one.action for one in reversed(lines)] == ["source-paused", "source-resumed", "source-removed"]
    assert '"reason":"网站关闭"' in lines[0].detail
    sync_folder(shared_world.store, folder)
    assert "old" not in {one.id for one in load_sources(shared_world.store)}


def test_who_may_only_look_stops_nothing(shared_world: ConsoleWorld, folder: Path) -> None:
    SourceKeeper(shared_world.store, folder, shared_world.clock).add(
        make_source({"id": "looked-at", "kind": "feed", "url": "https://example.com/rss"}, "test")
    )
    duty, page = shared_world.client("duty"), "/sources/of/looked-at"
    assert f"{page}/remove" not in duty.get(page).text
    assert duty.get(f"{page}/remove").status_code == 403
    for what in ("pause", "resume", "remove"):
        assert send(duty, page, f"{page}/{what}", reason="x", seen="x").status_code == 403
    assert read_source(folder / "looked-at.toml").enabled


def test_what_went_wrong_is_told_in_the_language_of_the_page(shared_world: ConsoleWorld, folder: Path) -> None:
    source = make_source({"id": "away", "kind": "feed", "url": "https://h.example/away"}, "test")
    keeper = SourceKeeper(shared_world.store, folder, shared_world.clock)
    keeper.add(source)
    now = shared_world.clock.now()
    for _ in range(3):
        record_run(shared_world.store, source, RunReport(source="away", error="https://h.example/away: answered 503"),
                   now, now)  # fmt: skip
    operator, duty = shared_world.client("operator"), shared_world.client("duty")
    for client, path in ((operator, "/sources"), (operator, "/sources/of/away"), (duty, "/desk")):
        text = client.get(path).text
        assert "https://h.example/away：返回 503" in text and "answered 503" not in text
    client = shared_world.client("operator")
    client.cookies.set("minsheng-language", "en")
    assert "answered 503" in client.get("/sources/of/away").text
    keeper.remove("away", seen=mark(source), actor="test", reason="test")


def test_many_sources_are_turned_page_by_page(world: ConsoleWorld) -> None:
    """With 450 sources, what needs somebody first, and nothing larger than a page may be."""
    now = world.clock.now()
    many = [
        Source(id=f"s{number:04}", kind="feed", url=f"https://h{number}.example/rss", name=f"第{number}家报纸")
        for number in range(450)
    ]
    with world.store.begin() as connection:
        save(world.store, [(source, None) for source in many], connection)
    for source in many[::10]:
        for _ in range(3):
            failed = RunReport(source=source.id, error=f"{source.url}: no safe connection (TLS): certificate expired")
            record_run(world.store, source, failed, now, now)
    client = world.client("operator")
    first = client.get("/sources")
    assert len(first.content) < 300_000
    listed = re.findall(r'<td class="about"><a href="/sources/of/([^"]+)"', first.text)
    failing = [source.id for source in many[::10]]
    assert len(listed) == 50 and set(failing) <= set(listed[: len(failing) + 2])
    seen, address = [], "/sources?page=1"
    while address:
        text = client.get(address).text
        seen += re.findall(r'<td class="about"><a href="/sources/of/([^"]+)"', text)
        following = re.search(r'href="([^"]+)">下一页', text)
        address = html.unescape(following[1]) if following else ""
    assert len(seen) == len(set(seen)) and {source.id for source in many} <= set(seen)
    asked = client.get("/sources?state=failing&q=第10家").text
    assert re.findall(r'<td class="about"><a href="/sources/of/([^"]+)"', asked) == ["s0010"]
    assert "没有信源" in client.get("/sources?page=99").text
