"""The one door: every route names the right it needs, and this is where it is asked for.

    @router.get("/tickets")
    def tickets(visit: Annotated[Visit, needs("tickets")]) -> Response: ...

A route without `needs` stops the program at its start (`check_routes`). Writing requests must also carry the form's
token and come from the console's own pages, before anything of theirs is read.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.params import Depends as DependsMark
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from console import translation
from console.accounts import User, hashed
from console.api.limits import limited
from console.rights import Right, rights_of
from console.scope import View
from console.sessions import Session
from console.tokens import Token
from minsheng.cli.times import parse_due
from minsheng.errors import MinshengError

if TYPE_CHECKING:
    from console.parts import Console

SESSION_COOKIE = "minsheng-session"
FORM_COOKIE = "minsheng-form"
LANGUAGE_COOKIE = "minsheng-language"
MAX_FIELD = 100_000
"""Characters of one field of a form."""
MAX_FORM = 4 << 20
"""Bytes of a form without a file: nobody need be signed in to send one."""


class SignInNeeded(MinshengError):
    """Nobody is signed in, or the session has ended. `form` is what was being sent, so that it is not lost."""

    def __init__(self, form: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__("请先登录")
        self.form = form


class Refused(MinshengError):
    """The user may not do this."""

    def __init__(self, visit: Visit, right: Right) -> None:
        super().__init__("您没有这项权限")
        self.visit = visit
        self.right = right


class Forged(MinshengError):
    """A form that this console did not hand out to this session. `form` is what was sent, where the browser vouches
    that a page of this console sent it: it was opened in an earlier session, and nothing of it is to be lost."""

    def __init__(self, form: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__("表单已失效，没有保存", "返回上一页，刷新后再提交")
        self.form = form


class TooLarge(MinshengError):
    """A file that is not taken in, and was not read."""


class Visit:
    """One request: who asks, what they may do and see, and what they sent.

    Parameters
    ----------
    holder:
        The token that a program shows in place of a session, and its user.
    """

    def __init__(
        self,
        request: Request,
        console: Console,
        session: Session | None,
        form: FormData,
        form_secret: str,
        holder: tuple[Token, User] | None = None,
    ) -> None:
        self.request = request
        self.console = console
        self.session = session
        self.token = holder[0] if holder else None
        self._user = holder[1] if holder else session.user if session else None
        self.rights: frozenset[str] = rights_of(self._user.roles) if self._user else frozenset()
        if self.token is not None:
            self.rights &= frozenset(self.token.rights)
        self.form_secret = form_secret
        self._form = form
        self._view: View | None = None

    @property
    def user(self) -> User:
        assert self._user is not None
        return self._user

    @property
    def actor(self) -> str:
        return self._user.name if self._user else "-"

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else ""

    @property
    def view(self) -> View:
        """What the user may see. Worked out at each request: a change of units or policies counts at once."""
        if self._view is None:
            tree = self.console.units.tree()
            unit = self.user.unit_id
            self._view = self.console.views.of(lambda policies: tree.grant(unit, policies))
        return self._view

    @cached_property
    def form_token(self) -> str:
        """What every form of this browser's session must send back."""
        return self.console.keys.sign("form", self.form_secret)

    @property
    def secure(self) -> bool:
        """Whether the browser speaks TLS to us, or to the proxy before us."""
        return self.request.url.scheme == "https" or self.console.settings.console.public_url.startswith("https://")

    def may(self, right: Right) -> bool:
        return right in self.rights

    def field(self, name: str, default: str = "") -> str:
        """A field of the form sent, without the spaces around it."""
        value = self._form.get(name)
        return value.strip()[:MAX_FIELD] if isinstance(value, str) else default

    def fields(self, name: str) -> list[str]:
        """All values of a field."""
        return [value.strip()[:MAX_FIELD] for value in self._form.getlist(name) if isinstance(value, str)]

    def items(self) -> list[tuple[str, str]]:
        """All fields, each value by itself."""
        return [(name, value) for name, value in self._form.multi_items() if isinstance(value, str)]

    def signed_in(self, token: str) -> Visit:
        """The same request, as of the session just begun."""
        session = self.console.sessions.get(token)
        return Visit(self.request, self.console, session, self._form, hashed(token))

    def file(self, name: str) -> UploadFile | None:
        """A file that was sent; None where none was chosen."""
        value = self._form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def moment(self, name: str) -> datetime | None:
        """A time typed into a form, China's; None where the field is empty. Raises `WrongUse`."""
        text = self.field(name)
        return parse_due(text, self.console.clock) if text else None

    def number(self, name: str) -> int | None:
        """A whole number; None where the field holds none."""
        text = self.field(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    def secret_field(self, name: str) -> str:
        """A password, as it was typed."""
        value = self._form.get(name)
        return value if isinstance(value, str) else ""

    def record(self, action: str, subject: str = "", detail: Mapping[str, Any] | None = None) -> None:
        """A line of the audit log in this user's name; it names the token that was used, if one was."""
        if self.token is not None:
            detail = {**(detail or {}), "token": self.token.id}
        self.console.audit.add(self.actor, action, subject, address=self.address, detail=detail)


class Guard:
    """Lets a request through to its page, or not. `right` None: a page for everybody, such as that to sign in.
    `files`: how many files its form may bring."""

    def __init__(self, right: Right | None, files: int = 0) -> None:
        self.right = right
        self.files = files

    async def __call__(self, request: Request) -> Visit:
        language = request.cookies.get(LANGUAGE_COOKIE, "zh")
        translation.current.set(language if language in translation.LANGUAGES else "zh")
        if request.method in ("GET", "HEAD"):
            return await run_in_threadpool(self._let_in, request, FormData())
        if self.files:
            await run_in_threadpool(_check_size, request)
        else:
            request = Request(request.scope, limited(request.receive, MAX_FORM))
        form = await request.form(max_files=self.files, max_fields=500)
        return await run_in_threadpool(self._let_in, request, form)

    def _let_in(self, request: Request, form: FormData) -> Visit:
        visit = visit_of(request, form)
        console, session, secret = visit.console, visit.session, visit.form_secret
        writes = request.method not in ("GET", "HEAD")
        if writes:
            refuse_other_sites(request)
        if self.right is not None and session is None:
            raise SignInNeeded([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
        if writes and not console.keys.signed("form", secret, visit.field("form_token")):
            ours = request.headers.get("sec-fetch-site") == "same-origin" and session is not None
            raise Forged(visit.items() if ours else ())
        if self.right is not None and self.right not in visit.rights:
            raise Refused(visit, self.right)
        if _beyond_numbers(request):
            raise HTTPException(404)
        return visit


def visit_of(request: Request, form: FormData | None = None) -> Visit:
    """Who asks. To be called by the guard, and for error pages of addresses that no guard stands before."""
    console: Console = request.app.state.console
    token = request.cookies.get(SESSION_COOKIE, "")
    # Files are the same for all, and are asked for a lot.
    session = None if request.url.path.startswith("/static/") else console.sessions.get(token)
    secret = hashed(token) if session else request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    visit = Visit(request, console, session, form or FormData(), secret)
    request.state.visit = visit
    return visit


def needs(right: Right | None, *, files: int = 0) -> DependsMark:
    """The mark that a route carries; see the top of this module."""
    mark = Depends(Guard(right, files))
    assert isinstance(mark, DependsMark)
    return mark


def _beyond_numbers(request: Request) -> bool:
    """Whether a number in the address is larger than any that the store could hold."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return False
    numbers = [one.alias for one in route.dependant.path_params if one.field_info.annotation is int]
    return any(len(str(request.path_params.get(name, ""))) > 18 for name in numbers)


def _check_size(request: Request) -> None:
    """Before a form with a file is read: somebody must be signed in, and it must not be too large."""
    console: Console = request.app.state.console
    if console.sessions.get(request.cookies.get(SESSION_COOKIE, "")) is None:
        raise SignInNeeded
    length = request.headers.get("content-length", "")
    most = console.settings.alert.attachment_bytes
    if not length.isdecimal() or int(length) > most + (1 << 20):
        raise TooLarge(
            f"文件太大：最多 {most // (1 << 20)} MB", "换一个小一些的文件，或请运维调整 alert.attachment_bytes"
        )


def refuse_other_sites(request: Request) -> None:
    """Browsers say which site a writing request comes from."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Forged
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Forged


def guarded(routers: Iterable[APIRouter]) -> Iterator[tuple[str, str, Right | None]]:
    """Method, path and right of every route. Raises `AssertionError` for a route that has not exactly one guard."""
    for route in (route for router in routers for route in router.routes):
        if not isinstance(route, APIRoute):
            raise AssertionError(f"{route} is no guarded route")
        guards = [one.call for one in route.dependant.dependencies if isinstance(one.call, Guard)]
        if len(guards) != 1:
            raise AssertionError(f"{route.path} needs one guard, has {len(guards)}")
        for method in sorted(route.methods or ()):
            yield method, route.path, guards[0].right
