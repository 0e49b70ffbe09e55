"""Administration: users, units, sessions, and the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from console.access import Visit, needs
from console.audit import ACTIONS, Line
from console.audit_words import detail_words
from console.days import begin_of
from console.problems import in_words
from console.rendering import show
from console.rights import RIGHTS, ROLE_RIGHTS, ROLES
from console.serving import address_of
from console.sheets import check_format, export_sheet
from console.state import parts_of, settings_of
from console.units import UNIT_KINDS
from console.words import moment
from minsheng.errors import WrongUse

router = APIRouter()
Administrator = Annotated[Visit, needs("users")]
Auditor = Annotated[Visit, needs("audit")]
LINES = 100
AUDIT_COLUMNS = ("序号", "时间", "用户名", "动作", "对象", "内容", "地址", "校验值")


@router.get("/admin/users")
def user_list(visit: Administrator) -> Response:
    return _users(visit)


@router.post("/admin/users")
def add_user(visit: Administrator) -> Response:
    users = visit.console.users
    try:
        user = users.add(
            visit.field("name"), visit.field("display"), visit.fields("roles"), _number(visit.field("unit"))
        )
    except WrongUse as error:
        return _users(visit, wrong=in_words(error))
    visit.record("user-added", user.name, {"roles": list(user.roles), "unit": user.unit_id})
    return _with_link(visit, user.id)


@router.get("/admin/users/{user_id}")
def user_page(visit: Administrator, user_id: int) -> Response:
    return _user(visit, user_id)


@router.post("/admin/users/{user_id}")
def change_user(visit: Administrator, user_id: int) -> Response:
    disabled, roles = visit.field("disabled") == "1", visit.fields("roles")
    if user_id == visit.user.id and (disabled or "administrator" not in roles):
        return _user(visit, user_id, wrong="不能停用自己，也不能取消自己的管理员角色：请另一位管理员来做。")
    try:
        user = visit.console.users.change(
            user_id,
            display=visit.field("display"),
            roles=roles,
            unit_id=_number(visit.field("unit")),
            disabled=disabled,
        )
    except WrongUse as error:
        return _user(visit, user_id, wrong=in_words(error))
    visit.record("user-changed", user.name, {"roles": list(user.roles), "unit": user.unit_id, "disabled": disabled})
    return RedirectResponse("/admin/users", 303)


@router.post("/admin/users/{user_id}/link")
def new_link(visit: Administrator, user_id: int) -> Response:
    visit.console.users.get(user_id)
    if visit.field("totp") == "1":
        visit.console.users.remove_totp(user_id)
        visit.record("totp-removed", str(user_id))
    return _with_link(visit, user_id)


@router.get("/admin/units")
def unit_list(visit: Administrator) -> Response:
    return _units(visit)


@router.post("/admin/units")
def add_unit(visit: Administrator) -> Response:
    try:
        unit = visit.console.units.add(
            visit.field("name"), visit.field("kind"), parent=_number(visit.field("parent")), **_scope(visit)
        )
    except WrongUse as error:
        return _units(visit, wrong=in_words(error))
    visit.record("unit-added", unit.name)
    return RedirectResponse("/admin/units", 303)


@router.get("/admin/units/{unit_id}")
def unit_page(visit: Administrator, unit_id: int) -> Response:
    return _unit(visit, unit_id)


@router.post("/admin/units/{unit_id}")
def change_unit(visit: Administrator, unit_id: int) -> Response:
    scope = _scope(visit)
    try:
        unit = visit.console.units.change(
            unit_id, name=visit.field("name"), kind=visit.field("kind"), parent=_number(visit.field("parent")), **scope
        )
    except WrongUse as error:
        return _unit(visit, unit_id, wrong=in_words(error))
    visit.record("unit-changed", unit.name, {"parent": unit.parent_id, **scope})
    return RedirectResponse("/admin/units", 303)


@router.get("/admin/sessions")
def session_list(visit: Administrator) -> Response:
    return show(visit, "admin/sessions.html.j2", sessions=visit.console.sessions.holding())


@router.post("/admin/sessions/{session_id}/end")
def end_session(visit: Administrator, session_id: int) -> Response:
    if visit.console.sessions.end(session_id):
        visit.record("session-ended", str(session_id))
    return RedirectResponse("/admin/sessions", 303)


@router.get("/admin/system")
def system(visit: Administrator) -> Response:
    """How the system stands, and its settings."""
    return show(
        visit, "admin/system.html.j2", parts=parts_of(visit.console), settings=settings_of(visit.console.settings)
    )


@router.get("/admin/audit")
def audit(
    visit: Auditor,
    actor: str = "",
    action: str = "",
    q: str = "",
    since: str = "",
    until: str = "",
    before: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None,
) -> Response:
    """`since`, `until`: days in China, both counted in."""
    asked = {"actor": actor.strip(), "action": action, "q": q.strip(), "since": since, "until": until}
    lines = _audit_lines(visit, asked, before=before, limit=LINES)
    checked = visit.console.audit_checks.look()
    visit.record("audit-read", "", {key: value for key, value in asked.items() if value})
    tree = visit.console.units.tree()
    names: dict[str, Mapping[Any, str]] = {
        "unit": {unit.id: unit.name for unit in tree.by_id.values()},
        "policy": visit.view.policy_names(),
        "source": visit.view.source_names(),
    }
    return show(
        visit, "admin/audit.html.j2", asked=asked, actions=ACTIONS,
        lines=[(line, detail_words(line.action, line.subject, line.detail, names, ACTIONS)) for line in lines],
        verdict=checked.verdict, full_at=checked.full_at, stale=checked.stale(visit.console.clock.now()),
        more=lines[-1].id if len(lines) == LINES else None, most=visit.console.settings.console.export_rows,
    )  # fmt: skip


@router.get("/admin/audit/export")
def export_audit(
    visit: Auditor, actor: str = "", action: str = "", q: str = "", since: str = "", until: str = "",
    format: str = "csv",  # noqa: A002
) -> Response:  # fmt: skip
    """The lines that the same filters show, newest first, from all pages."""
    check_format(format)
    most = visit.console.settings.console.export_rows
    asked = {"actor": actor.strip(), "action": action, "q": q.strip(), "since": since, "until": until}
    lines = _audit_lines(visit, asked, limit=most + 1)
    kept = lines[:most]
    note = f"本文件只含最近 {len(kept)} 条；请缩小范围后再导出。" if len(lines) > most else ""
    rows = [
        (str(line.id), moment(line.at), line.actor, ACTIONS.get(line.action, line.action), line.subject, line.detail,
         line.address, line.hash)
        for line in kept
    ]  # fmt: skip
    stamp = moment(visit.console.clock.now()).replace("-", "").replace(":", "").replace(" ", "-")
    return export_sheet(
        visit, rows, AUDIT_COLUMNS, what="审计日志", name=f"审计日志-{stamp}", format=format,
        asked={key: value for key, value in asked.items() if value}, note=note,
    )  # fmt: skip


@router.post("/admin/audit/verify")
def verify_audit(visit: Auditor) -> Response:
    """Walk the whole log."""
    found = visit.console.audit_checks.full().verdict
    visit.record("audit-verified", "", {"lines": found.lines, "broken": found.broken})
    return RedirectResponse("/admin/audit", 303)


def _audit_lines(visit: Visit, asked: Mapping[str, str], *, before: int | None = None, limit: int) -> Sequence[Line]:
    until = begin_of(asked["until"])
    return visit.console.audit.list(
        actor=asked["actor"] or None, action=asked["action"] or None, words=asked["q"] or None,
        since=begin_of(asked["since"]), until=until + timedelta(days=1) if until else None,
        before=before, limit=limit,
    )  # fmt: skip


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _scope(visit: Visit) -> dict[str, Any]:
    lists = {name: _lines(visit.field(name)) for name in ("policies", "departments", "topics", "regions")}
    return {"whole": visit.field("whole") == "1", **lists}


def _lines(text: str) -> list[str]:
    return [word.strip() for line in text.replace("，", "\n").replace(",", "\n").splitlines() if (word := line).strip()]


def _users(visit: Visit, *, wrong: str = "") -> Response:
    tree = visit.console.units.tree()
    return show(
        visit, "admin/users.html.j2", code=400 if wrong else 200, users=visit.console.users.all(), tree=tree,
        units=tree.listed(), roles=ROLES, wrong=wrong, role_rights=ROLE_RIGHTS, rights=RIGHTS,
    )  # fmt: skip


def _user(visit: Visit, user_id: int, *, wrong: str = "") -> Response:
    try:
        edited = visit.console.users.get(user_id)
    except WrongUse:
        raise HTTPException(404) from None
    return show(
        visit, "admin/user.html.j2", code=400 if wrong else 200, edited=edited, roles=ROLES, wrong=wrong,
        units=visit.console.units.tree().listed(), link="",
    )  # fmt: skip


def _with_link(visit: Visit, user_id: int) -> Response:
    """The user's page with a new one-time link, which is shown this once."""
    edited = visit.console.users.get(user_id)
    token = visit.console.users.make_link(user_id)
    visit.record("link-made", edited.name)
    return show(
        visit, "admin/user.html.j2", edited=edited, roles=ROLES, wrong="",
        units=visit.console.units.tree().listed(),
        link=f"{address_of(visit.console.settings.console, str(visit.request.base_url))}/link/{token}",
    )  # fmt: skip


def _units(visit: Visit, *, wrong: str = "") -> Response:
    users: dict[int, int] = {}
    for user in visit.console.users.all():
        users[user.unit_id or 0] = users.get(user.unit_id or 0, 0) + 1
    return show(
        visit, "admin/units.html.j2", code=400 if wrong else 200, units=visit.console.units.tree().listed(),
        kinds=UNIT_KINDS, wrong=wrong, users=users,
    )  # fmt: skip


def _unit(visit: Visit, unit_id: int, *, wrong: str = "") -> Response:
    tree = visit.console.units.tree()
    edited = tree.by_id.get(unit_id)
    if edited is None:
        raise HTTPException(404)
    below = {one.id for one in tree.with_below(unit_id)}
    return show(
        visit, "admin/unit.html.j2", code=400 if wrong else 200, edited=edited, kinds=UNIT_KINDS, wrong=wrong,
        units=[entry for entry in tree.listed() if entry[1].id not in below],
    )  # fmt: skip
