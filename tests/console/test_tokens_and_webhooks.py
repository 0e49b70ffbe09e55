"""Tokens at the page, webhooks, and the client for the API."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa

from alerts import timeline
from console.delivering import Refused, Sender
from console.tables import api_answers, webhooks
from console.webhooks import PAUSES, WebhookBook, signature
from crawlers.addresses import AddressRule
from minsheng.client import ApiProblem, Client
from minsheng.errors import WrongUse
from tests.console.world import EVIL, ConsoleWorld, send

# Tokens


def test_a_token_is_shown_once_and_revoked(world: ConsoleWorld) -> None:
    client = world.client("duty")
    made = send(client, "/account/tokens", "/account/tokens", name=f"大屏{EVIL}", right=["tickets", "own"], days="30")
    secret = re.search(r"msh_[\w-]{40,}", made.text)
    assert made.status_code == 200 and secret is not None and "<img src=x" not in made.text
    asked = world.visitor().get("/api/v1/me", headers={"authorization": f"Bearer {secret[0]}"})
    assert asked.json()["rights"] == ["tickets", "own"]
    page = client.get("/account/tokens").text
    assert secret[0] not in page and secret[0][:10] in page
    number = re.search(r"/account/tokens/(\d+)/revoke", page)
    assert number is not None
    assert send(world.client("reader"), "/account/tokens", number[0]).status_code == 404, "another one's"
    assert send(client, "/account/tokens", number[0]).status_code == 303
    again = world.visitor().get("/api/v1/me", headers={"authorization": f"Bearer {secret[0]}"})
    assert again.status_code == 401


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "right": "tickets", "days": "30"}, "给哪个程序用"),
        ({"name": "a", "right": "users", "days": "30"}, "不能超过本人的"),
        ({"name": "a", "right": "tickets", "days": "400"}, "有效天数"),
        ({"name": "a", "days": "30"}, "至少选一项"),
    ],
)
def test_wrong_tokens_are_told_of(shared_world: ConsoleWorld, fields: dict[str, str], said: str) -> None:
    answer = send(shared_world.client("duty"), "/account/tokens", "/account/tokens", **fields)
    assert answer.status_code == 400 and said in answer.text


def test_an_administrator_revokes_any(world: ConsoleWorld) -> None:
    client = world.client("duty")
    send(client, "/account/tokens", "/account/tokens", name="大屏", right="tickets", days="30")
    boss = world.client("administrator")
    number = re.search(r"/admin/tokens/(\d+)/revoke", boss.get("/admin/tokens").text)
    assert number is not None and send(boss, "/admin/tokens", number[0]).status_code == 303
    assert world.console.tokens.list() == []


def test_the_secret_of_a_token_is_not_kept_with_its_answer(world: ConsoleWorld) -> None:
    client = world.client("duty")
    token = client.get("/api/v1/me").json()["form_token"]
    headers = {"x-form-token": token, "idempotency-key": "k"}
    body = {"name": "a", "rights": ["tickets"]}
    secret = client.post("/api/v1/tokens", json=body, headers=headers).json()["secret"]
    with world.store.read() as connection:
        kept = connection.execute(sa.select(api_answers.c.body)).scalars().all()
    assert kept and secret.encode() not in b"".join(kept)
    again = client.post("/api/v1/tokens", json=body, headers=headers)
    assert again.status_code == 409 and "kept nowhere" in again.json()["detail"]
    assert len(world.console.tokens.list()) == 1


def test_a_token_is_not_given_the_answer_of_another_one(world: ConsoleWorld) -> None:
    world.add_user("duty")
    user = world.console.users.find("duty-whole")
    one, other = (world.console.tokens.make(user, name, ["tickets.work"], 1)[0] for name in "ab")
    body = {"text": "已联系供热公司。"}

    def comment(token: str) -> int:
        headers = {"authorization": f"Bearer {token}", "idempotency-key": "same"}
        return world.visitor().post("/api/v1/tickets/T0001/comments", json=body, headers=headers).status_code

    assert comment(one) < 300
    assert comment(other) == 422


# Webhooks


class Receiver:
    """A program that is told. `answers`: the statuses it gives, the last one again and again."""

    def __init__(self) -> None:
        self.answers = [204]
        self.got: list[tuple[dict[str, str], str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                receiver.got.append((dict(self.headers), body))
                status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/told?key=of-the-address"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def book(world: ConsoleWorld) -> WebhookBook:
    """A book whose rule lets this machine in, in the place of the console's."""
    world.console.webhooks = WebhookBook(
        world.store, world.clock, world.console.keys, Sender(AddressRule(["127.0.0.0/8"]), seconds=2)
    )
    return world.console.webhooks


