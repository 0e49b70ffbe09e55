"""OpenAPI 3.1: what each operation takes and answers, from the very structs that are decoded and encoded."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, get_args, get_origin

import msgspec
from fastapi import APIRouter, Response
from fastapi.openapi.utils import get_openapi

from console.api.problems import MEDIA_TYPE, TITLES, Problem
from console.api.repeats import HEADER as IDEMPOTENCY_HEADER
from console.api.routing import ApiRoute
from minsheng import __version__

_REFERENCE = "#/components/schemas/{name}"
_STRUCTS: dict[type[Any], None] = {}
"""Every type that an operation takes or answers."""

_CLOSED: set[str] = set()
"""Names of those that are taken: what they don't know is refused."""

_DESCRIPTIONS = {
    "bad-request": "The request can't be read.",
    "unauthenticated": "No token, or one that does not hold.",
    "forbidden": "The caller lacks the right; or a session wrote without its form token.",
    "not-found": "There is no such thing, or it is out of the caller's scope.",
    "conflict": "Not possible as things stand; or the same Idempotency-Key is being worked on.",
    "precondition-failed": "It was changed since it was read.",
    "too-large": "The body is larger than 1 MiB.",
    "unsupported-media-type": "The body is not application/json.",
    "invalid": "Something in the request is wrong; or the Idempotency-Key belongs to another request.",
    "precondition-required": "If-Match is missing.",
    "rate-limited": "Too many requests; Retry-After says how long to wait.",
    "unavailable": "Something behind is away.",
}


def told(
    answer: Any,
    summary: str,
    *,
    example: Any,
    body: Any = None,
    body_example: Any = None,
    status: int = 200,
    locked: bool = False,
    missing: bool = False,
    conflict: bool = False,
    media_type: str = "application/json",
) -> dict[str, Any]:
    """What a route is declared with.

    Parameters
    ----------
    answer:
        The struct that is answered; None: nothing (204).
    body:
        The struct that is taken, as the route's `read_body` names it.
    locked:
        It wants If-Match.
    missing, conflict:
        It may answer 404, 409.
    """
    good: dict[str, Any] = {"description": "Done." if answer is None else summary.rstrip(".") + "."}
    if answer is not None:
        good["content"] = {media_type: {"schema": _schema(answer), "example": example}}
        good["headers"] = {"ETag": {"description": "Names this version.", "schema": {"type": "string"}}}
    kinds = ["unauthenticated", "forbidden", "invalid", "rate-limited", "unavailable"]
    if body is not None or status in (201, 204) or locked or conflict:
        kinds.append("conflict")
    if body is not None:
        kinds += ["bad-request", "too-large", "unsupported-media-type"]
    if missing:
        kinds.append("not-found")
    if locked:
        kinds += ["precondition-failed", "precondition-required"]
    problem = {MEDIA_TYPE: {"schema": _schema(Problem)}}
    found: dict[int | str, dict[str, Any]] = {status: good}
    for kind in sorted(kinds, key=lambda one: TITLES[one][0]):
        found[TITLES[kind][0]] = {"description": _DESCRIPTIONS[kind], "content": problem}
    extra: dict[str, Any] = {}
    if body is not None:
        content = {"schema": _schema(body), "example": body_example}
        _CLOSED.add(body.__name__)
        extra["requestBody"] = {"required": True, "content": {"application/json": content}}
    return {
        "summary": summary,
        "response_class": Response,
        "status_code": status,
        "responses": found,
        "openapi_extra": {**extra, "x-minsheng-locked": locked},
    }


def _schema(kind: Any) -> dict[str, Any]:
    if get_origin(kind) is list:
        return {"type": "array", "items": _schema(get_args(kind)[0])}
    if kind is str:
        return {"type": "string"}
    if kind is dict:
        return {"type": "object"}
    _STRUCTS[kind] = None
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    return schema


