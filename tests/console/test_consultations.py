"""The room 征求意见 in the browser: opened, filled, decided, published; the desk warns; scope and files."""

from __future__ import annotations

import io
from datetime import timedelta

from msgspec.structs import replace
from openpyxl import load_workbook

from consultations.book import ConsultationBook
from consultations.model import Comment
from minsheng.policies import PolicyRegister
from minsheng.records import scores_of
from tests.briefings.small_world import DAY, MIDNIGHT, record
from tests.console.world import EVIL, SCHOOL, ConsoleWorld, form_token, send

DRAFT = "第一条 为了公平入学，制定本办法。\n第二条 小学按户籍划片招生。\n第三条 本办法自2026年9月1日起施行。"
LETTERS = (
    "姓名,意见内容,态度\r\n"
    "王小明,第二条按户籍不公平，我是王小明，反对,反对\r\n"
    f"李四,\"{EVIL.replace(chr(34), chr(34) * 2)}\",建议\r\n"
    "赵五,=1+1 第三条太急,反对\r\n"
)  # fmt: skip


def test_a_consultation_from_its_draft_to_publication(world: ConsoleWorld) -> None:
    duty, leader = world.client("duty"), world.client("leader")
    closes = DAY - timedelta(days=28)
    fields = {"policy": SCHOOL, "opens_on": "2026-03-01", "closes_on": closes.isoformat()}
    refused = send(duty, "/consultations", "/consultations", **{**fields, "closes_on": "2026-01-01", "text": DRAFT})
    assert refused.status_code == 409 and "早于开始日期" in refused.text
    refused = send(duty, "/consultations", "/consultations", **fields)
    assert refused.status_code == 409 and "草案全文" in refused.text
    made = send(duty, "/consultations", "/consultations", **fields, text=DRAFT)
    page = "/consultations/ZQ0001"
    assert made.headers["location"] == page
    desk = duty.get("/desk").text
    assert f'href="{page}"' in desk and "还有 1 天" in desk
    world.clock.advance(days=2)
    duty, leader = world.client("duty"), world.client("leader")  # sessions end overnight
    assert "超期 1 天" in duty.get("/desk").text and "超期 1 天" in duty.get("/consultations?state=pressing").text

    token = form_token(duty.get(page))
    file = {"file": ("letters.csv", LETTERS.encode(), "text/csv")}
    answer = duty.post(f"{page}/import", data={"form_token": token}, files=file)
    assert "新收 3 份" in answer.text
    assert "新收 0 份" in duty.post(f"{page}/import", data={"form_token": token}, files=file).text
    wrong = {"file": ("letters.csv", "颜色\n红\n".encode(), "text/csv")}
    assert "意见内容" in duty.post(f"{page}/import", data={"form_token": token}, files=wrong).text
    assert send(duty, page, f"{page}/import").status_code == 409

    text = duty.get(f"{page}?opinion=1").text
    assert "第二条按户籍不公平" in text and "王小明" not in text and EVIL not in text
    assert duty.get(f"{page}?opinion=9").status_code == 404
    assert "要写明理由" in send(duty, page, f"{page}/decide", number="1", outcome="rejected").text
    given = {"number": "1", "version": "1", "outcome": "partly", "reason": "分步实行", "wording": "建议取消划片"}
    decided = send(duty, page, f"{page}/decide", **given)
    assert decided.status_code == 303
    assert "已决定了意见 1" in send(duty, page, f"{page}/decide", number="1", version="1", outcome="noted").text
    assert "还有 2 项意见没有决定" in send(leader, page, f"{page}/publish", do="publish").text
    assert send(duty, page, f"{page}/decide", number=["2", "3"], outcome="noted").status_code == 303

    report = duty.get(f"{page}/report")
    assert "建议取消划片" in report.text and "不公平" not in report.text and "内部资料" not in report.text
    assert duty.get(f"{page}/report?format=docx").content.startswith(b"PK")
    assert duty.get(f"{page}/report?format=json").status_code == 404
    cells = [cell for row in load_workbook(io.BytesIO(duty.get(f"{page}/export?what=comments").content)).active.values
             for cell in row if cell]  # fmt: skip
    assert "'=1+1 第三条太急" in cells and not any(str(cell).startswith("=") for cell in cells)
    assert duty.get(f"{page}/export?format=csv").content.startswith(b"\xef\xbb\xbf")
    kept = send(duty, page, "/briefings/make", kind="consultation", consultation="ZQ0001")
    assert kept.headers["location"].startswith("/briefings/kept/CN-")

    assert send(leader, page, f"{page}/publish", do="publish", url="https://yunling.example/1").status_code == 303
    assert f'href="{page}"' not in duty.get("/desk").text and "超期公开" in duty.get("/consultations").text
    assert send(leader, page, f"{page}/publish", do="take-back", reason="").status_code == 409
    assert send(leader, page, f"{page}/publish", do="take-back", reason="有误").status_code == 303
    assert "超期 1 天" in duty.get("/desk").text
    actions = [(line.action, line.subject) for line in world.console.audit.list(limit=100)]
    assert actions.count(("exported", "ZQ0001")) == 4
    assert ("consultation-changed", "ZQ0001") in actions


