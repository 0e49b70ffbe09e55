"""Signing in by an identity provider: a real one on this machine, that is right, and wrong in each way that matters."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from joserfc.jwk import RSAKey
from msgspec.structs import replace

from console.routes.single_sign_on import COOKIE
from console.single_sign_on import SingleSignOn
from minsheng.doctor.machine import single_sign_on
from minsheng.errors import WrongSettings
from minsheng.settings import ConsoleSettings, Secret, SsoSettings, load_settings
from tests.console.identity_provider import CLIENT, SECRET, IdentityProvider, key_of
from tests.console.world import PASSWORD, ConsoleWorld, form_token, send

HOME = "http://testserver"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    made = ConsoleWorld(tmp_path_factory.mktemp("sso"), ConsoleSettings(public_url=HOME))
    yield made
    made.close()


@pytest.fixture
def provider(shared: ConsoleWorld) -> Iterator[IdentityProvider]:
    made = IdentityProvider(shared.clock.now)
    yield made
    made.close()


@pytest.fixture
def world(shared: ConsoleWorld, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> ConsoleWorld:
    monkeypatch.setenv("SSO_SECRET", SECRET)
    use(shared, provider)
    return shared


def use(world: ConsoleWorld, provider: IdentityProvider, **more: Any) -> None:
    """Set the console up for the provider, as a start with these settings would."""
    chosen = SsoSettings(issuer=provider.issuer, client_id=CLIENT, client_secret=Secret(env="SSO_SECRET"), **more)
    console = world.console
    console.settings = replace(world.settings, sso=chosen)
    console.single_sign_on = SingleSignOn(chosen, world.store, world.clock, console.users, console.units)


def away(client: TestClient, path: str = "/sign-in/sso") -> str:
    """Go to the provider; where it sends the browser back to."""
    begun = client.get(path)
    assert begun.status_code == 303, begun.text[-500:]
    answer = httpx.get(begun.headers["location"])
    assert answer.status_code == 302
    return answer.headers["location"].removeprefix(HOME)


def come(client: TestClient, path: str = "/sign-in/sso") -> Response:
    answer: Response = client.get(away(client, path))
    return answer


def added(world: ConsoleWorld, name: str, role: str = "duty") -> str:
    """A user whom an administrator has added for the provider's people."""
    world.console.users.add(name, name, [role] if role else [], world.whole.id)
    return name


def why(world: ConsoleWorld) -> str:
    """The reason that the audit log has of the last refusal."""
    last = next(one for one in world.console.audit.list() if one.action == "sign-in-failed")
    detail = json.loads(last.detail)
    assert detail["by"] == "single-sign-on"
    return str(detail["why"])


def person(provider: IdentityProvider, name: str, **more: Any) -> None:
    provider.person = {"sub": f"id of {name}", "preferred_username": name, "name": name.upper(), **more}


def test_somebody_comes_in_and_goes_where_they_wanted(world: ConsoleWorld, provider: IdentityProvider) -> None:
    added(world, "wang")
    client = world.visitor()
    assert 'href="/sign-in/sso?next=/tickets/T0001"' in client.get("/sign-in?next=/tickets/T0001").text
    begun = client.get("/sign-in/sso?next=/tickets/T0001")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["redirect_uri"] == [f"{HOME}/sign-in/sso/back"]
    assert "HttpOnly" in begun.headers["set-cookie"] and "SameSite=lax" in begun.headers["set-cookie"]
    assert asked["state"][0] not in begun.headers["set-cookie"]
    back = httpx.get(begun.headers["location"]).headers["location"].removeprefix(HOME)
    answer = client.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets/T0001")
    assert client.get("/tickets/T0001").status_code == 200 and COOKIE not in client.cookies
    line = next(one for one in world.console.audit.list() if one.action == "signed-in")
    assert (line.actor, json.loads(line.detail)) == ("wang", {"by": "single-sign-on"})
    assert world.console.users.find("wang").display == "王值班"
    out = send(client, "/account", "/sign-out")
    assert out.headers["location"] == "/sign-in?out=1"
    assert 'href="/sign-in/sso/out"' in client.get("/sign-in?out=1").text
    gone = client.get("/sign-in/sso/out").headers["location"]
    assert gone.startswith(f"{provider.issuer}/out?") and "post_logout_redirect_uri=http%3A%2F%2Ftestserver%2F" in gone


