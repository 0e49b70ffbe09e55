"""Saved searches at the page: one's own alone, within one's scope, and what is new of them once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from msgspec.structs import replace

from console.owners import Owners
from console.routes.searches import asked_of
from console.units import UnitBook
from minsheng.clock import ManualClock
from minsheng.records import Grouped
from search.saved import SavedSearches
from tests.briefings.small_world import MIDNIGHT, record
from tests.console.world import HEATING, SCHOOL, ConsoleWorld


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("saved"))
    yield made
    made.close()


def send(client: TestClient, path: str, **fields: str) -> Response:
    token = re.search(r'name="form_token" value="([^"]+)"', client.get("/searches").text)
    assert token is not None
    return client.post(path, data={"form_token": token[1], **fields})


def fetched(world: ConsoleWorld, name: str, text: str, policy: str) -> Grouped:
    made = record(name, MIDNIGHT, text, policy=policy, event=f"saved-{name}")
    document = replace(made.document, fetched_at=world.clock.now() + timedelta(seconds=1))
    return replace(made, assessed=replace(made.assessed, document=document))


def test_a_search_is_kept_with_its_filters_and_gives_what_is_new_once(world: ConsoleWorld) -> None:
    duty, other = world.client("duty"), world.client("reader", "housing")
    form = duty.get("/searches?q=供暖&policy=heating&since=2026-05-01")
    assert 'name="policy" value="heating"' in form.text and 'value="供暖"' in form.text
    kept = {"name": "供暖投诉", "q": "供暖", "policy": HEATING, "exclude": "演练，测试", "notify": "1"}
    assert send(duty, "/searches", **kept).status_code == 303
    saved = SavedSearches(world.store, world.clock).all("duty-whole")
    assert [(one.name, one.query, one.exclude, one.notify) for one in saved] == [
        ("供暖投诉", "供暖", ("演练", "测试"), True)
    ]
    assert (
        asked_of(saved[0]).address()
        == "/search?q=%E4%BE%9B%E6%9A%96+-%22%E6%BC%94%E7%BB%83%22+-%22%E6%B5%8B%E8%AF%95%22&policy=heating"
    )
    number = saved[0].id
    assert "没有新增" in send(duty, f"/searches/{number}", do="news").text
    world.world.index.write([
        fetched(world, "new-1", "供暖又停了。", HEATING), fetched(world, "new-2", "供暖演练通知。", HEATING),
        fetched(world, "new-3", "学校供暖。", SCHOOL),
    ])  # fmt: skip
    world.world.index.refresh()
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(seconds=5)
    news = send(duty, f"/searches/{number}", do="news").text
    assert "新增 1 篇" in news and "又停了" in news
    assert "没有新增" in send(duty, f"/searches/{number}", do="news").text
    # Nobody else sees it, asks it or takes it away.
    assert "供暖投诉" not in other.get("/searches").text
    for do in ("news", "remove"):
        answer = send(other, f"/searches/{number}", do=do)
        assert answer.status_code == 400 and "供暖投诉" not in answer.text
    assert send(duty, f"/searches/{number}", do="remove").status_code == 303
    assert SavedSearches(world.store, world.clock).all("duty-whole") == []


def test_news_are_those_of_the_scope(world: ConsoleWorld) -> None:
    housing = world.client("reader", "housing")
    send(housing, "/searches", name="全部", q="")
    number = SavedSearches(world.store, world.clock).all("reader-housing")[0].id
    world.world.index.write(
        [fetched(world, "mine", "暖气漏水。", HEATING), fetched(world, "theirs", "学区划分。", SCHOOL)]
    )
    world.world.index.refresh()
    news = send(housing, f"/searches/{number}", do="news").text
    assert "暖气漏水" in news and "学区划分" not in news


def test_what_is_typed_is_kept_where_it_can_not_be_saved(world: ConsoleWorld) -> None:
    answer = send(world.client("duty"), "/searches", name="  ", q="(((供暖", exclude="演练")
    assert answer.status_code == 400 and 'value="(((供暖"' in answer.text and 'value="演练"' in answer.text
    assert "请填写名称" in answer.text


def test_copies_are_shown_once_with_how_many_there_are(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    copies = [record(f"copy-{number}", MIDNIGHT, "桥梁封闭施工公告", event="bridge") for number in range(30)]
    same = [replace(one, duplicate=replace(one.duplicate, group="bridge-1")) for one in copies]
    world.world.index.write(same)
    world.world.index.refresh()
    page = duty.get("/search?q=桥梁封闭").text
    assert page.count("data-row") == 1 and "同文 30 篇" in page and "合并同文后 1 条" in page
    address = re.search(r'href="([^"]*same=bridge-1[^"]*)"', page)
    assert address is not None
    assert duty.get(address[1].replace("&amp;", "&")).text.count("data-row") == 20


def test_json_lines_hold_what_is_found_and_say_where_it_is_not_all(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    lines = duty.get("/search/export?q=供暖&format=jsonl").text.splitlines()
    found = [json.loads(line) for line in lines]
    same = ("供暖", "暖气", "供热", "采暖")
    assert found and all(any(word in one["title"] + one["text"] for word in same) for one in found)
    assert all(set(one) >= {"id", "labels", "text", "published_at"} for one in found)
    limited = world.console.settings.console
    world.console.settings = replace(world.console.settings, console=replace(limited, export_rows=2))
    try:
        cut = [json.loads(line) for line in duty.get("/search/export?q=供暖&format=jsonl").text.splitlines()]
    finally:
        world.console.settings = replace(world.console.settings, console=limited)
    assert len(cut) == 3 and "只含前 2 篇" in cut[-1]["note"]


def test_words_mean_what_they_mean_in_search_at_every_page(world: ConsoleWorld) -> None:
    """Synonyms, other names of the viewer's own policies, and sources by name; what is in quotes is as typed."""
    duty, schools = world.client("duty"), world.client("duty", "schools")
    send(duty, "/searches", name="断水", q="停水")
    world.world.index.write([
        fetched(world, "cut", "昨天又断水。", HEATING), fetched(world, "own", "断水通知。", SCHOOL),
        fetched(world, "named", "云岭市居民供暖价格调整办法何时施行？", HEATING),
        fetched(world, "said", "有人转云岭市居民供暖价格调整办法。", SCHOOL),
    ])  # fmt: skip
    world.world.index.refresh()
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(seconds=5)
    assert "昨天又" in duty.get("/search?q=停水").text and "昨天又" not in duty.get('/search?q="停水"').text
    assert schools.get("/api/v1/documents?q=停水").json()["total"] == 1
    assert "昨天又" in duty.get("/search/export?q=停水&format=jsonl").text
    number = SavedSearches(world.store, world.clock).all("duty-whole")[0].id
    assert "昨天又" in send(duty, f"/searches/{number}", do="news").text
    assert "何时施行" in duty.get("/search?q=供暖新规").text
    theirs = schools.get("/api/v1/documents?q=供暖新规").json()
    assert theirs["total"] == 0, "that name is of a policy that is not theirs"
    assert "昨天又" in duty.get("/search?q=停水 信源:云岭论坛").text
    assert "昨天又" not in duty.get("/search?q=停水 信源:云岭日报").text