def test_monitored_opinions_are_taken_in_and_put_right(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    fields = {"policy": SCHOOL, "opens_on": "2026-05-01", "closes_on": DAY.isoformat(), "text": DRAFT}
    said = record("said", MIDNIGHT, "第二条按户籍划片不合理，电话13912345678", policy=SCHOOL)
    judged = replace(said.assessed, stance=scores_of("against"))
    world.world.index.write([replace(said, assessed=judged)])
    world.world.index.refresh()
    page = send(duty, "/consultations", "/consultations", **fields).headers["location"]
    text = send(duty, page, f"{page}/import", index="1").text
    assert "新收" in text and "新收 0 份" not in text
    book_page = duty.get(page).text
    assert "[电话]" in book_page and "13912345678" not in book_page
    (comment,) = [one for one in _comments(world) if one.document_id == said.document.id and one.clause == "第二条"]
    assert comment.stance == "against"
    number = comment.opinion
    assert f'href="/documents/{said.document.id}"' in duty.get(f"{page}?opinion={number}").text
    moved = send(duty, page, f"{page}/comments/{comment.name}", clause="第三条", stance="support")
    assert moved.status_code == 303
    assert [(one.clause, one.stance) for one in _comments(world) if one.name == comment.name] == [("第三条", "support")]
    assert "草案里没有" in send(duty, page, f"{page}/comments/{comment.name}", clause="第九条", stance="support").text


def _comments(world: ConsoleWorld) -> list[Comment]:
    book = ConsultationBook(world.store, world.clock)
    return book.comments(book.get("ZQ0001"))


def test_a_consultation_is_there_only_in_the_scope_of_its_policy(world: ConsoleWorld) -> None:
    whole = world.client("duty")
    fields = {"policy": "heating", "opens_on": "2026-03-01", "closes_on": "2026-03-31", "text": DRAFT}
    page = send(whole, "/consultations", "/consultations", **fields).headers["location"]
    register = PolicyRegister(world.store, world.clock)
    heating = register.get("heating")
    assert heating is not None
    for scope, status in (("whole", 200), ("housing", 200), ("schools", 404), ("none", 404)):
        client = world.client("duty", scope)
        for path in (page, f"{page}/report", f"{page}/export"):
            assert client.get(path).status_code == status, (scope, path)
        for path in ("/consultations", "/desk"):
            assert (heating.title in client.get(path).text) is (status == 200), (scope, path)
    outside = send(world.client("duty", "schools"), "/consultations", "/consultations", **fields)
    assert outside.status_code == 409
    units = world.console.units
    units.change(
        world.housing.id, name="住建局", kind="department", parent=world.whole.id, whole=False, policies=[],
        departments=["市住房和城乡建设局"], topics=[], regions=["云岭省东市"],
    )  # fmt: skip
    assert world.client("duty", "housing").get(page).status_code == 404, "letters are not told apart by region"