def test_what_the_provider_tells_is_kept_and_a_new_key_is_found(
    world: ConsoleWorld, provider: IdentityProvider
) -> None:
    added(world, "zhou")
    person(provider, "zhou")
    for _ in range(2):
        assert come(world.visitor()).status_code == 303
    assert provider.asked.count("/keys") == provider.asked.count("/.well-known/openid-configuration") == 1
    provider.change_key()
    world.clock.advance(minutes=2)
    assert come(world.visitor()).status_code == 303
    assert provider.asked.count("/keys") == 2
    provider.change_key()  # a minute has not gone by: tokens with keys of their own making cost no request each
    assert come(world.visitor()).status_code == 403 and provider.asked.count("/keys") == 2
    world.clock.advance(minutes=61)
    assert come(world.visitor()).status_code == 303
    assert provider.asked.count("/.well-known/openid-configuration") == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another program"}, "aud"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": None}, "how long it holds"),
        ({"exp": "tomorrow"}, "how long it holds"),
        ({"iat": 9_000_000_000}, "future"),
        ({"nbf": 9_000_000_000}, "future"),
        ({"sub": None}, "sub"),
        ({"at_hash": "wrong"}, "at_hash"),
    ],
)
def test_a_token_that_is_not_right_opens_nothing(
    world: ConsoleWorld, provider: IdentityProvider, changes: dict[str, Any], reason: str
) -> None:
    provider.changes = changes
    client = world.visitor()
    answer = come(client)
    assert answer.status_code == 403 and "minsheng-session" not in client.cookies
    assert "统一身份认证没有通过" in answer.text and "请" in answer.text
    assert reason in why(world)


def test_a_token_that_another_key_signed_opens_nothing(world: ConsoleWorld, provider: IdentityProvider) -> None:
    honest = provider.signs_with
    provider.signs_with = RSAKey.import_key({**key_of("stranger").as_dict(private=True), "kid": "first"})
    assert come(world.visitor()).status_code == 403 and "signature" in why(world)
    # The public key taken for a secret: the old trick of HS256.
    provider.signs_with, provider.takes_public_key_for_secret = honest, True
    assert come(world.visitor()).status_code == 403 and "signature" in why(world)


def test_clocks_may_be_a_little_apart(world: ConsoleWorld, provider: IdentityProvider) -> None:
    added(world, "skewed")
    person(provider, "skewed")
    now = int(world.clock.now().timestamp())
    provider.changes = {"iat": now + 50, "exp": now - 50}
    assert come(world.visitor()).status_code == 303
    provider.changes = {"iat": now + 70}
    answer = come(world.visitor())
    assert answer.status_code == 403 and "核对本机和认证服务器的时间" in answer.text


def test_a_way_back_is_good_once_and_for_who_went(world: ConsoleWorld, provider: IdentityProvider) -> None:
    added(world, "once")
    person(provider, "once")
    client = world.visitor()
    begun = client.get("/sign-in/sso")
    kept = client.cookies[COOKIE]
    back = httpx.get(begun.headers["location"]).headers["location"].removeprefix(HOME)
    assert world.visitor().get(back).status_code == 403 and "no cookie" in why(world)  # sent to somebody else
    other = world.visitor()
    away(other)
    assert other.get(back).status_code == 403 and "state" in why(world)  # another browser that had begun, too
    assert client.get(back).status_code == 303
    again = world.visitor()
    again.cookies.set(COOKIE, kept, domain="testserver.local", path="/sign-in/sso")
    assert again.get(back, headers={"cookie": f"{COOKIE}={kept}"}).status_code == 403
    assert "used before" in why(world)
    late = world.visitor()
    back = away(late)
    world.clock.advance(minutes=11)
    assert late.get(back).status_code == 403 and "too long" in why(world)


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\tx", "evil.example"],
)
def test_nobody_is_sent_to_another_site(world: ConsoleWorld, provider: IdentityProvider, target: str) -> None:
    name = f"guest-{zlib.crc32(target.encode())}"  # one for each: a name belongs to who came with it first
    added(world, name)
    person(provider, name)
    client = world.visitor()
    begun = client.get("/sign-in/sso", params={"next": target})
    back = httpx.get(begun.headers["location"]).headers["location"].removeprefix(HOME)
    assert client.get(f"{back}&next={quote(target, safe='')}").headers["location"] == "/"
    assert client.get("/sign-in/sso", params={"next": target}).headers["location"] == "/desk"


