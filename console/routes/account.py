"""One's own account: password, second factor, sessions."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import pyotp
from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from console.access import Visit, needs
from console.rendering import show
from minsheng.errors import WrongUse

router = APIRouter()
Own = Annotated[Visit, needs("own")]


@router.get("/account")
def account(visit: Own) -> Response:
    return _page(visit)


@router.post("/account/password")
def change_password(visit: Own) -> Response:
    users = visit.console.users
    if not users.check_password_of(visit.user.id, visit.secret_field("password")):
        return _page(visit, wrong="当前口令不对。")
    return RedirectResponse(f"/link/{users.make_link(visit.user.id)}", 303)


@router.post("/account/totp")
def totp(visit: Own) -> Response:
    """First shows a new secret; sent again with it and a code from the app, asks for codes from then on."""
    users = visit.console.users
    if not users.check_password_of(visit.user.id, visit.secret_field("password")):
        return _page(visit, wrong="当前口令不对。")
    if visit.field("remove") == "1":
        users.remove_totp(visit.user.id)
        visit.record("totp-removed")
        return RedirectResponse("/account", 303)
    secret = visit.field("secret")
    if not secret:
        return _page(visit, secret=pyotp.random_base32())
    try:
        users.set_totp(visit.user.id, secret, visit.field("code"))
    except (WrongUse, ValueError):
        return _page(visit, secret=secret, wrong="动态口令不对：核对手机时间后再输入一次。")
    visit.record("totp-set")
    return RedirectResponse("/account", 303)


@router.post("/account/sessions/{session_id}/end")
def end_session(visit: Own, session_id: int) -> Response:
    if visit.console.sessions.end(session_id, user_id=visit.user.id):
        visit.record("session-ended", visit.user.name)
    return RedirectResponse("/account", 303)


def _page(visit: Visit, *, wrong: str = "", secret: str = "") -> Response:
    tree = visit.console.units.tree()
    unit = tree.by_id.get(visit.user.unit_id or -1)
    label = quote(f"Minsheng:{visit.user.name}")
    return show(
        visit,
        "account.html.j2",
        code=400 if wrong else 200,
        unit=unit,
        grant=visit.view.grant,
        sessions=visit.console.sessions.holding(visit.user.id),
        wrong=wrong,
        secret=secret,
        uri=f"otpauth://totp/{label}?secret={secret}&issuer=Minsheng" if secret else "",
    )
