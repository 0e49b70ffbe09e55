"""The caller: who it is, what it may do, and its tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import Response

from console.access import Visit
from console.api.describing import told
from console.api.problems import ApiError, invalid, missing
from console.api.repeats import SHOWN_ONCE
from console.api.routing import answer, needs, read_body, resource
from console.rights import RIGHTS
from console.tokens import LONGEST_DAYS, Token
from minsheng.errors import WrongUse

router = resource("Caller")
Own = Annotated[Visit, needs("own")]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller.

    Attributes
    ----------
    rights:
        What this token, or session, may do.
    unit, everything:
        Its unit, and whether that sees everything.
    policies:
        Ids of the policies in its scope.
    token_expires_at:
        When its token ends; null for a session.
    form_token:
        For a session: what its writing requests send as X-Form-Token.
    """

    user: str
    display: str
    roles: tuple[str, ...]
    rights: list[str]
    unit: str | None
    everything: bool
    policies: list[str]
    token_expires_at: datetime | None
    form_token: str | None


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token to be made: what program it is for, a part of one's own rights, and how long it holds."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    rights: Annotated[list[str], msgspec.Meta(min_length=1, max_length=len(RIGHTS))]
    days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_DAYS)] = 90


class MadeToken(Token, frozen=True, kw_only=True):
    """`secret` is shown this once."""

    secret: str


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's tokens that hold, newest first."""

    items: list[Token]


_TOKEN = {
    "id": 4, "user": "li", "name": "大屏", "hint": "msh_x4Kd2a", "rights": ["tickets"],
    "created_at": "2026-05-08T01:00:00Z", "expires_at": "2026-08-06T01:00:00Z", "last_used_at": None,
    "last_address": "", "revoked_at": None,
}  # fmt: skip


@router.get(
    "/me",
    **told(
        Me, "Who the caller is",
        example={
            "user": "li", "display": "李静", "roles": ["duty"], "rights": ["own", "tickets"], "unit": "云岭市",
            "everything": True, "policies": ["heating"], "token_expires_at": "2026-08-06T01:00:00Z",
            "form_token": None,
        },
    ),
)  # fmt: skip
def get_me(visit: Own) -> Response:
    """What it may do and see."""
    unit = visit.console.units.tree().by_id.get(visit.user.unit_id or -1)
    return answer(
        Me(
            user=visit.user.name, display=visit.user.display, roles=visit.user.roles,
            rights=[one for one in RIGHTS if one in visit.rights], unit=unit.name if unit else None,
            everything=visit.view.grant.everything, policies=sorted(visit.view.policies),
            token_expires_at=visit.token.expires_at if visit.token else None,
            form_token=visit.form_token if visit.session else None,
        )
    )  # fmt: skip


@router.get("/tokens", **told(Tokens, "List one's tokens", example={"items": [_TOKEN]}))
def list_tokens(visit: Own) -> Response:
    """Without their secrets, which are kept nowhere."""
    return answer(Tokens(items=list(visit.console.tokens.list(visit.user.id))))


@router.post(
    "/tokens",
    **told(
        MadeToken, "Make a token", body=NewToken, status=201, example={**_TOKEN, "secret": "msh_x4Kd2a…"},
        body_example={"name": "大屏", "rights": ["tickets"], "days": 90},
    ),
)  # fmt: skip
def make_token(visit: Own, body: Annotated[NewToken, read_body(NewToken)]) -> Response:
    """Only by a session: a token makes no others. Audited."""
    if visit.token is not None:
        raise ApiError("forbidden", "a token makes no other tokens", "sign in, or: minsheng tokens add")
    try:
        secret, token = visit.console.tokens.make(visit.user, body.name, body.rights, body.days)
    except WrongUse as error:
        raise invalid("body", error.message, error.hint) from error
    visit.record("token-made", token.name, {"token": token.id, "rights": list(token.rights)})
    return answer(MadeToken(**msgspec.structs.asdict(token), secret=secret), 201, {SHOWN_ONCE: "1"})


@router.delete("/tokens/{token_id}", **told(None, "Revoke a token", status=204, missing=True, example=None))
def revoke_token(visit: Own, token_id: int) -> Response:
    """It ends at once. A token may revoke itself and others of its user. Audited."""
    if not 0 < token_id < 1 << 62 or not visit.console.tokens.revoke(token_id, user_id=visit.user.id):
        raise missing(f"token {token_id}")
    visit.record("token-revoked", str(token_id))
    return Response(status_code=204)
