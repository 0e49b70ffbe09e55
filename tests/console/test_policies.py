"""Policies at the page: added, read from files, changed, repealed, interpreted, and watched around their release."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from docx import Document as Docx
from fastapi.testclient import TestClient
from httpx import Response

from minsheng.policies import Policy, PolicyRegister
from tests.briefings.small_world import DAY, MIDNIGHT, record
from tests.console.world import EVIL, ConsoleWorld, form_token, send

NOTICE = (
    "云岭市住房和城乡建设局文件", "云岭住建发〔2026〕15号", "云岭市住房和城乡建设局",
    "关于印发《云岭市住房租赁管理办法》的通知", "各区住房和城乡建设局：",
    "现将《云岭市住房租赁管理办法》印发给你们，请遵照执行。",
    "本办法自2026年7月1日起施行，有效期5年。", "云岭市住房和城乡建设局", "2026年6月1日",
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("policies"))
    yield made
    made.close()


def register(world: ConsoleWorld) -> PolicyRegister:
    return PolicyRegister(world.store, world.clock)


def fields(page: Response) -> dict[str, str]:
    """What a form shows, by name."""
    text = page.text
    found = dict(re.findall(r'<input(?: type="\w+")? name="(\w+)" value="([^"]*)"', text))
    found |= dict(re.findall(r'<textarea name="(\w+)"[^>]*>([^<]*)</textarea>', text))
    for name, options in re.findall(r'<select name="(\w+)">(.*?)</select>', text, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    found |= dict(re.findall(r'<input type="hidden" name="(policy|seen)" value="([^"]*)"', text))
    return found


def upload(client: TestClient, name: str, body: bytes) -> Response:
    token = form_token(client.get("/policies/edit"))
    answer: Response = client.post("/policies/import", data={"form_token": token}, files={"file": (name, body)})
    return answer


def docx(lines: tuple[str, ...]) -> bytes:
    made = Docx()
    for line in lines:
        made.add_paragraph(line)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def test_a_policy_is_read_from_its_file_looked_at_and_kept(desk: ConsoleWorld) -> None:
    client = desk.client("editor", "housing")
    page = upload(client, "办法.docx", docx(NOTICE))
    shown = fields(page)
    assert page.status_code == 200 and "请逐项核对" in page.text
    assert shown["title"] == "云岭市住房和城乡建设局关于印发《云岭市住房租赁管理办法》的通知"
    assert shown["number"] == "云岭住建发〔2026〕15号" and shown["id"] == "云岭住建发-2026-15"
    assert shown["department"] == "云岭市住房和城乡建设局"
    assert shown["aliases"] == "云岭市住房租赁管理办法"
    assert (shown["released_on"], shown["effective_on"], shown["stage"]) == ("2026-06-01", "2026-07-01", "released")
    assert register(desk).get(shown["id"]) is None, "nothing is kept before it was looked at"

    refused = send(client, "/policies/edit", "/policies/edit", **shown)
    assert refused.status_code == 400 and "本单位就看不到它了" in refused.text
    assert fields(refused)["title"] == shown["title"], "what was typed is still there"
    shown["department"] = "市住房和城乡建设局"
    assert send(client, "/policies/edit", "/policies/edit", **shown).status_code == 303
    kept = register(desk).get(shown["id"])
    assert kept is not None and kept.aliases == ("云岭市住房租赁管理办法",)
    assert [one.changed_by for one in register(desk).history(kept.id)] == ["editor-housing"]
    assert "可能已经登记过" in upload(client, "again.docx", docx(NOTICE)).text
    taken = send(client, "/policies/edit", "/policies/edit", **shown)
    assert taken.status_code == 400 and "编号已被使用" in taken.text


def test_a_page_is_read_too(desk: ConsoleWorld) -> None:
    said = {"文号": "云政发[2026]3号", "发布机构": "云岭市人民政府", "发布日期": "2026-05-02", "有效性": "有效"}
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in said.items())
    article = "　本规定所称公园，是指向公众开放的绿地和场所，由市园林部门负责管理维护。"
    body = "".join(f"<p>第{number}条{article}</p>" for number in range(1, 9))
    title = "云岭市公园管理规定"
    html = f"<html><head><title>{title}</title></head><body><table>{rows}</table><h1>{title}</h1><div>{body}</div>"
    shown = fields(upload(desk.client("duty"), "park.html", html.encode()))
    assert (shown["title"], shown["number"]) == ("云岭市公园管理规定", "云政发〔2026〕3号")
    assert (shown["department"], shown["released_on"]) == ("云岭市人民政府", "2026-05-02")


EDIT = "/policies/edit?policy=heating"
HEATING = "/policies/heating"


def bomb(kind: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        if kind == "zip":
            package.writestr("word/document.xml", b"<a>" + b" " * 31_000_000)
        else:
            laughs = "".join(f'<!ENTITY l{n} "{"&l" * 0}{f"&l{n - 1};" * 10}">' for n in range(1, 10))
            package.writestr("[Content_Types].xml", f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l9;</x>')
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.exe", b"MZ", "不读这种文件"),
        ("a.docx", b"PK\x03\x04broken", "读不出来"),
        ("a.docx", bomb("zip"), "解开后太大"),
        ("a.docx", bomb("xml"), "读不出来"),
        ("a.txt", b"   ", "没有可读的文字"),
        (f"{EVIL}.txt", b"", "没有可读的文字"),
    ],
)
def test_files_that_can_not_be_read_are_told_of(desk: ConsoleWorld, name: str, body: bytes, said: str) -> None:
    answer = upload(desk.client("duty"), name, body)
    assert answer.status_code == 400 and said in answer.text
    assert "<img src=x" not in answer.text


def test_a_change_is_kept_with_who_when_and_why(world: ConsoleWorld) -> None:
    client = world.client("editor", "housing")
    shown = fields(client.get("/policies/edit?policy=heating"))
    wrong = send(
        client,
        "/policies/edit?policy=heating",
        "/policies/edit",
        **{**shown, "released_on": "上周", "url": "javascript:x"},
    )
    assert wrong.status_code == 400
    assert "发布日期：不是日期" in wrong.text and "原文网址：应以 http" in wrong.text
    without = send(
        client, "/policies/edit?policy=heating", "/policies/edit", **{**shown, "aliases": "供暖新规\n取暖办法"}
    )
    assert without.status_code == 400 and "为什么修改" in without.text
    done = send(
        client,
        "/policies/edit?policy=heating",
        "/policies/edit",
        **{**shown, "aliases": "供暖新规\n取暖办法", "reason": "群众常用"},
    )
    assert done.status_code == 303
    page = client.get("/policies/heating/history").text
    assert "群众常用" in page and "供暖新规、取暖办法" in page and "editor-housing" in page
    versions = register(world).history("heating")
    assert [one.number for one in versions] == [2, 1]
    assert versions[1].changed_by == "" or versions[1].number == 1

    late = send(
        client, "/policies/edit?policy=heating", "/policies/edit", **{**shown, "aliases": "别的", "reason": "晚了"}
    )
    assert late.status_code == 400 and "别人已改过" in late.text
    assert register(world).get("heating").aliases == ("供暖新规", "取暖办法")  # type: ignore[union-attr]


def test_a_policy_is_repealed_and_followed(world: ConsoleWorld) -> None:
    client = world.client("duty")
    bad = send(
        client, "/policies/heating", "/policies/heating/repeal", repealed_on="2020-01-01", successor="", reason="x"
    )
    assert bad.status_code == 400 and "废止日期：早于" in bad.text
    done = send(
        client,
        "/policies/heating",
        "/policies/heating/repeal",
        repealed_on="2026-05-08",
        successor="school",
        reason="市政府令第3号",
    )
    assert done.status_code == 303
    kept = register(world).get("heating")
    assert kept is not None and (kept.stage, kept.successor) == ("repealed", "school")
    page = client.get("/policies/heating").text
    assert "已废止" in page and 'href="/policies/school"' in page
    assert (
        send(client, "/policies/school", "/policies/school/repeal", repealed_on="2027-01-01", reason="到期").status_code
        == 303
    )
    assert register(world).get("school").stage != "repealed", "not before its day"  # type: ignore[union-attr]


def test_what_explains_a_policy_stands_beside_it(world: ConsoleWorld) -> None:
    client = world.client("duty")
    bad = send(
        client,
        "/policies/heating",
        "/policies/heating/interpretations",
        form="text",
        title="",
        published_on="2026-05-06",
    )
    assert bad.status_code == 400 and "解读材料的标题" in bad.text
    given = {
        "form": "picture",
        "title": f"一图读懂{EVIL}",
        "published_on": "2026-05-06",
        "url": "https://a.example/x",
        "responsible": "王处长",
    }
    assert send(client, "/policies/heating", "/policies/heating/interpretations", **given).status_code == 303
    page = client.get("/policies/heating").text
    assert "图解：" in page and "王处长" in page and "<img src=x" not in page
    number = re.search(r"/interpretations/(\d+)/withdraw", page)
    assert number is not None
    other = send(client, "/policies/school", f"/policies/school/interpretations/{number[1]}/withdraw")
    assert other.status_code == 303 and "王处长" in client.get("/policies/heating").text, "of another policy: nothing"
    send(client, "/policies/heating", f"/policies/heating/interpretations/{number[1]}/withdraw")
    assert "王处长" not in client.get("/policies/heating").text


def test_releases_show_what_is_ready_and_their_first_reports(world: ConsoleWorld) -> None:
    from alerts.release.readiness import released_at
    from alerts.release.report import keep, release_report
    from alerts.release.watch import plan_timers

    policy = register(world).get("heating")
    assert policy is not None and policy.released_on is not None
    moment = released_at(policy, world.settings)
    assert moment is not None
    plan_timers(world.store, world.settings, world.clock)
    report = release_report(world.store, world.world.index, world.clock, policy, moment, 24)
    with world.store.begin() as connection:
        keep(world.store, connection, report)
    page = world.client("duty").get("/releases").text
    assert policy.title in page and "解读材料" in page
    path = f"/releases/heating/{policy.released_on}/24"
    assert path in page
    assert "发言者" in world.client("duty").get(path).text
    assert world.client("duty", "schools").get(path).status_code == 404
    assert policy.title not in world.client("duty", "schools").get("/releases?every=1").text
    assert world.client("operator").get(path).status_code == 403
    world.console.units.change(
        world.housing.id, name="住建局", kind="department", parent=world.whole.id, whole=False, policies=[],
        departments=["市住房和城乡建设局"], topics=[], regions=["云岭市东区"],
    )  # fmt: skip
    assert world.client("reader", "housing").get(path).status_code == 404, "it counts posts of all regions"


def test_policies_for_enterprises_have_a_view_of_their_own(world: ConsoleWorld) -> None:
    relief = Policy(id="relief", title="关于支持小微企业的税费措施", department="市住房和城乡建设局", effective_on=DAY)
    PolicyRegister(world.store, world.clock).import_policies([relief])
    world.world.index.write([
        record(f"relief-{number}", MIDNIGHT, "退税怎么办", request="inquiry" if number < 2 else "complaint",
               policy="relief") for number in range(5)
    ])  # fmt: skip
    world.world.index.refresh()
    page = world.client("duty").get("/policies/enterprise")
    assert page.status_code == 200 and "税费 1" in page.text
    row = page.text[page.text.index("/policies/relief") :].partition("</tr>")[0]
    assert re.findall(r">(\d+)</a></td>", row) == ["5", "2", "3"] and "供暖价格" not in page.text
    found = re.findall(r'href="(/search[^"]+request=inquiry[^"]*)"', row)
    assert "<b>2</b> 篇" in world.client("duty").get(html.unescape(found[0])).text
    assert "登记的政策里没有企业政策" in world.client("duty", "schools").get("/policies/enterprise").text
    operator = world.client("operator").get("/policies/enterprise").text
    assert "小微企业" in operator and "/search?" not in operator
