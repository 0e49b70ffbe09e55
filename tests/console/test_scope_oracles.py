"""What is another unit's is answered like what is not there: by code, text, headers, and by what is asked of the store
and the index meanwhile (which takes the time), at every route of the pages and the API, for both kinds of scope."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx import Response

from alerts.tables import tickets
from answers.tables import qa_candidates
from briefings.making import make_and_keep
from console.access import guarded
from console.api.routers import ROUTERS as API_ROUTERS
from console.routes import ROUTERS
from consultations.tables import consultations
from disclosure.tables import applications
from minsheng.policies import PolicyRegister
from tests.briefings.small_world import DAY, burst
from tests.console.world import HEATING, SCHOOL, ConsoleWorld, form_token, send

MARK = "别家的秘密"
"""Stands in everything that the viewers of these tests must not see."""
REGION = "云岭省东市"
PLAN = f"""
id = "hidden-plan"
title = "{MARK}预案"
version = 1
policies = ["heating"]
[[steps]]
title = "{MARK}"
within_minutes = 60
"""


class Divided(ConsoleWorld):
    """A world in which others have made something of each kind. `schools` sees by policy, `east` by region."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        units = self.console.units
        city = units.add("东市", "city", whole=True, regions=[REGION])
        self.units["east"] = city.id
        duty, one = self.client("duty"), "/tickets/T0001"
        with self.store.begin() as connection:
            where = tickets.c.number.in_(("T0001", "T0002", "T0003"))
            connection.execute(tickets.update().where(where).values(title=MARK, why=MARK))

        def do(action: str, **fields: Any) -> None:
            page = duty.get(one)
            seen = re.search(r'name="version" value="(\d+)"', page.text)
            form = {"form_token": form_token(page), "version": seen[1] if seen else "", **fields}
            files = form.pop("files", None)
            assert duty.post(f"{one}/{action}", data=form, files=files).status_code == 303, action

        do("comment", text=MARK)
        do("tasks", title=MARK)
        do("assignments", unit="住建局", demand=MARK, due="2026-05-12T18:00")
        do("links", do="add", target=HEATING, note=MARK)
        do("related", other="T0005", reason="都与学校有关")
        do("attachments", files={"file": ("秘密.txt", MARK.encode())})
        do("sheet", based_on="0", facts=MARK)
        self.attached = re.findall(r"/attachments/([0-9a-f]{64})", duty.get(one).text)[0]
        # The ticket of the schools points at what is not theirs.
        for target in (HEATING, burst()[0].document.id):
            page = duty.get("/tickets/T0005")
            duty.post("/tickets/T0005/links", data={"form_token": form_token(page), "do": "add", "target": target,
                                                    "note": MARK})  # fmt: skip
        assert send(duty, "/plans/edit", "/plans/edit", content=PLAN).status_code == 303
        fields = {"policy": HEATING, "title": MARK, "question": MARK, "answer": MARK, "clauses": "第五条"}
        self.entry = send(duty, "/answers/edit", "/answers/edit", **fields).headers["location"].rpartition("/")[2]
        with self.store.begin() as connection:
            row = {"id": "qc-hidden", "policy_id": HEATING, "clause": "", "question": MARK, "dismissed": False}
            connection.execute(qa_candidates.insert().values(**row))
        made = send(duty, "/drills", "/drills", scenario="service-breakdown", policy=HEATING, sure="1")
        self.drill = made.headers["location"].rpartition("/")[2]
        self.briefing = make_and_keep(self.console, "daily", DAY, actor="system").number
        with self.store.begin() as connection:
            row = {
                "policy_id": HEATING, "title": MARK, "department": MARK, "opens_on": DAY, "closes_on": DAY,
                "text": MARK, "origin": "", "added_by": "a", "added_at": self.clock.now(),
            }  # fmt: skip
            connection.execute(consultations.insert().values(**row))
            row = {
                "department": MARK, "number": MARK, "received_on": DAY, "title": MARK, "content": MARK,
                "region": "云岭省西市", "policy_id": HEATING, "policy_named": "",
            }  # fmt: skip
            connection.execute(applications.insert().values(**row))
        register = PolicyRegister(self.store, self.clock)
        school = register.get(SCHOOL)
        assert school is not None
        register.import_policies([msgspec.structs.replace(school, successor="hidden-successor")], actor="t", reason="t")


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Divided]:
    made = Divided(tmp_path_factory.mktemp("divided"))
    yield made
    made.close()


VIEWERS = ("schools", "east")