_INTRODUCTION = """\
What the console shows, for programs. Texts of documents and names are Chinese; everything else is English.

**Callers.** `Authorization: Bearer msh_…` with a token of a user (`minsheng tokens add`). A token has
a part of its user's rights, and sees what its user's unit may see; what is out of its scope is answered like what is
not there. A browser's session may be used instead: its writing requests must then carry `X-Form-Token` with
`form_token` of `/api/v1/me`.

**Errors** are `application/problem+json` (RFC 9457); programs tell them apart by `type`, `urn:minsheng:problem:…`.

**Pages.** Lists answer `next`; send it as `cursor` to go on. Null: that was the last page.

**Versions.** Reads carry an `ETag`; with `If-None-Match` they answer 304 where nothing has changed. What may be changed
by several people at once wants `If-Match` with the ETag that was read, answers 412 where it was changed since, and says
what was done. Of a ticket's ETag only what stands before the dot counts: posts that come in are no reason to refuse.

**Repeats.** A writing request may carry an `Idempotency-Key` of one's own; for 24 hours the same request with the same
key is not done again and gets the same answer (`Idempotency-Replayed: true`), another request with it gets 422.

**Limits.** `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset` (seconds) stand on every answer; a body has at
most 1 MiB. Times are RFC 3339 with a zone; days are China's.
"""


def document(routers: Iterable[APIRouter]) -> dict[str, Any]:
    """The whole of it, as JSON values."""
    routes = [route for router in routers for route in router.routes if isinstance(route, ApiRoute)]
    made = get_openapi(
        title="Minsheng",
        version=__version__,
        openapi_version="3.1.0",
        description=_INTRODUCTION,
        routes=routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
    )
    _, components = msgspec.json.schema_components(list(_STRUCTS), ref_template=_REFERENCE)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(copy.deepcopy(components))
    for name in _CLOSED:
        schemas[name]["additionalProperties"] = False
    made["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of a user."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "minsheng-session",
            "description": "A browser's session.",
        },
    }
    for route in routes:
        for method in route.methods or ():
            _complete(made["paths"][route.path_format][method.lower()], route, method)
    return made


def _complete(operation: dict[str, Any], route: ApiRoute, method: str) -> None:
    right = route.guard.right
    operation["operationId"] = route.name
    locked = operation.pop("x-minsheng-locked", False)
    # What FastAPI adds of its own accord is told by `told`, as a problem.
    operation["responses"] = {
        code: {key: value for key, value in told.items() if key != "content" or _ours(value)}
        for code, told in operation["responses"].items()
    }
    # FastAPI takes nulls out of examples.
    for code, said in route.responses.items():
        for media, content in said.get("content", {}).items():
            if "example" in content:
                operation["responses"][str(code)]["content"][media]["example"] = content["example"]
    parameters = operation.setdefault("parameters", [])
    if right is None:
        operation["security"] = []
        for code in ("401", "403", "429"):
            operation["responses"].pop(code, None)
    else:
        words = operation.get("description", "")
        operation["description"] = f"{words}\n\nNeeds the right `{right}`.".strip()
        operation["security"] = [{"token": []}, {"session": []}]
        operation["x-minsheng-right"] = right
    if method == "GET":
        parameters.append(_header("If-None-Match", "The ETag that the caller has."))
        operation["responses"]["304"] = {"description": "Nothing has changed."}
    else:
        parameters.append(_header(IDEMPOTENCY_HEADER, "Do it once, whatever happens on the way.", most=200))
    if locked:
        parameters.append(_header("If-Match", "The ETag that was read.", required=True))
    if not parameters:
        del operation["parameters"]


def _ours(content: dict[str, Any]) -> bool:
    return not any("HTTPValidationError" in str(media.get("schema")) for media in content.values())


def _header(name: str, words: str, *, required: bool = False, most: int | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if most is not None:
        schema |= {"minLength": 1, "maxLength": most, "pattern": "^[ -~]+$"}
    return {"name": name, "in": "header", "required": required, "description": words, "schema": schema}
