"""One's own tokens for the API, and for administrators everybody's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from console.access import Visit, needs
from console.problems import in_words
from console.rendering import show
from console.rights import RIGHTS
from console.tokens import LONGEST_DAYS, Token
from minsheng.errors import WrongUse

router = APIRouter()
Own = Annotated[Visit, needs("own")]


@router.get("/account/tokens")
def token_list(visit: Own) -> Response:
    return _page(visit)


@router.post("/account/tokens")
def make(visit: Own) -> Response:
    """`name`, `right` (repeatable), `days`: the token is shown this once."""
    days = visit.number("days") or 0
    try:
        secret, token = visit.console.tokens.make(visit.user, visit.field("name"), visit.fields("right"), days)
    except WrongUse as error:
        return _page(visit, problem=in_words(error))
    visit.record("token-made", token.name, {"token": token.id, "rights": list(token.rights)})
    return _page(visit, made=token, secret=secret)


@router.post("/account/tokens/{token_id}/revoke")
def revoke(visit: Own, token_id: int) -> Response:
    if not visit.console.tokens.revoke(token_id, user_id=visit.user.id):
        raise HTTPException(404)
    visit.record("token-revoked", str(token_id))
    return RedirectResponse("/account/tokens", 303)


@router.get("/admin/tokens")
def every_token(visit: Annotated[Visit, needs("users")]) -> Response:
    return show(visit, "admin/tokens.html.j2", tokens=visit.console.tokens.list())


@router.post("/admin/tokens/{token_id}/revoke")
def revoke_any(visit: Annotated[Visit, needs("users")], token_id: int) -> Response:
    if not visit.console.tokens.revoke(token_id):
        raise HTTPException(404)
    visit.record("token-revoked", str(token_id))
    return RedirectResponse("/admin/tokens", 303)


def _page(visit: Visit, *, problem: str = "", made: Token | None = None, secret: str = "") -> Response:
    return show(
        visit, "tokens.html.j2", code=400 if problem else 200, problem=problem, made=made, secret=secret,
        tokens=visit.console.tokens.list(visit.user.id, ended=True)[:100], longest=LONGEST_DAYS,
        rights=[one for one in RIGHTS if one in visit.rights], name=visit.field("name") if problem else "",
        chosen=visit.fields("right") if problem else [], days=visit.field("days") if problem else "90",
    )  # fmt: skip