def happen(world: ConsoleWorld, ticket: int, kind: str) -> None:
    with world.store.begin() as connection:
        timeline.add(connection, ticket, kind, world.clock.now(), event_time=None, detail={})  # type: ignore[arg-type]


def test_a_webhook_is_told_of_its_users_tickets_alone_and_signed(world: ConsoleWorld, receiver: Receiver) -> None:
    hooks = book(world)
    client = world.client("duty", "housing")
    made = send(
        client, "/webhooks", "/webhooks", name="大屏", url=receiver.url, event=["ticket.level", "ticket.status"]
    )
    secret = re.search(r"mshw_[\w-]+", made.text)
    assert secret is not None and "of-the-address" not in client.get("/webhooks").text
    assert hooks.collect(world.console.view_of) == 0, "nothing of before it was made"
    happen(world, 1, "level-rose")
    happen(world, 5, "level-rose")  # another unit's
    happen(world, 1, "comment")  # not asked for
    assert hooks.collect(world.console.view_of) == 1
    assert hooks.send_due() == 1 and hooks.send_due() == 0
    headers, body = receiver.got[0]
    told = json.loads(body)
    assert (told["event"], told["ticket"], told["kind"]) == ("ticket.level", "T0001", "level-rose")
    assert headers["Minsheng-Signature"] == signature(secret[0], headers["Minsheng-Timestamp"], body)
    assert hooks.collect(world.console.view_of) == 0 and hooks.send_due() == 0, "once"
    with world.store.begin() as connection:  # a look that starts again from before tells nothing twice
        connection.execute(webhooks.update().values(seen=0))
    hooks.collect(world.console.view_of)
    assert hooks.send_due() == 0
    number = re.search(r"/webhooks/(\d+)", made.text)
    assert number is not None
    assert "已送达" in client.get(number[0]).text
    assert world.client("duty", "schools").get(number[0]).status_code == 404


def test_what_is_not_received_is_tried_again_and_given_up(world: ConsoleWorld, receiver: Receiver) -> None:
    hooks = book(world)
    world.add_user("duty")
    _, hook = hooks.add(world.console.users.find("duty-whole"), "x", receiver.url, ["ticket.changed"])
    receiver.answers = [500, 302, 204]
    happen(world, 1, "comment")
    hooks.collect(world.console.view_of)
    hooks.send_due()
    first = hooks.deliveries(hook.id)[0]
    assert (first.error, first.next_try_at) == ("HTTP 500", world.clock.now() + PAUSES[0])
    assert hooks.send_due() == 0
    world.clock.advance(seconds=11)
    hooks.send_due()
    assert len(receiver.got) == 2 and hooks.deliveries(hook.id)[0].error == "HTTP 302", "it is not followed"
    world.clock.advance(seconds=31)
    hooks.send_due()
    assert hooks.deliveries(hook.id)[0].delivered_at is not None
    assert {headers["Minsheng-Delivery"] for headers, _ in receiver.got} == {str(first.id)}

    receiver.answers = [503]
    happen(world, 1, "comment")
    hooks.collect(world.console.view_of)
    for pause in (*PAUSES, PAUSES[-1]):
        hooks.send_due()
        world.clock.advance(seconds=pause.total_seconds() + 1)
    last = hooks.deliveries(hook.id)[0]
    assert (last.tries, last.next_try_at, last.delivered_at) == (len(PAUSES) + 1, None, None)


