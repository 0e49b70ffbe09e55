"""The door of the API, and what all its answers have in common.

    router = resource("tickets", "Tickets")

    @router.get("/tickets/{number}", **told(Ticket, "One ticket"))
    def ticket(visit: Annotated[Visit, needs("tickets")], number: str) -> Response: ...

A request meets, in this order: the limit on its size, the caller (a token, or a session), the rate limit, the right
that the route names, the answer that was given to the same idempotency key, and the route. Whatever goes wrong on this
way is answered as a problem.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends as DependsMark
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from console.access import SESSION_COOKIE, Forged, Guard, Refused, SignInNeeded, Visit, refuse_other_sites
from console.accounts import hashed
from console.api import problems
from console.api.limits import limited
from console.api.problems import ApiError
from console.api.repeats import HEADER
from console.parts import Console
from console.rights import Right
from minsheng.errors import MinshengError

PREFIX = "/api/v1"
FORM_HEADER = "X-Form-Token"

_READS = ("GET", "HEAD")


class ApiGuard(Guard):
    """Hands a route the caller that `ApiRoute` has let in."""

    async def __call__(self, request: Request) -> Visit:
        visit = getattr(request.state, "admitted", None)
        if not isinstance(visit, Visit) or (self.right is not None and self.right not in visit.rights):
            raise AssertionError("the request did not come in by an ApiRoute")
        return visit


def needs(right: Right | None) -> DependsMark:
    """The mark that a route of the API carries. `right` None: for everybody, without a token."""
    mark = Depends(ApiGuard(right))
    assert isinstance(mark, DependsMark)
    return mark


class ApiRoute(APIRoute):
    """A route of the API."""

    @property
    def guard(self) -> ApiGuard:
        found = [one.call for one in self.dependant.dependencies if isinstance(one.call, ApiGuard)]
        assert len(found) == 1, self.path
        return found[0]

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            request = Request(request.scope, limited(request.receive))
            headers: dict[str, str] = {}
            try:
                visit = await run_in_threadpool(_admit, request, self.guard.right, headers)
                answer = await _once(request, visit, inner)
            except (MinshengError, HTTPException, RequestValidationError) as error:
                answer = await run_in_threadpool(_failed, request, error)
            for name, value in headers.items():
                answer.headers.setdefault(name, value)
            return answer

        return handle


def resource(name: str) -> APIRouter:
    """A router of the API; `name` is the tag that its routes stand under."""
    return APIRouter(prefix=PREFIX, tags=[name], route_class=ApiRoute)


def _admit(request: Request, right: Right | None, headers: dict[str, str]) -> Visit:
    console: Console = request.app.state.console
    address = request.client.host if request.client else ""
    if right is None:
        visit = Visit(request, console, None, FormData(), "")
        request.state.admitted = visit
        return visit
    strangers = console.strangers.take(address, cost=0)
    if strangers.wait:
        headers |= strangers.headers
        raise ApiError("rate-limited", "too many requests without a good token from this address")
    visit = _caller(request, console, address)
    taken = console.rate_limit.take(f"token:{visit.token.id}" if visit.token else f"user:{visit.user.id}")
    headers |= taken.headers
    if taken.wait:
        raise ApiError("rate-limited", f"at most {taken.limit} requests a minute", f"wait {taken.wait} s")
    if visit.token is None and request.method not in _READS:
        refuse_other_sites(request)
        if not console.keys.signed("form", visit.form_secret, request.headers.get(FORM_HEADER, "")):
            raise Forged
    if right not in visit.rights:
        raise Refused(visit, right)
    request.state.admitted = visit
    return visit


def _caller(request: Request, console: Console, address: str) -> Visit:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme:
        # Who shows a token is not to get by with a cookie instead.
        held = console.tokens.use(secret.strip(), address) if scheme.lower() == "bearer" else None
        if held is not None:
            return Visit(request, console, None, FormData(), "", held)
    else:
        cookie = request.cookies.get(SESSION_COOKIE, "")
        session = console.sessions.get(cookie)
        if session is not None:
            return Visit(request, console, session, FormData(), hashed(cookie))
    console.strangers.take(address)
    raise SignInNeeded


async def _once(request: Request, visit: Visit, inner: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    """The answer; with an idempotency key made once, and for reads only where it is new to the caller."""
    if request.method in _READS:
        return _unless_known(request, await inner(request))
    key = request.headers.get(HEADER)
    if key is None:
        return await inner(request)
    repeats = visit.console.repeats
    claim = await run_in_threadpool(repeats.claim, visit, key, await request.body())
    if isinstance(claim, Response):
        return claim
    answer: Response | None = None
    try:
        try:
            answer = await inner(request)
        except (MinshengError, HTTPException, RequestValidationError) as error:
            answer = await run_in_threadpool(_failed, request, error)
        return answer
    finally:
        await run_in_threadpool(repeats.keep, visit, key, claim, answer)


def _unless_known(request: Request, answer: Response) -> Response:
    if answer.status_code != 200 or not hasattr(answer, "body"):
        return answer
    tag = answer.headers.get("etag")
    if tag is None:
        tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
        answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = "private, no-cache"
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})
    return answer


def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        error.visit.record("refused", request.url.path, {"right": error.right})
    return problems.response(request, error)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def matched(request: Request, current: str) -> None:
    """Check If-Match against the tag of what is there. Raises `ApiError`."""
    given = request.headers.get("if-match")
    if given is None:
        raise ApiError("precondition-required", "If-Match is missing", "send the ETag that you have read")
    if given.strip() != "*" and current not in {one.strip() for one in given.split(",")}:
        raise ApiError("precondition-failed", "it was changed since you read it", "read it again, then repeat")


def read_body(kind: type[Any]) -> Any:
    """A dependency that reads the request's JSON as a struct."""
    decoder = msgspec.json.Decoder(kind)

    async def read(request: Request) -> Any:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await request.body()
        if body and media != "application/json":
            raise ApiError("unsupported-media-type", f"the body is {media or 'of no type'}")
        try:
            return decoder.decode(body or b"{}")
        except msgspec.ValidationError as error:
            what, _, place = str(error).partition(" - at ")
            where = "body" + place.strip("`").removeprefix("$")
            raise problems.invalid(where, what) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise problems.invalid("body", f"the body is no JSON: {error}") from None

    read.kind = kind  # type: ignore[attr-defined]
    return Depends(read)
