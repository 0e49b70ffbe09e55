"""简报 in the console: from draft to issued, codes that open exactly their posts, and nothing for who sees a part."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import pytest

from briefings.issuing import receipts
from briefings.shelf import BriefingShelf
from minsheng.settings import DistributionSettings
from tests.briefings.small_world import DAY, burst
from tests.console.world import ConsoleWorld, send


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("briefings"))
    names = DistributionSettings(kinds=("daily",), to=("person:chen",), names=("市政府办公室",))
    briefing = msgspec.structs.replace(made.settings.briefing, distribution=(names,))
    made.console.settings = msgspec.structs.replace(made.settings, briefing=briefing)
    yield made
    made.close()


def shelf(world: ConsoleWorld) -> BriefingShelf:
    return BriefingShelf(world.store, world.console.settings, world.clock)


def made(world: ConsoleWorld) -> str:
    """The address of a new daily briefing."""
    answer = send(world.client("duty"), "/briefings", "/briefings/make", kind="daily", day=str(DAY))
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_a_briefing_goes_from_draft_to_the_leaders_phone(world: ConsoleWorld) -> None:
    duty, leader = world.client("duty"), world.client("leader")
    page = made(world)
    number = page.rpartition("/")[2]
    generated = shelf(world).get(number).generated.summary[0]
    editor = duty.get(f"{page}/edit").text
    fields = dict(re.findall(r'<textarea name="(p\d+)"[^>]*>([^<]*)</textarea>', editor))
    assert f"共收到信息{generated.parts[1].text}[1]条" in fields[generated.id]  # type: ignore[union-attr]
    changed = {generated.id: f"全市{fields[generated.id]}", "secrecy": "秘密★1年", "version": "1"}
    wrong = send(duty, f"{page}/edit", f"{page}/edit", **{**changed, generated.id: "共收到信息99[1]条。"})
    assert wrong.status_code == 409 and "依据代码 [1] 只能跟在它的数字后面" in wrong.text and "99[1]" in wrong.text
    assert send(duty, f"{page}/edit", f"{page}/edit", **changed).status_code == 303
    text = duty.get(page).text
    assert "全市共收到信息" in text and "人工修改" in text and "已修改" in text
    own = send(duty, page, f"{page}/step", do="review", version="2")
    assert own.status_code == 409 and "应由另一人审核" in own.text
    other = world.client("duty", "housing")  # another person, whose unit sees all for now
    world.console.users.change(
        world.console.users.find("duty-housing").id, display="审核人", roles=["duty"], unit_id=world.whole.id,
        disabled=False,
    )  # fmt: skip
    other = world.client("duty", "housing")
    assert send(other, page, f"{page}/step", do="review", version="2").status_code == 303
    assert send(duty, page, f"{page}/sign", do="sign", version="3").status_code == 403
    for _ in range(2):  # pressed twice
        assert send(leader, page, f"{page}/sign", do="sign", version="3").status_code == 303
    for _ in range(2):
        assert send(duty, page, f"{page}/step", do="issue", version="4").status_code == 303
    kept = shelf(world).get(number)
    assert (kept.status, kept.issue, kept.version) == ("issued", "〔2026〕第1期", 5)
    assert "〔2026〕第1期" in leader.get(page).text
    assert ("leader-whole", "opened") in {(one.who, one.state) for one in receipts(world.store, kept)}
    printed = leader.get(f"{page}/file")
    assert printed.headers["content-security-policy"].count("sha256-") >= 1 and "秘密★1年" in printed.text
    assert leader.get(f"{page}/file?format=docx").content.startswith(b"PK")
    assert leader.get(f"{page}/file?format=exe").status_code == 404
    assert leader.get(f"{page}/file?format=json").json()["head"]["issue"] == "〔2026〕第1期"
    assert send(leader, page, f"{page}/sign", do="withdraw", note="", version="5").status_code == 409
    assert send(leader, page, f"{page}/sign", do="withdraw", note="来源有误", version="5").status_code == 303
    for address in (page, f"{page}/file"):
        assert "撤回，请勿再用" in leader.get(address).text


def test_a_click_on_a_number_opens_exactly_those_posts(world: ConsoleWorld) -> None:
    leader, page = world.client("leader"), made(world)
    kept = shelf(world).get(page.rpartition("/")[2])
    (about,) = [one for one in kept.generated.evidence if one.title == "涉及《云岭市义务教育阶段招生工作方案》"]
    assert f'href="{page}/evidence/{about.code}"' in leader.get(page).text
    found = leader.get(f"{page}/evidence/{about.code}").text
    ids = re.findall(r'href="/documents/([^"#]+)"', found)
    school = [one.document.id for one in burst() if one.event.id == "enrol"]
    assert set(ids) == set(about.ids) >= set(school) and len(about.ids) == about.total
    box = leader.get("/briefings/code", params={"code": f"{kept.number.lower()}-{about.code}"})
    assert box.headers["location"] == f"{page}/evidence/{about.code}"
    nothing = leader.get("/briefings/code", params={"code": f"{kept.number}-9999"})
    assert nothing.status_code == 400 and "没有代码为 9999 的数字" in nothing.text
    assert leader.get(f"{page}/evidence/9999").status_code == 404


def test_a_correction_is_begun_on_the_page(world: ConsoleWorld) -> None:
    page = made(world)
    number = page.rpartition("/")[2]
    shelf(world).review(number, actor="a")
    shelf(world).sign(number, actor="b")
    duty = world.client("duty")
    assert send(duty, page, f"{page}/step", do="correct", note="").status_code == 409
    begun = send(duty, page, f"{page}/step", do="correct", note="漏列工单").headers["location"]
    assert begun != page and f"本期更正{number}" in duty.get(begun).text


def test_who_sees_a_part_finds_none(world: ConsoleWorld) -> None:
    page = made(world)
    for scope in ("schools", "none"):
        client = world.client("duty", scope)
        listed = client.get("/briefings").text
        assert "/briefings/kept/" not in listed and "只看到其中一部分" in listed
        for address in (page, f"{page}/file", f"{page}/evidence/1", f"{page}/edit", "/briefings/code?code=RB-1-1"):
            assert client.get(address).status_code == 404, address
        assert send(client, "/briefings", "/briefings/make", kind="daily").status_code == 404
    wrong = send(world.client("duty"), "/briefings", "/briefings/make", kind="hourly")
    assert wrong.status_code == 400 and "请选择要生成的简报" in wrong.text
    later = send(world.client("duty"), "/briefings", "/briefings/make", kind="daily", day="2099-01-01")
    assert later.status_code == 400 and "还没有到" in later.text


def test_a_statement_is_made_of_whole_days(world: ConsoleWorld) -> None:
    day = str(DAY)
    answer = send(
        world.client("duty"), "/briefings", "/briefings/make", kind="statement", **{"from": day, "to": day}
    )  # fmt: skip
    page = str(answer.headers["location"])
    kept = shelf(world).get(page.rpartition("/")[2])
    assert kept.number.startswith("HY-") and (kept.generated.until - kept.generated.since).days == 1
    assert "回应关切情况公开" in world.client("duty").get(page).text
    wrong = send(world.client("duty"), "/briefings", "/briefings/make", kind="statement", region="无此地")
    assert wrong.status_code == 400 and "无此地" in wrong.text


def test_two_days_two_policies_and_a_release_are_told_of(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    asked = (
        ({"day": "2026-05-08", "other_day": "2026-05-07"}, "5月7日与5月8日"),
        (
            {"policy": "heating", "other_policy": "school"},
            "《云岭市居民供暖价格调整办法》与《云岭市义务教育阶段招生工作方案》",
        ),
    )
    for fields, subject in asked:
        answer = send(duty, "/briefings", "/briefings/make", kind="comparison", **fields)
        assert subject in duty.get(answer.headers["location"]).text
    for fields in ({"day": "2026-05-08"}, {"policy": "heating"}, {"day": "2026-05-08", "other_day": "2026-05-08"}):
        assert send(duty, "/briefings", "/briefings/make", kind="comparison", **fields).status_code == 400
    early = send(duty, "/briefings", "/briefings/make", kind="release", policy="heating", hours="72")
    assert early.status_code == 400 and "72" in early.text


def test_a_special_report_is_begun_where_one_stands(world: ConsoleWorld) -> None:
    client = world.client("duty")
    for page, about, name in (("/events/heat", "event", "heat"), ("/policies/heating", "policy", "heating")):
        assert f'name="{about}" value="{name}"' in client.get(page).text
        made = send(client, page, "/briefings/make", **{"kind": "special", about: name})
        assert made.status_code == 303 and "专报" in client.get(made.headers["location"]).text
    assert 'action="/briefings/make"' not in world.client("duty", "schools").get("/policies/school").text


def test_texts_from_outside_are_text(world: ConsoleWorld) -> None:
    page = made(world)
    text = world.client("duty").get(page).text
    assert "&lt;script&gt;alert" in text
    assert "<script>alert" not in text and "<img src=x" not in text


def test_the_leader_reads_a_comparison_in_words(world: ConsoleWorld) -> None:
    leader = world.client("leader")
    page = leader.get("/leader").text
    first = re.search(r"<p>(共收到信息.*?)</p>", page)
    assert first is not None
    said = re.sub(r"<[^>]+>", "", first[1])
    # A comparison is told in words: its number stands only for its evidence.
    assert "历史数据不足" in said or "较前" in said
    assert "，0；" not in said