def test_a_search_that_finds_nothing_is_widened_and_says_so(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    world.world.index.write([fetched(world, "ferry", "渡口的缆绳断了。", HEATING)])
    world.world.index.refresh()
    page, said = duty.get("/search?q=缆绳 检修").text, "含全部词的很少"
    assert said in page and "渡口的" in page
    assert "渡口的" in duty.get("/search/export?q=缆绳 检修&format=jsonl").text
    assert said not in duty.get("/search?q=缆绳").text
    assert duty.get("/api/v1/documents?q=缆绳 检修").json()["total"] == 0


def test_the_audit_log_is_exported_with_its_filters(world: ConsoleWorld) -> None:
    auditor = world.client("auditor")
    world.client("duty").get("/search?q==1%2B1")
    rows = auditor.get("/admin/audit/export?action=searched&format=csv").text.splitlines()
    assert rows[0].lstrip("\ufeff").startswith("序号,时间,用户名")
    assert len(rows) > 1 and all(",检索," in row for row in rows[1:])
    assert any("'=1+1" in row for row in rows)
    assert auditor.get("/admin/audit/export?format=docx").status_code == 404
    assert world.client("duty").get("/admin/audit/export").status_code == 403


def test_a_kept_search_follows_what_units_call_an_area_and_what_events_become(tmp_path: Path) -> None:
    world = ConsoleWorld(tmp_path)
    duty = world.client("duty")
    kept = {"name": "云江的", "q": "停暖", "area": "云江省"}
    assert send(duty, "/searches", **kept).status_code == 303
    book = SavedSearches(world.store, world.clock)
    saved = book.all("duty-whole")[0]
    assert saved.filters.areas == ("云江省",)
    assert asked_of(saved).given == {"area": ("云江省",)}
    post = fetched(world, "renamed", "停暖三天了。", HEATING)
    world.world.index.write([replace(post, assessed=replace(post.assessed, places=("望津市白榆区",)))])
    world.world.index.refresh()
    assert "没有新增" in send(duty, f"/searches/{saved.id}", do="news").text
    UnitBook(world.store, world.clock).add("望津市", "city", whole=True, regions=["望津市", "云江省望津市"])
    narrow = Owners(world.store, world.world.index, world.clock).narrow("duty-whole")
    assert narrow is not None and narrow(saved.filters).areas == ("云江", "望津市")
    assert "新增 1 篇" in send(duty, f"/searches/{saved.id}", do="news").text
    world.close()
