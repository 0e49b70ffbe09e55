"""Signing in by the unit's identity provider: to it, and back with its word for who it is."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from console.access import SESSION_COOKIE, Visit, needs
from console.openid import Begun, SsoFailed
from console.rendering import home, show
from console.routes.sign_in import inside
from console.single_sign_on import MINUTES
from minsheng.errors import MinshengError, WrongSettings

router = APIRouter()
Anybody = Annotated[Visit, needs(None)]

COOKIE = "minsheng-sso"
PATH = "/sign-in/sso"
LONGEST = 4_000
"""Characters of a code."""
LONGEST_NEXT = 1_500


@router.get("/sign-in/sso")
def begin(visit: Anybody, next: str = "") -> Response:  # noqa: A002 - its name in the address
    """To the identity provider. `next`: where in the console to go afterwards."""
    _must_be_on(visit)
    if visit.session is not None:
        return RedirectResponse(inside(next) or home(visit), 303)
    issuer = visit.console.single_sign_on.issuer
    # A cookie holds 4,096 bytes, and this one is encrypted.
    begun = issuer.begin(inside(next) if len(next.encode("utf-8", "replace")) <= LONGEST_NEXT else "")
    try:
        target = issuer.address(begun, _back(visit))
    except MinshengError as error:
        return _failed(visit, error)
    response = RedirectResponse(target, 303)
    response.set_cookie(
        COOKIE, visit.console.keys.seal(msgspec.json.encode(begun).decode()), max_age=MINUTES * 60, path=PATH,
        httponly=True, samesite="lax", secure=visit.secure,
    )  # fmt: skip
    return response


@router.get("/sign-in/sso/back")
def back(visit: Anybody, state: str = "", code: str = "", error: str = "", iss: str = "") -> Response:
    """From the identity provider, with a code that is exchanged for who it is."""
    _must_be_on(visit)
    console = visit.console
    try:
        begun = _begun(visit)
        console.single_sign_on.take(begun, state)
        if iss and iss != console.settings.sso.issuer:
            raise SsoFailed("统一身份认证没有通过", "请从登录页重新开始。", f"the answer is of {iss[:200]}")
        if error or not code:
            raise SsoFailed(
                "统一身份认证没有让您登录", "请从登录页重新开始；仍然不行，请联系认证服务的管理员。",
                f"the issuer says: {error[:100] or 'no code'}",
            )  # fmt: skip
        claims = console.single_sign_on.issuer.claims(begun, code[:LONGEST], _back(visit))
        admitted = console.single_sign_on.admit(claims)
    except MinshengError as failure:
        return _failed(visit, failure)
    user = admitted.user
    told = {"by": "single-sign-on"}
    if admitted.made:
        console.audit.add(
            user.name, "user-added", user.name, address=visit.address,
            detail={"roles": list(user.roles), "unit": user.unit_id, **told},
        )  # fmt: skip
    if admitted.changed:
        detail = {name: list(value) if isinstance(value, tuple) else value for name, value in admitted.changed.items()}
        console.audit.add(user.name, "user-changed", user.name, address=visit.address, detail={**detail, **told})
    token = console.sessions.begin(user, visit.address, visit.request.headers.get("user-agent", ""))
    console.audit.add(user.name, "signed-in", address=visit.address, detail=told)
    response = RedirectResponse(begun.next or "/", 303)
    response.set_cookie(
        SESSION_COOKIE, token, max_age=int(console.settings.console.session_hours * 3600), httponly=True,
        samesite="lax", secure=visit.secure,
    )  # fmt: skip
    response.delete_cookie(COOKIE, path=PATH)
    return response


@router.get("/sign-in/sso/out")
def leave(visit: Anybody) -> Response:
    """To where one signs out at the identity provider, too."""
    _must_be_on(visit)
    try:
        target = visit.console.single_sign_on.issuer.leaving(f"{_own(visit)}/sign-in")
    except MinshengError as error:
        return _failed(visit, error)
    return RedirectResponse(target or "/sign-in", 303)


def _must_be_on(visit: Visit) -> None:
    if not visit.console.single_sign_on.on:
        raise HTTPException(404)


def _begun(visit: Visit) -> Begun:
    sealed = visit.request.cookies.get(COOKIE, "")
    try:
        return msgspec.json.decode(visit.console.keys.open(sealed), type=Begun)
    except (MinshengError, msgspec.DecodeError, UnicodeError):
        raise SsoFailed(
            "登录没有完成", "请从登录页重新开始，并允许浏览器为本系统保存 Cookie。",
            "the browser has no cookie of a sign-in that began here",
        ) from None  # fmt: skip


def _own(visit: Visit) -> str:
    """Where browsers reach the console: the settings', as what a request says of it is anybody's word."""
    address = visit.console.settings.console.public_url.rstrip("/")
    if not address:
        raise WrongSettings("console.public_url is empty, which single sign-on needs", "set it")
    return address


def _back(visit: Visit) -> str:
    return f"{_own(visit)}{PATH}/back"


def _failed(visit: Visit, error: MinshengError) -> Response:
    """The sign-in page with what went wrong and what to do; the audit log has the reason."""
    told = error if isinstance(error, SsoFailed) else SsoFailed(
        "统一身份认证设置有误", "请运维用 minsheng doctor 查看原因。", error.message
    )  # fmt: skip
    visit.console.audit.add(
        "-", "sign-in-failed", address=visit.address, detail={"by": "single-sign-on", "why": told.why[:500]}
    )
    response = show(
        visit, "sign_in.html.j2", code=403, next="", kept=[], kept_path="", wrong=f"{told.message}。{told.hint}",
        expired=False, name="", out=False,
    )  # fmt: skip
    response.delete_cookie(COOKIE, path=PATH)
    return response
