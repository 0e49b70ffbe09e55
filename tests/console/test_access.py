"""Every route, by every role and scope, against the one table in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import FormData
from starlette.requests import Request

from console.access import Guard, Refused, guarded
from console.rights import RIGHTS, ROLE_RIGHTS, ROLES, Right, rights_of
from console.routes import ROUTERS
from tests.briefings.small_world import burst
from tests.console.world import ConsoleWorld

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "console.md"
ROUTES = list(guarded(ROUTERS))
OPEN_PAGES = {
    "/sign-in",
    "/sign-in/sso",
    "/sign-in/sso/back",
    "/sign-in/sso/out",
    "/link/{token}",
    "/language",
    "/static/{name:path}",
    "/favicon.ico",
    "/metrics",
}

FILLED = {
    "{number}": "T0001",
    "{document_id}": burst()[0].document.id,
    "{event_id}": "heat",
    "{policy_id}": "heating",
    "{day}": "2026-05-08",
    "{user_id}": "99999",
    "{unit_id}": "99999",
    "{session_id}": "999",
    "{token}": "nothing",
    "{task}": "99",
    "{assignment}": "99",
    "{digest}": "0" * 64,
    "{handover_id}": "999",
    "{plan_id}": "nothing",
    "{version}": "9",
    "{name}": "nothing",
    "{entry}": "qa-0",
    "{candidate}": "qc-0",
    "{consultation}": "ZQ0001",
    "{comment}": "0-0",
    "{kept}": "RB-0",
    "{code}": "1",
    "{interpretation}": "999",
    "{token_id}": "99999",
    "{webhook_id}": "99999",
    "{hours}": "24",
    "{application_id}": "99999",
    "{name:path}": "nothing",
}
STREAM = "/desk/live"  # never ends; tested by itself


def filled(path: str) -> str:
    for name, value in FILLED.items():
        path = path.replace(name, value)
    return path


def documented_routes() -> dict[tuple[str, str], str]:
    """(method, path) → right, as the docs say; `all` for everybody."""
    rows = re.findall(r"^\| `(GET|POST) ([^`]+)` \| (\w[\w.]*) \|", PAGE.read_text(encoding="utf-8"), re.M)
    return {(method, path): right for method, path, right in rows}


def documented_roles() -> dict[str, set[str]]:
    """Right → roles that have it, as the docs say."""
    found: dict[str, set[str]] = {}
    for right, cells in re.findall(
        r"^\| `([\w.]+)` [^|]*\|((?:[^|\n]*\|){7})$", PAGE.read_text(encoding="utf-8"), re.M
    ):
        marks = [cell.strip() for cell in cells.split("|")[:7]]
        found[right] = {role for role, mark in zip(ROLES, marks, strict=True) if mark == "✓"}
    return found


def test_the_docs_name_every_route_and_its_right() -> None:
    assert documented_routes() == {(method, path): right or "all" for method, path, right in ROUTES}


def test_the_docs_show_the_roles_as_they_are() -> None:
    assert documented_roles() == {right: {role for role in ROLES if right in ROLE_RIGHTS[role]} for right in RIGHTS}


def test_only_pages_to_come_in_by_are_open_to_all() -> None:
    assert {path for _, path, right in ROUTES if right is None} == OPEN_PAGES


def test_an_unknown_role_grants_nothing() -> None:
    assert rights_of(["emperor"]) == frozenset()


@pytest.mark.parametrize(("method", "path", "right"), [route for route in ROUTES if route[2] is not None])
def test_nobody_comes_in_without_a_session(shared_world: ConsoleWorld, method: str, path: str, right: str) -> None:
    answer = shared_world.visitor().request(method, filled(path))
    if method == "GET":
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
    else:
        assert answer.status_code == 401
        assert "登录" in answer.text


SCOPES = ("whole", "housing", "schools", "none")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("role", [*ROLES, "norole"])
def test_every_route_opens_only_to_its_right(shared_world: ConsoleWorld, role: str, scope: str) -> None:
    """A refusal is 403. A writing route without its form's token is 403, too, also for those who may: so it is sent
    with the token, and must then be anything else.

    What opens is asked for in every scope. What is refused never reaches its page, whatever the scope: it is asked for
    once, and of the other scopes the route's guard is asked, without the way through the server.
    """
    client = shared_world.client(role, scope)
    token = shared_world.console.keys.sign("form", _session_hash(client))
    has = documented_roles()
    for method, path, right in ROUTES:
        if right is None or path in (STREAM, "/sign-out"):
            continue
        if role not in has[right] and scope != SCOPES[0]:
            with pytest.raises(Refused):
                _ask_guard(shared_world, client, right, method, token)
            continue
        answer = client.request(method, filled(path), data={"form_token": token} if method == "POST" else None)
        allowed = role in has[right]
        assert (answer.status_code != 403) == allowed, f"{role} {scope} {method} {path}: {answer.status_code}"
        assert answer.status_code < 500, f"{role} {scope} {method} {path}"


def _ask_guard(world: ConsoleWorld, client: TestClient, right: Right, method: str, token: str) -> None:
    cookie = f"minsheng-session={client.cookies['minsheng-session']}".encode()
    scope = {"type": "http", "app": world.app, "method": method, "path": "/", "headers": [(b"cookie", cookie)]}
    Guard(right)._let_in(Request(scope), FormData({"form_token": token} if method == "POST" else {}))


def _session_hash(client: object) -> str:
    from console.accounts import hashed

    return hashed(client.cookies["minsheng-session"])  # type: ignore[attr-defined]


# What each scope sees: counts, lists, single pages, facets, exports.


@pytest.mark.parametrize(
    ("scope", "seen", "unseen"),
    [
        ("whole", ["/tickets/T0001", "/tickets/T0005", "/policies/heating", "/policies/school", "/events/heat"], []),
        (
            "housing",
            ["/tickets/T0001", "/policies/heating", "/events/heat"],
            ["/tickets/T0005", "/policies/school", "/policies/bus", "/events/enrol", "/tickets/T0099"],
        ),
        (
            "schools",
            ["/tickets/T0005", "/policies/school", "/events/enrol"],
            ["/tickets/T0001", "/policies/heating", "/events/heat"],
        ),
        ("none", [], ["/tickets/T0001", "/tickets/T0005", "/policies/heating", "/policies/school", "/events/heat"]),
    ],
)
def test_single_pages_are_there_only_in_their_scope(
    shared_world: ConsoleWorld, scope: str, seen: list[str], unseen: list[str]
) -> None:
    client = shared_world.client("duty", scope)
    assert {path: client.get(path).status_code for path in seen} == dict.fromkeys(seen, 200)
    for path in unseen:
        answer = client.get(path)
        assert answer.status_code in (400, 404), path
        assert "供暖" not in answer.text and "招生" not in answer.text


def test_what_is_not_ones_own_reads_like_what_is_not_there(shared_world: ConsoleWorld) -> None:
    client = shared_world.client("duty", "schools")
    hidden, missing = client.get("/tickets/T0001"), client.get("/tickets/T0009")
    assert hidden.status_code == missing.status_code
    assert hidden.text.replace("T0001", "T0009") == missing.text


@pytest.mark.parametrize(
    "path",
    [
        "/search",
        "/search?q=供暖",
        "/search/export",
        "/events?days=30",
        "/policies",
        "/desk",
        "/tickets?status=all",
        "/leader",
        "/briefings/2026-05-08",
        "/briefings",
        "/search?policy=heating",
    ],
)
def test_nothing_of_other_scopes_shows_on_any_page(shared_world: ConsoleWorld, path: str) -> None:
    text = shared_world.client("duty", "schools").get(path).text
    for words in ("取暖费", "供暖价格", "供暖工单", "公交", "公园的花"):
        assert words not in text, words


def test_counts_are_those_of_the_scope(shared_world: ConsoleWorld) -> None:
    def total(scope: str, query: str = "") -> int:
        found = re.search(r"<b>(\d+)</b> 篇", shared_world.client("duty", scope).get(f"/search{query}").text)
        assert found is not None
        return int(found[1])

    assert total("none") == 0
    assert 0 < total("schools") < total("whole")
    assert total("schools", "?policy=heating") == 0
    assert total("schools", "?policy=heating&policy=school") == total("schools")
    assert total("housing", "?event=heat") == total("whole", "?event=heat") > 0


def test_a_unit_sees_what_the_units_below_it_see(world: ConsoleWorld) -> None:
    units = world.console.units
    office = units.add("城建口", "department", policies=["bus"])
    units.change(
        world.housing.id, name="住建局", kind="department", parent=office.id, whole=False, policies=[],
        departments=["市住房和城乡建设局"], topics=[], regions=[],
    )  # fmt: skip
    grant = units.tree().grant(office.id, list(world.console.views.of(_everything).policies.values()))
    assert set(grant.policies or ()) == {"bus", "heating", "evil"}
    assert units.tree().grant(world.housing.id, []).policies == ()


def test_a_region_is_put_into_every_query(world: ConsoleWorld) -> None:
    from msgspec.structs import replace

    units = world.console.units
    city = units.add("东市", "city", whole=True, regions=["云岭省东市"])
    below = units.add("东市教育局", "department", parent=city.id, policies=["school"])
    east = next(one for one in burst() if one.document.text.startswith("招生方案第1条"))
    placed = replace(
        east,
        assessed=replace(
            east.assessed, document=replace(east.document, id="placed"), places=("云岭省东市南区",), opinion=2
        ),
    )
    world.world.index.write([placed])
    world.clock.advance(minutes=5)
    grant = units.tree().grant(below.id, [])
    assert grant.regions == ("云岭省东市",)
    view = world.console.views.of(lambda _policies: grant)
    found = view.index.get(["placed", east.document.id])
    assert list(found) == ["placed"]
    assert {one.id for one in view.events(since=None)} == set()  # one document alone is no event
    assert view.event("enrol") is not None
    assert view.event("heat") is None


def _everything(_policies: object) -> object:
    from console.units import Grant

    return Grant(policies=None)
