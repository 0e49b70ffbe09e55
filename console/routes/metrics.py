"""The console's numbers for Prometheus: for this machine itself, or with the token of the settings."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Annotated

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from console.access import Visit, needs

router = APIRouter()
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@router.get("/metrics")
def metrics(visit: Annotated[Visit, needs(None)]) -> Response:
    """Without `metrics.token` only to whoever asks from this machine and not through a proxy."""
    token = visit.console.settings.metrics.token
    scheme, _, shown = visit.request.headers.get("authorization", "").partition(" ")
    if token is not None and scheme.lower() == "bearer":
        allowed = hmac.compare_digest(shown.strip().encode("utf-8", "replace"), token.reveal().encode())
    else:
        allowed = _from_here(visit.request)
    if not allowed:
        raise HTTPException(404)
    return Response(visit.console.figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _from_here(request: Request) -> bool:
    """A proxy on this machine that is not in `console.proxies` would make everybody come from here: so it must not
    have passed anything on."""
    if any(name in request.headers for name in _FORWARDED) or request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