def both(world: Divided, path: str) -> tuple[str, str] | None:
    """The address of something that is there and hidden, and of something that is not there; None: it names nothing."""
    named = {
        "{number}": (world.drill, "D" * len(world.drill)) if "/drills/" in path else ("T0001", "T0991"),
        "{document_id}": (burst()[0].document.id, "0" * len(burst()[0].document.id)),
        "{event_id}": ("heat", "hoot"),
        "{policy_id}": (HEATING, "hooting"),
        "{plan_id}": ("hidden-plan", "hodden-plan"),
        "{entry}": (world.entry, "q" * len(world.entry)),
        "{candidate}": ("qc-hidden", "qc-hodden"),
        "{kept}": (world.briefing, "RB-20260507"),
        "{digest}": (world.attached, "0" * 64),
        "{webhook_id}": ("1", "7"),
        "{handover_id}": ("1", "7"),
        "{consultation}": ("ZQ0001", "ZQ0991"),
        "{application_id}": ("1", "7"),
    }
    plain = {"{task}": "1", "{assignment}": "1", "{version}": "1", "{code}": "1", "{interpretation}": "1",
             "{comment}": "0-0", "{hours}": "24", "{day}": "2026-05-08", "{head}": "sentiment",
             "{name}": "nothing"}  # fmt: skip
    if not any(name in path for name in named) or path.endswith("/test"):
        return None
    hidden = missing = path
    for name, (there, nowhere) in named.items():
        hidden, missing = hidden.replace(name, there), missing.replace(name, nowhere)
    for name, value in plain.items():
        hidden, missing = hidden.replace(name, value), missing.replace(name, value)
    return hidden, missing


def same(hidden: Response, missing: Response, addresses: tuple[str, str]) -> bool:
    """Whether two answers can't be told apart, but for what was asked for."""
    words = [re.sub(r"hidden-plan|qc-hidden|T0001|ZQ0001|heating|\bheat\b", "*", _without(one, address))
             for one, address in zip((hidden, missing), addresses, strict=True)]  # fmt: skip
    words[1] = re.sub(r"hodden-plan|qc-hodden|T0991|ZQ0991|hooting|\bhoot\b", "*", words[1])
    return hidden.status_code == missing.status_code and words[0].replace("hodden", "hidden") == words[1]


def _without(answer: Response, address: str) -> str:
    left_out = ("content-length", "ratelimit-remaining", "x-ratelimit-remaining")
    headers = [f"{name}: {value}" for name, value in sorted(answer.headers.items()) if name not in left_out]
    text = "\n".join([answer.text, *headers])
    for part in [address, *sorted((one for one in address.split("/") if len(one) > 8), key=len, reverse=True)]:
        text = text.replace(part, "*") if part else text
    return text


