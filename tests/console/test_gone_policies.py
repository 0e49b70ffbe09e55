"""A policy that somebody has deleted from the register: every page names it by its last title, and none breaks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date

import docx
import pytest
import sqlalchemy as sa

from alerts.drills.tables import drills
from alerts.tables import tickets
from answers.book import AnswerBook
from answers.model import Content
from answers.tables import qa_askings, qa_candidates
from consultations.tables import consultations
from disclosure.tables import applications
from minsheng.policies.tables import policies
from tests.briefings.small_world import burst
from tests.console.world import EVIL, HEATING, SCHOOL, ConsoleWorld, form_token, send

NAME = "《云岭市居民供暖价格调整办法》（已从登记册删除）"
POST = next(one.document.id for one in burst() if one.event.id == "heat")


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    world = ConsoleWorld(tmp_path_factory.mktemp("gone"))
    now, day = world.clock.now(), date(2026, 4, 1)
    content = Content(policy=HEATING, title="补贴", question="有没有补贴？", answer="有补贴。", clauses=("第五条",))
    AnswerBook(world.store, world.clock).create(content, actor="li")
    with world.store.begin() as connection:
        connection.execute(
            qa_candidates.insert().values(
                id="q1", policy_id=HEATING, clause="", question="什么时候退费？", dismissed=False
            )
        )
        connection.execute(
            qa_askings.insert(),
            [{"document_id": f"d{one}", "policy_id": HEATING, "candidate_id": "q1", "published_at": now,
              "author": f"a{one}", "source": "forum", "region": "", "question": "什么时候退费？"} for one in range(4)],
        )  # fmt: skip
        connection.execute(
            drills.insert().values(
                number="D1", policy_id=HEATING, scenario="x", title="停热演练", actor="duty-whole", started_at=now,
                level="orange", posts=3,
            )
        )  # fmt: skip
        connection.execute(
            consultations.insert().values(
                policy_id=HEATING, title="供暖草案", department="", opens_on=day, closes_on=day, text="第一条",
                origin="", added_by="a", added_at=now,
            )
        )  # fmt: skip
        connection.execute(
            applications.insert().values(
                id=7, department="", number="A7", received_on=day, title="监审报告", content="", region="",
                policy_id=HEATING, policy_named="",
            )
        )  # fmt: skip
        connection.execute(policies.delete().where(policies.c.id == HEATING))
    yield world
    world.close()


@pytest.mark.parametrize(
    "page",
    ["/tickets/T0001", f"/documents/{POST}", "/search", "/events", "/events/heat", "/answers", "/answers/{answer}",
     "/answers/coverage", "/drills", "/consultations/ZQ0001", "/disclosure/7"],
)  # fmt: skip
def test_pages_call_it_by_its_last_title(gone: ConsoleWorld, page: str) -> None:
    (answer,) = AnswerBook(gone.store, gone.clock).all()
    client = gone.client("editor" if page.startswith("/answers") else "duty")
    got = client.get(page.format(answer=answer.id))
    assert got.status_code == 200 and EVIL not in got.text
    if page in ("/drills", "/search", "/disclosure/7"):
        assert NAME.replace("《", "").replace("》", "") in got.text
    else:
        assert NAME in got.text
    assert f'href="/policies/{HEATING}"' not in got.text, "there is nothing behind it"
    assert gone.client("duty").get(f"/policies/{HEATING}").status_code == 404


def test_what_needs_the_policy_is_told_so_and_the_rest_can_be_done(gone: ConsoleWorld) -> None:
    editor = gone.client("editor")
    (answer,) = AnswerBook(gone.store, gone.clock).all()
    assert "政策已不在登记册中" in editor.get(f"/answers/{answer.id}").text
    assert "/answers/edit?candidate=q1" not in editor.get("/answers").text
    assert editor.get("/answers/edit?candidate=q1").status_code == 404
    assert send(editor, "/answers", "/answers/candidates/q1/dismiss").status_code == 303
    again = {
        "policy": HEATING,
        "title": "补贴",
        "question": "问？",
        "answer": "答。",
        "entry": answer.id,
        "version": "1",
    }
    refused = editor.post("/answers/edit", data={"form_token": form_token(editor.get("/answers/edit")), **again})
    assert refused.status_code in (400, 409) and "请选择政策" in refused.text


def test_a_drill_of_it_is_reported_still(gone: ConsoleWorld) -> None:
    duty = gone.client("duty")
    assert f"涉及{NAME}" in duty.get("/drills/D1").text
    word = docx.Document(io.BytesIO(duty.get("/drills/D1/report").content))
    assert any(f"涉及{NAME}" in one.text for one in word.paragraphs)


def test_others_are_told_nothing_of_it(gone: ConsoleWorld) -> None:
    schools = gone.client("duty", "schools")
    for page in ("/tickets/T0001", "/consultations/ZQ0001", "/drills/D1", "/disclosure/7"):
        assert schools.get(page).status_code in (400, 404), page
    for page in ("/search", "/events", "/drills", "/answers", "/consultations"):
        assert "供暖价格调整办法" not in schools.get(page).text
    # A ticket of theirs that a colleague has linked with it names it no more than before.
    assert schools.get("/tickets/T0005").status_code == 200
    with gone.store.read() as connection:
        assert connection.scalar(sa.select(tickets.c.policy_id).where(tickets.c.number == "T0005")) == SCHOOL
