"""Signing in and out, one-time links, the language, the files, and the page before leaving for another site."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from console import translation
from console.access import LANGUAGE_COOKIE, SESSION_COOKIE, Visit, needs
from console.accounts import TooManyTries, User
from console.problems import in_words
from console.rendering import again, home, show
from minsheng.errors import WrongUse

router = APIRouter()
Anybody = Annotated[Visit, needs(None)]

FIRST_ROLES = ("administrator",)
ALONE_ROLES = ("administrator", "duty", "leader", "operator", "auditor")
"""What the first administrator gets who also tries everything out alone."""


@router.get("/")
def start(visit: Annotated[Visit, needs("own")]) -> Response:
    return RedirectResponse(home(visit), 303)


@router.get("/sign-in")
def sign_in_page(visit: Anybody, next: str = "", out: str = "") -> Response:  # noqa: A002 - its name in the address
    if visit.session is not None:
        return RedirectResponse(inside(next) or home(visit), 303)
    return show(
        visit, "sign_in.html.j2", next=inside(next), kept=[], kept_path="", wrong="", expired=False, name="",
        out=out == "1" and visit.console.single_sign_on.on,
    )  # fmt: skip


@router.post("/sign-in")
def sign_in(visit: Anybody) -> Response:
    console = visit.console
    name = visit.field("name")
    kept = [(key.removeprefix("kept."), value) for key, value in visit.items() if key.startswith("kept.")]
    kept_path = inside(visit.field("kept_path"))

    def refused(wrong: str, status: int) -> Response:
        return show(
            visit, "sign_in.html.j2", code=status, next=inside(visit.field("next")), kept=kept, kept_path=kept_path,
            wrong=wrong, expired=False, name=name, out=False,
        )  # fmt: skip

    try:
        user = console.users.sign_in(name, visit.secret_field("password"), visit.field("code"), visit.address)
    except TooManyTries:
        console.audit.add("-", "sign-in-refused", name[:60], address=visit.address)
        return refused("登录尝试过多，请过几分钟再试。", 429)
    if user is not None and not _may_by_password(visit, user):
        user = None
    if user is None:
        console.audit.add("-", "sign-in-failed", name[:60], address=visit.address)
        return refused("用户名、口令或动态口令不对。", 401)
    token = console.sessions.begin(user, visit.address, visit.request.headers.get("user-agent", ""))
    console.audit.add(user.name, "signed-in", address=visit.address)
    response: Response
    if kept_path:
        signed_in = visit.signed_in(token)
        response = again(signed_in, kept, kept_path, code=200)
    else:
        response = RedirectResponse(inside(visit.field("next")) or "/", 303)
    response.set_cookie(
        SESSION_COOKIE, token, max_age=int(console.settings.console.session_hours * 3600), httponly=True,
        samesite="lax", secure=visit.secure,
    )  # fmt: skip
    return response


@router.post("/sign-out")
def sign_out(visit: Annotated[Visit, needs("own")]) -> Response:
    assert visit.session is not None
    visit.console.sessions.end(visit.session.id)
    visit.record("signed-out")
    sso = visit.console.single_sign_on
    response = RedirectResponse("/sign-in?out=1" if sso.on and sso.knows(visit.user) else "/sign-in", 303)
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.get("/link/{token}")
def link_page(visit: Anybody, token: str) -> Response:
    owner = visit.console.users.link_owner(token)
    return show(visit, "link.html.j2", owner=owner, token=token, wrong="", name="", display="", alone=True)


@router.post("/link/{token}")
def use_link(visit: Anybody, token: str) -> Response:
    users = visit.console.users
    owner = users.link_owner(token)
    password, name, display = visit.secret_field("password"), visit.field("name"), visit.field("display")
    alone = visit.field("alone") == "1"
    try:
        if password != visit.secret_field("password_again"):
            raise WrongUse("两次输入的口令不一样")
        user = users.use_link(
            token, password, name=name, display=display, roles=ALONE_ROLES if alone else FIRST_ROLES
        )  # fmt: skip
    except WrongUse as error:
        return show(
            visit, "link.html.j2", code=400, owner=owner, token=token, wrong=in_words(error), name=name,
            display=display, alone=alone,
        )  # fmt: skip
    if owner is None and alone:
        _give_whole_unit(visit, user.id)
    visit.console.audit.add(user.name, "password-set", user.name, address=visit.address)
    return RedirectResponse("/sign-in", 303)


def _may_by_password(visit: Visit, user: User) -> bool:
    """Where people sign in by the identity provider alone, administrators still come in: it may be the one that is
    broken."""
    sso = visit.console.single_sign_on
    return not sso.on or sso.settings.local or "administrator" in user.roles


def _give_whole_unit(visit: Visit, user_id: int) -> None:
    """Who works alone sees everything: a unit for that, where there is none."""
    units = visit.console.units
    listed = units.tree().listed()
    whole = next((unit for _, unit in listed if unit.whole), None) or (
        None if listed else units.add("本级", "province", whole=True)
    )
    if whole is not None:
        visit.console.users.place(user_id, whole.id)


@router.post("/language")
def language(visit: Anybody) -> Response:
    chosen = visit.field("language")
    response = RedirectResponse(inside(visit.field("next")) or "/", 303)
    if chosen in translation.LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, chosen, max_age=31_536_000, httponly=True, samesite="lax", secure=visit.secure
        )
    return response


@router.get("/leave")
def leave(visit: Annotated[Visit, needs("own")], to: str, signed: str) -> Response:
    """Warns before another site is opened. Only for addresses that a page of ours has signed: no door for phishers."""
    if not to.startswith(("http://", "https://")) or not visit.console.keys.signed("leave", to, signed):
        raise HTTPException(404)
    return show(visit, "leave.html.j2", to=to, host=urlsplit(to).hostname or "")


@router.get("/static/{name:path}")
def static(_visit: Anybody, request: Request, name: str) -> Response:
    answer: Response = request.app.state.assets.answer(request, name)
    return answer


@router.get("/favicon.ico")
def favicon(_visit: Anybody, request: Request) -> Response:
    return RedirectResponse(request.app.state.assets.url("mark.svg"), 308)


def inside(path: str) -> str:
    """The path, if it lies in this console; otherwise nothing."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else ""
