"""The application: its routes, what every answer carries, and what becomes of errors."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.access import FORM_COOKIE, Forged, Refused, SignInNeeded, TooLarge, Visit, guarded, visit_of
from console.accounts import TooManyTries
from console.api import problems
from console.api.describing import document
from console.api.routers import ROUTERS as API_ROUTERS
from console.api.routing import PREFIX
from console.assets import Assets
from console.headers import HEADERS
from console.parts import Console
from console.problems import advice, in_words
from console.rendering import Rendering, again, keepable, show
from console.routes import ROUTERS
from minsheng.errors import BadInput, MinshengError, Unavailable, WrongUse
from minsheng.logs import get_logger

log = get_logger(__name__)


def create_app(console: Console) -> FastAPI:
    """The console over these parts. Raises `AssertionError` where a route has no guard."""
    app = FastAPI(title="Minsheng", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = console
    app.state.assets = Assets()
    app.state.rendering = Rendering(app.state.assets)
    app.state.openapi = msgspec.json.encode(document(API_ROUTERS))
    list(guarded((*ROUTERS, *API_ROUTERS)))
    for router in (*ROUTERS, *API_ROUTERS):
        app.include_router(router)

    app.add_middleware(Dressed)
    app.add_middleware(Measured)

    async def failed(request: Request, error: Exception) -> Response:
        if request.url.path.startswith(f"{PREFIX}/"):
            return problems.response(request, error)
        return await run_in_threadpool(_failed, request, error)

    for kind in (MinshengError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, failed)

    async def broken(request: Request, error: Exception) -> Response:
        if request.url.path.startswith(f"{PREFIX}/"):
            return problems.response(request, error)
        return PlainTextResponse("系统出错，没有办成；已记入日志。\n", 500)

    app.add_exception_handler(Exception, broken)
    return app


class Measured:
    """Counts requests for Prometheus."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            figures = scope["app"].state.console.figures
            await figures.measured(self._app)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Dressed:
    """Puts the headers of `console.headers` on every answer, and hands out the cookie that forms are bound to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                visit: Visit | None = scope.get("state", {}).get("visit")
                if visit is not None and headers.get("content-type", "").startswith("text/html"):
                    self._bind_forms(visit, headers)
            await send(message)

        await self._app(scope, receive, dressed)

    def _bind_forms(self, visit: Visit, headers: MutableHeaders) -> None:
        if visit.session is None and FORM_COOKIE not in visit.request.cookies:
            carrier = Response()
            carrier.set_cookie(FORM_COOKIE, visit.form_secret, httponly=True, samesite="strict", secure=visit.secure)
            headers.append("set-cookie", carrier.headers["set-cookie"])


def _failed(request: Request, error: Exception) -> Response:
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is None:
        if isinstance(error, Unavailable):
            log.warning("console_unavailable", reason=str(error))
            return PlainTextResponse("系统暂时不可用，请稍后再试。\n", 503, {"Retry-After": "10"})
        try:
            visit = visit_of(request)
        except MinshengError:
            return PlainTextResponse("系统暂时不可用，请稍后再试。\n", 503)
    if isinstance(error, SignInNeeded):
        return _sign_in_first(request, visit, error)
    if isinstance(error, Refused):
        visit.record("refused", request.url.path, {"right": error.right})
        return show(visit, "error.html.j2", code=403, title="您没有这项权限", message="需要时请联系管理员。")
    if isinstance(error, Forged) and error.form:
        return again(visit, error.form, request.url.path)
    if isinstance(error, TooLarge):
        return show(visit, "error.html.j2", code=413, title=error.message, message=error.hint)
    if isinstance(error, Forged):
        return show(visit, "error.html.j2", code=403, title=error.message, message=error.hint)
    if isinstance(error, TooManyTries):
        return show(visit, "error.html.j2", code=429, title=error.message, message=error.hint)
    if isinstance(error, Unavailable):
        log.warning("console_unavailable", reason=str(error))
        return show(
            visit,
            "error.html.j2",
            code=503,
            title="系统暂时不可用",
            message="请稍后再试；运维可用 minsheng doctor 查看原因。",
        )
    if isinstance(error, WrongUse | BadInput):
        return show(visit, "error.html.j2", code=400, title=in_words(error), message=advice(error))
    if isinstance(error, RequestValidationError):
        return show(visit, "error.html.j2", code=400, title="地址里的参数不对", message="请从页面上的链接进入。")
    if isinstance(error, HTTPException) and error.status_code == 404:
        return show(visit, "error.html.j2", code=404, title="没有这个页面，或您看不到它", message="请从菜单进入。")
    status = error.status_code if isinstance(error, HTTPException) else 500
    return show(visit, "error.html.j2", code=status, title="没有办成", message=str(error))


def _sign_in_first(request: Request, visit: Visit, error: SignInNeeded) -> Response:
    if request.method in ("GET", "HEAD"):
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        target = f"/sign-in?{urlencode({'next': back}, quote_via=quote)}" if back != "/" else "/sign-in"
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"HX-Redirect": target})
        return RedirectResponse(target, 303)
    # What was being sent is carried through the sign-in, and shown again to be sent once more.
    kept = keepable(error.form)
    return show(
        visit, "sign_in.html.j2", code=401, next="", kept=kept, kept_path=request.url.path, wrong="",
        expired=True, name="", out=False,
    )  # fmt: skip