def test_who_is_not_known_is_sent_away_or_made(world: ConsoleWorld, provider: IdentityProvider) -> None:
    person(provider, "new.one")
    answer = come(world.visitor())
    assert answer.status_code == 403 and "请管理员新增用户 new.one" in answer.text
    use(world, provider, unknown="add", default_roles=("reader",))
    assert come(world.visitor()).status_code == 303
    made = world.console.users.find("new.one")
    assert (made.display, made.roles, made.unit_id, made.has_password) == ("NEW.ONE", ("reader",), None, False)
    assert "user-added" in [one.action for one in world.console.audit.list() if one.subject == "new.one"]
    person(provider, "张三")
    answer = come(world.visitor())
    assert answer.status_code == 403 and "sso.username_claim" in answer.text
    provider.person = {"sub": "nameless"}
    assert "没有给出用户名" in come(world.visitor()).text


def test_roles_and_unit_follow_the_provider(world: ConsoleWorld, provider: IdentityProvider) -> None:
    use(
        world, provider, unknown="add", roles_claim="realm.groups", roles={"舆情值班": "duty", "领导": "leader"},
        unit_claim="org", units={"D07": "住建局"},
    )  # fmt: skip
    person(provider, "moved", realm={"groups": ["舆情值班", "别的"]}, org="D07")
    client = world.visitor()
    assert come(client).status_code == 303
    user = world.console.users.find("moved")
    assert (user.roles, user.unit_id) == (("duty",), world.housing.id)
    person(provider, "moved", realm={"groups": ["领导"]}, org="教育局")
    assert come(world.visitor()).status_code == 303
    user = world.console.users.find("moved")
    assert (user.roles, user.unit_id) == (("leader",), world.schools.id)
    assert client.get("/desk").status_code == 303, "who has other roles now is signed out elsewhere"
    line = next(one for one in world.console.audit.list() if one.action == "user-changed")
    assert json.loads(line.detail) == {"roles": ["leader"], "unit_id": world.schools.id, "by": "single-sign-on"}
    person(provider, "moved", realm={"groups": []}, org="教育局")
    answer = come(world.visitor())
    assert answer.status_code == 403 and "您还没有角色" in answer.text
    world.console.users.change(user.id, display="x", roles=["duty"], unit_id=None, disabled=True)
    person(provider, "moved", realm={"groups": ["领导"]})
    assert "这个账号已停用" in come(world.visitor()).text


def test_a_name_given_to_somebody_else_opens_nothing(world: ConsoleWorld, provider: IdentityProvider) -> None:
    added(world, "li.jing")
    person(provider, "li.jing")
    assert come(world.visitor()).status_code == 303
    person(provider, "li.jing", sub="another person")
    answer = come(world.visitor())
    assert answer.status_code == 403 and "已属于另一个人" in answer.text
    person(provider, "renamed", sub="id of li.jing")  # the same person under another name is the same user
    client = world.visitor()
    assert come(client).status_code == 303 and "li.jing" in client.get("/account").text
    boss = world.add_user("administrator")
    person(provider, boss)
    assert "管理员账号不能用统一身份认证登录" in come(world.visitor()).text


def test_names_and_passwords_stay_or_only_administrators(world: ConsoleWorld, provider: IdentityProvider) -> None:
    duty, boss = world.add_user("duty"), world.add_user("administrator")

    def by_password(name: str) -> int:
        return send(world.visitor(), "/sign-in", "/sign-in", name=name, password=PASSWORD, code="").status_code

    assert (by_password(duty), by_password(boss)) == (303, 303)
    use(world, provider, local=False)
    assert (by_password(duty), by_password(boss)) == (401, 303)
    page = world.visitor().get("/sign-in").text
    assert "统一身份认证" in page and "<summary>管理员用口令登录</summary>" in page


