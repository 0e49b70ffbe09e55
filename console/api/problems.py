"""Errors as programs read them: RFC 9457, `application/problem+json`, in English."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from alerts.transitions import TicketConflict
from console.access import Forged, Refused, SignInNeeded
from minsheng.errors import BadInput, MinshengError, Unavailable
from minsheng.logs import get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

TITLES: dict[str, tuple[int, str]] = {
    "bad-request": (400, "The request can't be read"),
    "unauthenticated": (401, "A token or a session is needed"),
    "forbidden": (403, "This needs a right that is not there"),
    "forged": (403, "A session's writing request needs its form token"),
    "not-found": (404, "There is no such thing, or it is not yours to see"),
    "method-not-allowed": (405, "This address does not take that method"),
    "conflict": (409, "This is not possible as things stand"),
    "in-progress": (409, "The same request is being worked on"),
    "precondition-failed": (412, "It was changed since you read it"),
    "too-large": (413, "The request is too large"),
    "unsupported-media-type": (415, "The body must be application/json"),
    "invalid": (422, "Something in the request is wrong"),
    "key-reused": (422, "This Idempotency-Key belongs to another request"),
    "precondition-required": (428, "Say which version you have read"),
    "rate-limited": (429, "Too many requests"),
    "internal": (500, "An error on our side"),
    "unavailable": (503, "Something behind is away"),
}
"""Kind of problem → status and title."""

_OF_STATUS = {status: name for name, (status, _) in reversed(TITLES.items())}


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request: what, and where (`query.size`, `body.reason`)."""

    where: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong, and what to do about it.

    Attributes
    ----------
    type:
        `urn:minsheng:problem:` and the kind, e.g. `not-found`: what programs tell problems apart by.
    hint:
        What to do.
    errors:
        Each thing that is wrong with the request.
    happened:
        With 412: what others did to it meanwhile, oldest first.
    """

    type: str
    title: str
    status: int
    instance: str
    detail: str = ""
    hint: str = ""
    errors: tuple[Wrong, ...] = ()
    happened: tuple[str, ...] = ()


class ApiError(MinshengError):
    """A problem of one of the kinds in `TITLES`."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        hint: str = "",
        *,
        errors: tuple[Wrong, ...] = (),
        happened: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        assert kind in TITLES, kind
        super().__init__(detail or TITLES[kind][1], hint)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.happened = happened
        self.headers = headers or {}


def missing(what: str) -> ApiError:
    """404. The same for what is not there and for what is out of the caller's scope."""
    return ApiError("not-found", f"there is no {what}, or it is not yours to see")


def invalid(where: str, detail: str, hint: str = "") -> ApiError:
    """422 about one place of the request."""
    return ApiError("invalid", detail, hint, errors=(Wrong(where=where, detail=detail),))


def response(request: Request, error: Exception) -> Response:
    """The answer that tells of an error."""
    found = _api_error(error)
    status, title = TITLES[found.kind]
    problem = Problem(
        type=f"urn:minsheng:problem:{found.kind}",
        title=title,
        status=status,
        instance=request.url.path,
        detail=found.detail,
        hint=found.hint,
        errors=found.errors,
        happened=found.happened,
    )
    return Response(msgspec.json.encode(problem), status, found.headers, MEDIA_TYPE)


def _api_error(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, SignInNeeded):
        return ApiError(
            "unauthenticated", hint="send Authorization: Bearer with a token", headers={"WWW-Authenticate": "Bearer"}
        )
    if isinstance(error, Refused):
        return ApiError("forbidden", f"the right '{error.right}' is needed", "ask an administrator")
    if isinstance(error, Forged):
        return ApiError("forged", hint="send X-Form-Token with form_token from /api/v1/me, or use a token")
    if isinstance(error, TicketConflict):
        return ApiError(
            "precondition-failed",
            f"you saw version {error.seen}, now it is {error.version}",
            "read it again, then repeat",
            happened=tuple(map(str, error.happened)),
        )
    if isinstance(error, Unavailable):
        log.warning("api_unavailable", reason=str(error))
        return ApiError(
            "unavailable", f"{error.part} can't be reached", "try again later", headers={"Retry-After": "10"}
        )
    if isinstance(error, RequestValidationError):
        return _validation(error.errors())
    if isinstance(error, HTTPException):
        kind = _OF_STATUS.get(error.status_code, "internal" if error.status_code >= 500 else "bad-request")
        detail = error.detail if kind in ("too-large", "bad-request") else ""
        return ApiError(kind, detail, headers=dict(error.headers or {}))
    if isinstance(error, BadInput):
        return ApiError("invalid", error.message, error.hint)
    if isinstance(error, MinshengError):
        return ApiError("invalid", error.message, error.hint)
    return ApiError("internal", hint="the log of the console says more")


def _validation(errors: Any) -> ApiError:
    found = tuple(
        Wrong(where=".".join(str(place) for place in one["loc"]), detail=str(one["msg"])) for one in list(errors)[:20]
    )
    return ApiError("invalid", "; ".join(f"{one.where}: {one.detail}" for one in found), errors=found)