@contextmanager
def counted(world: Divided) -> Iterator[list[str]]:
    """What is asked of the store and the index meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(" ".join(statement.split())[:60])

    index = world.console.index
    search, count = index.search, index.count
    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    index.search = lambda one: asked.append("search") or search(one)  # type: ignore[method-assign,func-returns-value]
    index.count = lambda one: asked.append("count") or count(one)  # type: ignore[method-assign,func-returns-value]
    try:
        yield asked
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
        index.search, index.count = search, count  # type: ignore[method-assign]


@pytest.mark.parametrize("scope", VIEWERS)
@pytest.mark.parametrize("role", ["duty", "leader"])
def test_a_hidden_page_is_like_one_that_is_not_there(divided: Divided, role: str, scope: str) -> None:
    client = divided.client(role, scope)
    client.get("/account")  # what is asked once for all pages is asked
    wrong = []
    for method, path, _ in (*guarded(ROUTERS), *guarded(API_ROUTERS)):
        addresses = both(divided, path)
        if method != "GET" or addresses is None or (scope == "east" and _by_policy(path)):
            continue
        answers, asked = [], []
        for address in addresses:
            with counted(divided) as found:
                answers.append(client.get(address))
            asked.append([one for one in found if "user_sessions" not in one])
        if not same(answers[0], answers[1], addresses) or MARK in answers[0].text:
            wrong.append(f"{path}: {answers[0].status_code} {answers[1].status_code}")
        elif answers[0].status_code != 403 and asked[0] != asked[1]:
            wrong.append(f"{path} asks: {asked[0]} / {asked[1]}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("scope", VIEWERS)
def test_no_form_tells_either(divided: Divided, scope: str) -> None:
    client = divided.client("duty", scope)
    token = form_token(client.get("/account"))
    page = {"form_token": token, "version": "1", "reason": "r", "text": "t", "title": "t", "do": "remove", "note": "n",
            "status": "acknowledged", "level": "red", "unit": "u", "target": HEATING, "other": "T0005",
            "reply": "r" * 20,
            "demand": "d", "report": "r", "document": burst()[0].document.id, "head": "sentiment", "label": "neutral",
            "repealed_on": "2026-05-08", "form": "text", "published_on": "2026-05-08"}  # fmt: skip
    headers = {"x-form-token": token, "if-match": "*"}
    described = json.loads(divided.app.state.openapi)["paths"]
    wrong = []
    for method, path, _ in (*guarded(ROUTERS), *guarded(API_ROUTERS)):
        addresses = both(divided, path)
        if method == "GET" or addresses is None or (scope == "east" and _by_policy(path)):
            continue
        if path.startswith("/api/"):
            operation = described[path][method.lower()]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example", {})
            answers = [client.request(method, one, json=body, headers=headers) for one in addresses]
        else:
            answers = [client.post(one, data=page) for one in addresses]
        if not same(answers[0], answers[1], addresses) or MARK in answers[0].text:
            wrong.append(f"{method} {path}: {answers[0].status_code} {answers[1].status_code} {answers[0].text[-300:]}")
        elif answers[0].status_code < 400 and not path.startswith(("/account", "/admin")):
            wrong.append(f"{method} {path}: {answers[0].status_code}")
    assert wrong == [], "\n".join(wrong)


def _by_policy(path: str) -> bool:
    """Whether it is about policies alone, all of which a unit with a region sees."""
    return any(f"/{name}/" in path for name in ("policies", "plans", "answers", "releases", "drills")) and (
        "/drills/" not in path
    )


# What is typed, and what lists tell


@pytest.mark.parametrize(
    "path",
    [
        "/search?policy={}", "/search?q=供暖&policy={}", "/search?event={}", "/search?same={}",
        "/search/analysis?policy={}", "/search/analysis/words?policy={}", "/search/analysis/layers?policy={}",
        "/search/analysis?words=1&policy={}",
        "/search/compare?first={}&second=school", "/search/compare?q=取暖费&first={}", "/search/export?policy={}",
        "/events?policy={}", "/tickets?status=all&policy={}", "/answers?policy={}", "/answers/coverage?policy={}",
        "/answers/edit?entry={}", "/answers/edit?candidate={}", "/answers/edit?policy={}", "/policies/edit?policy={}",
        "/policies/edit?document={}", "/plans/edit?plan={}", "/plans/edit?policy={}", "/notices?ticket={}",
        "/api/v1/tickets?policy={}", "/api/v1/documents?policy={}&facets=true", "/api/v1/documents?event={}",
        "/api/v1/events?policy={}",
    ],
)  # fmt: skip
def test_what_is_asked_for_by_name_is_like_what_is_not_there(divided: Divided, path: str) -> None:
    client = divided.client("duty", "schools")
    name, other = (
        ("T0001", "T0991") if "ticket=" in path
        else (divided.entry, "q" * len(divided.entry)) if "entry=" in path
        else ("qc-hidden", "qc-hodden") if "candidate" in path
        else (burst()[0].document.id, "0" * len(burst()[0].document.id)) if "document=" in path or "same=" in path
        else ("heat", "hoot") if "event=" in path
        else ("hidden-plan", "hodden-plan") if "plan=" in path
        else (HEATING, "hooting")
    )  # fmt: skip
    hidden, missing = client.get(path.format(name)), client.get(path.format(other))
    assert hidden.status_code == missing.status_code
    told = [
        re.sub(rf"{re.escape(one[:20])}[0-9a-z…]*", "*", _without(answer, ""))  # pages may show the beginning alone
        for one, answer in ((name, hidden), (other, missing))
    ]
    assert told[0] == told[1]
    assert MARK not in hidden.text


@pytest.mark.parametrize("scope", VIEWERS)
def test_no_list_and_no_page_says_anything_of_it(divided: Divided, scope: str) -> None:
    client = divided.client("duty", scope)
    paths = [
        path for method, path, _ in (*guarded(ROUTERS), *guarded(API_ROUTERS)) if method == "GET" and "{" not in path
    ]
    for path in [*paths, "/tickets?status=all", "/tickets/T0005", "/tickets/T0005/sheet", "/tickets/T0005/response",
                 "/api/v1/tickets/T0005", "/api/v1/tickets/T0005/timeline", "/search?q=供暖",
                 "/events?days=400"]:  # fmt: skip
        if path in ("/desk/live", "/sign-in", "/metrics", "/favicon.ico"):
            continue
        if scope == "east" and path.startswith(("/answers", "/plans", "/policies", "/api/v1/answers")):
            continue  # a unit with a region sees every policy, with its plans and answers
        text = client.get(path + ("?q=供暖" if path == "/api/v1/answers" else "")).text
        assert MARK not in text and "T0001" not in text and divided.drill not in text, path


def test_a_ticket_says_nothing_of_what_it_points_at_elsewhere(divided: Divided) -> None:
    client, everybody = divided.client("editor", "schools"), divided.client("editor")
    for path in ("/tickets/T0005", "/api/v1/tickets/T0005/timeline"):
        assert "T0001" in everybody.get(path).text
        text = client.get(path).text
        assert "（其他单位的）" in text and "都与学校有关" in text
        assert "T0001" not in text and HEATING not in text and burst()[0].document.id not in text
    for target in (HEATING, burst()[0].document.id):
        answers = [
            send(client, "/tickets/T0005", "/tickets/T0005/links", do="remove", target=one)
            for one in (target, "0" * 32)
        ]
        assert [one.status_code for one in answers] == [400, 400] and "没有这条关联" in answers[0].text
    assert "heating" in everybody.get("/api/v1/tickets/T0005/timeline").text


def test_a_successor_of_others_is_not_named_and_not_lost(divided: Divided) -> None:
    client = divided.client("editor", "schools")
    token = form_token(client.get("/account"))
    for path in (
        "/api/v1/policies",
        f"/api/v1/policies/{SCHOOL}",
        f"/policies/{SCHOOL}",
        f"/policies/{SCHOOL}/history",
    ):
        assert "hidden-successor" not in client.get(path).text, path
    policy = client.get(f"/api/v1/policies/{SCHOOL}")
    changed = client.put(
        f"/api/v1/policies/{SCHOOL}", json={**policy.json(), "sensitivity": "high"},
        headers={"if-match": policy.headers["etag"], "x-form-token": token},
    )  # fmt: skip
    assert changed.status_code == 200 and "hidden-successor" not in changed.text
    kept = PolicyRegister(divided.store, divided.clock).get(SCHOOL)
    assert kept is not None and (kept.successor, kept.sensitivity) == ("hidden-successor", "high")


def test_taken_ids_are_told_only_to_who_would_keep_one(divided: Divided) -> None:
    """Ids are one list for all: who adds one learns that it is taken. Nobody goes through them without adding."""
    client = divided.client("editor", "schools")
    headers = {"x-form-token": form_token(client.get("/account"))}
    foreign = {"title": "供暖", "department": "市住房和城乡建设局"}
    answers = [
        client.post("/api/v1/policies", json={"id": one, **foreign}, headers=headers) for one in (HEATING, "free")
    ]
    assert [one.status_code for one in answers] == [409, 409]
    assert answers[0].text.replace(HEATING, "*") == answers[1].text.replace("free", "*")
    mine = PLAN.replace('"heating"', '"school"')
    checks = [
        send(client, "/plans/edit", "/plans/edit", check="1", content=mine.replace("hidden-plan", one))
        for one in ("hidden-plan", "hodden-plan")
    ]
    assert [one.status_code for one in checks] == [200, 200]
    assert send(client, "/plans/edit", "/plans/edit", content=mine).status_code == 400
    told = [one for one in divided.console.audit.list() if one.action == "refused" and one.subject == "hidden-plan"]
    assert told and told[0].actor == "editor-schools"


def test_an_answer_kept_for_a_repeat_is_for_who_got_it(divided: Divided) -> None:
    """The same key and request of another user, and of the same user in another unit, are not answered from it."""

    def comment(client: TestClient) -> Response:
        headers = {"x-form-token": form_token(client.get("/account")), "idempotency-key": "same-key"}
        answer: Response = client.post("/api/v1/tickets/T0003/comments", json={"text": MARK}, headers=headers)
        return answer

    mine = divided.client("duty", "housing")
    assert comment(mine).status_code == 201 and comment(mine).headers["idempotency-replayed"] == "true"
    for other in (divided.client("duty", "schools"), divided.client("duty", "east")):
        assert comment(other).status_code == 404
    user = divided.console.users.find("duty-housing")
    divided.console.users.change(user.id, display="x", roles=["duty"], unit_id=divided.schools.id, disabled=False)
    moved = comment(divided.client("duty", "housing"))
    assert moved.status_code != 201 and MARK not in moved.text


def test_webhooks_tell_of_ones_own_tickets_alone(divided: Divided) -> None:
    from console.delivering import Sender
    from console.webhooks import EVENTS, WebhookBook
    from crawlers.addresses import AddressRule

    book = WebhookBook(divided.store, divided.clock, divided.console.keys, Sender(AddressRule(("127.0.0.1",))))
    user = divided.console.users.find(divided.add_user("duty", "schools"))
    _, hook = book.add(user, "mine", "http://127.0.0.1:9/x", list(EVENTS))
    duty = divided.client("duty")
    for number in ("T0001", "T0005"):
        page = duty.get(f"/tickets/{number}")
        assert (
            duty.post(f"/tickets/{number}/comment", data={"form_token": form_token(page), "text": "新"}).status_code
            == 303
        )
    book.collect(divided.console.view_of)
    bodies = [one.body for one in book.deliveries(hook.id)]
    assert any("T0005" in one for one in bodies) and not any("T0001" in one for one in bodies)
