"""The API: callers, rights and scope, versions, repeats, limits, errors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from console.access import guarded
from console.api.routers import ROUTERS
from console.rights import ROLE_RIGHTS, ROLES, rights_of
from minsheng.errors import WrongUse
from minsheng.settings import ConsoleSettings
from tests.briefings.small_world import burst
from tests.console.test_access import filled
from tests.console.world import ConsoleWorld

ROUTES = list(guarded(ROUTERS))
BEFORE = "/api/v1"
DOCUMENT = burst()[0].document.id


def program(
    world: ConsoleWorld, role: str = "duty", scope: str = "whole", rights: list[str] | None = None
) -> TestClient:
    """A program with a token of such a user."""
    user = world.console.users.find(world.add_user(role, scope))
    mine = rights if rights is not None else sorted(rights_of(user.roles)) or ["own"]
    client = world.visitor()
    client.headers["Authorization"] = f"Bearer {world.console.tokens.make(user, 'test', mine, 30)[0]}"
    return client


@pytest.fixture(scope="module")
def duty(shared_world: ConsoleWorld) -> Iterator[TestClient]:
    yield program(shared_world)


# Callers


def test_without_a_token_there_is_nothing(shared_world: ConsoleWorld) -> None:
    visitor = shared_world.visitor()
    for method, path, right in ROUTES:
        answer = visitor.request(method, filled(path))
        assert (answer.status_code == 401) == (right is not None), path
        if right is not None:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"
            shared_world.clock.advance(seconds=2)


@pytest.mark.parametrize("role", ROLES)
def test_every_operation_opens_only_to_its_right(shared_world: ConsoleWorld, role: str) -> None:
    for scope in ("whole", "schools", "none"):
        client = program(shared_world, role, scope)
        for method, path, right in ROUTES:
            if right is None or path.endswith("/check") or (method, path) == ("POST", f"{BEFORE}/tokens"):
                continue
            answer = client.request(method, filled(path), json={} if method in ("POST", "PUT", "PATCH") else None)
            allowed = right in ROLE_RIGHTS[role]  # type: ignore[index]
            assert (answer.status_code != 403) == allowed, f"{role} {scope} {method} {path}: {answer.status_code}"
            assert answer.status_code < 500, f"{role} {scope} {method} {path}"
            shared_world.clock.advance(seconds=0.2)


def test_a_token_does_only_what_it_was_made_for(world: ConsoleWorld) -> None:
    client = program(world, rights=["search"])
    assert client.get(f"{BEFORE}/documents").status_code == 200
    assert client.get(f"{BEFORE}/tickets").status_code == 403
    user = world.console.users.find("duty-whole")
    with pytest.raises(WrongUse, match="has not got"):
        world.console.tokens.make(user, "x", ["users"], 30)
    world.console.users.change(user.id, display="x", roles=["auditor"], unit_id=user.unit_id, disabled=False)
    assert client.get(f"{BEFORE}/documents").status_code == 403, "what the user loses, the token loses"


@pytest.mark.parametrize("how", ["revoked", "expired", "disabled", "unknown"])
def test_a_token_ends(world: ConsoleWorld, how: str) -> None:
    client = program(world, rights=["own", "tickets"])
    assert client.get(f"{BEFORE}/me").json()["rights"] == ["tickets", "own"]
    user = world.console.users.find("duty-whole")
    token = world.console.tokens.list(user.id)[0]
    assert token.last_used_at == world.clock.now()
    if how == "revoked":
        assert client.delete(f"{BEFORE}/tokens/{token.id}").status_code == 204
    elif how == "expired":
        world.clock.advance(days=31)
    elif how == "disabled":
        world.console.users.change(user.id, display="x", roles=["duty"], unit_id=user.unit_id, disabled=True)
    else:
        client.headers["Authorization"] = "Bearer msh_nothing"
    assert client.get(f"{BEFORE}/me").status_code == 401


def test_the_store_holds_no_token(world: ConsoleWorld) -> None:
    client = program(world)
    secret = client.headers["authorization"].removeprefix("Bearer ")
    with world.store.read() as connection:
        kept = str(connection.execute(sa.text("select * from api_tokens")).all())
    assert secret not in kept and secret[:10] in kept


def test_a_session_reads_and_writes_only_with_its_form_token(world: ConsoleWorld) -> None:
    client = world.client("duty")
    form = client.get(f"{BEFORE}/me").json()["form_token"]
    comment, body = f"{BEFORE}/tickets/T0001/comments", {"text": "已核实"}
    assert client.post(comment, json=body).status_code == 403
    good = {"X-Form-Token": form}
    assert client.post(comment, json=body, headers={**good, "Origin": "https://evil.example"}).status_code == 403
    assert client.post(comment, json=body, headers=good).status_code == 201
    made = client.post(f"{BEFORE}/tokens", json={"name": "大屏", "rights": ["tickets"]}, headers=good)
    assert made.status_code == 201 and made.json()["secret"].startswith("msh_")
    refused = program(world).post(f"{BEFORE}/tokens", json={"name": "x", "rights": ["own"]})
    assert refused.status_code == 403, "a token makes no others"
    client.headers["Authorization"] = "Bearer msh_wrong"
    assert client.get(f"{BEFORE}/me").status_code == 401, "a cookie does not stand in for a wrong token"


# Scope


def test_what_is_not_ones_own_reads_like_what_is_not_there(shared_world: ConsoleWorld) -> None:
    client = program(shared_world, "editor", "schools")
    for path in ("tickets/T0001", "policies/heating", "events/heat", f"documents/{DOCUMENT}", "policies/bus"):
        answer = client.get(f"{BEFORE}/{path}")
        missing = client.get(f"{BEFORE}/{path}x")
        assert answer.status_code == missing.status_code == 404
        assert answer.json()["detail"].replace(path.split("/")[1], "") == missing.json()["detail"].replace(
            path.split("/")[1] + "x", ""
        ).replace(path.split("/")[1], "")
    for path in ("documents?facets=true", "tickets", "events?days=30", "policies", "statistics/documents?days=30",
                 "documents?q=供暖&facets=true", "documents?policy=heating", "plans", "answers?q=供暖"):  # fmt: skip
        text = client.get(f"{BEFORE}/{path}").text
        assert not [word for word in ("取暖费", "heating", "供暖价格", "公交") if word in text], path


def test_an_editor_adds_policies_of_the_own_unit_alone(world: ConsoleWorld) -> None:
    client = program(world, "editor", "housing")
    theirs = {"id": "new", "title": "云岭市房屋维修办法", "department": "市教育局"}
    assert client.post(f"{BEFORE}/policies", json=theirs).status_code == 409
    mine = {**theirs, "department": "市住房和城乡建设局"}
    assert client.post(f"{BEFORE}/policies", json=mine).status_code == 201
    assert client.post(f"{BEFORE}/policies", json=mine).status_code == 409
    wrong = client.post(f"{BEFORE}/policies", json={**mine, "id": "n2", "titel": "x", "released_on": "soon"})
    assert wrong.status_code == 422 and "titel" in wrong.text and "released_on" in wrong.text
    tag = client.get(f"{BEFORE}/policies/new").headers["etag"]
    changed = {**mine, "number": "云岭发[2026]9号"}
    assert client.put(f"{BEFORE}/policies/new", json=changed).status_code == 428
    done = client.put(f"{BEFORE}/policies/new", json=changed, headers={"If-Match": tag})
    assert done.json()["policy"]["number"] == "云岭发〔2026〕9号"
    assert client.put(f"{BEFORE}/policies/new", json=mine, headers={"If-Match": tag}).status_code == 412
    assert client.put(f"{BEFORE}/policies/school", json={**mine, "id": "school"}).status_code == 404


# Versions and repeats


def test_a_ticket_is_changed_by_whoever_has_seen_it(world: ConsoleWorld) -> None:
    client = program(world)
    ticket = f"{BEFORE}/tickets/T0001"
    tag = client.get(ticket).headers["etag"]
    assert client.post(f"{ticket}/status", json={"status": "acknowledged"}).status_code == 428
    done = client.post(f"{ticket}/status", json={"status": "acknowledged"}, headers={"If-Match": tag})
    assert done.json()["status"] == "acknowledged" and done.headers["etag"] != tag
    late = client.post(f"{ticket}/status", json={"status": "judging"}, headers={"If-Match": tag})
    assert late.status_code == 412 and "duty-whole" in late.json()["happened"][0]
    now = {"If-Match": done.headers["etag"]}
    refused = client.post(f"{ticket}/status", json={"status": "closed"}, headers=now)
    assert refused.status_code == 409 and "reason" in refused.json()["detail"]
    assert client.post(f"{ticket}/pause", json={"reason": "等批复"}, headers=now).status_code == 200
    assert client.post(f"{ticket}/resume", headers={"If-Match": "*"}).status_code == 200
    kind = next(one["kind"] for one in client.get(ticket).json()["deadlines"] if "warning" not in one["kind"])
    clock, any_version = f"{ticket}/clocks/{kind}", {"If-Match": "*"}
    assert client.post(clock, json={"met": False}, headers=any_version).status_code == 409
    clocks = client.post(clock, json={"reason": "发布厅"}, headers=any_version).json()["deadlines"]
    assert [bool(one["met_at"]) for one in clocks if one["kind"] == kind] == [True]
    assert client.post(clock, json={}, headers=any_version).status_code == 409
    closed = client.post(
        f"{ticket}/status", json={"status": "closed", "reason": "办结"}, headers={"If-Match": "*"}
    ).json()
    assert closed["next"] == ["open"]
    kinds = [line["kind"] for line in client.get(f"{ticket}/timeline").json()["items"]]
    assert kinds[-4:] == ["paused", "resumed", "clock-met", "closed"]
    assert {line.actor for line in world.console.audit.list()} == {"duty-whole"}


def test_tasks(world: ConsoleWorld) -> None:
    client = program(world)
    path = f"{BEFORE}/tickets/T0001/tasks"
    task = client.post(path, json={"title": "核实", "owner": "甲"}).json()["number"]
    assert client.patch(f"{path}/{task}", json={"owner": "乙"}).json()["owner"] == "乙"
    assert client.patch(f"{path}/{task}", json={"done": True, "note": "无误"}).json()["done_by"] == "duty-whole"
    assert client.patch(f"{path}/{task}", json={"done": True}).status_code == 409
    assert client.patch(f"{path}/999", json={"done": True}).status_code == 404


def test_a_read_is_not_sent_twice(duty: TestClient) -> None:
    first = duty.get(f"{BEFORE}/policies")
    again = duty.get(f"{BEFORE}/policies", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_sent_twice_is_done_once(world: ConsoleWorld) -> None:
    client = program(world)
    path, key = f"{BEFORE}/tickets/T0001/comments", {"Idempotency-Key": "k1"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.post(path, json={"text": "一次"}, headers=key), range(4)))
    assert {one.status_code for one in answers} <= {201, 409}
    again = client.post(path, json={"text": "一次"}, headers=key)
    assert again.status_code == 201 and again.headers["idempotency-replayed"] == "true"
    other = client.post(path, json={"text": "另一次"}, headers=key)
    assert other.status_code == 422 and other.json()["type"].endswith("key-reused")
    lines = client.get(f"{BEFORE}/tickets/T0001/timeline").json()["items"]
    assert [line["kind"] for line in lines].count("comment") == 1
    world.clock.advance(hours=25)
    assert "idempotency-replayed" not in client.post(path, json={"text": "一次"}, headers=key).headers


# Pages, limits, errors


def test_pages_hold_everything_once(duty: TestClient) -> None:
    for path, size in (("documents?size=7", 7), ("tickets?size=2", 2)):
        seen: list[str] = []
        cursor: Any = ""
        while cursor is not None:
            page = duty.get(f"{BEFORE}/{path}", params={"cursor": cursor} | {"size": size}).json()
            seen += [one["document"]["id"] if "document" in one else one["number"] for one in page["items"]]
            cursor = page["next"]
        assert len(seen) == len(set(seen)) > size
    assert len(duty.get(f"{BEFORE}/documents?size=7").json()["items"]) == 7


def test_too_many_requests_are_held_back(tmp_path: Any) -> None:
    world = ConsoleWorld(tmp_path, ConsoleSettings(api_per_minute=3))
    client = program(world)
    answers = [client.get(f"{BEFORE}/me") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["ratelimit-remaining"] for one in answers] == ["2", "1", "0", "0"]
    world.clock.advance(seconds=float(answers[3].headers["retry-after"]))
    assert client.get(f"{BEFORE}/me").status_code == 200
    world.close()


def test_guessing_tokens_is_held_back(world: ConsoleWorld) -> None:
    visitor = world.visitor()
    visitor.headers["Authorization"] = "Bearer msh_guess"
    assert [visitor.get(f"{BEFORE}/me").status_code for _ in range(61)][-2:] == [401, 429]


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "nothing", {}, 404),
        ("DELETE", "tickets", {}, 405),
        ("GET", "documents?size=0", {}, 422),
        ("GET", "documents?since=soon", {}, 422),
        ("GET", "documents?cursor=x", {}, 422),
        ("GET", "tickets?cursor=x", {}, 422),
        ("GET", "briefings/daily/2999-01-01", {}, 404),
        ("POST", "tickets/T0001/comments", {"content": b"{", "headers": {"content-type": "application/json"}}, 422),
        ("POST", "tickets/T0001/comments", {"content": b"text=1", "headers": {"content-type": "text/plain"}}, 415),
        ("POST", "tickets/T0001/comments", {"json": {"text": "x", "more": 1}}, 422),
        ("POST", "tickets/T0001/comments", {"json": {"text": "x" * (1 << 20)}}, 413),
        ("POST", "tickets/T0099/comments", {"json": {"text": "x"}}, 404),
    ],
)
def test_errors_are_problems(duty: TestClient, method: str, path: str, options: Any, status: int) -> None:
    answer = duty.request(method, f"{BEFORE}/{path}", **options)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status and answer.json()["type"].startswith("urn:minsheng:problem:")


def test_labels(world: ConsoleWorld) -> None:
    client = program(world)
    path = f"{BEFORE}/documents/{DOCUMENT}/labels"
    done = client.post(path, json={"head": "sentiment", "label": "positive", "reason": "看错了"})
    assert done.json()["after"] == "positive"
    assert client.get(path).json()["items"][0]["set_by"] == "duty-whole"
    assert client.post(path, json={"head": "sentiment", "label": "glad"}).status_code == 422
    assert program(world, "reader").post(path, json={"head": "sentiment", "label": "neutral"}).status_code == 403
    housing = program(world, "editor", "housing")
    assert housing.post(path, json={"head": "policy:school", "label": "about"}).status_code == 422


# The description


def test_examples_are_as_their_schemas_say(duty: TestClient) -> None:
    described = duty.get(f"{BEFORE}/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    count = 0
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            media = [one.get("content", {}).get("application/json") for one in operation["responses"].values()]
            media.append(operation.get("requestBody", {}).get("content", {}).get("application/json"))
            for one in filter(None, media):
                jsonschema.validate(one["example"], {**one["schema"], "components": described["components"]})
                count += 1
            assert operation["summary"] and operation["description"], f"{method} {path}"
    assert count > 40
