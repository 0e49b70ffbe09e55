"""The Q&A base on the console: found by meaning with an honest outcome, held against itself, taken to the hotline."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import openpyxl
import pytest

from answers.book import AnswerBook
from answers.exchange import COLUMNS, import_file
from answers.model import Content
from answers.tables import qa_askings, qa_candidates
from minsheng.policies import PolicyRegister
from tests.console.world import EVIL, HEATING, SCHOOL, ConsoleWorld, form_token

SUBSIDY = Content(
    policy=HEATING,
    title="取暖补贴",
    question="低保户取暖有没有补贴？",
    answer="有。每户每年补贴600元。",
    clauses=("第五条",),
)
OTHER = Content(
    policy=SCHOOL, title="取暖补助标准", question="低保户取暖有没有补贴？", answer="有。每户每年补贴800元。", clauses=()
)


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    world = ConsoleWorld(tmp_path_factory.mktemp("qa"))
    book = AnswerBook(world.store, world.clock)
    for content in (SUBSIDY, OTHER, Content(policy=SCHOOL, title=EVIL, question=f"{EVIL}？", answer=EVIL)):
        made = book.create(content, actor="li")
        book.review(made.id, actor="wang")
        book.sign(made.id, actor="chen")
    with world.store.begin() as connection:
        row = {"id": "q1", "policy_id": HEATING, "clause": "", "question": "停暖几天能退费？", "dismissed": False}
        connection.execute(qa_candidates.insert().values(**row))
        for number in range(5):
            asked = {
                "document_id": f"d{number}", "policy_id": HEATING, "candidate_id": "q1", "author": f"a{number}",
                "published_at": world.clock.now() - timedelta(days=number), "question": "停暖几天能退费？",
                "source": "forum" if number else "board", "region": "东湖区" if number < 2 else "",
            }  # fmt: skip
            connection.execute(qa_askings.insert().values(**asked))
    yield world
    world.close()


def test_an_answer_is_found_by_its_meaning(rooms: ConsoleWorld) -> None:
    page = rooms.client("reader").get("/answers/search", params={"q": "困难家庭冬天供暖给补钱吗"}).text
    assert "每户每年补贴600元" in page and "《云岭市居民供暖价格调整办法》" in page and "第五条" in page
    assert 'action="/answers/search"' in rooms.client("reader").get("/answers").text


def test_where_nothing_answers_the_page_says_so(rooms: ConsoleWorld) -> None:
    client = rooms.client("reader")
    page = client.get("/answers/search", params={"q": "护照丢了怎么补办"}).text
    assert "没有合适的答案。" in page
    assert EVIL not in client.get("/answers/search", params={"q": EVIL}).text
    long = client.get("/answers/search", params={"q": "问" * 5_000})
    assert long.status_code == 400 and 'role="alert"' in long.text
    assert "没有合适的答案" not in client.get("/answers/search").text
    assert "searched" in [one.action for one in rooms.console.audit.list()]


def test_each_finds_and_checks_what_is_their_own(rooms: ConsoleWorld) -> None:
    schools, whole = rooms.client("editor", "schools"), rooms.client("editor")
    page = schools.get("/answers/search", params={"q": "低保户取暖有没有补贴"}).text
    assert "补贴800元" in page and "补贴600元" not in page
    found = whole.get("/answers/check").text
    assert "矛盾" in found and "取暖补贴" in found and "取暖补助标准" in found and EVIL not in found
    assert "取暖补贴" not in schools.get("/answers/check").text
    assert rooms.client("operator").get("/answers/check").status_code == 403


def test_questions_say_who_asks_where_and_since_when(rooms: ConsoleWorld) -> None:
    page = rooms.client("editor").get("/answers").text
    assert "5 人问" in page and "云岭论坛 4、市长信箱 1" in page and "东湖区 2" in page and "起于" in page


def test_the_hotline_gets_what_is_published_and_what_is_over(rooms: ConsoleWorld, tmp_path: Path) -> None:
    client, book = rooms.client("editor"), AnswerBook(rooms.store, rooms.clock)
    got = client.get("/answers/export?format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(got.content)).active
    assert sheet is not None and [cell.value for cell in sheet[1]] == list(COLUMNS.values())
    assert sheet.max_row == 4 and "filename" in got.headers["content-disposition"]
    rows = client.get("/answers/export?format=json").json()
    assert {row["state"] for row in rows} == {"启用"} and {row["title"] for row in rows} >= {"取暖补贴", "取暖补助标准"}
    own = rooms.client("editor", "schools").get("/answers/export?format=json").json()
    assert {row["policy"] for row in own} == {SCHOOL}
    made = next(one for one in book.all() if one.content.title == "取暖补助标准")
    book.withdraw(made.id, actor="chen", note="有误")
    today = rooms.clock.now().date().isoformat()
    states = {row["title"]: row["state"] for row in client.get(f"/answers/export?format=json&since={today}").json()}
    assert states["取暖补助标准"] == "停用" and states["取暖补贴"] == "启用"
    assert client.get("/answers/export?format=json&since=2030-01-01").json() == []
    portal = zipfile.ZipFile(io.BytesIO(client.get("/answers/export?format=zip").content))
    pages = "".join(portal.read(name).decode() for name in portal.namelist() if name.endswith((".html", ".js")))
    assert "index.html" in portal.namelist() and "取暖补贴" in pages and "取暖补助标准" not in pages
    assert client.get("/answers/export?format=pdf").status_code == 404
    assert client.get("/answers/export?since=x").status_code == 400
    assert rooms.client("reader").get("/answers/export").status_code == 403
    assert next(one.subject for one in rooms.console.audit.list() if one.action == "exported") == "answers"
    # The file can be read back: ids stay.
    path = tmp_path / "back.xlsx"
    path.write_bytes(client.get("/answers/export?format=xlsx").content)
    report = import_file(path, book, PolicyRegister(rooms.store), actor="li")
    assert {row.outcome for row in report.rows} == {"unchanged"}


def test_the_hotlines_file_comes_in_as_drafts_on_ones_own_policies(rooms: ConsoleWorld) -> None:
    book = AnswerBook(rooms.store, rooms.clock)

    def sent(scope: str, name: str, content: bytes) -> str:
        client = rooms.client("editor", scope)
        token = form_token(client.get("/answers"))
        answer = client.post("/answers/import", data={"form_token": token}, files={"file": (name, content)})
        return f"{answer.status_code} {answer.text}"

    new = {"title": "校车", "question": "校车几点开？", "answer": f"七点。{EVIL}", "policy": SCHOOL}
    others = {**new, "title": "供暖", "policy": HEATING}
    stolen = {**new, "id": next(one.id for one in book.all() if one.content.title == "取暖补贴")}
    page = sent("schools", "a.json", msgspec.json.encode([new, others, stolen]))
    assert (
        page.startswith("200") and "新增 1" in page and "退回 2" in page and "不是本单位的" in page and EVIL not in page
    )
    (made,) = [one for one in book.all() if one.content.title == "校车"]
    assert made.status == "draft" and made.published is None
    assert "新增 0" in sent("schools", "a.json", msgspec.json.encode([{**new, "id": made.id}]))
    for name, content in (("a.json", b"{"), ("a.xlsx", b"x"), ("a.txt", b"x"), ("a.json", b'[{"title": "x"}]')):
        page = sent("whole", name, content)
        assert page.startswith("400") and 'role="alert"' in page and "/tmp" not in page
    assert rooms.client("reader").post("/answers/import").status_code == 403