def test_gone_stops_it_and_so_does_its_user(world: ConsoleWorld, receiver: Receiver) -> None:
    hooks = book(world)
    world.add_user("duty")
    user = world.console.users.find("duty-whole")
    _, hook = hooks.add(user, "x", receiver.url, ["ticket.changed"])
    happen(world, 1, "comment")
    hooks.collect(world.console.view_of)
    world.console.users.change(user.id, display="x", roles=["duty"], unit_id=user.unit_id, disabled=True)
    assert hooks.send_due() == 0 and receiver.got == []
    world.console.users.change(user.id, display="x", roles=["duty"], unit_id=user.unit_id, disabled=False)
    receiver.answers = [410]
    assert hooks.send_due() == 1
    assert hooks.get(hook.id).stopped_at is not None and "410" in hooks.get(hook.id).why


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest", "http://10.0.0.1/",
        "http://2130706433/", "http://[::ffff:127.0.0.1]/", "file:///etc/passwd", "http://u:p@a.example/",
        "http://a.example/\r\nX: y", "http://nowhere.invalid/",
    ],
)  # fmt: skip
def test_addresses_that_lead_inside_are_refused(shared_world: ConsoleWorld, url: str) -> None:
    shared_world.add_user("duty")
    with pytest.raises(WrongUse):
        shared_world.console.webhooks.add(shared_world.console.users.find("duty-whole"), "x", url, ["ticket.opened"])


def test_a_name_that_leads_inside_later_is_refused_then(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["8.8.8.8", "127.0.0.1"])
    monkeypatch.setattr("console.delivering.socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (next(answers), 80))])
    sender = Sender(AddressRule())
    assert sender.check("http://turns.example/") == "turns.example"
    with pytest.raises(Refused, match="no public address"):
        sender.post("http://turns.example/", b"", {})


# The client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ConsoleWorld, str]]:
    """The real application on a port of its own."""
    import uvicorn

    world = ConsoleWorld(tmp_path_factory.mktemp("client"))
    server = uvicorn.Server(uvicorn.Config(world.app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield world, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    world.close()


def client(served: tuple[ConsoleWorld, str], scope: str = "whole") -> Client:
    world, url = served
    user = world.console.users.find(world.add_user("duty", scope))
    rights = ["own", "tickets", "tickets.work", "policies", "policies.change", "search"]
    return Client(url, world.console.tokens.make(user, "client", rights, 1)[0], wait=lambda _: None)


def test_the_client_reads_over_all_pages(served: tuple[ConsoleWorld, str]) -> None:
    with client(served) as api:
        assert api.get("/me").value["user"] == "duty-whole"
        whole = [one["number"] for one in api.pages("/tickets", size=200)]
        paged = [one["number"] for one in api.pages("/tickets", size=1)]
    assert len(whole) > 2 and paged == whole


def test_the_client_changes_what_it_has_seen(served: tuple[ConsoleWorld, str]) -> None:
    with client(served) as api:
        read = api.get("/policies/school")
        api.put("/policies/school", {**read.value, "watch_words": ["扩招"]}, seen=read)
        with pytest.raises(ApiProblem) as caught:
            api.put("/policies/school", {**read.value, "watch_words": ["别的"]}, seen=read)
        assert (caught.value.kind, caught.value.status) == ("precondition-failed", 412)
        with pytest.raises(ApiProblem) as caught:
            api.put("/policies/school", {**read.value, "stage": "x"}, seen=api.get("/policies/school"))
        assert caught.value.body["errors"][0]["where"] == "body.stage"
        assert api.get("/policies/school").value["watch_words"] == ["扩招"]


def test_the_client_does_things_once_and_sees_its_scope_alone(served: tuple[ConsoleWorld, str]) -> None:
    with client(served, "housing") as api:
        for _ in range(2):
            api.post("/tickets/T0001/comments", {"text": "已联系供热公司核实。"}, key="once")
        lines = list(api.pages("/tickets/T0001/timeline"))
        assert sum(one["kind"] == "comment" for one in lines) == 1
        with pytest.raises(ApiProblem, match="not yours to see"):
            api.get("/tickets/T0005")


def test_the_client_waits_where_it_is_asked_to(receiver: Receiver) -> None:
    waited: list[float] = []
    receiver.answers = [503, 204]
    with Client(f"http://127.0.0.1:{receiver.port}", "t", wait=waited.append) as api:
        assert api.post("/tickets/T1/comments", {"text": "x"}).status == 204
    assert waited == [1.0]
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.got}) == 1
