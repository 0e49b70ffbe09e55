"""Forged forms, stored scripts, sessions, passwords, throttling, the second factor, and the audit log."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import lxml.etree
import lxml.html
import pyotp
import pytest
import sqlalchemy as sa

from console.accounts import TooManyTries
from console.headers import POLICY
from console.tables import audit, audit_checkpoints, failures
from minsheng.errors import WrongUse
from minsheng.settings import ConsoleSettings
from minsheng.spreadsheets import safe_cell
from tests.briefings.small_world import burst
from tests.console.world import EVIL, PASSWORD, ConsoleWorld, form_token, send

PAGES = [
    "/desk", "/desk/tickets", "/tickets", "/tickets/T0001", "/search?q=供暖", "/events", "/events/heat", "/policies",
    "/policies/evil", "/policies/heating", "/sources", "/leader", "/account", "/briefings/2026-05-08",
    f"/search?q={EVIL}", f"/search?policy={EVIL}", f"/policies?q={EVIL}", f"/tickets?policy={EVIL}",
    f"/sign-in?next={EVIL}", f"/nothing/{EVIL}", f"/tickets/{EVIL}",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_text_from_outside_becomes_markup(shared_world: ConsoleWorld, path: str) -> None:
    answer = shared_world.client("duty").get(path)
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert 'href="javascript:' not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_forbids_what_is_inline_and_what_is_elsewhere(shared_world: ConsoleWorld, path: str) -> None:
    answer = shared_world.client("duty").get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy == POLICY or "/briefings/" in path
    if answer.headers.get("content-type", "").startswith("text/html") and "/briefings/" not in path:
        elements = list(lxml.html.fromstring(answer.text).iter(lxml.etree.Element))
        names = {str(name) for one in elements for name in one.attrib}
        assert not [name for name in names if name == "style" or name.startswith(("on", "hx-on"))]
        scripts = [one for one in elements if one.tag == "script" and one.get("type") != "application/json"]
        assert [one for one in scripts if not str(one.get("src")).startswith("/static/")] == []
        addresses = [str(one.get(name, "/")) for one in elements for name in ("src", "href", "action")]
        assert [one for one in addresses if not one.startswith(("/", "#")) or one.startswith("//")] == []
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_weighs_little(shared_world: ConsoleWorld) -> None:
    client = shared_world.client("duty")
    page = client.get("/policies/heating")
    files = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))
    weight = len(page.content) + sum(int(client.get(one).headers["content-length"]) for one in files)
    assert len(files) >= 5
    assert weight < 300_000


def test_files_are_named_by_their_content(shared_world: ConsoleWorld) -> None:
    client = shared_world.visitor()
    urls = re.findall(r'"(/static/[^"#]+)', client.get("/sign-in").text)
    assert all(re.search(r"-[0-9a-f]{12}\.(css|js|svg)$", url) for url in urls)
    answer = client.get(urls[0])
    assert "immutable" in answer.headers["cache-control"]
    assert client.get("/static/console.css").status_code == 404


# Forged forms


def test_a_form_without_its_token_changes_nothing(world: ConsoleWorld) -> None:
    client = world.client("duty")
    for token in ("", "x", world.console.keys.sign("form", "another session")):
        answer = client.post(
            "/tickets/T0001/move", data={"status": "acknowledged", "version": "1", "form_token": token}
        )
        assert answer.status_code == 403
    assert client.get("/tickets/T0001").text.count("待签收") > 0


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_a_form_of_another_site_is_refused_though_it_has_the_token(
    world: ConsoleWorld, headers: dict[str, str]
) -> None:
    client = world.client("duty")
    token = form_token(client.get("/desk"))
    fields = {"status": "acknowledged", "version": "1", "form_token": token}
    assert client.post("/tickets/T0001/move", data=fields, headers=headers).status_code == 403
    assert client.post("/tickets/T0001/move", data=fields, headers={"origin": "http://testserver"}).status_code == 303


def test_the_token_of_one_session_is_none_in_another(world: ConsoleWorld) -> None:
    one, other = world.client("duty"), world.client("duty")
    token = form_token(one.get("/desk"))
    assert other.post("/sign-out", data={"form_token": token}).status_code == 403


# Sessions


def sign_in(world: ConsoleWorld, name: str, password: str = PASSWORD, code: str = "", **more: str) -> object:
    client = world.visitor()
    answer = send(client, "/sign-in", "/sign-in", name=name, password=password, code=code, **more)
    return client, answer


def test_signing_in_and_out(world: ConsoleWorld) -> None:
    name = world.add_user("duty")
    client, answer = sign_in(world, name)  # type: ignore[misc]
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    assert client.get("/desk").status_code == 200
    kept = client.cookies["minsheng-session"]
    assert send(client, "/desk", "/sign-out").status_code == 303
    client.cookies.set("minsheng-session", kept)
    assert client.get("/desk").status_code == 303


def test_behind_tls_the_cookie_is_secure(tmp_path: object) -> None:
    world = ConsoleWorld(tmp_path, ConsoleSettings(public_url="https://minsheng.example.gov.cn"))  # type: ignore[arg-type]
    _, answer = sign_in(world, world.add_user("duty"))  # type: ignore[misc]
    assert "Secure" in answer.headers["set-cookie"]
    world.close()


def test_the_store_holds_no_token_that_could_be_used(world: ConsoleWorld) -> None:
    client = world.client("duty")
    token = client.cookies["minsheng-session"]
    with world.store.read() as connection:
        kept = connection.execute(sa.text("select * from user_sessions")).all()
    assert kept and token not in str(kept)


def test_a_session_ends_by_age_and_by_rest(world: ConsoleWorld) -> None:
    client = world.client("duty")
    world.clock.advance(minutes=239)
    assert client.get("/desk").status_code == 200
    world.clock.advance(minutes=241)
    assert client.get("/desk").status_code == 303
    client = world.client("duty")
    for _ in range(6):
        world.clock.advance(hours=2)
        last = client.get("/desk").status_code
    assert last == 303


@pytest.mark.parametrize("how", ["disabled", "roles", "session"])
def test_an_administrator_ends_sessions_at_once(world: ConsoleWorld, how: str) -> None:
    client, boss = world.client("duty"), world.client("administrator")
    user = world.console.users.find("duty-whole")
    assert client.get("/desk").status_code == 200
    if how == "session":
        number = world.console.sessions.holding(user.id)[0].id
        send(boss, "/admin/sessions", f"/admin/sessions/{number}/end")
    else:
        fields = {"display": "甲", "unit": str(world.whole.id), "roles": "duty" if how == "disabled" else "leader"}
        send(
            boss,
            f"/admin/users/{user.id}",
            f"/admin/users/{user.id}",
            disabled="1" if how == "disabled" else "",
            **fields,
        )
    assert client.get("/desk").status_code == 303


def test_what_was_being_sent_when_the_session_ended_is_not_lost(world: ConsoleWorld) -> None:
    client = world.client("duty")
    token = form_token(client.get("/tickets/T0001"))
    world.clock.advance(hours=13)
    answer = client.post(
        "/tickets/T0001/move",
        data={"status": "closed", "version": "1", "reason": "已当面答复<b>", "form_token": token},
    )
    assert answer.status_code == 401
    fields = dict(re.findall(r'name="(kept[^"]*|form_token)" value="([^"]*)"', answer.text))
    assert fields["kept.reason"] == "已当面答复&lt;b&gt;"
    fields["kept.reason"] = "已当面答复<b>"
    again = client.post("/sign-in", data={**fields, "name": "duty-whole", "password": PASSWORD, "code": ""})
    assert "已当面答复&lt;b&gt;" in again.text
    assert 'action="/tickets/T0001/move"' in again.text
    done = client.post(
        "/tickets/T0001/move",
        data={"form_token": form_token(again), "status": "closed", "version": "1", "reason": "已当面答复<b>"},
    )
    assert done.status_code == 303
    assert "已办结" in client.get("/tickets/T0001").text


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(world: ConsoleWorld, target: str) -> None:
    _, answer = sign_in(world, world.add_user("duty"), next=target)  # type: ignore[misc]
    assert answer.headers["location"] == "/"


# Passwords


def test_wrong_names_and_wrong_passwords_read_the_same(world: ConsoleWorld) -> None:
    world.add_user("duty")
    _, one = sign_in(world, "duty-whole", "wrong password")  # type: ignore[misc]
    _, other = sign_in(world, "nobody-here", "wrong password")  # type: ignore[misc]
    assert one.status_code == other.status_code == 401
    assert "用户名、口令或动态口令不对" in one.text and "用户名、口令或动态口令不对" in other.text


def test_many_tries_are_held_back_and_then_let_in_again(world: ConsoleWorld) -> None:
    world.add_user("duty")
    for _ in range(5):
        sign_in(world, "duty-whole", "wrong password")
    _, held = sign_in(world, "duty-whole")  # type: ignore[misc]
    assert held.status_code == 429
    world.clock.advance(minutes=16)
    _, let_in = sign_in(world, "duty-whole")  # type: ignore[misc]
    assert let_in.status_code == 303


def test_tries_that_come_at_once_are_held_back_as_those_one_after_the_other(world: ConsoleWorld) -> None:
    """A password is checked for a third of a second: time enough for many others to come in."""
    name = world.add_user("duty")

    def guess(number: int) -> bool:
        try:
            return world.console.users.sign_in(name, f"guess {number} of many", "", "203.0.113.7") is None
        except TooManyTries:
            return False

    with ThreadPoolExecutor(20) as pool:
        checked = list(pool.map(guess, range(40)))
    assert checked.count(True) <= 5
    world.clock.advance(minutes=16)
    assert world.console.users.sign_in(name, PASSWORD, "", "203.0.113.7") is not None, "those that waited do not count"
    with world.store.read() as connection:
        left = connection.scalar(sa.select(sa.func.count()).where(failures.c.subject == f"user:{name}"))
    assert left == 0


def test_one_address_trying_many_names_is_held_back(world: ConsoleWorld) -> None:
    users = world.console.users
    for number in range(50):
        users.sign_in(f"name{number}", "wrong", "", "203.0.113.7")
    with pytest.raises(TooManyTries):
        users.sign_in("another", "wrong", "", "203.0.113.7")
    assert users.sign_in("another", "wrong", "", "203.0.113.8") is None


@pytest.mark.parametrize("password", ["short", "1234567890", "aaaaaaaaaaaa", "newcomer99", "x" * 201])
def test_easy_passwords_are_refused_and_the_link_stays_good(world: ConsoleWorld, password: str) -> None:
    users = world.console.users
    user = users.add("newcomer99", "", ["duty"], None)
    token = users.make_link(user.id)
    with pytest.raises(WrongUse):
        users.use_link(token, password)
    users.use_link(token, PASSWORD)
    with pytest.raises(WrongUse, match="链接无效"):
        users.use_link(token, PASSWORD + "2")


def test_passwords_are_kept_as_argon2id(world: ConsoleWorld) -> None:
    world.add_user("duty")
    with world.store.read() as connection:
        kept = connection.scalar(sa.text("select password_hash from users"))
    assert str(kept).startswith("$argon2id$")


def test_a_link_is_too_old_after_two_days(world: ConsoleWorld) -> None:
    users = world.console.users
    token = users.make_link(users.add("late", "", ["duty"], None).id)
    world.clock.advance(hours=49)
    assert world.visitor().get(f"/link/{token}").status_code == 400


def test_the_first_administrator_comes_by_one_link_alone(world: ConsoleWorld) -> None:
    users = world.console.users
    old, token = users.make_link(None), users.make_link(None)
    client = world.visitor()
    assert client.get(f"/link/{old}").status_code == 400
    answer = send(client, f"/link/{token}", f"/link/{token}", name="Root", password=PASSWORD, password_again=PASSWORD)
    assert answer.status_code == 303
    assert users.find("root").roles == ("administrator",)
    assert not users.needs_first()
    with pytest.raises(WrongUse):
        users.link_owner(users.make_link(None))


def test_the_second_factor(world: ConsoleWorld) -> None:
    name = world.add_user("duty")
    users = world.console.users
    secret = pyotp.random_base32()
    now = int(world.clock.now().timestamp())
    users.set_totp(users.find(name).id, secret, pyotp.TOTP(secret).at(now))
    with world.store.read() as connection:
        assert secret not in str(connection.execute(sa.text("select totp_sealed from users")).all())
    assert users.sign_in(name, PASSWORD, "", "a") is None
    assert users.sign_in(name, PASSWORD, pyotp.TOTP(secret).at(now), "a") is None, "taken before"
    world.clock.advance(seconds=60)
    code = pyotp.TOTP(secret).at(now + 60)
    assert users.sign_in(name, PASSWORD, code, "a") is not None
    assert users.sign_in(name, PASSWORD, code, "a") is None, "no code is taken twice"


def test_who_finds_a_session_open_can_not_go_on_guessing_the_password(world: ConsoleWorld) -> None:
    client = world.client("duty")
    codes = [send(client, "/account", "/account/password", password=f"guess {n}").status_code for n in range(8)]
    assert codes == [400] * 5 + [429] * 3
    held = send(client, "/account", "/account/totp", password=PASSWORD)
    assert held.status_code == 429, "the right one as well, by whichever form"
    world.clock.advance(minutes=16)
    assert send(client, "/account", "/account/password", password=PASSWORD).status_code == 303
    assert send(client, "/account", "/account/password", password="wrong").status_code == 400, "counted anew"


def test_switching_the_second_factor_on_by_the_page(world: ConsoleWorld) -> None:
    client = world.client("duty")
    page = send(client, "/account", "/account/totp", password=PASSWORD)
    secret = re.search(r'name="secret" value="(\w+)"', page.text)
    assert secret is not None
    code = pyotp.TOTP(secret[1]).at(int(world.clock.now().timestamp()))
    assert send(client, "/account", "/account/totp", password="wrong", secret=secret[1], code=code).status_code == 400
    done = send(client, "/account", "/account/totp", password=PASSWORD, secret=secret[1], code=code)
    assert done.status_code == 303
    assert world.console.users.find("duty-whole").has_totp


# Leaving, and exports


def test_links_lead_out_by_a_warning_and_only_signed_ones(world: ConsoleWorld) -> None:
    client = world.client("duty")
    text = client.get(f"/documents/{burst()[0].document.id}").text
    link = re.search(r'href="(/leave\?[^"]+)"', text)
    assert link is not None and "http://127.0.0.1:9" not in text.replace(link[1], "")
    page = client.get(link[1].replace("&amp;", "&"))
    assert 'rel="noreferrer noopener nofollow"' in page.text
    assert client.get("/leave?to=https://evil.example&signed=x").status_code == 404


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1+1", " =1", "|x", "%x"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text).startswith("'")


def test_an_export_is_what_is_shown_and_runs_nothing(world: ConsoleWorld) -> None:
    import io

    from openpyxl import load_workbook

    client = world.client("duty", "housing")
    answer = client.get("/search/export?q=供暖&format=xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert any(str(row[3]).startswith("'=HYPERLINK") for row in rows)
    shown = re.search(r"<b>(\d+)</b> 篇", client.get("/search?q=供暖").text)
    assert shown is not None and len(rows) == int(shown[1]) + 1
    text = client.get("/search/export?q=供暖&format=csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK" in text and len(text.splitlines()) >= len(rows)
    assert world.client("reader").get("/search/export?q=供暖").status_code == 403


def test_an_export_that_is_cut_says_so(tmp_path: object) -> None:
    world = ConsoleWorld(tmp_path, ConsoleSettings(export_rows=3))  # type: ignore[arg-type]
    lines = world.client("duty").get("/search/export").content.decode("utf-8-sig").splitlines()
    assert len(lines) == 5 and "只含前 3 篇" in lines[-1]
    world.close()


# The audit log


def test_reads_searches_exports_and_changes_are_written_down(world: ConsoleWorld) -> None:
    client = world.client("duty")
    client.get("/search?q=供暖")
    client.get("/search/export?q=供暖")
    client.get(f"/documents/{burst()[0].document.id}")
    client.get("/events/heat")
    send(client, "/tickets/T0001", "/tickets/T0001/move", status="acknowledged", version="1")
    client.get("/admin/users")
    done = [(line.action, line.subject) for line in reversed(world.console.audit.list())]
    assert done == [
        ("searched", "供暖"), ("exported", "供暖"), ("document-read", burst()[0].document.id), ("event-read", "heat"),
        ("ticket-read", "T0001"), ("ticket-moved", "T0001"), ("refused", "/admin/users"),
    ]  # fmt: skip
    assert {line.actor for line in world.console.audit.list()} == {"duty-whole"}


@pytest.mark.parametrize("harm", ["changed", "removed", "forged"])
def test_harm_to_the_log_shows(world: ConsoleWorld, harm: str) -> None:
    for number in range(5):
        world.console.audit.add("a", "searched", str(number))
    assert world.console.audit.verify().broken is None
    with world.store.begin() as connection:
        if harm == "changed":
            connection.execute(audit.update().where(audit.c.id == 3).values(subject="nothing"))
        elif harm == "removed":
            connection.execute(audit.delete().where(audit.c.id == 3))
        else:
            connection.execute(audit.update().where(audit.c.id == 3).values(previous="0" * 64))
    assert world.console.audit.verify().broken == 3
    assert "链条在这一行断开" in world.client("auditor").get("/admin/audit").text


def test_the_page_does_not_walk_the_whole_log_each_time(world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    checks, log = world.console.audit_checks, world.console.audit
    for number in range(20):
        log.add("a", "searched", str(number))
    assert checks.look().verdict == checks.full().verdict
    walked: list[int] = []
    walk = log._walk
    monkeypatch.setattr(log, "_walk", lambda last, step=1_000: walked.append(last) or walk(last, step))
    log.add("a", "searched", "one more")
    assert checks.look().verdict.lines == 21
    assert walked == [20], "from the checkpoint on"


@pytest.mark.parametrize("harm", ["before", "at", "cut", "forged"])
def test_what_lies_before_a_checkpoint_is_not_lost_sight_of(world: ConsoleWorld, harm: str) -> None:
    checks, log = world.console.audit_checks, world.console.audit
    for number in range(6):
        log.add("a", "searched", str(number))
    assert checks.full().verdict.broken is None
    with world.store.begin() as connection:
        if harm == "before":
            connection.execute(audit.update().where(audit.c.id == 3).values(subject="nothing"))
        elif harm == "at":
            connection.execute(audit.update().where(audit.c.id == 6).values(subject="nothing"))
        elif harm == "cut":
            connection.execute(audit.delete().where(audit.c.id > 4))
        else:  # a checkpoint of one's own making is none
            connection.execute(audit.update().where(audit.c.id == 3).values(subject="nothing"))
            connection.execute(audit_checkpoints.update().values(line=5, broken=None, signature="x" * 43))
    if harm == "before":
        assert checks.look().verdict.broken is None, "a look starts at the checkpoint"
        assert send(world.client("auditor"), "/admin/audit", "/admin/audit/verify").status_code == 303
    broken = {"before": 3, "at": 6, "cut": 6, "forged": 3}[harm]
    assert checks.look().verdict.broken == broken
    assert "链条在这一行断开" in world.client("auditor").get("/admin/audit").text


# Forms and answers that would hurt


def test_a_form_that_is_too_long_is_not_read(shared_world: ConsoleWorld) -> None:
    answer = shared_world.visitor().post("/sign-in", data={"name": "x" * (5 << 20)})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/admin/users/{}", "/admin/audit?before={}", "/webhooks/{}", "/plans/p?version={}"])
def test_numbers_that_no_store_holds_are_told_of(shared_world: ConsoleWorld, path: str) -> None:
    role = "administrator" if "users" in path else "auditor" if "audit" in path else "duty"
    assert shared_world.client(role).get(path.format("9" * 30)).status_code in (400, 404)


def test_characters_that_xml_can_not_hold_break_no_export(world: ConsoleWorld) -> None:
    from tests.briefings.small_world import MIDNIGHT, record
    from tests.console.world import HEATING

    bad = record("odd", MIDNIGHT, "供暖\ufffe\uffff\x0b\ud800", title="奇怪\uffff", policy=HEATING)
    assert safe_cell(bad.document.text) == "供暖?"
    assert safe_cell(bad.document.title) == "奇怪"


def test_metrics_are_for_this_machine_or_with_a_token(world: ConsoleWorld) -> None:
    from fastapi.testclient import TestClient

    world.client("duty").get("/desk")
    assert world.visitor().get("/metrics").status_code == 404, "the test's browser is elsewhere"
    here = TestClient(world.app, client=("127.0.0.1", 5000))
    text = here.get("/metrics").text
    assert 'minsheng_console_requests_total{method="GET",route="/desk",status="200"} 1.0' in text
    assert "minsheng_console_sessions 1.0" in text and "minsheng_webhook_deliveries_waiting 0.0" in text
    assert here.get("/metrics", headers={"x-forwarded-for": "10.0.0.9"}).status_code == 404
    assert here.get("/nowhere/at/all").status_code == 404
    assert 'route="none"' in here.get("/metrics").text and "/nowhere" not in here.get("/metrics").text


def test_metrics_with_the_token_of_the_settings(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from msgspec.structs import replace

    from minsheng.settings import MetricsSettings, Secret

    monkeypatch.setenv("SCRAPER", "a long secret")
    world = ConsoleWorld(tmp_path)  # type: ignore[arg-type]
    world.console.settings = replace(world.settings, metrics=MetricsSettings(token=Secret(env="SCRAPER")))
    elsewhere = world.visitor()
    assert elsewhere.get("/metrics", headers={"authorization": "Bearer a long secret"}).status_code == 200
    assert elsewhere.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 404
    world.close()