def test_what_was_being_typed_is_not_lost(world: ConsoleWorld, provider: IdentityProvider) -> None:
    added(world, "typist")
    person(provider, "typist")
    client = world.visitor()
    assert come(client).status_code == 303
    token = form_token(client.get("/tickets/T0001"))
    world.clock.advance(hours=13)
    ended = client.post("/tickets/T0001/comment", data={"text": "写了一半的批注", "form_token": token})
    assert ended.status_code == 401 and "已在新窗口登录，继续" in ended.text and 'target="_blank"' in ended.text
    assert come(client).status_code == 303  # in another window
    again = client.post(
        "/tickets/T0001/comment", data={"text": "写了一半的批注", "form_token": form_token(ended)},
        headers={"sec-fetch-site": "same-origin"},
    )  # fmt: skip
    assert again.status_code == 409 and "写了一半的批注" in again.text


def test_a_provider_that_is_away_or_wrong_is_told_of(world: ConsoleWorld, provider: IdentityProvider) -> None:
    client = world.visitor()
    provider.refuses = "access_denied"
    assert "没有让您登录" in come(client).text and "access_denied" in why(world)
    provider.refuses = ""
    provider.told = {"issuer": "https://evil.example"}
    use(world, provider)
    assert client.get("/sign-in/sso").status_code == 403 and "calls itself" in why(world)
    provider.told = {"token_endpoint": "http://10.0.0.1/token"}
    use(world, provider)
    assert client.get("/sign-in/sso").status_code == 403 and "no https address" in why(world)
    provider.told = {"code_challenge_methods_supported": ["plain"]}
    use(world, provider)
    assert client.get("/sign-in/sso").status_code == 403 and "PKCE" in why(world)
    provider.close()
    use(world, provider)
    answer = client.get("/sign-in/sso")
    assert answer.status_code == 403 and "暂时连不上" in answer.text and SECRET not in why(world)


def test_without_settings_there_is_none_of_it(shared: ConsoleWorld) -> None:
    shared.console.settings = shared.settings
    off = SsoSettings()
    shared.console.single_sign_on = SingleSignOn(
        off, shared.store, shared.clock, shared.console.users, shared.console.units
    )
    client = shared.visitor()
    assert {client.get(one).status_code for one in ("/sign-in/sso", "/sign-in/sso/back", "/sign-in/sso/out")} == {404}
    assert "/sign-in/sso" not in client.get("/sign-in").text


def test_doctor_looks_at_the_settings(world: ConsoleWorld, provider: IdentityProvider) -> None:
    class Patient:
        settings = world.console.settings
        clock, store = world.clock, world.store

    def look(**more: Any) -> list[tuple[str, str]]:
        chosen = replace(world.console.settings.sso, **more)
        Patient.settings = replace(world.console.settings, sso=chosen)
        return [(one.state, one.message + one.advice) for one in single_sign_on(Patient())]  # type: ignore[arg-type]

    assert [state for state, _ in look()] == ["ok"]
    assert look(roles={"x": "emperor"}, roles_claim="groups")[0][0] == "broken"
    assert any("Nowhere" in text for _, text in look(units={"x": "Nowhere"}, unit_claim="org"))
    assert look(unknown="add")[0][0] == "warning", "users without roles come in nowhere"
    assert look(issuer=f"{provider.issuer}/other")[0][0] == "broken"
    Patient.settings = replace(world.console.settings, console=ConsoleSettings())
    assert next(one.state for one in single_sign_on(Patient())) == "broken"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ['issuer = "http://sso.example"', 'issuer = "https://sso.example"',
             'issuer = "https://sso.example"\nclient_id = "m"\nscopes = ["profile"]']
)  # fmt: skip
def test_settings_that_can_not_be_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "minsheng.toml").write_text(f"[sso]\n{text}\n", encoding="utf-8")
    with pytest.raises(WrongSettings):
        load_settings(tmp_path, tmp_path / "minsheng.toml", {})
