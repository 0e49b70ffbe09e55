"""The rooms beside tickets: change of shift, roster, plans, rules, channels, dead letters, questions and answers."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts.duty.book import BookShelf
from alerts.duty.changes import DutyChanges
from alerts.planning.shelf import stored_plans
from alerts.rules.book import RuleBook
from answers.book import AnswerBook
from classifiers.corrections import CorrectionBook
from console.handovers import HandoverBook
from grouping.tables import events
from tests.briefings.small_world import MIDNIGHT, burst
from tests.console.world import ConsoleWorld, form_token, send

BOOK = """
[[people]]
id = "zhang"
name = "张三"
[[people]]
id = "li"
name = "李四"
[[rosters]]
id = "desk"
name = "值班室"
starts = 2026-05-01
[[rosters.shifts]]
name = "全天"
hours = "08:00-08:00"
people = ["zhang", "li"]
rotate = "day"
"""
PLAN = """
id = "heating-price"
title = "供暖价格预案"
version = 1
policies = ["heating"]
[[steps]]
title = "核对收费"
within_minutes = 60
"""


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("rooms"))
    yield made
    made.close()


def test_a_shift_is_handed_over_with_two_signatures(rooms: ConsoleWorld) -> None:
    goes, comes = rooms.client("duty"), rooms.client("editor")
    rooms.console.users.change(
        rooms.console.users.find("editor-whole").id, display="接班人", roles=["duty"], unit_id=rooms.whole.id,
        disabled=False,
    )  # fmt: skip
    comes = rooms.client("editor")
    assert "T0001" in goes.get("/handover").text  # what is open is written down already
    assert (
        send(goes, "/handover", "/handover", version="0", open="一件未了", done="", watch="看供暖").status_code == 303
    )
    late = send(comes, "/handover", "/handover", version="0", open="我写的另一段")
    assert late.status_code == 409 and "我写的另一段" in late.text
    signed = send(goes, "/handover", "/handover", version="1", open="一件未了", done="", watch="看供暖", sign="1")
    assert signed.status_code == 303
    book = HandoverBook(rooms.store, rooms.clock)
    (kept,) = book.list(rooms.whole.id)
    assert kept.signed_at and kept.intact and {"T0001", "T0005"} <= {one["number"] for one in kept.tickets}
    own = send(goes, "/handover", f"/handover/{kept.id}/take")
    assert own.status_code == 409 and "两个人签字" in own.text
    assert [send(comes, "/handover", f"/handover/{kept.id}/take").status_code for _ in range(2)] == [303, 303]
    assert book.list(rooms.whole.id)[0].taken_by == "editor-whole"
    made = send(goes, "/handover", "/briefings/make", kind="shift")
    assert made.status_code == 303 and "值班交接摘要" in goes.get(made.headers["location"]).text
    assert "生成值班交接摘要" not in rooms.client("duty", "housing").get("/handover").text
    # Another unit's duty room sees nothing of it.
    assert "看供暖" not in rooms.client("duty", "housing").get("/handover").text
    other = send(rooms.client("duty", "housing"), "/handover", f"/handover/{kept.id}/take")
    assert other.status_code == 409 and "没有这份交接" in other.text


def test_the_duty_book_is_checked_kept_and_changed_for_a_day(rooms: ConsoleWorld) -> None:
    duty = rooms.client("duty")
    wrong = send(duty, "/roster", "/roster/book", revision="0", content=BOOK.replace('"li"]', '"wang"]'))
    assert wrong.status_code == 400 and "wang" in wrong.text
    assert send(duty, "/roster", "/roster/book", revision="0", content=BOOK).status_code == 303
    newest = BookShelf(rooms.store).revisions()[0]
    assert newest.actor == "duty-whole"
    late = send(duty, "/roster", "/roster/book", revision="0", content=BOOK + "# anders")
    assert late.status_code == 400 and "已更新过值守手册" in late.text
    page = duty.get("/roster").text
    assert "张三" in page and "李四" in page
    away = {"person": "zhang", "by": "li", "since": "2026-05-09T08:00", "until": "2026-05-10T08:00", "reason": "出差"}
    for _ in range(2):
        assert send(duty, "/roster", "/roster/changes", do="away", **away).status_code == 303
    (change,) = DutyChanges(rooms.store, rooms.clock).between(rooms.clock.now(), rooms.clock.now().replace(year=2027))
    assert (change.person, change.by) == ("zhang", "li")
    assert "请写明理由" in send(duty, "/roster", "/roster/changes", do="away", **{**away, "reason": "", "by": ""}).text
    assert b"BEGIN:VCALENDAR" in duty.get("/roster/shifts.ics?person=li").content
    assert send(duty, "/roster", "/roster/changes", do="withdraw", change=str(change.id)).status_code == 303
    assert "现在值班" in duty.get("/desk").text and "李四" in duty.get("/wall").text


def test_a_plan_goes_from_draft_to_being_in_force(rooms: ConsoleWorld) -> None:
    writer, leader = rooms.client("editor", "housing"), rooms.client("leader")
    wrong = send(writer, "/plans/edit", "/plans/edit", content=PLAN.replace("title = ", "titel = ", 1))
    assert wrong.status_code == 400 and "第 " in wrong.text and "titel" in wrong.text
    foreign = send(writer, "/plans/edit", "/plans/edit", content=PLAN.replace('"heating"', '"school"'))
    assert foreign.status_code == 400 and "不属于本单位" in foreign.text
    assert "检查通过" in send(writer, "/plans/edit", "/plans/edit", content=PLAN, check="1").text
    assert (
        send(writer, "/plans/edit", "/plans/edit", content=PLAN).headers["location"] == "/plans/heating-price?version=1"
    )
    page = "/plans/heating-price?version=1"
    assert rooms.client("editor", "schools").get(page).status_code == 404
    for do, state in (("review", "reviewed"), ("put-in-force", "in-force"), ("put-in-force", "in-force")):
        assert send(leader, page, "/plans/heating-price/1", do=do).status_code == 303
        assert stored_plans(rooms.store, "heating-price")[0].state == state
    assert send(writer, page, "/plans/heating-price/1", do="retire").status_code == 403
    send(writer, "/plans/edit", "/plans/edit", content=PLAN.replace("核对收费", "逐户核对收费"))
    assert "逐户核对收费" in leader.get("/plans/heating-price?version=2").text
    assert 'class="minus"' in leader.get("/plans/heating-price?version=2").text
    own = rooms.client("duty")
    send(own, "/plans/edit", "/plans/edit", content=PLAN.replace("heating-price", "mine"))
    refused = send(own, "/plans/mine?version=1", "/plans/mine/1", do="review")
    assert refused.status_code == 409 and "应由另一人审核" in refused.text


def test_rules_are_tried_before_they_are_installed(rooms: ConsoleWorld) -> None:
    duty, book = rooms.client("duty"), RuleBook(rooms.store, rooms.clock)
    text = book.history()[0].content
    tried = send(duty, "/rules", "/rules/try", content=text + "\n# tried", days="7")
    assert tried.status_code == 200 and "试算结果" in tried.text
    wrong = send(duty, "/rules", "/rules/try", content=text + "\nnonsense = 1")
    assert wrong.status_code == 400 and "nonsense" in wrong.text
    narrow = send(rooms.client("duty", "housing"), "/rules", "/rules/try", content=text)
    assert narrow.status_code == 400 and "看得到全部信息" in narrow.text
    assert "启用规则要写明理由" in send(duty, "/rules", "/rules/install", content=text + "\n# new", newest="0").text
    for _ in range(2):
        answer = send(duty, "/rules", "/rules/install", content=text + "\n# new", newest="0", reason="试用")
        assert answer.status_code == 303
    assert [one.reason for one in book.history()] == ["试用", ""]
    late = send(duty, "/rules", "/rules/install", content=text + "\n# other", newest="0", reason="再改")
    assert late.status_code == 400 and "已启用过新的规则" in late.text and "# other" in late.text


def test_channels_notices_and_dead_letters(rooms: ConsoleWorld) -> None:
    operator, duty = rooms.client("operator"), rooms.client("duty")
    assert "没有渠道" in send(operator, "/channels", "/channels/nothing/test").text
    assert "没有产生过通知" in duty.get("/notices?ticket=T0001").text
    assert duty.get("/notices?ticket=T0999").status_code == 400
    assert rooms.client("duty", "schools").get("/notices?ticket=T0001").status_code == 400
    page = duty.get("/dead-letters").text
    assert "record of schema version 9" in page
    assert "record of schema version 9" not in rooms.client("operator", "none").get("/dead-letters").text
    assert "请勾选" in send(duty, "/dead-letters", "/dead-letters/resend").text
    sent = send(duty, "/dead-letters", "/dead-letters/resend", letter=["assess-documents-0-0"])
    assert sent.status_code == 303


def test_an_answer_is_written_reviewed_by_another_signed_and_withdrawn(rooms: ConsoleWorld) -> None:
    writer, reviewer = rooms.client("editor", "housing"), rooms.client("duty")
    leader = rooms.client("leader")
    fields = {
        "policy": "heating",
        "title": "补贴",
        "question": "有没有补贴？",
        "answer": "低保户每户三百元。",
        "clauses": "第五条",
    }
    wrong = send(writer, "/answers/edit", "/answers/edit", **{**fields, "policy": "school"})
    assert wrong.status_code == 409 and "低保户每户三百元" in wrong.text
    made = [send(writer, "/answers/edit", "/answers/edit", **fields).headers["location"] for _ in range(2)]
    assert made[0] == made[1]
    page = made[0]
    assert rooms.client("editor", "schools").get(page).status_code == 404
    own = send(writer, page, f"{page}/review", version="1")
    assert own.status_code == 409 and "应由另一人审核" in own.text
    assert send(reviewer, page, f"{page}/review", version="1").status_code == 303
    assert send(writer, page, f"{page}/sign", do="sign", version="2").status_code == 403
    assert send(leader, page, f"{page}/sign", do="sign", version="2").status_code == 303
    book = AnswerBook(rooms.store, rooms.clock)
    entry = page.rsplit("/", 1)[1]
    assert book.get(entry).signer == "leader-whole"
    edit = {**fields, "entry": entry, "version": "1", "answer": "另写一段。"}
    late = send(writer, f"/answers/edit?entry={entry}", "/answers/edit", **edit)
    assert late.status_code == 409 and "另写一段" in late.text and "别人已改过" in late.text
    assert "请写明理由" in send(leader, page, f"{page}/sign", do="withdraw", version="3").text
    assert send(leader, page, f"{page}/sign", do="withdraw", version="3", note="政策调整").status_code == 303
    assert "第五条" in reviewer.get("/answers/coverage").text or reviewer.get("/answers/coverage").status_code == 200


def test_forms_of_the_rooms_carry_their_token(rooms: ConsoleWorld) -> None:
    for page in ("/handover", "/roster", "/plans/edit", "/rules", "/channels", "/dead-letters", "/answers/edit"):
        assert form_token(rooms.client("duty").get(page))


def test_a_label_is_corrected_from_the_documents_page(rooms: ConsoleWorld) -> None:
    duty, post = rooms.client("duty"), burst()[0].document.id
    page = f"/documents/{post}"
    assert "更正标签" in duty.get("/search?q=供暖").text
    wrong = send(duty, page, f"{page}/labels", head="sentiment", label="angry", reason="反语")
    assert wrong.status_code == 400 and 'value="反语"' in wrong.text, "what was typed stays"
    for _ in range(2):
        answer = send(duty, page, f"{page}/labels", head="sentiment", label="negative", reason="反话")
        assert answer.status_code == 303
    (row,) = CorrectionBook(rooms.store, rooms.clock).history(post)
    assert (row.head, row.label, row.set_by, row.reason) == ("sentiment", "negative", "duty-whole", "反话")
    assert "反话" in duty.get(page).text
    assert rooms.client("duty", "schools").post(
        f"{page}/labels", data={"form_token": form_token(duty.get(page))}
    ).status_code in (403, 404)  # fmt: skip


def test_events_are_merged_and_split_by_hand(rooms: ConsoleWorld) -> None:
    duty, page = rooms.client("duty"), "/events/heat"
    posts = [one.document.id for one in burst() if one.event.id == "heat"]
    assert "没有这个事件" in send(duty, page, f"{page}/merge", other="nothing", reason="同一件事").text
    hidden = send(rooms.client("duty", "housing"), page, f"{page}/merge", other="enrol", reason="同一件事")
    assert hidden.status_code == 400 and "没有这个事件" in hidden.text
    none = send(duty, page, f"{page}/split", reason="另一件事")
    assert none.status_code == 400 and "请勾选" in none.text and 'value="另一件事"' in none.text
    assert send(duty, page, f"{page}/split", document=[posts[0]], reason="另一件事").status_code == 303
    merged = send(duty, page, f"{page}/merge", other="http://testserver/events/enrol", reason="同一件事")
    assert merged.status_code == 303 and merged.headers["location"] == page
    shown = duty.get(page).text
    assert "同一件事" in shown
    assert re.search("并入本事件的 <code>enrol</code>", shown) and re.search("拆出 ", shown)


def test_events_to_merge_with_are_offered_to_who_sees_all(world: ConsoleWorld) -> None:
    with world.store.begin() as connection:
        connection.execute(
            events.insert(),
            [
                {
                    "id": name, "title": title, "first_document": name, "first_at": MIDNIGHT - timedelta(days=days),
                    "last_at": MIDNIGHT - timedelta(days=days), "documents": 3, "aggrieved": 0, "policies": {},
                }
                for name, title, days in (("enrol", "招生", 3), ("past", "旧事", 90))
            ],
        )  # fmt: skip
    offer = re.compile(r'<datalist id="others">(.*?)</datalist>', re.S)
    shown = offer.search(world.client("duty").get("/events/heat").text)
    assert shown is not None and shown[1] == '<option value="enrol">招生（3）</option>'
    elsewhere = offer.search(world.client("duty", "housing").get("/events/heat").text)
    assert elsewhere is not None and elsewhere[1] == ""


def test_an_event_shows_its_hot_words(world: ConsoleWorld) -> None:
    duty = world.client("duty")
    found = re.search(r'hx-get="(/search/analysis/words\?event=heat)"', duty.get("/events/heat").text)
    assert found is not None
    assert 'class="chip" href="/search?q=' in duty.get(found[1]).text


def test_the_figures_of_an_event_open_their_posts(rooms: ConsoleWorld) -> None:
    duty = rooms.client("duty")
    page = duty.get("/events/heat").text
    links = re.findall(r'<a href="(/search\?event=heat[^"]*)">([^<]*)</a>(?:</td><td class="number">(\d+))?', page)
    counted = {
        html.unescape(address): int(count or words) for address, words, count in links if count or words.isdigit()
    }
    assert len(counted) > 3
    for address, count in counted.items():
        assert f"<b>{count}</b> 篇" in duty.get(address).text, address


def test_search_results_are_exported_as_a_document_to_read(rooms: ConsoleWorld) -> None:
    from docx import Document

    answer = rooms.client("editor", "housing").get("/search/export?format=docx&q=取暖费")
    text = "\n".join(one.text for one in Document(io.BytesIO(answer.content)).paragraphs)
    assert "取暖费" in text and "情感：负面" in text and "招生" not in text
    asked = "/search/export?format=docx&q=取暖费&sentiment=negative&since=2026-05-01"
    lines = [one.text for one in Document(io.BytesIO(rooms.client("editor", "housing").get(asked).content)).paragraphs]
    assert lines[1:3] == ["检索词：取暖费", "情感：负面　自：2026-05-01"]
    assert re.fullmatch(r"共 \d+ 篇　导出于 \d{4}-\d\d-\d\d \d\d:\d\d", lines[3])
